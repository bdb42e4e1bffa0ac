"""A network divided after its frozen prefix answers what the whole one answers."""

import pytest
import timm
import torch
from torch import nn

from posture_classifier.models.frozen_prefix import find_cut, frozen_state
from tests.helpers.networks import FAMILIES, LARGE, SIZES, check_cut, opened

NOT_POOLED = {"alexnet", "nin"}
"""Whose dropout comes before the last frozen layer, or whose head sees maps."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in FAMILIES])
def test_every_family_is_cut_where_its_frozen_part_ends(name: str) -> None:
    size = SIZES.get(name) or timm.get_pretrained_cfg(name).input_size[1]
    for n_open in (1, 2):
        backbone = opened(name, n_open, drop_rate=0.3)
        before = {key: value.clone() for key, value in backbone.state_dict().items()}
        modes = [module.training for module in backbone.modules()]
        cut = find_cut(backbone, size)
        assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items()), "statistics are put back"
        assert [module.training for module in backbone.modules()] == modes
        assert cut is not None
        kept = check_cut(backbone, cut, size)
        if n_open == 1 and name not in NOT_POOLED:
            assert kept.ndim <= 3, "what the head sees is pooled, or tokens"


def test_nothing_is_cut_where_everything_is_open() -> None:
    assert find_cut(opened("test_resnet", 6), 32) is None


def test_what_is_kept_holds_no_dropout() -> None:
    """A dropout before the head belongs to the suffix, or every epoch would drop the same."""
    cut = find_cut(opened("regnetx_002", 1, drop_rate=0.5), 64)
    assert cut is not None
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(cut.prefix(images), cut.prefix(images))
    kept = cut.prefix(images)
    assert not torch.equal(cut.suffix(kept), cut.suffix(kept)), "dropout draws anew"


class TwoPaths(nn.Module):
    """A skip connection leads from the stem around the body."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.body = nn.Conv2d(4, 4, 1)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return self.fc((x + self.body(x)).mean((2, 3)))  # type: ignore[no-any-return]


def test_a_module_that_a_second_path_leads_around_is_no_cut() -> None:
    network = TwoPaths()
    network.stem.requires_grad_(False)
    network.body.requires_grad_(False)
    cut = find_cut(network, 8)
    assert cut is not None
    assert cut.name == "stem", "after the body the stem's own answer is still wanted"
    assert cut.frozen_after == ["body"], "which is told"


def test_what_is_open_in_part_is_not_called_frozen() -> None:
    network = TwoPaths()
    network.stem.requires_grad_(False)
    network.body = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))  # type: ignore[assignment]
    network.body[0].requires_grad_(False)  # type: ignore[index]
    cut = find_cut(network, 8)
    assert cut is not None
    assert (cut.name, cut.frozen_after) == ("stem", ["body.0"])


def test_a_skip_within_the_frozen_part_does_no_harm() -> None:
    network = nn.Sequential(TwoPaths(), nn.Linear(2, 2))
    network[0].requires_grad_(False)
    cut = find_cut(network, 8)
    assert cut is not None
    assert cut.name == "0"
    assert cut.frozen_after == []


def test_the_frozen_state_is_what_does_not_change() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    network[0].requires_grad_(False).eval()
    names = {part for part in frozen_state(network) if isinstance(part, str)}
    assert names == {"0.weight", "0.bias", "0.running_mean", "0.running_var", "0.num_batches_tracked"}
