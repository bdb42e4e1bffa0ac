"""One of the parts that several processes divide photos into."""

import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from posture_classifier.utils.errors import UserError


class Shard(NamedTuple):
    """A part of the photos.

    A photo's path alone says which part it is in, by its digest: a photo that comes or goes while
    processes begin at different times moves no other one.

    Attributes:
        number: Its number, from 0.
        of: Number of parts; 1 is all photos in one.
    """

    number: int = 0
    of: int = 1

    def holds(self, path: str) -> bool:
        """Whether a photo is in this part."""
        if self.of == 1:
            return True
        digest = hashlib.blake2b(path.encode(errors="surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.of == self.number

    def of_path(self, path: Path) -> Path:
        """The file or folder of this part of what all parts make together.

        Example:
            >>> Shard(2, 8).of_path(Path("table.csv")).name, Shard().of_path(Path("table.csv")).name
            ('table.shard-2-of-8.csv', 'table.csv')
        """
        return path if self.of == 1 else path.with_name(f"{path.stem}.shard-{self.number}-of-{self.of}{path.suffix}")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def choose_shard(text: str | None) -> Shard:
    """The part that ``--shard`` names, or else ``RANK`` of ``WORLD_SIZE``, as torchrun sets them.

    Raises:
        UserError: It is no part.

    Example:
        >>> choose_shard("2/8")
        Shard(number=2, of=8)
    """
    option = "--shard" if text is not None else "RANK/WORLD_SIZE"
    if text is None:
        if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
            return Shard()
        text = f"{os.environ['RANK']}/{os.environ['WORLD_SIZE']}"
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if not match or not int(match[1]) < int(match[2]):
        raise UserError(f"{option} is {text}, but must be i/n with i from 0 to n - 1, such as 0/4 to 3/4 for four parts")
    return Shard(int(match[1]), int(match[2]))
