"""One contract for every architecture: ours, and one of each timm family in the documentation."""

import sys
from copy import deepcopy
from typing import Any, NamedTuple

import pytest
import timm
import torch
from torch import Tensor, nn

from posture_classifier.models.stages import stages
from tests.helpers.networks import ONE_OF_EACH_FILE, OURS

TIMMS = [
    *("inception_v3", "inception_v4", "inception_resnet_v2", "vgg11_bn", "resnet18", "densenet121", "seresnet18"),
    *("efficientnet_b0", "tf_efficientnet_lite0", "mobilenetv1_100", "mobilenetv2_050", "mobilenetv3_small_050"),
    *("mobilenetv4_conv_small_035", "legacy_xception", "convnext_atto", "vit_tiny_patch16_224"),
]
SIZES = {"lenet5": 32, "alexnet_two_groups": 67, "cifar": 32, "googlenet": 32, "inception": 96, "legacy_xception": 96}
N_CLASSES = 3


class Case(NamedTuple):
    name: str
    network: nn.Module
    images: Tensor


def create(name: str, size: int, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    if timm.get_pretrained_cfg(name).fixed_input_size:
        options["img_size"] = size
    if name.startswith("vgg"):
        options["mlp_ratio"] = 0.02  # nine tenths of its parameters are in the fully connected layers
    network: nn.Module = timm.create_model(name, num_classes=N_CLASSES, **options)
    return network


def size_of(name: str) -> int:
    return next((size for start, size in SIZES.items() if name.startswith(start)), 64)


@pytest.fixture(scope="module", params=OURS + TIMMS)
def case(request: pytest.FixtureRequest) -> Case:
    size = size_of(request.param)
    return Case(request.param, create(request.param, size), torch.rand(2, 3, size, size))


def outputs_of(network: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    outputs = network(images)
    return outputs if isinstance(outputs, tuple) else (outputs,)


def test_every_parameter_gets_a_finite_gradient_in_training(case: Case) -> None:
    outputs = outputs_of(case.network.train(), case.images)
    assert all(output.shape == (2, N_CLASSES) for output in outputs)
    sum(nn.functional.cross_entropy(output, torch.tensor([0, 2])) for output in outputs).backward()  # type: ignore[union-attr]
    without = [name for name, p in case.network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    case.network.zero_grad()
    assert not without


@torch.no_grad()
def test_evaluation_is_deterministic_and_made_of_features_and_head(case: Case) -> None:
    network: Any = case.network.eval()
    logits = network(case.images)
    assert logits.shape == (2, N_CLASSES), "no auxiliary outputs"
    assert torch.equal(network(case.images), logits)
    features = network.forward_features(case.images)
    assert network.num_features in features.shape
    torch.testing.assert_close(network.forward_head(features), logits)
    assert network.forward_head(features, pre_logits=True).shape == (2, network.head_hidden_size)


@torch.no_grad()
def test_the_classifier_can_be_left_out_and_replaced(case: Case) -> None:
    network: Any = deepcopy(case.network).eval()
    network.reset_classifier(0)
    assert list(network.get_classifier().parameters()) == []
    features = network.forward_head(network.forward_features(case.images), pre_logits=True)
    torch.testing.assert_close(network(case.images), features)
    assert len(outputs_of(network.train(), case.images)) == 1, "no auxiliary outputs without classes"
    network.reset_classifier(5)
    assert network.num_classes == 5
    assert any(5 in parameter.shape for parameter in network.get_classifier().parameters())
    assert all(output.shape == (2, 5) for output in outputs_of(network, case.images))


@torch.no_grad()
def test_a_state_goes_into_another_instance(case: Case) -> None:
    other = create(case.name, case.images.shape[-1])
    for parameter in other.parameters():
        parameter.add_(1)
    other.load_state_dict(case.network.state_dict())
    assert torch.equal(other.eval()(case.images), case.network.eval()(case.images))


def test_stages_partition_the_parameters_and_the_head_is_the_classifier(case: Case) -> None:
    *body, head = stages(case.network)
    listed = [parameter for stage in [*body, head] for parameter in stage.parameters]
    assert sorted(listed) == sorted(dict(case.network.named_parameters()))
    assert len(body) >= 3
    classifier = {id(parameter) for parameter in case.network.get_classifier().parameters()}  # type: ignore[operator]
    assert {id(case.network.get_parameter(name)) for name in head.parameters} == classifier
    fine = timm.models.group_parameters(case.network, case.network.group_matcher(coarse=False))  # type: ignore[operator]
    assert len(fine) >= len(body), "finer groups are no fewer"


@pytest.mark.parametrize("name", OURS)
def test_names_hide_nothing_of_timm(name: str) -> None:
    """Registering a name again replaces it silently.

    A module of the same name would mix up ``timm.list_models(module=)``.
    """
    module = timm.models.model_entrypoint(name).__module__.rpartition(".")[2]
    assert all(
        timm.models.model_entrypoint(other).__module__.startswith("posture_classifier") for other in timm.list_models(module=module)
    )
    assert f"timm.models.{module}" not in sys.modules


@pytest.mark.parametrize("name", OURS)
@torch.no_grad()
def test_sizes_and_channels_other_than_the_default(name: str) -> None:
    network = create(name, 0, in_chans=1).eval()
    size = size_of(name)
    assert network(torch.rand(2, 1, size + 7, size + 13)).shape == (2, N_CLASSES)


@pytest.mark.parametrize(
    ("name", "smallest"),
    [
        *(("lenet5", 32), ("alexnet", 63), ("alexnet_two_groups", 67), ("nin", 39)),
        *(("googlenet", 15), ("googlenet_naive", 15), ("inception_v3_aux", 75)),
    ],
)
@torch.no_grad()
def test_smallest_sizes(name: str, smallest: int) -> None:
    network = create(name, smallest)
    assert network.eval()(torch.rand(1, 3, smallest, smallest)).shape == (1, N_CLASSES)
    assert outputs_of(network.train(), torch.rand(2, 3, smallest, smallest))[-1].shape == (2, N_CLASSES)
    with pytest.raises(ValueError, match=f"{smallest} px .*{smallest + 9} x {smallest - 1}"):
        network(torch.rand(2, 3, smallest + 9, smallest - 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_FILE)
def test_the_exported_network_gives_the_same_and_leaves_auxiliary_classifiers_out(name: str) -> None:
    size = size_of(name)
    network, images = create(name, size).eval(), torch.rand(2, 3, size, size)
    exported = torch.export.export(network, (images,))
    torch.testing.assert_close(exported.module()(images), network(images))
    assert not [node for node in exported.graph.nodes if "aux" in node.name.lower() and node.users]


@pytest.mark.parametrize(
    "name", ["alexnet", "alexnet_two_groups", "nin", "googlenet", "cifar_resnet14", "cifar_highway20", "deformable_resnet18"]
)
@torch.no_grad()
def test_features_by_depth_have_the_channels_and_strides_they_say(name: str) -> None:
    size = 227
    network: Any = timm.create_model(name, features_only=True)
    for feature, channels, reduction in zip(
        network(torch.rand(1, 3, size, size)), network.feature_info.channels(), network.feature_info.reduction(), strict=True
    ):
        assert feature.shape[1] == channels
        assert size / feature.shape[-1] == pytest.approx(reduction, rel=0.2), "but for what borders lose"


def test_checkpointing_gives_the_same_gradients() -> None:
    network: Any = create("cifar_resnet14", 32).train()
    images, gradients = torch.rand(2, 3, 32, 32), []
    for enable in (False, True):
        network.set_grad_checkpointing(enable)
        network.zero_grad()
        network(images).sum().backward()
        gradients.append(network.conv.weight.grad.clone())
    torch.testing.assert_close(*gradients)
