"""What a folder holds of collected photos: by class, person and session."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from posture_classifier.app.collect.names import PhotoName, read_photo_name
from posture_classifier.app.errors import Refusal
from posture_classifier.data.folder import SPLIT_FOLDERS, detect_layout
from posture_classifier.data.photo_files import find_photos, look_into
from posture_classifier.utils.text import normalise_name


@dataclass
class Counts:
    """Photos of a folder, from their names alone.

    Attributes:
        folders: The folder of each class on the disk, by its normalised name.
        photos: Number of photos by class, person and session.
        others: Number of photos in class folders that have other names.
    """

    folders: dict[str, str] = field(default_factory=dict)
    photos: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    others: int = 0

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in alphabetical order."""
        return sorted(self.folders)

    @property
    def people(self) -> list[str]:
        """Names of the people, in alphabetical order."""
        return sorted({person for _, person, _ in self.photos})

    def sessions(self, person: str) -> list[str]:
        """Names of a person's sessions, in alphabetical order."""
        return sorted({session for _, each, session in self.photos if each == person})

    def of(self, class_name: str, person: str | None = None, session: str | None = None) -> int:
        """Number of a class's photos, of one person, or of one of their sessions."""
        return sum(
            n for key, n in self.photos.items() if key[0] == class_name and person in (None, key[1]) and session in (None, key[2])
        )


def read_counts(root: Path) -> Counts:
    """Count the photos of a data folder.

    Raises:
        Refusal: Its folders do not name classes (409).
        UserError: It cannot be opened, or nobody can tell what its folders name.
    """
    check_layout(root)
    counts = Counts()
    for folder in look_into(root).folders:
        class_name = normalise_name(folder)
        counts.folders[class_name] = folder
        for path in find_photos(root, folder).photos:
            name = read_photo_name(path.rpartition("/")[2]) if path.count("/") == 1 else None
            if name is None:
                counts.others += 1
            else:
                counts.photos[class_name, name.person, name.session] += 1
    return counts


def check_layout(root: Path) -> None:
    """Refuse a folder in whose folders photos would be misplaced.

    Raises:
        Refusal: Its folders name people or a split rather than classes (409).
        UserError: It is not a folder, or nobody can tell what its folders name.
    """
    found = look_into(root)
    layout = detect_layout(root)
    if layout == "class" and not {folder.lower() for folder in found.folders} & SPLIT_FOLDERS.keys():
        return
    raise Refusal(
        409,
        f"The folders in {root.name} do not name classes alone (they name people, or a split). Start the app with another folder "
        "to collect into; an empty one will do.",
    )


def session_photos(root: Path, counts: Counts, person: str, session: str) -> list[tuple[str, PhotoName]]:
    """The photos of one session: paths relative to the root, and what their names say."""
    found = []
    for folder in counts.folders.values():
        for path in look_into(root, folder).photos:
            name = read_photo_name(path.rpartition("/")[2])
            if name is not None and (name.person, name.session) == (person, session):
                found.append((path, name))
    return found
