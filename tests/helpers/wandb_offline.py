"""Reads what wandb has recorded of an offline run."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import wandb

RECORD = import_module("wandb.proto.wandb_internal_pb2").Record  # has no types
BLOCK, HEADER, FULL, LAST = 32768, 7, 1, 4
"""Sizes and record types of LevelDB's log format, in which wandb writes its records."""


@dataclass
class OfflineRun:
    """What the ``.wandb`` file of a run folder holds."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    charts: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    models: list[Any] = field(default_factory=list)
    pictures: set[str] = field(default_factory=set)


def records(path: Path) -> Iterator[Any]:
    data, at, part = path.read_bytes(), 7, b""
    while at + HEADER <= len(data):
        if (room := BLOCK - at % BLOCK) < HEADER:
            at += room
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        at += HEADER
        part += data[at : at + length]
        at += length
        if kind in (FULL, LAST):
            yield RECORD.FromString(part)
            part = b""


def read_offline_run(folder: Path) -> OfflineRun:
    wandb.teardown()  # its service then writes the rest of the file
    (path,) = folder.glob("run-*.wandb")
    result = OfflineRun()
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            result.run = record.run
            result.config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        elif kind == "history":
            result.history.append({"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.history.item})
        elif kind == "summary":
            result.summary |= {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.summary.update}
        elif kind == "metric":
            result.metrics[record.metric.name or record.metric.glob_name] = record.metric
        elif kind == "config":
            result.config |= {item.key: json.loads(item.value_json) for item in record.config.update if item.key}
            result.charts |= {i.nested_key[2] for i in record.config.update if list(i.nested_key[:2]) == ["_wandb", "visualize"]}
        elif kind == "files":
            result.files |= {file.path for file in record.files.files}
        elif kind == "artifact" and record.artifact.type == "model":
            result.models.append(record.artifact)
        elif kind == "artifact":
            result.pictures |= {entry.path for entry in record.artifact.manifest.contents if entry.path.endswith("png")}
    return result
