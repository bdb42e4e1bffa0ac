"""Joins the tables that the shards of a prediction have written."""

import codecs
import os
import re
import shutil
from pathlib import Path

from posture_classifier.predict.manifest import Finished, Manifest, check_same, read_manifest, write_manifest
from posture_classifier.predict.parquet import join_parquet
from posture_classifier.predict.row_file import part_of
from posture_classifier.predict.shard import Shard
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.parquet import SUFFIX
from posture_classifier.utils.tables import header


def merge_shards(output: Path, now: Manifest) -> Finished:
    """Join the shards of a table, one below the other; they stay where they are.

    Returns:
        What is known of the whole; its ``listed`` is more than its ``rows`` where photos have come
        or gone while the shards ran.

    Raises:
        UserError: A shard is missing, unfinished, changed, or of something else.
    """
    shards = _find(output)
    tables = [shard.of_path(output) for shard in shards]
    begun = [_finished(shard, table, now) for shard, table in zip(shards, tables, strict=True)]
    now = {**now, "columns": begun[0]["columns"]}
    for manifest, table in zip(begun, tables, strict=True):
        check_same(manifest, now, table)
    with atomic_write(output) as temporary:
        if output.suffix == SUFFIX:
            join_parquet(tables, temporary)
        else:
            _join_texts(tables, header(now["columns"]).encode() if output.suffix == ".csv" else b"", temporary)
        known = [manifest["finished"] for manifest in begun]
        digests = sorted({each["list_digest"] for each in known})
        whole = Finished(
            rows=sum(each["rows"] for each in known),
            unreadable=sum(each["unreadable"] for each in known),
            listed=max(each["listed"] for each in known),
            list_digest=digests[0] if len(digests) == 1 else "",
            bytes=temporary.stat().st_size,
        )
        write_manifest({**now, "finished": whole}, output)
    return whole


def _find(output: Path) -> list[Shard]:
    """All shards of a table, of which at least one is there or was begun."""
    pattern = re.compile(rf"{re.escape(output.stem)}\.shard-(\d+)-of-(\d+){re.escape(output.suffix)}(\.part)?")
    names = os.listdir(output.parent) if output.parent.is_dir() else []
    numbers = sorted({int(match[2]) for match in map(pattern.fullmatch, names) if match})
    if not numbers:
        raise UserError(
            f"there are no shards of {output}, such as {Shard(0, 2).of_path(output).name}; give the --output that they got"
        )
    if len(numbers) > 1:
        kinds = " and of ".join(map(str, numbers))
        raise UserError(f"beside {output} there are shards of {kinds}; move away those that are not to be joined")
    return [Shard(number, numbers[0]) for number in range(numbers[0])]


def _finished(shard: Shard, table: Path, now: Manifest) -> Manifest:
    """The manifest of a shard that is whole.

    Raises:
        UserError: It is not.
    """
    manifest = read_manifest(table)
    if not table.is_file():
        state = "is not finished" if part_of(table).exists() else "is missing"
        raise UserError(f"{table} {state}; give its command again (--shard {shard}), then merge")
    check_same(manifest, now, table)
    assert manifest is not None
    if "finished" not in manifest or manifest["finished"]["bytes"] != table.stat().st_size:
        raise UserError(f"{table} is not as it was written; remove it, give its command again (--shard {shard}), then merge")
    return manifest


def _join_texts(tables: list[Path], head: bytes, path: Path) -> None:
    marked = False
    for table in tables:
        with table.open("rb") as source:
            marked |= bool(head) and source.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
    with path.open("wb") as target:
        target.write(codecs.BOM_UTF8 * marked + head)
        for table in tables:
            with table.open("rb") as source:
                if head and source.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                    source.seek(0)
                source.seek(len(head), os.SEEK_CUR)
                shutil.copyfileobj(source, target)
