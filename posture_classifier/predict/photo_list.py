"""The photos that a command line stands for, walked one folder at a time."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from posture_classifier.data.left_out import LeftOut, LeftOutCounts, count_left_out, describe_left_out
from posture_classifier.data.photo_files import Found, match_files, walk_photos
from posture_classifier.images.decode import FORMATS_IN_WORDS
from posture_classifier.images.photo_inputs import Photo
from posture_classifier.predict.shard import Shard
from posture_classifier.utils.errors import UserError


class PhotoList:
    """The photos that files, folders and patterns stand for, in order, each once.

    A file or folder that is named is taken, whatever its name; within folders, and among what a
    pattern matches, the rule of ``photo_files`` holds. Folders are walked anew each time, and what
    is in memory is the names in one of them; a pattern's matches are all listed at once.

    Args:
        paths: Files, folders and patterns.

    Raises:
        UserError: One of them does not exist and matches nothing.

    Example:
        >>> [photo for photo in PhotoList(["photos/left", "photos/left/*_0.png"])][:1]
        ['photos/left/person0_0.png']
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = list(paths)
        self._names = list(dict.fromkeys(str(Path(name)) for name in paths))
        for name in self._names:
            if not Path(name).exists() and not any(match_files(name)):
                raise UserError(
                    f"{name} does not exist and matches no file; give photos, folders or patterns such as 'photos/*.jpg'"
                )

    def __iter__(self) -> Iterator[str]:
        return self.walk(Counter())

    def walk(self, left_out: LeftOutCounts) -> Iterator[str]:
        """Walk, and count there what is left out, which is known at the end."""
        known: set[bytes] | None = set() if self._may_overlap() else None
        for found in self._found():
            yield from (photo for photo in found.photos if _is_new(photo, known))
            fresh = (each for each in found.left_out if each.path not in self._names and _is_new(f"-{each.path}", known))
            left_out.update(count_left_out(fresh))

    def file(self, photo: str) -> str:
        """The file of a photo of this list."""
        return photo

    def source(self, photo: str) -> Photo:
        """A photo of this list as a classifier takes it."""
        return photo

    def _found(self) -> Iterator[Found]:
        for name in self._names:
            path = Path(name)
            if path.is_dir():
                for found in walk_photos(path):
                    left_out = [LeftOut(str(path / each.path), *each[1:]) for each in found.left_out]
                    yield Found([str(path / photo) for photo in found.photos], left_out, [])
            elif path.exists():
                yield Found([name], [], [])
            else:
                yield match_files(name)

    def _may_overlap(self) -> bool:
        """Whether two of the arguments may stand for one photo: folders side by side do not."""
        names = set(self._names)
        patterns = [name for name in self._names if not Path(name).exists()]
        nested = any(str(parent) in names for name in names for parent in Path(name).parents)
        return len(names) > 1 and (bool(patterns) or nested)


def _is_new(path: str, known: set[bytes] | None) -> bool:
    """Note a path, and tell whether it comes for the first time."""
    if known is None:
        return True
    before = len(known)
    known.add(hashlib.blake2b(path.encode(errors="surrogateescape"), digest_size=12).digest())
    return len(known) > before


class ShardWalk:
    """One walk through the photos of a part.

    Attributes:
        photos: All photos.
        listed: Number of photos passed so far, of all parts.
        left_out: What was left out so far.

    Raises:
        UserError: There are no photos at all.
    """

    def __init__(self, photos: PhotoList, shard: Shard) -> None:
        self.photos = photos
        self.listed = 0
        self.left_out: LeftOutCounts = Counter()
        self._digest = hashlib.blake2b(digest_size=16)
        self._shard = shard
        everything = photos.walk(self.left_out)
        first = next(everything, None)
        if first is None:
            why = f" (left out: {describe_left_out(self.left_out)})" if self.left_out else ""
            raise UserError(f"no photos in {', '.join(photos.paths)}{why}; photos are {FORMATS_IN_WORDS} files")
        self._walk = self._own(first, everything)

    def __iter__(self) -> Iterator[str]:
        return self._walk

    def __next__(self) -> str:
        return next(self._walk)

    @property
    def digest(self) -> str:
        """The digest of all paths passed so far, of all parts, in their order."""
        return self._digest.hexdigest()

    def _own(self, photo: str, others: Iterator[str]) -> Iterator[str]:
        following: str | None = photo
        while following is not None:
            self.listed += 1
            self._digest.update(following.encode(errors="surrogateescape") + b"\0")
            if self._shard.holds(following):
                yield following
            following = next(others, None)
