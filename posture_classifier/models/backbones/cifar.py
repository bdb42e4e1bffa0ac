"""CIFAR networks (He et al. 2015, Srivastava et al. 2015): plain, residual and highway.

Sources: He, Zhang, Ren and Sun 2015, "Deep Residual Learning for Image Recognition", section 4.2
(plain and residual); Srivastava, Greff and Schmidhuber 2015, "Training Very Deep Networks", section
2 (highway). All have three stages of 16, 32 and 64 channels, so that only what connects the layers
differs. A name's number counts the layers with weights, shortcuts and gates aside:
``cifar_resnet20`` has identity shortcuts (option A), ``cifar_resnet20_b`` projects where the width
changes (option B).

``cifar_resnet14_b`` is exactly the posture project's ResNet: two blocks in each of the stages,
projections where the width changes, 175,258 parameters for 10 classes.
"""

from typing import Any, Literal

from timm.layers import SelectAdaptivePool2d
from timm.models import build_model_with_cfg, checkpoint_seq, generate_default_cfgs
from torch import Tensor, nn
from torch.nn import functional

from posture_classifier.models.backbones.base import Backbone, feature_info, register_variant

Connection = Literal["plain", "identity", "projection", "highway"]
VARIANTS: dict[str, tuple[int, Connection]] = {
    **{f"cifar_resnet{depth}": (depth, "identity") for depth in (14, 20, 32, 44, 56, 110)},
    **{f"cifar_resnet{depth}_b": (depth, "projection") for depth in (14, 20, 32, 44, 56, 110)},
    **{f"cifar_plain{depth}": (depth, "plain") for depth in (14, 20, 32, 44, 56)},
    **{f"cifar_highway{depth}": (depth, "highway") for depth in (20, 56)},
}
DESCRIPTIONS = {"cifar_resnet14_b": "the posture project's ResNet of 16, 32 and 64 channels, 175,258 parameters for 10 classes"}
default_cfgs = generate_default_cfgs(
    {
        name: {
            "input_size": (3, 32, 32),
            "num_classes": 10,
            "interpolation": "bilinear",
            "first_conv": "conv",
            "classifier": "fc",
            "description": DESCRIPTIONS.get(name),
        }
        for name in VARIANTS
    }
)
GATE_BIAS = -2.0
"""Where transform gates start, by their bias: nearly shut, so that a signal first passes all layers
(section 2.2)."""


def conv_norm(inputs: int, outputs: int, stride: int = 1, kernel_size: int = 3) -> nn.Sequential:
    """Convolution and BatchNorm. (B, inputs, H, W) -> (B, outputs, H/stride, W/stride)."""
    convolution = nn.Conv2d(inputs, outputs, kernel_size, stride, padding=kernel_size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


class ZeroPad(nn.Module):
    """Option A, without parameters: every other position, and zeros for the new channels.

    (B, C, H, W) -> (B, 2C, H/2, W/2).
    """

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, x.shape[1]))


class Block(nn.Module):
    """Two convolutions and, unless the network is plain, a shortcut around them.

    (B, inputs, H, W) -> (B, outputs, H/stride, W/stride).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, connection: Connection) -> None:
        super().__init__()
        self.conv1 = conv_norm(inputs, outputs, stride)
        self.conv2 = conv_norm(outputs, outputs)
        self.shortcut: nn.Module | None = None if connection == "plain" else nn.Identity()
        if inputs != outputs and connection == "identity":
            self.shortcut = ZeroPad()
        if inputs != outputs and connection == "projection":
            self.shortcut = conv_norm(inputs, outputs, stride, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y = self.conv2(functional.relu(self.conv1(x)))
        return functional.relu(y if self.shortcut is None else y + self.shortcut(x))


class Highway(nn.Module):
    """A layer that learns how much of each input value to pass on unchanged (equation 3).

    (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        gate: Tensor = self.gate(x).sigmoid()
        return functional.relu(self.conv(x)) * gate + x * (1 - gate)


def highway_layers(inputs: int, outputs: int, n_layers: int) -> list[nn.Module]:
    """Highway layers keep the width; where it changes the first is plain (section 2.1)."""
    if inputs == outputs:
        return [Highway(outputs) for _ in range(n_layers)]
    widening = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU(inplace=True))
    return [widening, *(Highway(outputs) for _ in range(n_layers - 1))]


class CifarNet(Backbone):
    """A convolution, three stages and a classifier. (B, in_chans, H, W) -> (B, num_classes).

    ``depth`` counts the layers with weights, and is two more than a multiple of six.
    """

    def __init__(
        self,
        depth: int,
        connection: Connection,
        num_classes: int = 10,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        self.num_classes, self.num_features, self.head_hidden_size, self.grad_checkpointing = num_classes, 64, 64, False
        # The highway networks of 2015 are without normalisation.
        self.conv = nn.Conv2d(in_chans, 16, 3, padding=1, bias=connection == "highway")
        self.norm = nn.Identity() if connection == "highway" else nn.BatchNorm2d(16)
        n_layers = (depth - 2) // 3
        for stage, (inputs, outputs) in enumerate([(16, 16), (16, 32), (32, 64)], start=1):
            if connection == "highway":
                layers = highway_layers(inputs, outputs, n_layers)
            else:
                layers = [Block(inputs, outputs, outputs // inputs, connection)]
                layers += [Block(outputs, outputs, 1, connection) for _ in range(n_layers // 2 - 1)]
            self.add_module(f"stage{stage}", nn.Sequential(*layers))
        self.global_pool = SelectAdaptivePool2d(pool_type=global_pool, flatten=True)
        self.drop = nn.Dropout(drop_rate)
        self.fc = self.create_classifier(num_classes)
        self.feature_info = feature_info((16, 1, "stage1"), (32, 2, "stage2"), (64, 4, "stage3"))
        self.init_weights()

    def init_weights(self) -> None:
        """Normal with variance 2 / fan-in.

        He et al. 2015, "Delving Deep into Rectifiers", equation 10.
        """
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.constant_(layer.bias, GATE_BIAS if name.endswith("gate") else 0.0)

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:
        """Regular expressions that group parameters from input to output."""
        return {"stem": r"^(?:conv|norm)\.", "blocks": r"^stage(\d)" if coarse else r"^stage(\d)\.(\d+)"}

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute activations again in the backward pass rather than store them."""
        self.grad_checkpointing = enable

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 64, H/4, W/4)."""
        x = functional.relu(self.norm(self.conv(x)))
        for stage in map(self.get_submodule, ("stage1", "stage2", "stage3")):
            x = checkpoint_seq(stage, x) if self.grad_checkpointing else stage(x)
        return x


def _create(variant: str, pretrained: bool = False, **kwargs: Any) -> CifarNet:
    depth, connection = VARIANTS[variant]
    kwargs.setdefault("feature_cfg", {"out_indices": (0, 1, 2)})
    model: CifarNet = build_model_with_cfg(CifarNet, variant, pretrained, depth=depth, connection=connection, **kwargs)
    return model


for _variant in VARIANTS:
    register_variant(_variant, _create, _variant, module=__name__)
