"""What happens in a pass through a network: when each module runs, and what it hands to which."""

from typing import Any, NamedTuple

from torch import Tensor, nn

from posture_classifier.models.all_stages_head import GridPool


class Calls(NamedTuple):
    """When a module was first asked, when it last answered, and whether with a tensor of the shape that it was given."""

    first: int
    last: int
    times: int
    keeps_shape: bool


class Trace(NamedTuple):
    """What happened in a pass.

    Attributes:
        calls: When each module ran.
        candidates: Names of those that can be cut after, in the order in which they answered.
        shown: When a ``Pool`` was shown the answer of which module.
    """

    calls: dict[str, Calls]
    candidates: list[str]
    shown: dict[str, int]


def trace_modules(backbone: nn.Module, images: Tensor) -> Trace:
    """Watch every module while the network looks at images (B, 3, H, W), in the modes that they are in."""
    calls: dict[str, Calls] = {}
    answered: list[tuple[str, int]] = []  # and the identity of what they answered
    clock, opened = 0, False
    kept: list[Tensor] = []  # or else another tensor might be given the same identity
    shown: dict[str, int] = {}

    def asked(name: str, module: nn.Module, inputs: Any) -> None:
        nonlocal clock, opened
        clock += 1
        if isinstance(module, GridPool):
            # The last of several with one answer, since some work in place.
            shown.update([(other, clock) for other, identity in answered if identity == id(inputs[0])][-1:])
        before = calls.get(name, Calls(clock, clock, 0, True))
        calls[name] = before._replace(last=clock, times=before.times + 1)
        opened |= any(parameter.requires_grad for parameter in module.parameters(recurse=False))

    def answers(name: str, inputs: Any, output: Any) -> None:
        nonlocal clock
        clock += 1
        keeps_shape = bool(inputs) and getattr(inputs[0], "shape", None) == getattr(output, "shape", ())
        calls[name] = calls[name]._replace(last=clock, keeps_shape=calls[name].keeps_shape and keeps_shape)
        if not opened and isinstance(output, Tensor) and len(output) == len(images):
            kept.append(output)
            # The outermost of nested modules with one answer: fewer names to understand.
            if answered and answered[-1][1] == id(output) and answered[-1][0].startswith(f"{name}."):
                answered.pop()
            answered.append((name, id(output)))

    hooks = []
    for name, module in backbone.named_modules():
        if name:
            hooks.append(module.register_forward_pre_hook(lambda module, inputs, name=name: asked(name, module, inputs)))
            hooks.append(module.register_forward_hook(lambda _, inputs, output, name=name: answers(name, inputs, output)))
    try:
        opened = any(parameter.requires_grad for parameter in backbone.parameters(recurse=False))
        backbone(images)
    finally:
        for hook in hooks:
            hook.remove()
    return Trace(calls, [name for name, _ in answered if calls[name].times == 1], shown)
