"""Files that are written whole, once, and over nothing."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from posture_classifier.app.collect.new_file import write_new_file
from tests.helpers.local_pages import names_in


def paths(folder: Path, n: int = 50) -> list[Path]:
    return [folder / f"{number}.jpg" for number in range(n)]


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory card's file system has no hard links."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not request.param:
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("links")
def test_the_next_free_name_is_taken_and_nothing_overwritten(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(b"old")
    (tmp_path / "1.jpg").symlink_to(tmp_path / "nowhere")

    assert write_new_file(paths(tmp_path), b"new") == tmp_path / "2.jpg"

    assert (tmp_path / "0.jpg").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["0.jpg", "1.jpg", "2.jpg"]


@pytest.mark.usefixtures("links")
def test_writers_at_once_get_names_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a name is taken after it was found free."""
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    contents = [f"photo {n}".encode() for n in range(20)]

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda content: write_new_file(paths(tmp_path), content), contents))

    assert len(set(written)) == 20
    assert [path.read_bytes() for path in written] == contents
    assert len(os.listdir(tmp_path)) == 20


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kill or a power cut right after the answer wants it."""
    events: list[str] = []
    fsync, link = os.fsync, os.link

    def noted_fsync(file: int) -> None:
        events.append("folder" if os.path.isdir(f"/proc/self/fd/{file}") else "file")
        fsync(file)

    def noted_link(old: Path, new: Path) -> None:
        events.append("name")
        link(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)

    write_new_file(paths(tmp_path), b"new")

    assert events == ["file", "name", "folder"]


@pytest.mark.usefixtures("links")
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        write_new_file(paths(tmp_path), b"new")

    assert names_in(tmp_path) == []
