"""How the parameters of every family are divided into stages."""

import pytest
import timm
import torch
from torch import nn

from posture_classifier.callbacks.progressive_unfreezing import set_modes
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.stages import stages
from posture_classifier.utils.errors import UserError
from tests.helpers.networks import FAMILIES


@pytest.mark.parametrize("name", FAMILIES)
def test_stages_partition_the_parameters_and_the_head_is_the_classifier(name: str) -> None:
    backbone = timm.create_model(name, num_classes=3)
    *body, head = stages(backbone)
    listed = [parameter for stage in [*body, head] for parameter in stage.parameters]
    assert sorted(listed) == sorted(dict(backbone.named_parameters()))
    assert len(body) >= 2
    assert all(stage.parameters for stage in body)
    assert len({stage.name for stage in [*body, head]}) == len(body) + 1, "names tell stages apart"
    parameters = dict(backbone.named_parameters())
    assert all(3 in parameters[parameter].shape for parameter in head.parameters)


HUGE = {"vgg11"}
"""Whose 119 million parameters between maps and head are its last stage: AdamW takes half a minute
for two steps."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in HUGE else ()) for name in FAMILIES])
def test_frozen_parameters_and_buffers_stay_bit_identical(name: str) -> None:
    """Two steps with the last two stages open, BatchNorm learning where it may."""
    model = PostureClassifier(["a", "b", "c"], backbone=name, pretrained=False, drop_rate=0.1)
    *_, last, head = model.stages
    parameters = dict(model.backbone.named_parameters())
    for key, parameter in parameters.items():
        parameter.requires_grad = key in last.parameters + head.parameters
    set_modes(model.backbone, training=True, keep_statistics=False)
    before = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    optimizer = model.configure_optimizers()
    size = model.preprocessing.image_size
    for _ in range(2):
        outputs = model(torch.rand(2, 3, size, size))
        logits = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
        loss: torch.Tensor = nn.functional.cross_entropy(logits, torch.tensor([0, 1]))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    moved = {key for key, value in model.backbone.state_dict().items() if not torch.equal(value, before[key])}
    modules = {key for key, module in model.backbone.named_modules() if module.training}
    assert set(head.parameters) & moved
    for key in moved - set(last.parameters) - set(head.parameters):
        assert key not in parameters, f"{key} is frozen"
        assert key.rpartition(".")[0] in modules, f"the buffer {key} belongs to a frozen layer"


LESSONS = {
    "resnet18": 6,
    "seresnet18": 6,
    "resnetv2_50": 6,
    "vgg16": 7,
    "vgg16_bn": 7,
    "densenet121": 6,
    "convnext_tiny": 6,
    "swin_tiny_patch4_window7_224": 6,
    "vit_tiny_patch16_224": 6,
    "inception_v3": 6,
    "inception_resnet_v2": 6,
    "tf_efficientnet_lite0": 6,
    "mobilenetv3_small_100": 7,
    "hrnet_w18_small": 6,
    "nasnetalarge": 5,
    "visformer_small": 6,
    "volo_d1_224": 6,
    "googlenet": 5,
    "alexnet": 5,
    "nin": 5,
    "lenet5": 5,
    "cifar_resnet14_b": 5,
}
"""Stages of each network; timm's groups are 5 to 46, and a norm alone is one of them."""


@pytest.mark.parametrize(("name", "n_stages"), LESSONS.items())
def test_a_stage_means_the_same_for_every_network(name: str, n_stages: int) -> None:
    with torch.device("meta"):
        backbone = timm.create_model(name)
    sizes = {name: parameter.numel() for name, parameter in backbone.named_parameters()}
    divided, fine = stages(backbone), stages(backbone, "fine")
    assert len(divided) == n_stages
    share = [sum(map(sizes.__getitem__, stage.parameters)) / sum(sizes.values()) for stage in divided]
    assert share[-2] > 0.05, "the last stage before the head is more than a norm"
    # Coarse stages hold whole fine ones, in the same order.
    assert [name for stage in divided for name in stage.parameters] == [name for stage in fine for name in stage.parameters]


def test_blocks_of_equal_maps_are_one_stage_and_the_norms_join_them() -> None:
    with torch.device("meta"):
        backbone = timm.create_model("vgg16_bn")
    *_, last_maps, connected, _ = stages(backbone)
    modules = {name.rpartition(".")[0] for name in last_maps.parameters}
    assert modules == {f"features.{number}" for number in (34, 35, 37, 38, 40, 41)}
    assert {name.rpartition(".")[0] for name in connected.parameters} == {"pre_logits.fc1", "pre_logits.fc2"}


def test_body_runs_from_input_to_output() -> None:
    names = [stage.name for stage in stages(timm.create_model("resnet18"))]
    assert names == ["conv1", "layer1", "layer2", "layer3", "layer4", "head"]


def test_a_network_without_a_classifier_is_refused() -> None:
    with pytest.raises(UserError, match="ResNet"):
        stages(timm.create_model("test_resnet", num_classes=0))


def test_children_are_the_stages_where_timm_knows_none() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.fc = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)

        def get_classifier(self) -> nn.Module:
            return self.fc

    assert [stage.name for stage in stages(Plain())] == ["first", "second", "head"]
