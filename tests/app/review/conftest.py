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


class Client:
    """Asks as the page does."""

    def __init__(self, place: Path, fixes: Path | None = None) -> None:
        access = Access()
        self.client = TestClient(build_app(find_workplace(place, None, fixes), access), HOST, headers={"Origin": HOST})
        assert self.client.get(f"/?key={access.key}").status_code == 200

    def state(self) -> dict[str, Any]:
        """The queue."""
        answer = self.client.get("/api/review")
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
