"""Every network trains on cached features, however many of its stages are open."""

import csv
import json
import math
import shutil
from pathlib import Path

import pytest
import timm

from posture_classifier.cli.program import main
from posture_classifier.models.stages import stages
from posture_classifier.models.weights import create_backbone
from posture_classifier.utils.errors import UserError
from tests.helpers.networks import ONE_OF_EACH_TIMM_FILE, OURS
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments

FAST = ("lcnet_035", "lenet5", "mobilenetv3_small_050")
"""The last of these could not be cached: its maps before the head are 1 x 1."""
SIZES = (32, 64, 96, 128, 160, 192, 224, 240, 256, 384)
NOT_DIVIDED = {"crossvit_tiny_240", "efficientvim_m1"}
"""Whose answer is the mean of what several heads say, each of another stage or branch."""
LARGER = {"selecsls42": 64}
"""Pixels at which random weights do not let values grow beyond all numbers."""
NAMES = list(dict.fromkeys((*FAST, *OURS, *ONE_OF_EACH_TIMM_FILE)))
CASES = [(name, None) for name in NAMES] + [(name, 64) for name in dict.fromkeys((*FAST, *OURS))]
MARKED = [pytest.param(*case, marks=() if case[0] in FAST else pytest.mark.slow) for case in CASES]


def smallest_size(name: str) -> tuple[int, int]:
    """The smallest side in pixels that a network takes, and its number of stages."""
    for size in SIZES:
        try:
            return size, len(stages(create_backbone(name, 2, pretrained=False, image_size=size)[0]))
        except UserError:
            continue
    return pytest.fail(f"{name} takes no image of {SIZES} px")


@pytest.mark.parametrize(
    ("name", "size"), [pytest.param(*case, marks=() if case[0] in FAST else pytest.mark.slow) for case in CASES]
)
def test_a_step_in_every_phase_of_every_network(name: str, size: int | None, tmp_path: Path) -> None:
    """At the smallest size that it takes, and ours at 64 px too.

    One after the other 1, 2, 3, half and all of its stages are open.
    """
    smallest, n_stages = smallest_size(name)
    if size is not None and smallest >= size:
        pytest.skip(f"its smallest size is {smallest} px")
    wanted = sorted({min(n_open, n_stages) for n_open in (1, 2, 3, max(3, n_stages // 2), n_stages)})
    opened = ", ".join(f"{epoch}: {n_open}" for epoch, n_open in enumerate(wanted))
    options = [
        "--model.backbone",
        name,
        "--model.image_size",
        str(size or LARGER.get(name, smallest)),
        "--unfreezing.open_stages",
        f"{{{opened}}}",
    ]
    root = draw_photos(tmp_path / "photos", 6, 1, ("left", "right"))
    assert main([*fit_arguments(root, tmp_path, len(wanted)), *options, "--model.learning_rate", "1e-6"]) == 0
    run = tmp_path / "lightning_logs" / "photos" / "version_0"
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(float(row["stages_open"])) for row in rows] == wanted
    assert all(math.isfinite(float(row["train/loss"])) for row in rows)
    head_open = json.loads((run / "summary.json").read_text())["frozen_part"][0]
    assert bool(head_open["kept_as"]) == (name not in NOT_DIVIDED), "what the head sees is cached"
    shutil.rmtree(run)  # pytest keeps it, and the checkpoints of all networks would fill a disk


def test_what_cannot_be_built_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"gemma4_vit_167m_enc.*drop_rate"):
        create_backbone("gemma4_vit_167m_enc", 2, pretrained=False)


def test_no_file_of_timm_is_left_out() -> None:
    tested = {timm.models.model_entrypoint(name).__module__ for name in NAMES}
    files = {timm.models.model_entrypoint(name).__module__ for name in timm.list_models()}
    # The smallest network of the first has 412 million parameters, and those of the second classify
    # nothing.
    assert files - tested == {"timm.models.deepseek_vit", "timm.models.gemma4_vit"}
