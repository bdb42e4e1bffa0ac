"""Saves photos below a folder, leaves out near-copies, and takes back the last ones."""

import errno
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from posture_classifier.app.collect.counts import Counts, read_counts, session_photos
from posture_classifier.app.collect.names import PhotoName, check_name, check_spelling
from posture_classifier.app.collect.new_file import sync_folder, write_new_file
from posture_classifier.app.collect.photo import clean_photo
from posture_classifier.app.errors import Refusal
from posture_classifier.data.scan.near_duplicates import copies_of
from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.images.digest import digest_or_zero
from posture_classifier.images.facts import MEASURED_SIZE, sketch

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MOST_PHOTOS = 99_999
"""Photos of one session, at most."""


@dataclass(frozen=True)
class Labels:
    """What is said of a photo before it is taken; all are names that were checked."""

    class_name: str
    person: str
    session: str

    @classmethod
    def checked(cls, class_name: str, person: str, session: str) -> "Labels":
        """Check the names.

        Raises:
            Refusal: One of them cannot be a name of a folder or file.
        """
        return cls(check_name("class", class_name), check_name("person", person), check_name("session", session))


class Collection:
    """A data folder that is being filled; several threads may save at once.

    Args:
        root: The folder, which exists.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = Lock()
        self._sketches: dict[str, npt.NDArray[np.uint8]] = {}
        self._saved: dict[str, int] = {}
        self._made: set[Path] = set()

    def save(self, labels: Labels, uploaded: bytes, thin: bool) -> str | None:
        """Save an uploaded photo.

        Args:
            labels: What is on it.
            uploaded: Bytes of a photo in any format.
            thin: Whether to leave it out if it is a near-copy of another one of the same session.

        Returns:
            Its path relative to the root, once it is on the disk; None where it was left out.

        Raises:
            Refusal: It is no photo; a name differs from a known one by capitals alone; the folders
                name something else than classes; or it cannot be written.
        """
        photo = clean_photo(uploaded)
        with self._lock:
            counts = read_counts(self.root)
            check_spelling(labels.class_name, counts.classes)
            check_spelling(labels.person, counts.people)
            check_spelling(labels.session, counts.sessions(labels.person))
            known = session_photos(self.root, counts, labels.person, labels.session)
            if thin and (copies := self._copies(photo.sketch, known)):
                _refuse_copy_of_other_class(labels, counts, copies)
                return None
            path = self._write(labels, counts, known, photo.content)
            self._saved[path] = digest_or_zero(self.root / path)
            self._sketches[path] = photo.sketch
        return path

    def take_back(self, path: str) -> None:
        """Remove a photo that was saved since the program was started, and is as it was then.

        It is deleted rather than moved: who asks for it does not want to have been photographed.

        Raises:
            Refusal: It was not saved here, or somebody has changed it since (409).
        """
        with self._lock:
            saved = self._saved.get(path)
            file = self.root / path
            if saved is None or digest_or_zero(file) != saved:
                raise Refusal(
                    409, "Only photos that were taken since the program was started, and not changed since, can be undone."
                )
            try:
                file.unlink()
                sync_folder(file.parent)
                if file.parent in self._made and not any(file.parent.iterdir()):
                    file.parent.rmdir()  # a class without photos would be refused by what trains
            except OSError as error:
                raise _refusal(error) from error
            del self._saved[path]

    def _copies(self, new: npt.NDArray[np.uint8], known: list[tuple[str, PhotoName]]) -> list[str]:
        """Paths of the photos of a session that a new one is a near-copy of."""
        paths = [path for path, _ in known if self._sketch(path) is not None]
        if not paths:
            return []
        found = copies_of(new, np.stack([self._sketches[path] for path in paths]))
        return [path for path, is_copy in zip(paths, found, strict=True) if is_copy]

    def _sketch(self, path: str) -> npt.NDArray[np.uint8] | None:
        if path not in self._sketches:
            try:
                self._sketches[path] = sketch(decode(self.root / path, MEASURED_SIZE))
            except DecodeError:  # check says so
                return None
        return self._sketches[path]

    def _write(self, labels: Labels, counts: Counts, known: list[tuple[str, PhotoName]], content: bytes) -> str:
        folder = self.root / counts.folders.get(labels.class_name, labels.class_name)
        highest = max((name.number for _, name in known), default=0)
        numbers = range(highest + 1, MOST_PHOTOS)
        try:
            if not folder.exists():
                folder.mkdir()
                self._made.add(folder)
                sync_folder(self.root)
            if not folder.resolve().is_relative_to(self.root.resolve()):
                raise Refusal(409, "That class is a link to another place. Photos are only saved below the folder.")
            names = (folder / str(PhotoName(labels.person, labels.session, number)) for number in numbers)
            return write_new_file(names, content).relative_to(self.root).as_posix()
        except OSError as error:
            raise _refusal(error) from error


def _refuse_copy_of_other_class(labels: Labels, counts: Counts, copies: list[str]) -> None:
    """Refuse a photo that looks like one of another class: somebody forgot to move."""
    own = counts.folders.get(labels.class_name)
    others = [path.partition("/")[0] for path in copies if path.partition("/")[0] != own]
    if others:
        # 422 says that the next photo may be taken all the same: a burst goes on.
        raise Refusal(422, f"That looks the same as a photo of {others[0]}. Move, or change the class.")


def _refusal(error: OSError) -> Refusal:
    """Say why the disk took no photo."""
    if error.errno in FULL:
        return Refusal(507, "The disk is full. This photo was not saved; the earlier ones were.")
    return Refusal(507, f"The folder cannot be written to ({error.strerror}).")
