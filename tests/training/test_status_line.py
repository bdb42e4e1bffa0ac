"""The status line of ``fit``: one sentence for each limit, the same wherever it stands."""

import json
from html import unescape
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.data.scan.scan import scan_photos
from posture_classifier.runs.status import status_line
from tests.helpers.program import Fit
from tests.helpers.videos import draw_videos


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_frames_on_both_sides_are_told_before_and_after_the_training(
    tmp_path: Path, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_videos(tmp_path / "videos", people=3, frames=12)
    scan_photos(sorted(root.rglob("*.jpg")), lambda *_: None)
    with pytest.warns(UserWarning, match=r"\d of \d test photos and .* val photos have a near-copy .* check .*/videos shows them"):
        run = fit(root, "--data.group_pattern", "null")
    summary = json.loads((run / "summary.json").read_text())
    tested = summary["images"]
    assert summary["near_copies"] == {"images": tested, "known": tested, "of": tested}
    assert {"near_copies", "no_groups"} <= set(summary["status"])
    line = status_line(summary["status"])
    assert line in one_line(capsys.readouterr().out)
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text()
    assert unescape(page).count(line) == 1
    assert line in unescape(page).partition("<nav")[0]


def test_how_validation_photos_were_drawn_is_told(tmp_path: Path, fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "videos"
    draw_videos(root / "train", people=3, frames=8)
    draw_videos(root / "test", people=2, frames=8, seed=1)
    fit(root, "--data.group_pattern", "null")
    assert "8 val as whole scenes out of train" in one_line(capsys.readouterr().out)
    fit(root, "--data.group_pattern", "null", "--data.group_by", "none", version=1)
    assert "may rest on twins" in one_line(capsys.readouterr().out)
