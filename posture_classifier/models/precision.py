"""Chooses the type that a network is computed in: bfloat16 if the hardware has it."""

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn

Precision = Literal["auto", "fp32"]
"""``auto`` computes in bfloat16 where that is faster; ``fp32`` in the type of the weights
everywhere."""
Mixed = Literal["bf16", "fp16"]
"""Type of Lightning's mixed precisions, which the user chooses whatever the hardware."""
MIXED_PRECISION: dict[str, Mixed] = {"bf16-mixed": "bf16", "16-mixed": "fp16"}
"""Values of ``trainer.precision`` that compute in another type than that of the weights."""
TRUE_PRECISION = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
"""Values of ``trainer.precision`` that convert the weights when a training begins, and the type
they become."""
_MIXED_TYPES: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}


def native_bf16(device: torch.device) -> bool:
    """Whether the hardware itself computes in bfloat16; emulated, it is slower than float32."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # it asks the current one
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):  # since torch 2.10
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return False


def compute_type(network: nn.Module, precision: Precision | Mixed, learns: bool) -> torch.dtype:
    """The type to compute in, which only depends on precision, hardware and network.

    So a run can be repeated.

    The backward pass of depthwise convolutions is slower in bfloat16, so a network that has any is
    trained in the type of its weights.

    Args:
        network: The network; its weights are float32 unless ``trainer.precision`` converted them.
        precision: The precision that the user chose.
        learns: Whether there will be a backward pass.
    """
    weights = next(network.parameters())
    if precision in _MIXED_TYPES:
        return _MIXED_TYPES[precision]
    if precision == "fp32" or weights.dtype != torch.float32 or not native_bf16(weights.device):
        return weights.dtype
    return weights.dtype if learns and any(map(_is_depthwise, network.modules())) else torch.bfloat16


def autocast(network: nn.Module, precision: Precision | Mixed, learns: bool) -> AbstractContextManager[Any]:
    """A context in which this thread computes the network in ``compute_type``.

    Layers of ``exclude_from_autocast`` are excepted.
    """
    weights, dtype = next(network.parameters()), compute_type(network, precision, learns)
    return nullcontext() if dtype == weights.dtype else torch.autocast(weights.device.type, dtype)


def exclude_from_autocast(classifiers: list[nn.Module]) -> None:
    """Make these layers compute in the type of their weights from now on, also within ``autocast``.

    For a classifier this takes no time, and logits of bfloat16's eight bits would be equal for
    photos that differ.
    """
    for classifier in classifiers:
        classifier.register_forward_pre_hook(_disable_autocast)
        classifier.register_forward_hook(_restore_autocast, always_call=True)


class _Autocast(threading.local):
    """Whether autocast was on when this thread entered each of the classifiers that it is in."""

    def __init__(self) -> None:
        self.was_on: list[bool] = []


_autocast = _Autocast()


def _disable_autocast(classifier: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    weights = next(classifier.parameters())
    _autocast.was_on.append(torch.is_autocast_enabled(weights.device.type))
    # A flag rather than a context, which an interrupted forward pass would not leave.
    torch.set_autocast_enabled(weights.device.type, False)
    return tuple(value.to(weights.dtype) for value in inputs)


def _restore_autocast(classifier: nn.Module, *_: Any) -> None:
    torch.set_autocast_enabled(next(classifier.parameters()).device.type, _autocast.was_on.pop())


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a type without ``torch.``, such as ``bfloat16``."""
    return str(dtype).removeprefix("torch.")


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
