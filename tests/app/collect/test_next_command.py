"""The command that the page ends with works, to the letter."""

import json
from pathlib import Path

import pytest
import yaml

from posture_classifier.app.workplace import Workplace
from posture_classifier.cli.program import main
from tests.helpers.advice import arguments_of
from tests.helpers.local_pages import client_of, collect

TINY = {
    "model": {"backbone": "test_resnet", "pretrained": False, "image_size": 32},
    "data": {"num_workers": 0, "batch_size": 8, "augmentation": []},
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False},
}


@pytest.mark.slow
def test_the_next_command_trains_on_what_was_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, output = tmp_path / "my photos", tmp_path / "output"
    root.mkdir()
    output.mkdir()
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    monkeypatch.setattr("posture_classifier.start.plan.shipped", lambda _: tmp_path / "tiny.yaml")
    monkeypatch.chdir(output)
    client = client_of(Workplace(folder=root))
    collect(client, people=3, each=3)
    shown = client.get("/api/collect/state").json()
    assert shown["ready"]

    assert main([*arguments_of(shown["command"]), "--yes"]) == 0

    (summary,) = output.glob("lightning_logs/my photos/crossval_*/summary.json")
    assert json.loads(summary.read_text())["groups"] == 3
