"""Dividing any network into a frozen prefix, which need not be computed twice, and the suffix that learns."""

import math
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from posture_classifier.models.all_stages_head import grid_pool
from posture_classifier.models.module_trace import Calls, trace_modules
from posture_classifier.models.precision import Mixed, Precision, autocast

MAX_ATTEMPTS = 20
"""Cuts that are tried in vain before everything is computed anew in each step."""


class Cut:
    """A network divided at the output of one of its modules, so that ``suffix(prefix(images))`` equals the whole.

    Neither part is a copy. The prefix is the network's own forward pass, left when the module has answered; the suffix is
    the same pass over a single empty image, in which the module answers with what was kept.

    Args:
        backbone: The whole network.
        name: Name of the module whose output is kept.
        skipped: Modules that run before it, and in the suffix hand on what they are given; those that are not skipped
            compute something for the empty image, which nobody looks at.
        image: The empty image (1, 3, H, W).
        shown: Modules before it whose maps a head that sees all stages is shown; they are kept pooled, as it sees them.
    """

    precision: Precision | Mixed = "fp32"
    """What the prefix is computed in."""
    kept_as: torch.dtype | None = None
    """What the prefix answers in, where that is to be kept; None is what it was computed in."""
    beyond: Sequence[str] = ()
    """Names of frozen modules that come after it, because the network cannot be divided later."""

    def __init__(self, backbone: nn.Module, name: str, skipped: list[nn.Module], image: Tensor, shown: list[nn.Module]) -> None:
        self.backbone = backbone
        self.name = name
        self._module = backbone.get_submodule(name)
        self._skipped = skipped
        self._image = image
        self._shown = shown
        self._shapes: list[torch.Size] = []  # of the parts of a row, known from the first prefix on

    def prefix(self, images: Tensor) -> Tensor:
        """What the module answers, (B, ...), of images (B, 3, H, W): in evaluation mode, and without a graph for gradients.

        With pooled maps of earlier stages before it in one row, (B, N), where the head sees them.
        """
        with self.passes() as prefix:
            return prefix(images)

    @contextmanager
    def passes(self) -> Iterator[Callable[[Tensor], Tensor]]:
        """``prefix`` as a function for many calls, also of several threads at once: the network is put up for it once."""
        hooks = [self._module.register_forward_hook(_leave), *(module.register_forward_hook(_collect) for module in self._shown)]
        try:
            with _in_modes(self.backbone, training=False):
                yield self._until_left
        finally:
            for hook in hooks:
                hook.remove()

    @torch.no_grad()
    def _until_left(self, images: Tensor) -> Tensor:
        _collected.maps = []
        try:
            with autocast(self.backbone, self.precision, learns=False):
                self.backbone(images.to(self._image.dtype).contiguous(memory_format=torch.channels_last))
        except _Reached as reached:
            kept = reached.output
            if self._shown:
                parts = [*_collected.maps, kept]
                self._shapes = [part.shape[1:] for part in parts]
                kept = torch.cat([part.flatten(1) for part in parts], dim=1)
            return kept if self.kept_as is None else kept.to(self.kept_as)
        raise RuntimeError(f"{self.name} took no part in the forward pass")

    def suffix(self, kept: Tensor) -> Any:
        """What the whole network answers, of the output of ``prefix``."""
        kept = kept.to(self._image.dtype)
        parts = [kept]
        if self._shown:
            rows = torch.split(kept, [shape.numel() for shape in self._shapes], dim=1)
            parts = [row.reshape(-1, *shape) for row, shape in zip(rows, self._shapes, strict=True)]
        with _answers(self._skipped, _hand_on), ExitStack() as stack:
            for module, part in zip([*self._shown, self._module], parts, strict=True):
                stack.enter_context(_answers([module], _always(part)))
            return self.backbone(self._image)


class _Reached(Exception):  # noqa: N818 - a way out, not an error
    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


def _leave(module: nn.Module, inputs: Any, output: Tensor) -> None:
    raise _Reached(output)


class _Collected(threading.local):
    """The pooled maps of the pass that this thread is in."""

    def __init__(self) -> None:
        self.maps: list[Tensor] = []


_collected = _Collected()


def _collect(module: nn.Module, inputs: Any, output: Tensor) -> None:
    _collected.maps.append(grid_pool(output))


def _hand_on(first: Any, *_: Any, **__: Any) -> Any:
    return first


def _always(kept: Tensor) -> Callable[..., Tensor]:
    if kept.ndim == 4:
        kept = kept.contiguous(memory_format=torch.channels_last)
    return lambda *_, **__: kept


@contextmanager
def _answers(modules: list[nn.Module], forward: Any) -> Iterator[None]:
    """Give modules another forward function; an instance's attribute comes before its class's method."""
    for module in modules:
        module.forward = forward
    try:
        yield
    finally:
        for module in modules:
            del module.forward


def find_cut(backbone: nn.Module, image_size: int) -> Cut | None:
    """The latest cut before the first open parameter that passes a numerical check; None where there is none.

    A candidate is any module that has answered before the first module with an open parameter is asked. It passes if the
    divided network gives what the whole one gives, in evaluation and in the modes that the modules are in, with the same
    random numbers: so nothing random is frozen into what is kept, and no second path leads around the module.

    Args:
        backbone: A network whose frozen parameters have ``requires_grad`` off.
        image_size: Side of its images in pixels.
    """
    parameter = next(backbone.parameters())
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, image_size, image_size, generator=generator).to(parameter.device, parameter.dtype)
    images = images.contiguous(memory_format=torch.channels_last)
    with _left_as_it_was(backbone), torch.no_grad():
        calls, candidates, shown = trace_modules(backbone, images)
        for name in reversed(candidates[-MAX_ATTEMPTS:]):
            # Modules before the cut that the head is shown only after it: they answer in the suffix, and so are not skipped.
            earlier = [other for other, when in shown.items() if calls[other].last < calls[name].first and calls[name].last < when]
            done = {other: call for other, call in calls.items() if call.last < calls[name].first and not _holds(other, earlier)}
            like_identity = {other: call for other, call in done.items() if call.keeps_shape}
            # Transformers add positions between their modules, which fit the shapes that they should have there only.
            for skipped in (done, like_identity):
                modules = [backbone.get_submodule(other) for other in _outermost(skipped)]
                cut = Cut(backbone, name, modules, torch.zeros_like(images[:1]), list(map(backbone.get_submodule, earlier)))
                if _agrees(cut, images):
                    cut.beyond = _frozen_after(backbone, calls, name)
                    return cut
    return None


def _holds(name: str, others: Collection[str]) -> bool:
    return any(f"{other}.".startswith(f"{name}.") for other in others)


def _frozen_after(backbone: nn.Module, calls: dict[str, Calls], cut: str) -> list[str]:
    """Names of the frozen modules that run between a cut and the first open parameter."""
    own = {name: list(backbone.get_submodule(name).parameters(recurse=False)) for name in calls}
    opened = [calls[name].first for name, parameters in own.items() if any(p.requires_grad for p in parameters)]
    after = [name for name, call in calls.items() if calls[cut].last < call.first < min(opened, default=math.inf)]
    below = {name: list(backbone.get_submodule(name).parameters()) for name in after}
    return _outermost([name for name in after if below[name] and not any(p.requires_grad for p in below[name])])


def _outermost(names: Collection[str]) -> list[str]:
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def _agrees(cut: Cut, images: Tensor) -> bool:
    for training in (False, True):
        with _in_modes(cut.backbone, training):
            torch.manual_seed(0)
            whole = _as_tuple(cut.backbone(images))
            torch.manual_seed(0)
            try:
                parts = _as_tuple(cut.suffix(cut.prefix(images)))
            # Whatever an architecture raises when its modules hand on what they did not compute: it can't be cut like this.
            except Exception:
                return False
            if len(parts) != len(whole) or not all(map(_close, parts, whole)):
                return False
    return True


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def _close(one: Tensor, other: Tensor) -> bool:
    # Relative to the largest: another memory layout may add in another order.
    return one.shape == other.shape and bool((one - other).abs().max() <= 1e-4 * other.abs().max().clamp(min=1e-6))


@contextmanager
def _in_modes(backbone: nn.Module, training: bool) -> Iterator[None]:
    """In evaluation, or in the modes that the modules are in; afterwards these again."""
    modes = [(module, module.training) for module in backbone.modules()]
    for module, mode in modes:
        module.training = training and mode
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _left_as_it_was(backbone: nn.Module) -> Iterator[None]:
    """Put statistics and random numbers back."""
    buffers = {name: buffer.clone() for name, buffer in backbone.named_buffers()}
    device = next(backbone.parameters()).device
    # Not those of all devices, as it would otherwise be, with a warning that this takes long.
    with torch.random.fork_rng(
        [] if device.type == "cpu" else [device], device_type="cuda" if device.type == "cpu" else device.type
    ):
        try:
            yield
        finally:
            for name, buffer in backbone.named_buffers():
                buffer.copy_(buffers[name])


def frozen_state(network: nn.Module) -> list[Any]:
    """Names and values of everything in a network that training does not change now."""
    parts: list[Any] = []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            parts += [name, parameter]
    for name, module in network.named_modules():
        if not module.training:
            for key, buffer in module.named_buffers(recurse=False):
                parts += [f"{name}.{key}", buffer]
    return parts
