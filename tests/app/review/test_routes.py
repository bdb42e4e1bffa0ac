"""What the Review page asks for, and who gets nothing."""

import csv
import io
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from posture_classifier.data.fixes import read_fixes
from posture_classifier.runs.predictions import read_prediction_table
from tests.app.review.conftest import Client
from tests.helpers.photos import DrawFolder


@pytest.mark.usefixtures("no_check")
def test_the_mistakes_of_a_run_are_decided_on_and_survive_the_program(run: Path, tmp_path: Path) -> None:
    table = read_prediction_table(run / "test" / "predictions.csv")
    wrong = set(table.paths[~table.correct])
    client = Client(run)
    first, second = client.state()["items"][:2]
    assert wrong <= {item["photos"][0]["path"] for item in client.state()["items"]}
    other = next(name for name in client.state()["classes"] if name != first["photos"][0]["label"])
    client.decide([first["photos"][0]["number"]], "relabel", other)
    client.decide([second["photos"][0]["number"]], "remove")

    again = Client(run).state()  # another start of the program
    assert [item["photos"][0]["decision"] for item in again["items"][:2]] == ["relabel", "remove"]
    assert again["counts"] == {"remove": 1, "relabel": 1, "fine": 0}
    with (tmp_path / "photos" / "fixes.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["path"], row["label"], row["new_label"]) == (first["photos"][0]["path"], first["photos"][0]["label"], other)
    assert row["reason"].startswith(f"error: said {first['reasons'][0]['said']}")
    assert row["time"].endswith("+00:00")


@pytest.mark.usefixtures("no_check")
def test_undo_takes_back_the_last_decision_and_names_its_photo(run: Path, tmp_path: Path) -> None:
    client = Client(run)
    number = client.state()["items"][0]["photos"][0]["number"]
    client.decide([number], "fine")
    client.decide([number], "remove")
    assert client.client.post("/api/review/undo", json={}).json() == {"photo": number}
    assert client.state()["items"][0]["photos"][0]["decision"] == "fine"
    assert client.client.post("/api/review/undo", json={}).json() == {"photo": number}
    assert client.client.post("/api/review/undo", json={}).json() == {"photo": None}
    assert read_fixes(tmp_path / "photos" / "fixes.csv") == {}


@pytest.mark.usefixtures("no_check")
def test_its_own_class_is_no_new_one(run: Path) -> None:
    client = Client(run)
    photo = client.state()["items"][0]["photos"][0]
    client.decide([photo["number"]], "relabel", photo["label"])
    assert client.state()["items"][0]["photos"][0]["decision"] == "fine"


@pytest.mark.usefixtures("no_check")
def test_only_photos_of_the_queue_are_shown_and_nothing_of_their_camera(run: Path, tmp_path: Path) -> None:
    client = Client(run)
    photo = client.state()["items"][0]["photos"][0]
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"  # turned by a quarter
    tall = tmp_path / "photos" / photo["path"]
    Image.new("RGB", (40, 20), "red").save(tall, "JPEG", exif=exif)
    answer = client.client.get(f"/api/review/photo/{photo['number']}/large")
    shown = Image.open(io.BytesIO(answer.content))
    assert (answer.headers["content-type"], shown.size, dict(shown.getexif())) == ("image/jpeg", (20, 40), {})
    for path in ("99999/large", "0/huge", "-1/large", "..%2f..%2fetc%2fpasswd/large", f"{photo['path']}/large"):
        assert client.client.get(f"/api/review/photo/{path}").status_code == 404, path
    tall.write_bytes(b"no photo")
    assert "not an image" in client.client.get(f"/api/review/photo/{photo['number']}/large").json()["error"]


@pytest.mark.usefixtures("no_check")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"photos": [99999], "decision": "fine"}, 404),
        ({"photos": [-1], "decision": "fine"}, 400),
        ({"photos": [0], "decision": "relabel", "new_label": "nothing"}, 404),
        ({"photos": [0], "decision": "explode"}, 400),
        ({"photos": [], "decision": "fine"}, 400),
        ({"photos": list(range(1000)), "decision": "fine"}, 400),
        ({"photos": ["../x"], "decision": "fine"}, 400),
        ([], 400),
    ],
)
def test_what_the_page_never_sends_changes_nothing(run: Path, tmp_path: Path, body: Any, code: int) -> None:
    client = Client(run)
    client.state()
    assert client.client.post("/api/review/decision", json=body).status_code == code
    assert not (tmp_path / "photos" / "fixes.csv").exists()


@pytest.mark.usefixtures("no_check")
def test_decisions_go_elsewhere_where_that_is_wanted(run: Path, tmp_path: Path) -> None:
    client = Client(run, tmp_path / "mine.csv")
    client.decide([client.state()["items"][0]["photos"][0]["number"]], "fine")
    assert len(read_fixes(tmp_path / "mine.csv")) == 1
    assert not (tmp_path / "photos" / "fixes.csv").exists()


@pytest.mark.usefixtures("shortcut_check")
def test_a_shortcut_is_shown_by_photos_after_the_mistakes(run: Path, tmp_path: Path) -> None:
    client = Client(run)
    state = client.state("ko")
    kinds = [item["reasons"][0]["kind"] for item in state["items"]]
    at = kinds.index("light_shortcut")
    assert kinds == at * ["error"] + ["light_shortcut", "dark"], "the worst mistakes stay where they are"
    assert at > 0
    assert state["notes"] == [], "the sentence is with the photos"
    item = state["items"][at]
    whole, *typical = item["reasons"]
    assert whole["photos"] == [photo["number"] for photo in item["photos"]]
    mistakes = {photo["path"] for each in state["items"][:at] for photo in each["photos"]}
    assert not mistakes & {photo["path"] for photo in item["photos"]}
    assert [reason["text"].split(" (")[0] for reason in typical] == ["left의 전형", "right의 전형"]
    assert "작은 모델" in whole["text"]
    client.decide(typical[0]["photos"][:1], "remove")
    assert next(iter(read_fixes(tmp_path / "photos" / "fixes.csv").values())).reason == "light_shortcut"


def test_without_photos_there_is_a_sentence(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "photos")
    answer = Client(run).client.get("/api/review")
    assert answer.status_code == 409
    assert "no longer below" in answer.json()["error"]
    assert "더 이상" in Client(run).client.get("/api/review", headers={"Accept-Language": "ko-KR,en;q=0.5"}).json()["error"]


def test_a_folder_of_photos_is_checked_for_duplicates(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    shutil.copy(root / "left" / "person0_0.png", root / "right" / "copy.png")
    client = Client(root)
    deadline = time.monotonic() + 60
    while (state := client.state())["check"]["state"] != "ready" and time.monotonic() < deadline:
        time.sleep(0.1)
    pair = state["items"][0]
    assert {photo["path"] for photo in pair["photos"]} == {"left/person0_0.png", "right/copy.png"}
    assert pair["reasons"][0]["kind"] == "contradictory_labels"
    assert client.client.get("/api/review/training").json()["command"].split()[3:] == [
        *("fit", "--data.root", str(root), "--data.fixes", str(root / "fixes.csv"))
    ]
    assert client.client.post("/api/review/training", json={}).status_code == 409
