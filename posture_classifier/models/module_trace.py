"""Records when each module runs in a forward pass, and which maps an all-stages head takes."""

from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor, nn

from posture_classifier.models.all_stages_head import GridPool


class ModuleCalls(NamedTuple):
    """When a module ran in a forward pass; times count the calls and returns of all modules."""

    start: int  # of its first call
    end: int  # of its last return
    n_calls: int
    keeps_shape: bool  # whether every output had the shape of its first input


class Trace(NamedTuple):
    """The record of one forward pass.

    Attributes:
        calls: Every module that ran, by name.
        candidates: Names of modules that ran once, before any open parameter was used, and returned
            a tensor with a row per image, in the order of their returns.
        pooled_at: Times at which a ``GridPool`` took the output of a module, by the module's name.
        returned: What each module returned in each call, and how often that had been changed in
            place by then; empty unless asked for, since it holds all activations.
    """

    calls: dict[str, ModuleCalls]
    candidates: list[str]
    pooled_at: dict[str, int]
    returned: dict[str, list[tuple[Any, int]]]


class _Recorder:
    """The hooks that record a forward pass, and what they have seen."""

    def __init__(self, n_images: int, opened: bool, keep_returned: bool) -> None:
        self.calls: dict[str, ModuleCalls] = {}
        self.outputs: list[tuple[str, Tensor]] = []  # of modules that returned before an open parameter was used
        self.pooled_at: dict[str, int] = {}
        self.returned: dict[str, list[tuple[Any, int]]] = {}
        self._keep_returned = keep_returned
        self._n_images = n_images
        self._opened = opened
        self._time = 0

    def before(self, name: str, module: nn.Module, inputs: Any) -> None:
        self._time += 1
        if isinstance(module, GridPool):
            # Modules that work in place return one tensor after the other: the last of them left
            # what is pooled.
            sources = [other for other, output in self.outputs if output is inputs[0]]
            if sources:
                self.pooled_at[sources[-1]] = self._time
        earlier = self.calls.get(name, ModuleCalls(self._time, self._time, 0, True))
        self.calls[name] = earlier._replace(end=self._time, n_calls=earlier.n_calls + 1)
        self._opened |= any(parameter.requires_grad for parameter in module.parameters(recurse=False))

    def after(self, name: str, _: nn.Module, inputs: Any, output: Any) -> None:
        self._time += 1
        call = self.calls[name]
        same_shape = bool(inputs) and getattr(inputs[0], "shape", None) == getattr(output, "shape", ())
        self.calls[name] = call._replace(end=self._time, keeps_shape=call.keeps_shape and same_shape)
        if self._keep_returned:
            self.returned.setdefault(name, []).append((output, getattr(output, "_version", 0)))
        if self._opened or not isinstance(output, Tensor) or len(output) != self._n_images:
            return
        # Of nested modules that return one tensor, only the outermost is listed: fewer names to
        # understand.
        if self.outputs and self.outputs[-1][1] is output and self.outputs[-1][0].startswith(f"{name}."):
            self.outputs.pop()
        self.outputs.append((name, output))


def trace_modules(backbone: nn.Module, images: Tensor, keep_returned: bool = False) -> Trace:
    """Run a forward pass of images (B, 3, H, W) in the modules' present modes, and record it."""
    opened = any(parameter.requires_grad for parameter in backbone.parameters(recurse=False))
    recorder = _Recorder(len(images), opened, keep_returned)
    with ExitStack() as stack:
        for name, module in backbone.named_modules():
            if name:
                stack.enter_context(module.register_forward_pre_hook(partial(recorder.before, name)))
                stack.enter_context(module.register_forward_hook(partial(recorder.after, name)))
        backbone(images)
    candidates = [name for name, _ in recorder.outputs if recorder.calls[name].n_calls == 1]
    return Trace(recorder.calls, candidates, recorder.pooled_at, recorder.returned)
