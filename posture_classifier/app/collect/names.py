"""Names of classes, people and sessions, which become names of folders and files."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, NamedTuple

from posture_classifier.app.errors import Refusal
from posture_classifier.data.folder import RESERVED, SPLIT_FOLDERS
from posture_classifier.data.photo_files import SYSTEM_FOLDERS
from posture_classifier.images.decode import SUFFIXES
from posture_classifier.utils.text import normalise_name

Part = Literal["class", "person", "session"]
MOST_CHARACTERS = 40
MOST_BYTES = 96
"""Bytes of a name in UTF-8: two of them and a number fit into the 255 that file systems take."""
WINDOWS_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in "0123456789\xb9\xb2\xb3"))
)
"""Names, in lower case, that Windows gives to no file."""
BETWEEN: dict[Part, str] = {"class": "-_ ", "person": "-", "session": "-"}
"""What may stand between letters and digits; an underscore separates person, session and number."""
GROUP_PATTERN = r"/([^/_]+)_[^/_]+_\d+\."
"""``data.group_pattern`` of collected photos: the person."""
_PHOTO = re.compile(r"([^/_]+)_([^/_]+)_(\d+)(\.[^./]+)")


class PhotoName(NamedTuple):
    """What the name of a collected photo says.

    Attributes:
        person: Who is on it.
        session: When or where it was taken.
        number: Which of the session's photos it is.
    """

    person: str
    session: str
    number: int

    def __str__(self) -> str:
        return f"{self.person}_{self.session}_{self.number:03}.jpg"


def read_photo_name(name: str) -> PhotoName | None:
    """Read the name of a collected photo; None where it is another.

    Example:
        >>> read_photo_name("anna_desk_007.jpg")
        PhotoName(person='anna', session='desk', number=7)
    """
    found = _PHOTO.fullmatch(normalise_name(name))
    if found is None or found[4].lower() not in SUFFIXES:
        return None
    return PhotoName(found[1], found[2], int(found[3]))


def check_name(part: Part, name: str) -> str:
    """Return a name as it is written to the disk: normalised, without spaces at its ends.

    Args:
        part: What it names.
        name: What was typed.

    Raises:
        Refusal: It cannot be the name of a folder or of part of a file on every system.

    Example:
        >>> check_name("person", " 민준-2 ")
        '민준-2'
    """
    name = normalise_name(name.strip())
    if not name:
        raise Refusal(400, f"Name the {part} first.")
    if len(name) > MOST_CHARACTERS or len(name.encode(errors="replace")) > MOST_BYTES:
        raise Refusal(400, f"That is too long: a name may have {MOST_CHARACTERS} characters.")
    letters = [unicodedata.category(letter)[0] in "LNM" for letter in name]
    if not all(ok or letter in BETWEEN[part] for ok, letter in zip(letters, name, strict=True)) or not (letters[0] and letters[-1]):
        between = "spaces, hyphens and underscores" if part == "class" else "hyphens"
        raise Refusal(400, f"Letters and digits, with {between} between them.")
    taken = RESERVED | SYSTEM_FOLDERS | SPLIT_FOLDERS.keys() if part == "class" else frozenset[str]()
    if name.lower() in WINDOWS_DEVICES | taken:
        raise Refusal(400, f"{name} means something else to systems or to this program. Take another name.")
    return name


def check_spelling(name: str, known: Iterable[str]) -> None:
    """Refuse a name that differs from a known one by capitals alone, which some systems ignore.

    Raises:
        Refusal: There is such a name (409).
    """
    for other in known:
        if other != name and other.casefold() == name.casefold():
            raise Refusal(409, f"{name} would be mixed up with {other}. Write it as {other}.")
