"""What ``configs`` lists and copies."""

from pathlib import Path

import pytest

from posture_classifier.cli.commands.configs import configs
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.shipped import shipped


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert configs() == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ") and line.strip()}
    assert listed == {path.stem for path in shipped("configs").iterdir()}


def test_a_copy_is_not_overwritten_unasked(tmp_path: Path) -> None:
    assert configs(["base", "demo.yaml"], tmp_path) == 0
    assert (tmp_path / "base.yaml").read_text() == shipped("configs/base.yaml").read_text()
    (tmp_path / "demo.yaml").write_text("mine")
    with pytest.raises(UserError, match=r"demo\.yaml"):
        configs(["linear_probe", "demo"], tmp_path)
    assert (tmp_path / "demo.yaml").read_text() == "mine"
    assert not (tmp_path / "linear_probe.yaml").exists(), "all are copied, or none"
    configs(["demo"], tmp_path, overwrite=True)
    assert "data:" in (tmp_path / "demo.yaml").read_text()


def test_copies_elsewhere_name_the_photos_that_came_with_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    configs(["demo"])
    assert f"root: {shipped('data/turtle_neck')}" in Path("demo.yaml").read_text()


def test_a_wrong_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="turtle_neck"):
        configs(["turtle"], tmp_path)
