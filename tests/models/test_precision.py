"""Which type a network is computed in, by hardware and network alone."""

import pytest
import timm
import torch
from torch import nn

from posture_classifier.models.precision import Precision, autocast, compute_type, exclude_from_autocast
from posture_classifier.models.stages import classifiers


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    names = {"dense": "test_resnet", "depthwise": "test_efficientnet"}
    made = {key: timm.create_model(name, num_classes=2).eval() for key, name in names.items()}
    made["double"] = timm.create_model("test_resnet", num_classes=2).eval().double()
    for network in made.values():
        exclude_from_autocast(classifiers(network))
    return made


@pytest.fixture
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": request.param})
    return bool(request.param)


@pytest.mark.parametrize("native", [True], indirect=True)
@pytest.mark.parametrize(
    ("network", "precision", "learns", "expected"),
    [
        ("dense", "auto", False, torch.bfloat16),
        ("dense", "auto", True, torch.bfloat16),
        ("dense", "fp32", False, torch.float32),
        ("depthwise", "auto", False, torch.bfloat16),
        ("depthwise", "auto", True, torch.float32),
        ("double", "auto", False, torch.float64),
    ],
)
def test_where_the_hardware_has_bfloat16(
    networks: dict[str, nn.Module], native: bool, network: str, precision: Precision, learns: bool, expected: torch.dtype
) -> None:
    chosen = networks[network]
    weights = next(chosen.parameters()).dtype
    assert compute_type(chosen, precision, learns) == expected
    images = torch.rand(2, 3, 32, 32, dtype=weights)
    with torch.no_grad(), autocast(chosen, precision, learns):
        features = chosen.forward_features(images)  # type: ignore[operator]
        logits = chosen(images)
    assert features.dtype == expected
    assert logits.dtype == weights, "the classifier is exact"
    assert chosen(images).dtype == weights
    assert not torch.is_autocast_enabled("cpu")
    if expected == torch.bfloat16:
        assert not torch.equal(logits, logits.bfloat16().float()), "more digits than eight bits hold"


@pytest.mark.parametrize("native", [False], indirect=True)
@pytest.mark.parametrize("learns", [True, False])
def test_an_emulated_bfloat16_is_not_chosen(networks: dict[str, nn.Module], native: bool, learns: bool) -> None:
    assert compute_type(networks["dense"], "auto", learns) == torch.float32


def test_an_error_in_the_classifier_leaves_no_context_behind(networks: dict[str, nn.Module]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            classifiers(networks["dense"])[0](torch.rand(2, 3))
        assert torch.is_autocast_enabled("cpu")
