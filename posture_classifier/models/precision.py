"""The type of number that a network is computed in: bfloat16 where the hardware has it, or else that of its weights."""

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn

Precision = Literal["auto", "fp32"]
"""``auto`` computes in bfloat16 where that is faster; ``fp32`` in the type of the weights everywhere."""
Mixed = Literal["bf16", "fp16"]
"""What a ``trainer.precision`` of ``bf16-mixed`` or ``16-mixed`` computes in, on whatever hardware."""
MIXED: dict[str, Mixed] = {"bf16-mixed": "bf16", "16-mixed": "fp16"}
TRUE = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
"""What a ``trainer.precision`` converts the weights to, when a training begins."""
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def native_bf16(device: torch.device) -> bool:
    """Whether this hardware computes in bfloat16 by itself; elsewhere it is emulated, and slower than float32."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # it asks the current one
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):  # since torch 2.10
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return False


def compute_type(network: nn.Module, precision: Precision | Mixed, learns: bool) -> torch.dtype:
    """The type to compute in: a function of what is wanted, hardware and network alone, so that a run can be repeated.

    Depthwise convolutions are slower in bfloat16 on the way back, so a network that has any learns in the type of its weights.

    Args:
        network: Whose weights are in float32, unless the user's ``trainer.precision`` converted them.
        precision: What the user wants.
        learns: Whether there will be a backward pass.
    """
    weights = next(network.parameters())
    if precision in TYPES:
        return TYPES[precision]
    if precision == "fp32" or weights.dtype != torch.float32 or not native_bf16(weights.device):
        return weights.dtype
    return weights.dtype if learns and any(map(_is_depthwise, network.modules())) else torch.bfloat16


def autocast(network: nn.Module, precision: Precision | Mixed, learns: bool) -> AbstractContextManager[Any]:
    """A context in which this thread computes the network in ``compute_type``, but for what is kept exact."""
    weights, dtype = next(network.parameters()), compute_type(network, precision, learns)
    return nullcontext() if dtype == weights.dtype else torch.autocast(weights.device.type, dtype)


def keep_exact(classifiers: list[nn.Module]) -> None:
    """Have these layers compute in the type of their weights from now on, also within ``autocast``.

    That costs nothing in any type, and logits of bfloat16's eight bits would be equal where the photos are not.
    """
    for classifier in classifiers:
        classifier.register_forward_pre_hook(_enter)
        classifier.register_forward_hook(_leave, always_call=True)


class _Autocast(threading.local):
    """Whether this thread was within ``autocast`` when it came to the classifiers that it is in."""

    def __init__(self) -> None:
        self.was_on: list[bool] = []


_autocast = _Autocast()


def _enter(classifier: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    weights = next(classifier.parameters())
    _autocast.was_on.append(torch.is_autocast_enabled(weights.device.type))
    # Turned off, rather than a context entered, which an interruption would not leave.
    torch.set_autocast_enabled(weights.device.type, False)
    return tuple(value.to(weights.dtype) for value in inputs)


def _leave(classifier: nn.Module, *_: Any) -> None:
    torch.set_autocast_enabled(next(classifier.parameters()).device.type, _autocast.was_on.pop())


def name_of(dtype: torch.dtype) -> str:
    """Such as ``bfloat16``."""
    return str(dtype).removeprefix("torch.")


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
