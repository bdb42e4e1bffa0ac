"""What a table of predictions is of, in a small file beside it: what may resume it, and its end."""

import hashlib
import json
from pathlib import Path
from typing import Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier import __version__
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.validation import mismatch

SUFFIX = ".manifest.json"


class Options(TypedDict):
    """The options that decide what is in the rows."""

    precision: str
    catch: str | None
    recall: float | None
    heat_maps: bool


class Finished(TypedDict):
    """What is known at the end.

    ``rows`` counts the table's photos, ``unreadable`` those of them that could not be read;
    ``listed`` counts the photos of all shards, and ``list_digest`` is that of their paths;
    ``bytes`` is the size of the table.
    """

    rows: int
    unreadable: int
    listed: int
    list_digest: str
    bytes: int


class Manifest(TypedDict):
    """What a table is of; without ``finished`` it is still being written."""

    format: Literal[1]
    version: str
    checkpoint: str
    checkpoint_digest: str
    photos: list[str]
    options: Options
    shard: list[int]
    columns: list[str]
    finished: NotRequired[Finished]


def new_manifest(
    checkpoint: Path, photos: list[str], options: Options, shard: tuple[int, int], columns: list[str] | None = None
) -> Manifest:
    """Describe a table that is about to be written, with its columns if they are known already."""
    return Manifest(
        format=1,
        version=__version__,
        checkpoint=str(checkpoint),
        checkpoint_digest=_digest(checkpoint),
        photos=photos,
        options=options,
        shard=list(shard),
        columns=columns or [],
    )


def manifest_path(output: Path) -> Path:
    """The manifest beside a table."""
    return output.with_name(output.name + SUFFIX)


def write_manifest(manifest: Manifest, output: Path) -> None:
    """Write the manifest of a table beside it."""
    with atomic_write(manifest_path(output)) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_manifest(output: Path) -> Manifest | None:
    """The manifest of a table; None where there is none, or another program's file."""
    try:
        content = json.loads(manifest_path(output).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return None if mismatch(content, Manifest) else content


def check_same(begun: Manifest | None, now: Manifest, output: Path) -> None:
    """Check that a table that was begun is of the same photos, network and options.

    Raises:
        UserError: It is not, and cannot be resumed.
    """
    if begun is None:
        why = f"has no {manifest_path(output).name}"
    elif begun["checkpoint_digest"] != now["checkpoint_digest"]:
        why = f"is by another network ({begun['checkpoint']}, not what {now['checkpoint']} is now)"
    elif begun["photos"] != now["photos"]:
        why = f"is of other photos ({' '.join(begun['photos'])}, not {' '.join(now['photos'])})"
    elif other := [f"{name} {was}" for name, was in begun["options"].items() if was != now["options"][name]]:  # type: ignore[literal-required]
        why = f"is with other options ({', '.join(other)})"
    elif now["columns"] and begun["columns"] != now["columns"]:
        why = f"has other columns ({', '.join(begun['columns'])})"
    else:
        return
    raise UserError(
        f"what was begun for --output {output} {why}, so that it cannot be resumed; give the same command as then, choose another "
        "name, or add --overwrite true to begin anew"
    )


def _digest(path: Path) -> str:
    """The digest of a file's bytes; a folder's is that of all files in it."""
    if path.is_dir():
        return hashlib.blake2b("".join(map(_digest, sorted(path.iterdir()))).encode(), digest_size=16).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
