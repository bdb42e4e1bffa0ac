"""What a path stands for, from which all pages take what they work on."""

import shutil
from pathlib import Path

import pytest
import yaml

from posture_classifier.app.workplace import find_workplace
from tests.helpers.local_pages import client_of

OLD_RUN = Path(__file__).parents[1] / "helpers" / "old_run"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose settings name its photos from here."""
    shutil.copytree(OLD_RUN, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "version_0"


def test_a_run_alone_is_collected_for_where_its_photos_are(run: Path) -> None:
    for place in (run, run / "checkpoints" / "best.ckpt"):
        workplace = find_workplace(place)
        assert workplace.folder == Path("photos")
        assert client_of(workplace).get("/api/collect/state").json()["folder"] == "photos"


def test_where_the_photos_are_gone_collect_asks_for_a_folder(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "photos")
    assert find_workplace(run).folder is None


def test_a_checkpoint_alone_or_beside_damaged_settings_can_be_tried(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "checkpoints" / "best.ckpt", tmp_path / "moved.ckpt")
    assert find_workplace(tmp_path / "moved.ckpt").folder is None
    (run / "config.yaml").write_text("{")
    assert find_workplace(run).folder is None
    assert find_workplace(run).checkpoint == run / "checkpoints" / "best.ckpt"


def test_a_folder_that_is_given_counts(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert find_workplace(tmp_path / "mine", run).folder == tmp_path / "mine"


def test_a_cross_validation_knows_its_photos_too(run: Path) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    crossval = run.with_name("crossval_0")
    crossval.mkdir()
    (crossval / "settings.yaml").write_text(yaml.safe_dump({"fit": settings}))
    assert find_workplace(crossval).folder == Path("photos")


def test_photos_that_a_table_lists_are_not_collected_for(run: Path) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    settings["data"]["table"] = "photos/mine.csv"
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    assert find_workplace(run).folder is None
