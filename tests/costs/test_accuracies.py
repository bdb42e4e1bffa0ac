"""Accuracies that come with torchvision, and whose they are."""

import pytest
import timm

from posture_classifier.costs.accuracies import published_accuracies, published_accuracy

pytestmark = pytest.mark.usefixtures("no_connection")


@pytest.mark.parametrize(
    ("name", "top1", "top5", "image_size", "weights"),
    [
        ("alexnet", 0.56522, 0.79066, 224, "AlexNet_Weights.IMAGENET1K_V1"),
        ("googlenet", 0.69778, 0.89530, 224, "GoogLeNet_Weights.IMAGENET1K_V1"),
        ("vgg16", 0.71592, 0.90382, 224, "VGG16_Weights.IMAGENET1K_V1"),
        ("inception_v3_aux", 0.77294, 0.93450, 299, "Inception_V3_Weights.IMAGENET1K_V1"),
        # timm would try them on 176 px, where they are less accurate.
        ("resnet50.tv2_in1k", 0.80858, 0.95434, 224, "ResNet50_Weights.IMAGENET1K_V2"),
        ("resnet50.tv_in1k", 0.76130, 0.92862, 224, "ResNet50_Weights.IMAGENET1K_V1"),
        ("regnety_004", 0.75804, 0.92742, 224, "RegNet_Y_400MF_Weights.IMAGENET1K_V2"),
    ],
)
def test_weights_of_torchvision_have_its_figures(name: str, top1: float, top5: float, image_size: int, weights: str) -> None:
    found = published_accuracy(name)
    assert found is not None
    assert (found.value, found.top5, found.image_size, found.source) == (top1, top5, image_size, f"torchvision {weights}")
    assert found.low is not None
    assert found.high is not None
    assert found.low < top1 < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * (top1 * (1 - top1) / 50_000) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "top1", "source"),
    [
        ("resnet18", 0.69758, "torchvision ResNet18_Weights.IMAGENET1K_V1 (resnet18 loads a1_in1k)"),
        ("resnet50", 0.76130, "torchvision ResNet50_Weights.IMAGENET1K_V1 (resnet50 loads a1_in1k)"),
        ("efficientnet_b7", 0.84122, "torchvision EfficientNet_B7_Weights.IMAGENET1K_V1 (efficientnet_b7 loads none)"),
    ],
)
def test_where_a_name_loads_others_the_source_names_both(name: str, top1: float, source: str) -> None:
    found = published_accuracy(name)
    assert found is not None
    assert (found.value, found.source) == (top1, source)


def test_a_tag_of_other_weights_has_none() -> None:
    names = ["resnet50.a1_in1k", "vit_base_patch16_224.mae", "nin", "seresnet50", "inception_v4", "alexnet"]
    assert list(published_accuracies(names)) == ["alexnet"]


def test_no_figure_is_claimed_for_weights_of_others() -> None:
    """Over the whole registry: a source without both names is of a tag of torchvision."""
    for name, found in published_accuracies(timm.list_models()).items():
        tag = timm.get_pretrained_cfg(name).tag
        assert (tag in ("tv_in1k", "tv2_in1k")) is not found.source.endswith(")"), (name, found.source)
