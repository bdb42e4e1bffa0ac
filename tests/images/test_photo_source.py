"""Photos that lie behind URLs."""

from pathlib import Path

import fsspec
import numpy as np
import pytest

from posture_classifier.data.scan.scan import scan_photos
from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.images.digest import digest_or_zero
from posture_classifier.images.photo_source import check_protocol, fetch, has_secret, is_url, photo_file
from posture_classifier.utils.errors import UserError
from tests.helpers.object_server import object_server
from tests.helpers.photos import draw


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "bucket").mkdir()
    draw(0, seed=1).save(tmp_path / "bucket" / "1 a.png")
    return tmp_path / "bucket" / "1 a.png"


def test_a_photo_behind_a_url_is_the_same_photo(photo: Path) -> None:
    with object_server(photo.parents[1]) as server:
        url = f"{server.url}/bucket/1%20a.png"
        assert np.array_equal(np.asarray(decode(url)), np.asarray(decode(photo)))
        assert digest_or_zero(url) == digest_or_zero(photo)
        server.asked.clear()
        (fact,) = scan_photos([url], lambda *_: None).facts
        assert fact.digest == digest_or_zero(photo)
        assert len(server.asked) == 2  # for the header and for the rest


def test_what_cannot_be_fetched_is_an_unreadable_photo(photo: Path) -> None:
    with object_server(photo.parents[1]) as server:
        gone = f"{server.url}/bucket/none.png"
        with pytest.raises(DecodeError, match="no such file"):
            decode(gone)
        assert digest_or_zero(gone) == 0
        assert scan_photos([gone], lambda *_: None).facts[0].error == "no such file"
    with pytest.raises(DecodeError):
        decode("http://127.0.0.1:9/1.png")  # nobody listens


def test_any_file_system_of_fsspec_will_do(photo: Path) -> None:
    with fsspec.open("memory://bucket/1.png", "wb") as file:
        file.write(photo.read_bytes())
    assert fetch("memory://bucket/1.png") == photo.read_bytes()
    assert decode("memory://bucket/1.png").size == decode(photo).size


@pytest.mark.slow
def test_s3(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs")
    with object_server(photo.parents[1]) as server:
        for name, value in {"AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"}.items():
            monkeypatch.setenv(name, value)
        assert np.array_equal(np.asarray(decode("s3://bucket/1 a.png")), np.asarray(decode(photo)))
        with pytest.raises(DecodeError, match="no such file"):
            decode("s3://bucket/none.png")


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(protocol: str) -> None:
        raise ImportError(f"Install {protocol}fs")

    check_protocol("https://host/1.png")
    with pytest.raises(UserError, match="nonsense://"):
        check_protocol("nonsense://host/1.png")
    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(UserError, match="pip install s3fs"):
        check_protocol("s3://bucket/1.png")
    with pytest.raises(UserError, match="Install hdfsfs"):
        check_protocol("hdfs://bucket/1.png")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("s3://b/1.png", True), ("C://photos/1.png", False), ("a/s3://1.png", False), ("/a/1.png", False), ("1.png", False)],
)
def test_what_is_a_url(path: str, expected: bool) -> None:
    assert is_url(path) is expected
    assert photo_file(Path("root"), path).startswith("root/") is (not expected and not path.startswith("/"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://b/1.png?X-Amz-Signature=a&X-Amz-Date=b", True),
        ("https://h/1.png?sv=1&sig=abc", True),
        ("https://h/1.png?access_token=abc", True),
        ("https://anna:b@h/1.png", True),
        ("https://h/anna@b/1.png?size=2&design=3", False),
    ],
)
def test_what_lets_others_in_is_noticed(url: str, expected: bool) -> None:
    assert has_secret(url) is expected
