"""Weights of torchvision's networks, under the names that timm gives the same tensors."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

Rename = tuple[str, str | Callable[[re.Match[str]], str]]

NAMES = {
    "inception_v3_aux": "inception_v3",
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "vit_base_patch16_224": "vit_b_16",
    "vit_base_patch32_224": "vit_b_32",
    "vit_large_patch16_224": "vit_l_16",
    "vit_large_patch32_224": "vit_l_32",
    "swin_tiny_patch4_window7_224": "swin_t",
    "swin_small_patch4_window7_224": "swin_s",
    "swin_base_patch4_window7_224": "swin_b",
    "regnetx_004_tv": "regnet_x_400mf",
    "regnetx_008": "regnet_x_800mf",
    "regnetx_016": "regnet_x_1_6gf",
    "regnetx_032": "regnet_x_3_2gf",
    "regnetx_080": "regnet_x_8gf",
    "regnetx_160": "regnet_x_16gf",
    "regnetx_320": "regnet_x_32gf",
    "regnety_004": "regnet_y_400mf",
    "regnety_008_tv": "regnet_y_800mf",
    "regnety_016": "regnet_y_1_6gf",
    "regnety_032": "regnet_y_3_2gf",
    "regnety_080_tv": "regnet_y_8gf",
    "regnety_160": "regnet_y_16gf",
    "regnety_320": "regnet_y_32gf",
}
"""Torchvision's names of timm's networks, where they differ."""
VERSIONS = {"": ("IMAGENET1K_V2", "IMAGENET1K_V1"), "tv_in1k": ("IMAGENET1K_V1",), "tv2_in1k": ("IMAGENET1K_V2",)}
"""Torchvision's weights that do for a tag of timm, the part of a name after its dot."""
LARGE_EPSILON = re.compile(r"efficientnet_b[5-7]|mobilenetv3_(large|small)_100")
"""Networks whose batch norms add 0.001 to the variance in torchvision."""
RENAMES: dict[str, tuple[Rename, ...]] = {
    "convnext": (
        (r"^features\.0\.", "stem."),
        (r"^features\.(\d*[02468])\.", lambda m: f"stages.{int(m[1]) // 2}.downsample."),
        (r"^features\.(\d+)\.(\d+)\.", lambda m: f"stages.{int(m[1]) // 2}.blocks.{m[2]}."),
        (r"\.layer_scale$", ".gamma"),
        (r"\.block\.0\.", ".conv_dw."),
        (r"\.block\.2\.", ".norm."),
        (r"\.block\.3\.", ".mlp.fc1."),
        (r"\.block\.5\.", ".mlp.fc2."),
        (r"^classifier\.0\.", "head.norm."),
        (r"^classifier\.2\.", "head.fc."),
    ),
    "swin_transformer": (
        (r"^features\.0\.0\.", "patch_embed.proj."),
        (r"^features\.0\.2\.", "patch_embed.norm."),
        (r"^features\.(\d*[02468])\.", lambda m: f"layers.{int(m[1]) // 2}.downsample."),
        (r"^features\.(\d+)\.(\d+)\.", lambda m: f"layers.{int(m[1]) // 2}.blocks.{m[2]}."),
        (r"\.mlp\.0\.", ".mlp.fc1."),
        (r"\.mlp\.3\.", ".mlp.fc2."),
        (r"^head\.", "head.fc."),
    ),
    "vision_transformer": (
        (r"^class_token$", "cls_token"),
        (r"^conv_proj\.", "patch_embed.proj."),
        (r"^encoder\.pos_embedding$", "pos_embed"),
        (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
        (r"\.ln_(\d)\.", r".norm\1."),
        (r"\.self_attention\.in_proj_", ".attn.qkv."),
        (r"\.self_attention\.out_proj\.", ".attn.proj."),
        (r"\.mlp\.(0|linear_1)\.", ".mlp.fc1."),
        (r"\.mlp\.(3|linear_2)\.", ".mlp.fc2."),
        (r"^encoder\.ln\.", "norm."),
        (r"^heads\.head\.", "head."),
    ),
}
"""By timm's file: what replaces which part of a name, one rule after the other."""
SAME_ORDER = ("efficientnet", "mobilenetv3")
"""Files of timm whose networks have torchvision's layers in the same order."""


def from_torchvision(state: dict[str, Tensor], backbone: nn.Module, name: str) -> dict[str, Tensor]:
    """Give tensors of torchvision's network the names and shapes that they have in timm's.

    Networks whose tensors have the same names in both, and those for which timm itself has a
    conversion, are not in here.

    Returns:
        The tensors by timm's names; none if the state is of another kind.
    """
    family = type(backbone).__module__.rpartition(".")[2]
    if not any(key.startswith(("features.0.", "conv_proj.")) for key in state):
        return {}
    if family in RENAMES:
        renamed = {_renamed(key, RENAMES[family]): value for key, value in state.items()}
    elif family in SAME_ORDER:
        renamed = dict(_in_order(state, backbone))
    else:
        return {}
    own = backbone.state_dict()
    same = {key: _reshaped(value, own[key]) for key, value in renamed.items() if key in own}
    return _with_epsilon(same, backbone) if LARGE_EPSILON.match(name) else same


def expects_imagenet_pixels(backbone: nn.Module) -> None:
    """Note that a network's weights are torchvision's, all of which expect one normalisation.

    timm has trained some of the same networks with another one.
    """
    normalisation = {"mean": IMAGENET_DEFAULT_MEAN, "std": IMAGENET_DEFAULT_STD}
    backbone.pretrained_cfg = {**backbone.pretrained_cfg, **normalisation}  # type: ignore[dict-item, assignment]


def _renamed(key: str, rules: Iterable[Rename]) -> str:
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def _in_order(state: dict[str, Tensor], backbone: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Pair the layers of both networks from input to output; names within a layer are the same."""
    theirs = sorted({key.rpartition(".")[0] for key in state}, key=_depth)
    own = dict.fromkeys(key.rpartition(".")[0] for key in backbone.state_dict())
    layers = dict(zip(theirs, own, strict=False))
    for key, value in state.items():
        layer, _, tensor = key.rpartition(".")
        if layer in layers:
            yield f"{layers[layer]}.{tensor}", value


def _depth(layer: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    parts = [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in layer.split(".")]
    return layer.startswith("classifier"), parts


def _reshaped(value: Tensor, own: Tensor) -> Tensor:
    """The tensor in its own shape: a linear layer may be a convolution of one pixel."""
    same = isinstance(value, Tensor) and [n for n in value.shape if n > 1] == [n for n in own.shape if n > 1]
    return value.reshape(own.shape) if same else value


def _with_epsilon(state: dict[str, Tensor], backbone: nn.Module, epsilon: float = 1e-3) -> dict[str, Tensor]:
    """Add to the running variances what timm's batch norms add less to them than torchvision's."""
    norms = {f"{key}.running_var": module for key, module in backbone.named_modules() if isinstance(module, nn.BatchNorm2d)}
    return {key: value + (epsilon - norms[key].eps) if key in norms else value for key, value in state.items()}


def published_weights(name: str) -> list[Any]:
    """Torchvision's ImageNet weights for a network of timm, its recommended ones first.

    Returns:
        Members of torchvision's ``WeightsEnum`` with their address as ``url``.

    Example:
        >>> [weights.name for weights in published_weights("resnet50")]
        ['IMAGENET1K_V2', 'IMAGENET1K_V1']
    """
    from torchvision import models

    architecture, _, tag = name.partition(".")
    architecture = NAMES.get(architecture, architecture)
    if architecture not in models.list_models(module=models):
        return []
    wanted = VERSIONS.get(tag, ())
    weights = {each.name: each for each in models.get_model_weights(architecture)}
    return [weights[version] for version in wanted if version in weights]


def cached_file(name: str) -> Path | None:
    """A file of torchvision's weights for a network of timm in torch's cache (``TORCH_HOME``)."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    files = [folder / Path(urlsplit(weights.url).path).name for weights in published_weights(name)]
    return next((file for file in files if file.is_file()), None)
