"""Divides any network into a frozen prefix, with outputs to cache, and the suffix that learns."""

import math
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from posture_classifier.models.all_stages_head import grid_pool
from posture_classifier.models.module_trace import ModuleCalls, Trace, trace_modules
from posture_classifier.models.precision import Mixed, Precision, autocast

MAX_ATTEMPTS = 20
"""Modules that are tried as a cut before a network counts as one that cannot be divided."""


class Cut:
    """A network divided after one of its modules: ``suffix(prefix(images))`` equals the whole.

    Neither part is a copy. The prefix is the network's own forward pass, stopped when the module
    returns. The suffix is the forward pass of one blank image in which the module returns a given
    (cached) output instead of its own.

    Args:
        backbone: The whole network.
        name: Name of the module whose output the prefix returns.
        skipped: Modules before the cut that return their input in the suffix. Other modules before
            the cut compute something for the blank image, which is then ignored.
        blank: The blank image (1, 3, H, W).
        pooled: Modules before the cut whose maps an all-stages head takes after it. The prefix
            returns these maps too, pooled as the head pools them.
    """

    precision: Precision | Mixed = "fp32"
    """Precision of the prefix's forward pass."""
    cache_dtype: torch.dtype | None = None
    """Type that the prefix's output is rounded to for the cache; None leaves it as it was computed.
    """
    frozen_after: Sequence[str] = ()
    """Names of frozen modules after the cut, which stay in the suffix because no later cut is
    possible."""

    def __init__(self, backbone: nn.Module, name: str, skipped: list[nn.Module], blank: Tensor, pooled: list[nn.Module]) -> None:
        self.backbone = backbone
        self.name = name
        self._module = backbone.get_submodule(name)
        self._skipped = skipped
        self._blank = blank
        self._pooled = pooled
        self._shapes: list[torch.Size] = []  # of the maps in a row of the prefix's output, known after its first pass

    def prefix(self, images: Tensor) -> Tensor:
        """Output (B, ...) of the module for images (B, 3, H, W).

        It is computed in evaluation mode and without gradients.

        With an all-stages head: (B, N), each row the pooled maps of earlier stages and the module's
        output.
        """
        with self.prefix_function() as prefix:
            return prefix(images)

    @contextmanager
    def prefix_function(self) -> Iterator[Callable[[Tensor], Tensor]]:
        """``prefix`` as a function for many calls, also from several threads at once.

        The network is prepared once for all calls.
        """
        with ExitStack() as stack:
            stack.enter_context(self._module.register_forward_hook(_stop_forward))
            for module in self._pooled:
                stack.enter_context(module.register_forward_hook(_collect_pooled))
            stack.enter_context(evaluation_mode(self.backbone))
            yield self._run_prefix

    @torch.no_grad()
    def _run_prefix(self, images: Tensor) -> Tensor:
        _this_thread.pooled_maps = []
        try:
            with autocast(self.backbone, self.precision, learns=False):
                self.backbone(images.to(self._blank.dtype).contiguous(memory_format=torch.channels_last))
        except _ForwardStopped as stopped:
            output = stopped.output
            if self._pooled:
                maps = [*_this_thread.pooled_maps, output]
                self._shapes = [each.shape[1:] for each in maps]
                output = torch.cat([each.flatten(1) for each in maps], dim=1)
            return output if self.cache_dtype is None else output.to(self.cache_dtype)
        raise RuntimeError(f"{self.name} took no part in the forward pass")

    def suffix(self, cached: Tensor) -> Any:
        """Output of the whole network, computed from the output of ``prefix``."""
        cached = cached.to(self._blank.dtype)
        maps = [cached]
        if self._pooled:
            rows = torch.split(cached, [shape.numel() for shape in self._shapes], dim=1)
            maps = [row.reshape(-1, *shape) for row, shape in zip(rows, self._shapes, strict=True)]
        with ExitStack() as stack:
            for module in self._skipped:
                stack.enter_context(replaced_forward(module, return_input))
            for module, output in zip([*self._pooled, self._module], maps, strict=True):
                stack.enter_context(replaced_forward(module, _constant(output)))
            return self.backbone(self._blank)


class _ForwardStopped(Exception):  # noqa: N818 - ends a forward pass early, and is no error
    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


class _ThisThread(threading.local):
    """The pooled maps of the forward pass that this thread is in."""

    pooled_maps: list[Tensor]


_this_thread = _ThisThread()


def _stop_forward(module: nn.Module, inputs: Any, output: Tensor) -> None:
    raise _ForwardStopped(output)


def _collect_pooled(module: nn.Module, inputs: Any, output: Tensor) -> None:
    _this_thread.pooled_maps.append(grid_pool(output))


def return_input(first: Any, *_: Any, **__: Any) -> Any:
    """The forward function of a module that does nothing."""
    return first


def _constant(output: Tensor) -> Callable[..., Tensor]:
    if output.ndim == 4:
        output = output.contiguous(memory_format=torch.channels_last)
    return lambda *_, **__: output


@contextmanager
def replaced_forward(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """Give a module another forward function: an instance's attribute hides its class's method."""
    module.forward = forward
    try:
        yield
    finally:
        del module.forward


def find_cut(backbone: nn.Module, image_size: int) -> Cut | None:
    """Find the latest place before the first open parameter where the network can be divided.

    A candidate is any module that has returned before the first module with an open parameter
    runs. It is accepted if the divided network gives the whole network's output, in evaluation mode
    and in the modes that the modules are in, for the same random numbers. So no dropout is frozen
    into what is cached, and no skip connection leads around the module.

    Args:
        backbone: A network whose frozen parameters have ``requires_grad`` off, and whose frozen
            modules are in evaluation mode.
        image_size: Side of the images in pixels.

    Example:
        >>> from posture_classifier.models.weights import create_backbone
        >>> backbone, _ = create_backbone("test_resnet", n_classes=2, pretrained=False)
        >>> for name, parameter in backbone.eval().named_parameters():
        ...     parameter.requires_grad = name.startswith(("layer4", "fc"))
        >>> cut = find_cut(backbone, image_size=64)
        >>> cut.name, cut.prefix(torch.rand(5, 3, 64, 64)).shape
        ('layer3', torch.Size([5, 192, 4, 4]))
    """
    images = two_images(backbone, image_size).contiguous(memory_format=torch.channels_last)
    with _preserved_state(backbone), torch.no_grad():
        trace = trace_modules(backbone, images)
        for name in reversed(trace.candidates[-MAX_ATTEMPTS:]):
            for cut in _cuts_after(name, backbone, trace, torch.zeros_like(images[:1])):
                if _equals_whole(cut, images):
                    cut.frozen_after = _frozen_after(backbone, trace.calls, name)
                    return cut
    return None


def two_images(network: nn.Module, image_size: int) -> Tensor:
    """Noise (2, 3, H, W) where the network is and of its type, to try it on."""
    parameter = next(network.parameters())
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, image_size, image_size, generator=generator).to(parameter.device, parameter.dtype)


def _cuts_after(name: str, backbone: nn.Module, trace: Trace, blank: Tensor) -> Iterator[Cut]:
    """Two ways to divide a network after a module, the one with the faster suffix first."""
    start, end = trace.calls[name].start, trace.calls[name].end
    # Modules whose map is pooled only after the cut return that map in the suffix, so they are not
    # skipped.
    pooled = [other for other, time in trace.pooled_at.items() if trace.calls[other].end < start and end < time]
    before = {other: call for other, call in trace.calls.items() if call.end < start and not _contains_any(other, pooled)}
    # Transformers add position embeddings between modules, which only fit if the shapes there are
    # the usual ones.
    with_same_shape = [other for other, call in before.items() if call.keeps_shape]
    for skipped in (before, with_same_shape):
        modules = [backbone.get_submodule(other) for other in _outermost(skipped)]
        yield Cut(backbone, name, modules, blank, [backbone.get_submodule(other) for other in pooled])


def _contains_any(name: str, others: Collection[str]) -> bool:
    return any(f"{other}.".startswith(f"{name}.") for other in others)


def _frozen_after(backbone: nn.Module, calls: dict[str, ModuleCalls], cut: str) -> list[str]:
    """Names of the frozen modules that run between a cut and the first open parameter."""
    own = {name: list(backbone.get_submodule(name).parameters(recurse=False)) for name in calls}
    first_open = min((calls[name].start for name, own_ in own.items() if any(p.requires_grad for p in own_)), default=math.inf)
    after = [name for name, call in calls.items() if calls[cut].end < call.start < first_open]
    parameters = {name: list(backbone.get_submodule(name).parameters()) for name in after}
    return _outermost([name for name in after if parameters[name] and not any(p.requires_grad for p in parameters[name])])


def _outermost(names: Collection[str]) -> list[str]:
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def _equals_whole(cut: Cut, images: Tensor) -> bool:
    for modes in (evaluation_mode(cut.backbone), nullcontext()):
        with modes:
            torch.manual_seed(0)
            whole = _as_tuple(cut.backbone(images))
            torch.manual_seed(0)
            try:
                divided = _as_tuple(cut.suffix(cut.prefix(images)))
            # Architectures raise all sorts of errors when a module returns its input: they cannot
            # be divided like this.
            except Exception:
                return False
            if len(divided) != len(whole) or not all(map(_close, divided, whole)):
                return False
    return True


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def _close(one: Tensor, other: Tensor) -> bool:
    # Relative to the largest value: another memory layout may add in another order.
    return one.shape == other.shape and bool((one - other).abs().max() <= 1e-4 * other.abs().max().clamp(min=1e-6))


@contextmanager
def evaluation_mode(backbone: nn.Module) -> Iterator[None]:
    """Put all modules in evaluation mode, and afterwards back in the modes that they were in."""
    modes = [(module, module.training) for module in backbone.modules()]
    backbone.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _preserved_state(backbone: nn.Module) -> Iterator[None]:
    """Restore buffers (such as running statistics) and random number generators afterwards."""
    buffers = {name: buffer.clone() for name, buffer in backbone.named_buffers()}
    device = next(backbone.parameters()).device
    # Only this device's generator: by default it would be those of all, with a warning that this
    # takes long.
    devices, device_type = ([], "cuda") if device.type == "cpu" else ([device], device.type)
    with torch.random.fork_rng(devices, device_type=device_type):
        try:
            yield
        finally:
            for name, buffer in backbone.named_buffers():
                buffer.copy_(buffers[name])


def frozen_state(network: nn.Module) -> list[Any]:
    """Names and values of all parameters and buffers that training does not change now."""
    state: list[Any] = []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            state += [name, parameter]
    for name, module in network.named_modules():
        if not module.training:
            for key, buffer in module.named_buffers(recurse=False):
                state += [f"{name}.{key}", buffer]
    return state
