"""Photos on their way from a browser to the folder."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from posture_classifier.app.collect.collection import Collection, Labels
from posture_classifier.app.collect.names import GROUP_PATTERN
from posture_classifier.app.workplace import Workplace
from posture_classifier.data.folder import read_folder
from tests.helpers.local_pages import client_of, collect, encoded, frame, names_in, send_photo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "my photos").mkdir()
    return tmp_path / "my photos"


@pytest.fixture
def client(root: Path) -> TestClient:
    return client_of(Workplace(folder=root))


def state(client: TestClient) -> Any:
    return client.get("/api/collect/state").json()


def test_photos_are_named_by_person_session_and_number(client: TestClient, root: Path) -> None:
    for class_name, person in [("left", "anna"), ("right", "anna"), ("left", "민준"), ("left", "anna")]:
        assert send_photo(client, encoded(frame(0)), (class_name, person, "desk")).status_code == 201

    assert names_in(root) == [
        "left/anna_desk_001.jpg",
        "left/anna_desk_003.jpg",
        "left/민준_desk_001.jpg",
        "right/anna_desk_002.jpg",
    ]
    assert [person["name"] for person in state(client)["people"]] == ["anna", "민준"]


def test_numbers_go_on_after_those_that_are_there(client: TestClient, root: Path) -> None:
    (root / "left").mkdir()
    (root / "left" / "anna_desk_041.png").write_bytes(encoded(frame(1), "PNG"))

    assert send_photo(client, encoded(frame(2))).json() == {"saved": "left/anna_desk_042.jpg"}


def test_the_groups_are_the_people(client: TestClient, root: Path) -> None:
    collect(client, people=3, each=2)

    photos = read_folder(root, GROUP_PATTERN)

    assert sorted(set(photos.groups)) == ["person-0", "person-1", "person-2"]
    assert state(client)["pattern"] == GROUP_PATTERN


def test_a_burst_keeps_what_differs(client: TestClient, root: Path) -> None:
    saved = [
        send_photo(client, encoded(frame(seed, noise=noise)), thin=True).json()["saved"] for seed in (1, 2) for noise in (0, 1, 2)
    ]

    assert saved == ["left/anna_desk_001.jpg", None, None, "left/anna_desk_002.jpg", None, None]


def test_a_burst_is_compared_with_what_an_earlier_start_saved(client: TestClient, root: Path) -> None:
    send_photo(client, encoded(frame(1)))
    later = client_of(Workplace(folder=root))

    assert send_photo(later, encoded(frame(1, noise=1)), thin=True).json() == {"saved": None}
    assert send_photo(later, encoded(frame(1, noise=1)), ("left", "anna", "sofa"), thin=True).status_code == 201


def test_who_asks_for_one_photo_gets_it(client: TestClient, root: Path) -> None:
    for noise in range(2):
        assert send_photo(client, encoded(frame(1, noise=noise))).status_code == 201


def test_a_burst_that_goes_on_into_the_next_class_is_refused(client: TestClient, root: Path) -> None:
    send_photo(client, encoded(frame(1)))

    answer = send_photo(client, encoded(frame(1, noise=1)), ("right", "anna", "desk"), thin=True)

    assert answer.status_code == 422, "the page goes on with the burst"
    assert "a photo of left." in answer.json()["error"]


def test_the_last_photo_can_be_taken_back(client: TestClient, root: Path) -> None:
    saved = send_photo(client, encoded(frame(1))).json()["saved"]

    assert client.post("/api/collect/undo", json={"path": saved}).status_code == 200

    assert os.listdir(root) == []  # the empty class folder would be refused by fit
    assert client.post("/api/collect/undo", json={"path": saved}).status_code == 409


def test_photos_of_others_cannot_be_taken_back(client: TestClient, root: Path) -> None:
    saved = send_photo(client, encoded(frame(1))).json()["saved"]
    (root / saved).write_bytes(b"somebody has put another one there")
    (root / "left" / "ben_desk_001.jpg").write_bytes(b"not from here")

    for path in (saved, "left/ben_desk_001.jpg"):
        assert client.post("/api/collect/undo", json={"path": path}).status_code == 409
    assert len(names_in(root)) == 2


def test_two_tabs_at_once_lose_nothing(root: Path) -> None:
    collections = [Collection(root), Collection(root)]
    labels = Labels.checked("left", "anna", "desk")

    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda n: collections[n % 2].save(labels, encoded(frame(n)), False), range(24)))

    assert len(set(saved)) == 24
    assert names_in(root) == sorted(filter(None, saved))


def test_a_full_disk_is_a_sentence(client: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    send_photo(client, encoded(frame(1)))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = send_photo(client, encoded(frame(2)))

    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]
    assert names_in(root) == ["left/anna_desk_001.jpg"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_folder_is_a_sentence(client: TestClient, root: Path) -> None:
    root.chmod(0o500)

    assert send_photo(client, encoded(frame(1))).status_code == 507
    root.chmod(0o700)


@pytest.mark.parametrize(("known", "typed"), [("left", "Left"), ("anna", "ANNA"), ("desk", "Desk")])
def test_one_spelling_for_one_name(client: TestClient, known: str, typed: str) -> None:
    labels = ("left", "anna", "desk")
    send_photo(client, encoded(frame(1)), labels)
    first, second, third = (typed if name == known else name for name in labels)

    answer = send_photo(client, encoded(frame(2)), (first, second, third))

    assert answer.status_code == 409
    assert answer.json()["error"] == f"{typed} would be mixed up with {known}. Write it as {known}."


@pytest.mark.parametrize(
    "folders", [["train/left", "val/left"], ["person01/left", "person01/right", "person02/left", "person02/right"]]
)
def test_a_folder_of_another_layout_is_left_alone(client: TestClient, root: Path, folders: list[str]) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True)
        (root / folder / "a.png").write_bytes(encoded(frame(0), "PNG"))
    before = names_in(root)

    assert client.get("/api/collect/state").status_code == 409
    assert send_photo(client, encoded(frame(1))).status_code == 409
    assert names_in(root) == before


def test_photos_with_other_names_are_counted_and_left_to_start(client: TestClient, root: Path) -> None:
    (root / "left" / "old").mkdir(parents=True)
    (root / "left" / "IMG_1.png").write_bytes(encoded(frame(0), "PNG"))
    (root / "left" / "old" / "anna_desk_1.png").write_bytes(encoded(frame(0), "PNG"))
    send_photo(client, encoded(frame(1)))

    shown = state(client)

    assert shown["others"] == 2
    assert "--group_pattern" not in shown["command"]


def test_a_class_that_leads_elsewhere_gets_no_photos(client: TestClient, root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / "left").symlink_to(tmp_path / "elsewhere")

    assert send_photo(client, encoded(frame(1))).status_code == 409
    assert os.listdir(tmp_path / "elsewhere") == []


def test_without_a_folder_the_page_says_so() -> None:
    client = client_of(Workplace())

    assert client.get("/collect").status_code == 200
    assert client.get("/api/collect/state").status_code == 409
    assert send_photo(client, encoded(frame(1))).status_code == 409
