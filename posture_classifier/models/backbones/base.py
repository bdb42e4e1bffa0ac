"""What timm asks of every network, written once for ours."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from timm.layers import SelectAdaptivePool2d
from timm.models import register_model
from torch import Tensor, nn


class Backbone(nn.Module):
    """Features, global pooling, dropout and a classifier. (B, in_chans, H, W) -> (B, num_classes).

    A subclass creates ``global_pool``, ``drop``, the classifier (by :meth:`create_classifier`) and
    the numbers below, and computes ``forward_features``. Of its arguments timm passes
    ``num_classes``, number of outputs, where 0 returns the pooled features; ``in_chans``, number of
    channels of the images; ``drop_rate``, dropout before the classifier; and ``global_pool``,
    pooling over positions by timm's names. Its docstring says what is otherwise with it.
    """

    classifier_path = "fc"
    """Name of the module that turns features into logits."""
    num_classes: int
    """Number of outputs; 0 returns the features before the classifier."""
    num_features: int
    """Number of channels of ``forward_features``."""
    head_hidden_size: int
    """Number of features that the classifier takes."""
    global_pool: nn.Module
    drop: nn.Module

    def create_classifier(self, num_classes: int) -> nn.Module:
        """A new classifier. (B, head_hidden_size) -> (B, num_classes)."""
        return nn.Linear(self.head_hidden_size, num_classes) if num_classes else nn.Identity()

    def get_classifier(self) -> nn.Module:
        """The module that turns features into logits."""
        return self.get_submodule(self.classifier_path)

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the classifier, and the pooling if given."""
        self.num_classes = num_classes
        if global_pool is not None:
            self.global_pool = SelectAdaptivePool2d(pool_type=global_pool, flatten=True)
        self.set_submodule(self.classifier_path, self.create_classifier(num_classes).to(next(self.parameters())))

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Refuse: networks as small as most of ours have little to save."""
        assert not enable, "gradient checkpointing not supported"

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, num_features, H', W')."""
        raise NotImplementedError

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """(B, num_features, H', W') -> (B, num_classes), or (B, head_hidden_size) features."""
        x = self.drop(self.global_pool(x))
        return x if pre_logits else self.get_classifier()(x)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(B, in_chans, H, W) -> (B, num_classes)."""
        return self.forward_head(self.forward_features(x))


def keep_start(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Add the tensors that weights may lack (``no_pretrained``) as the model starts them."""
    own = model.state_dict()
    return {name: own[name] for name in model.no_pretrained()} | dict(state)  # type: ignore[operator]


def feature_info(*maps: tuple[int, int, str]) -> list[dict[str, Any]]:
    """Timm's description of maps, given the channels, reduction and module's name of each."""
    return [{"num_chs": channels, "reduction": reduction, "module": module} for channels, reduction, module in maps]


def check_size(x: Tensor, smallest: int, network: str) -> None:
    """Raise a ValueError where a side of the images (B, C, H, W) has fewer pixels than needed."""
    if min(x.shape[-2:]) < smallest:
        raise ValueError(f"{network} takes images of {smallest} px or more, not {x.shape[-2]} x {x.shape[-1]}")


def register_variant(name: str, create: Callable[..., nn.Module], *args: Any, module: str) -> None:
    """Register ``create(*args)`` with timm, which knows a function by its name and module."""
    entry: Any = partial(create, *args)
    entry.__name__, entry.__module__ = name, module
    register_model(entry)
