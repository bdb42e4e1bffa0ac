"""A small run to review, and who asks for it as the page does."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from posture_classifier.app.access import Access
from posture_classifier.app.review.background_check import BackgroundCheck
from posture_classifier.app.server import build_app
from posture_classifier.app.workplace import find_workplace
from posture_classifier.check.finding import Finding
from posture_classifier.check.headline import not_estimated
from posture_classifier.check.run_checks import Result
from posture_classifier.data.folder import read_folder

HOST = "http://127.0.0.1:8000"
OLD_RUN = Path(__file__).parents[2] / "helpers" / "old_run"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that says left of all its 8 test photos, 4 of which show right."""
    folder = tmp_path / "lightning_logs" / "photos" / "version_0"
    shutil.copytree(OLD_RUN / "version_0", folder)
    shutil.copytree(OLD_RUN / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)  # its settings name the photos from there
    return folder


@pytest.fixture
def no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at all photos takes seconds; what it finds is for other tests."""
    monkeypatch.setattr(BackgroundCheck, "start", lambda self: setattr(self, "state", "ready"))


@pytest.fixture
def shortcut_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that found that the light tells the classes, and one dark photo."""
    examples = {
        f"typical of {side} (brightness: 90 to 100)": [f"{side}/person{n}_{k}.png" for n in range(3) for k in range(2)]
        for side in ("left", "right")
    }
    text = (
        "A small model that is shown no picture, only brightness and background corners, finds 90% of each class (80% to 95%; "
        "chance is 50%). What it used, each alone: brightness 90%. A network can learn that, too, and fails where it no longer "
        "holds; take photos of every class in the same way."
    )
    dark = Finding("dark", "warning", "", [["left/person4_0.png"]])

    def start(check: BackgroundCheck) -> None:
        photos = read_folder("photos")
        check.result = Result(photos, [Finding("light_shortcut", "note", text, examples=examples), dark], not_estimated(""))
        check.state = "ready"

    monkeypatch.setattr(BackgroundCheck, "start", start)


class Client:
    """Asks as the page does."""

    def __init__(self, place: Path, fixes: Path | None = None) -> None:
        access = Access()
        self.client = TestClient(build_app(find_workplace(place, None, fixes), access), HOST, headers={"Origin": HOST})
        assert self.client.get(f"/?key={access.key}").status_code == 200

    def state(self, language: str = "en") -> dict[str, Any]:
        """The queue."""
        answer = self.client.get("/api/review", headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def training(self) -> dict[str, Any]:
        """How far the training is."""
        found: dict[str, Any] = self.client.get("/api/review/training").json()
        return found

    def decide(self, photos: list[int], decision: str, new_label: str = "") -> None:
        """Decide about photos."""
        body = {"photos": photos, "decision": decision, "new_label": new_label}
        assert self.client.post("/api/review/decision", json=body).status_code == 200
