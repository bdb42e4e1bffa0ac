"""Where the examples in docstrings run: a folder that holds a run, its checkpoint and photos."""

import shutil
from pathlib import Path

import pytest

collect_ignore_glob = ["posture_classifier/export/scripts/*"]  # they import what a format's runtime brings
OLD_RUN = Path(__file__).parent / "tests" / "helpers" / "old_run"


@pytest.fixture(autouse=True)
def _folder_of_the_examples(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``best.ckpt`` tells left from right in ``photos/<class>/person<N>_<n>.png``."""
    if isinstance(request.node, pytest.DoctestItem):
        shutil.copytree(OLD_RUN / "version_0", tmp_path / "lightning_logs" / "photos" / "version_0")
        shutil.copy(OLD_RUN / "version_0" / "checkpoints" / "best.ckpt", tmp_path)
        shutil.copytree(OLD_RUN / "photos", tmp_path / "photos")
        monkeypatch.chdir(tmp_path)
