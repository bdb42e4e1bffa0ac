"""Which type a network is computed in, by hardware and network alone."""

import pytest
import torch
from torch import nn

from posture_classifier.precision import Precision, compute_type, computing

DENSE = nn.Conv2d(4, 8, 3)
DEPTHWISE = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 1))


@pytest.fixture
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": request.param})
    return bool(request.param)


@pytest.mark.parametrize("native", [True], indirect=True)
@pytest.mark.parametrize(
    ("network", "precision", "learns", "expected"),
    [
        (DENSE, "auto", False, torch.bfloat16),
        (DENSE, "auto", True, torch.bfloat16),
        (DENSE, "fp32", False, torch.float32),
        (DEPTHWISE, "auto", False, torch.bfloat16),
        (DEPTHWISE, "auto", True, torch.float32),
        (nn.Conv2d(4, 8, 3, dtype=torch.float64), "auto", False, torch.float64),
    ],
)
def test_where_the_hardware_has_bfloat16(
    native: bool, network: nn.Module, precision: Precision, learns: bool, expected: torch.dtype
) -> None:
    assert compute_type(network, precision, learns) == expected
    with computing(network, precision, learns):
        answer = network(torch.zeros(1, 4, 5, 5, dtype=next(network.parameters()).dtype))
    assert answer.dtype == expected


@pytest.mark.parametrize("native", [False], indirect=True)
@pytest.mark.parametrize("learns", [True, False])
def test_an_emulated_bfloat16_is_not_chosen(native: bool, learns: bool) -> None:
    assert compute_type(DENSE, "auto", learns) == torch.float32
