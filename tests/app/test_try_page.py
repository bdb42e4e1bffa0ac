"""The page that tries a network, and what it asks for."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest
from starlette.testclient import TestClient

from posture_classifier.app.access import Access
from posture_classifier.app.server import build_app
from posture_classifier.app.workplace import Workplace, find_workplace
from posture_classifier.export.try_page import web_files
from posture_classifier.inference import Classifier
from posture_classifier.utils.errors import UserError
from tests.helpers.browser import served
from tests.helpers.local_pages import client_of, frame

OLD_RUN = Path(__file__).parents[1] / "helpers" / "old_run" / "version_0"


@pytest.fixture(scope="module")
def client() -> TestClient:
    return client_of(find_workplace(OLD_RUN))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(OLD_RUN, precision="fp32")


def pixels(seed: int, width: int = 50, height: int = 40) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    return np.asarray(frame(seed, (width, height)))


def test_probabilities_are_the_classifiers_for_requests_at_once(classifier: Classifier) -> None:
    access = Access()
    with served(build_app(find_workplace(OLD_RUN), access)) as address:
        cookie = access.set_cookie(int(address.rstrip("/").rpartition(":")[2])).partition(";")[0]
        headers = {"Cookie": cookie, "Origin": address.rstrip("/"), "Content-Type": "application/octet-stream"}

        def classify(seed: int) -> list[float]:
            request = Request(f"{address}api/classify?width=50&height=40", pixels(seed).tobytes(), headers)
            with urlopen(request, timeout=60) as answer:
                found: list[float] = json.load(answer)["probabilities"]
            return found

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(classify, range(16)))

    for seed, each in enumerate(found):
        prediction = classifier.predict(pixels(seed))
        assert prediction.probabilities is not None
        assert each == pytest.approx(list(prediction.probabilities.values()), abs=1e-5)


def test_the_page_and_all_that_it_asks_for_is_there(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/try"
    assert {path: client.get(path).status_code for path in ("/try", *(f"/web/{name}" for name in web_files()))} == dict.fromkeys(
        ["/try", *(f"/web/{name}" for name in web_files())], 200
    )
    assert client.get("/api/info").json()["classes"] == ["left", "right"]
    assert 'href="/collect"' in client.get("/try").text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "width=50",
        "width=50&height=41",
        "width=0&height=0",
        "width=-50&height=-40",
        "width=9999999&height=1",
        "width=\u0665\u0660&height=40",
    ],
)
def test_pixels_of_another_number_are_refused(client: TestClient, query: str) -> None:
    headers = {"Content-Type": "application/octet-stream"}

    assert client.post(f"/api/classify?{query}", content=bytes(6000), headers=headers).status_code == 400


def test_without_a_network_the_page_says_what_to_do(tmp_path: Path) -> None:
    client = client_of(Workplace(folder=tmp_path))

    assert client.get("/").headers["location"] == "/collect"
    assert "try_without_network.js" in client.get("/try").text
    assert client.get("/api/info").status_code == 409


def test_a_folder_and_a_network_go_together(tmp_path: Path) -> None:
    workplace = find_workplace(tmp_path, OLD_RUN)

    assert (workplace.folder, workplace.checkpoint) == (tmp_path, OLD_RUN / "checkpoints" / "best.ckpt")


def test_a_place_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    for arguments in [(tmp_path / "nowhere",), (tmp_path, tmp_path / "nowhere.ckpt"), (tmp_path, tmp_path)]:
        with pytest.raises(UserError):
            find_workplace(*arguments)
