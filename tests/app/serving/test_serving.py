"""The endpoints of a served model, by what programs send and get."""

import asyncio
import base64
import io
import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from posture_classifier import Classifier
from posture_classifier.app.serving.batching import Batcher, BusyError
from posture_classifier.app.serving.endpoints import LARGEST_BODY, inference_app
from posture_classifier.images.photo_inputs import Photo
from posture_classifier.inference import Prediction
from posture_classifier.models.classifier import PostureClassifier

MODEL = "/v2/models/necks"
METADATA: Any = {"classes": ["normal", "turtle_neck"], "abstention": None, "familiarity": None}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    model = PostureClassifier(["normal", "turtle_neck"], backbone="test_resnet", pretrained=False, image_size=32)
    return Classifier(model, "cpu", "fp32")


@pytest.fixture
def client(classifier: Classifier) -> Iterator[TestClient]:
    with TestClient(inference_app(classifier, "necks", METADATA), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def photo() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"inputs": [{"name": name, "datatype": datatype, "shape": shape, "data": data}]}


def test_a_photo_gets_the_classifiers_answer(client: TestClient, classifier: Classifier, photo: bytes) -> None:
    expected = classifier.predict(photo)
    answer = client.post(f"{MODEL}/photo", content=photo).json()
    assert answer["label"] == expected.label
    assert answer["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)


def test_files_and_pixels_get_the_same_answer(client: TestClient, classifier: Classifier, photo: bytes) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(photo)))
    of_file = client.post(f"{MODEL}/infer", json=tensor("photo", "BYTES", [1], [base64.b64encode(photo).decode()])).json()
    of_pixels = client.post(f"{MODEL}/infer", json=tensor("image", "UINT8", [40, 50, 3], pixels.ravel().tolist())).json()
    batch = np.stack([pixels, pixels[::-1]])
    of_batch = client.post(f"{MODEL}/infer", json=tensor("image", "UINT8", [2, 40, 50, 3], batch.ravel().tolist())).json()
    probabilities, label = of_file["outputs"]
    assert (probabilities["name"], probabilities["datatype"], probabilities["shape"]) == ("probabilities", "FP32", [1, 2])
    assert label["data"] == [classifier.predict(photo).label]
    assert of_pixels["outputs"][0]["data"] == pytest.approx(probabilities["data"], abs=1e-6)
    assert of_batch["outputs"][0]["shape"] == [2, 2]
    assert of_batch["outputs"][0]["data"][:2] == pytest.approx(probabilities["data"], abs=1e-5)


def test_the_id_is_repeated_and_only_outputs_that_are_asked_for_are_given(client: TestClient, photo: bytes) -> None:
    request = tensor("photo", "BYTES", [1], [base64.b64encode(photo).decode()]) | {"id": "42", "outputs": [{"name": "label"}]}
    answer = client.post(f"{MODEL}/infer", json=request).json()
    assert answer["id"] == "42"
    assert [output["name"] for output in answer["outputs"]] == ["label"]


def test_health_and_metadata_are_as_the_protocol_says(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").status_code == 200
    assert client.get("/v2").json()["extensions"] == ["photo", "information"]
    assert client.get(f"{MODEL}/ready").json() == {"name": "necks", "ready": True}
    metadata = client.get(MODEL).json()
    assert metadata["outputs"][0] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}
    assert client.get(f"{MODEL}/information").json()["classes"] == ["normal", "turtle_neck"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no inference request"),
        (b'{"inputs": []}', "inputs"),
        (tensor("pixels", "UINT8", [2, 2, 3], [0] * 12), "not known"),
        (tensor("image", "FP32", [2, 2, 3], [0] * 12), "not known"),
        (tensor("image", "UINT8", [2, 2, 4], [0] * 16), "not known"),
        (tensor("image", "UINT8", [2, 2, 3], [0] * 11), "11 values"),
        (tensor("image", "UINT8", [2, 2, 3], [0] * 11 + [256]), "0 to 255"),
        (tensor("image", "UINT8", [2, 2, 3], [0] * 11 + [0.5]), "0 to 255"),
        (tensor("image", "UINT8", [2, 2, 3], [0] * 11 + [[1]]), "0 to 255"),
        (tensor("image", "UINT8", [2, 2, 3], [0] * 11 + [10**30]), "0 to 255"),
        (tensor("photo", "BYTES", [1], ["%%%"]), "base64"),
        (tensor("photo", "BYTES", [1], [1]), "base64"),
        (tensor("photo", "BYTES", [1], ["aGVsbG8="]), "cannot be read"),
        (tensor("photo", "BYTES", [300], ["aGVsbG8="] * 300), "256 at most"),
        (tensor("image", "UINT8", [10**18, 1, 1, 3], []), "256 at most"),
        (tensor("image", "UINT8", [10**18, 10**18, 3], []), "0 values"),
    ],
)
def test_what_is_wrong_with_a_request_is_one_sentence(client: TestClient, request_: bytes | dict[str, Any], said: str) -> None:
    sent = {"content": request_} if isinstance(request_, bytes) else {"json": request_}
    answer = client.post(f"{MODEL}/infer", **sent)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_body_that_is_no_photo_is_told_so(client: TestClient, photo: bytes) -> None:
    assert client.post(f"{MODEL}/photo", content=b"").status_code == 400
    assert client.post(f"{MODEL}/photo", content=photo[:100]).status_code == 400
    assert client.post(f"{MODEL}/photo", files={"photo": photo}).status_code == 415
    assert client.post(f"{MODEL}/photo", content=bytes(LARGEST_BODY + 1)).status_code == 413
    assert client.post("/v2/models/others/photo", content=photo).status_code == 404
    assert client.get(f"{MODEL}/photo").status_code == 405


def test_every_refusal_has_the_protocols_error_object(
    client: TestClient, classifier: Classifier, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = TestClient(inference_app(classifier, "necks", METADATA, ["localhost"]), "http://evil.example")
    monkeypatch.setattr(classifier, "predict", lambda _: 1 / 0)
    with TestClient(inference_app(classifier, "necks", METADATA), raise_server_exceptions=False) as broken:
        failed = broken.post(f"{MODEL}/photo", content=photo)
    answers = [
        elsewhere.get("/v2"),
        client.get("/v2/nothing"),
        client.get(f"{MODEL}/photo"),
        client.post(f"{MODEL}/photo", files={"photo": photo}),
        client.post(f"{MODEL}/infer", content=b"{"),
        client.post(f"{MODEL}/photo", content=bytes(LARGEST_BODY + 1)),
        failed,
    ]
    assert [answer.status_code for answer in answers] == [400, 404, 405, 415, 400, 413, 500]
    assert all(answer.json().keys() == {"error"} and answer.json()["error"] for answer in answers)


@pytest.mark.parametrize(("host", "status"), [("localhost:8000", 200), ("[::1]:8000", 200), ("127.0.0.1", 400), ("", 400)])
def test_only_known_hosts_are_answered(classifier: Classifier, host: str, status: int) -> None:
    client = TestClient(inference_app(classifier, "necks", METADATA, ["localhost", "::1"]))
    assert client.get("/v2", headers={"Host": host}).status_code == status


def test_changed_requests_are_never_an_error_of_the_server(client: TestClient, photo: bytes) -> None:
    draw = random.Random(0)
    request = client.build_request("POST", f"{MODEL}/infer", json=tensor("photo", "BYTES", [1], [base64.b64encode(photo).decode()]))
    for path, whole in ((f"{MODEL}/infer", request.content), (f"{MODEL}/photo", photo)):
        for _ in range(100):
            changed = bytearray(whole[: draw.randrange(1, len(whole) + 1)])
            for _ in range(draw.randrange(4)):
                changed[draw.randrange(len(changed))] = draw.randrange(256)
            assert client.post(path, content=bytes(changed)).status_code in (200, 400)


def test_concurrent_requests_are_joined_and_each_gets_its_own_answer() -> None:
    calls: list[int] = []
    free = threading.Event()

    def classify(photos: list[Photo]) -> list[Prediction]:
        calls.append(len(photos))
        free.wait(10)
        return [Prediction(str(photo)) for photo in photos]

    async def ask() -> list[list[Prediction]]:
        batcher = Batcher(classify, most=8, most_waiting=20)
        running = asyncio.create_task(batcher.run())
        first = asyncio.create_task(batcher(["first"]))
        while not calls:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(batcher([f"{n}a", f"{n}b"])) for n in range(10)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await batcher(["one too many"])
        others[0].cancel()  # its client has gone
        free.set()
        answers = await asyncio.gather(first, *others[1:])
        running.cancel()
        return answers

    answers = asyncio.run(ask())
    assert [[each.path for each in answer] for answer in answers] == [["first"], *([f"{n}a", f"{n}b"] for n in range(1, 10))]
    assert calls == [1, 8, 8, 4]


def test_a_failure_is_told_to_all_and_the_next_request_is_answered() -> None:
    def classify(photos: list[Photo]) -> list[Prediction]:
        if "bad" in photos:
            raise RuntimeError("out of memory")
        return [Prediction(str(photo)) for photo in photos]

    async def ask() -> str:
        batcher = Batcher(classify)
        running = asyncio.create_task(batcher.run())
        with pytest.raises(RuntimeError):
            await batcher(["bad"])
        answer = await batcher(["good"])
        running.cancel()
        return answer[0].path

    assert asyncio.run(ask()) == "good"


def test_a_checkpoint_without_rules_says_nothing_of_them(client: TestClient, photo: bytes) -> None:
    answer = client.post(f"{MODEL}/photo", content=photo).json()
    assert answer["sure"] is None
    assert answer["familiar"] is None
    assert {"path", "error"}.isdisjoint(answer)
