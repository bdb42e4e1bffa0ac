"""Reads checkpoints: whole, of the right types, and without executing anything in them."""

import pickle
import re
import zipfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import torch
from packaging.version import Version
from pydantic import AfterValidator, Field, InstanceOf
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.validation import mismatch

MARK = "posture_classifier"
"""Key of our checkpoints; its value is the version of the program that wrote the file."""
SEEN = "PostureData"
"""Key of the digests of the photos that a checkpoint has seen, by split."""
EVALUATION = "evaluation"
"""Key of how good the network can be expected to be, where the training could not measure it."""
MOST_STEPS = 10**12
"""More epochs or steps than any training has; what is counted in a checkpoint stays below."""


def _digests(value: torch.Tensor) -> torch.Tensor:
    if value.ndim != 1 or value.dtype != torch.int64 or value.is_meta or value.layout != torch.strided:
        raise ValueError("should be a row of 64-bit integers")
    return value


def _of_lightning_2(value: str) -> str:
    if not Version("2") <= Version(value) < Version("1000"):
        raise ValueError("should be a version of Lightning from 2 on")
    return value


Count = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Digests = Annotated[InstanceOf[torch.Tensor], AfterValidator(_digests)]
Seen = dict[str, torch.Tensor]
"""Digests of photos: of a training's splits ``train``, ``val`` and ``test``, and under
``earlier_train`` and ``earlier_val`` those that only the trainings before it have seen."""
_Seen = TypedDict("_Seen", {"train": Digests, "val": Digests, "test": Digests})  # noqa: UP013 - beside the one below


class _SeenEarlier(_Seen, total=False):
    earlier_train: Digests
    earlier_val: Digests


Share = Annotated[float, Field(ge=0, le=1)]


class Interval(TypedDict):
    """A share with its 95 % interval; None where unknown, for want of what ``too_few`` says."""

    value: Share | None
    low: Share | None
    high: Share | None
    too_few: NotRequired[str | None]


class Size(TypedDict):
    """How many photos, and of how many groups; None where no groups are known."""

    images: Count
    groups: Count | None


class Measured(Size):
    """What figures of a network say of all photos together; further ones stand beside them."""

    accuracy: Interval


Procedure = Literal["cross-validation", "test split", "validation split, which chose the epoch"]
"""How the photos of an evaluation were tested."""


class StoredThreshold(TypedDict):
    """A class's threshold, and what it does on photos that did not choose it."""

    wanted_recall: Share
    threshold: Share
    recall: Interval
    false_alarms: Interval
    precision: Interval


class StoredAbstention(TypedDict):
    """From which probability on a label is said, and its effect on photos that chose nothing."""

    threshold: Share
    answered: Interval
    accuracy: Interval


class FamiliarityRule(TypedDict):
    """From which distance on a photo is unlike the training photos, and how often that is wrong."""

    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    false_alarms: Interval


class StoredFamiliarity(FamiliarityRule):
    """The same with what distances are measured from."""

    reference: dict[str, InstanceOf[torch.Tensor]]


class StoredEvaluation(Measured):
    """What is read of the figures that a checkpoint holds of its network."""

    procedure: Procedure
    photos: NotRequired[dict[Literal["train", "val", "test"], Size]]
    temperature: NotRequired[Annotated[float, Field(gt=0, allow_inf_nan=False)] | None]
    thresholds: NotRequired[dict[str, list[StoredThreshold]]]
    abstention: NotRequired[StoredAbstention | None]
    familiarity: NotRequired[StoredFamiliarity | None]


Content = TypedDict(
    "Content",
    {
        "posture_classifier": str,
        "PostureData": _SeenEarlier,
        "hyper_parameters": dict[str, Any],
        "state_dict": dict[str, InstanceOf[torch.Tensor]],
        "epoch": Count,
        "global_step": Count,
        "pytorch-lightning_version": Annotated[str, AfterValidator(_of_lightning_2)],
        "loops": dict[str, dict[str, Any]],
        "callbacks": dict[str, Any],
        "optimizer_states": list[dict[str, Any]],
        "lr_schedulers": list[Any],
        "evaluation": StoredEvaluation,
    },
    total=False,
)
"""The parts of a checkpoint. What is in each is checked by the code that uses it."""


def damaged(path: str | Path, what: str) -> UserError:
    """The error about a checkpoint that is not as the program wrote it."""
    return UserError(f"checkpoint {path} is damaged or was changed ({what}); give another checkpoint, of this run or another one")


def load_plain(path: str | Path, allowed: Sequence[type] = ()) -> Any:
    """``torch.load`` to the CPU of tensors and plain values only; nothing in the file is executed.

    Args:
        path: The file.
        allowed: Classes of objects that may be in it too. They are made without a call of theirs,
            and have the attributes that the file gives them.

    Raises:
        UserError: The file is missing, damaged, or holds other objects.
    """
    try:
        _check_bytes(path)
        with torch.serialization.safe_globals([*allowed]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist") from error
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise UserError(
            f"{path} is damaged, or holds objects other than tensors and plain values{f' ({found[1]})' if found else ''}, which "
            "could run code when loaded; it was refused and nothing of it was executed"
        ) from error
    # On bytes that are no checkpoint the readers of archives and of pickles raise EOFError,
    # RuntimeError, IndexError, KeyError ...
    except Exception as error:
        raise UserError(f"{path} cannot be read; it is damaged or not a checkpoint") from error


def _check_bytes(path: str | Path) -> None:
    """Compare the file with its own checksums: torch reads an archive without looking at them.

    Files in the format before torch 1.6 have none.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        # torch never compresses, so a small file cannot unfold to more than there is memory.
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()) or archive.testzip() is not None:
            raise zipfile.BadZipFile


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Load a checkpoint that this program wrote; the parts that it has are of the right types.

    Example:
        >>> sorted(read_checkpoint("best.ckpt")["hyper_parameters"]["class_names"])
        ['left', 'right']

    Raises:
        UserError: The file cannot be loaded safely, was written by another program, or was changed.
    """
    checkpoint = load_plain(path)
    if not isinstance(checkpoint, dict) or MARK not in checkpoint:
        raise UserError(f"checkpoint {path} was not written by this program; give a .ckpt of one of its runs")
    if reason := mismatch(checkpoint, Content):
        raise damaged(path, reason)
    return checkpoint


def read_seen(path: str | Path) -> Seen:
    """Digests of the photos that the weights in a file have seen; none if it does not hold any."""
    content = {} if Path(path).suffix == ".safetensors" else load_plain(path, allowed=[Namespace])
    if not isinstance(content, dict) or SEEN not in content:
        return {}
    if reason := mismatch(content[SEEN], _SeenEarlier):
        raise damaged(path, f"{SEEN}.{reason}")
    seen: Seen = content[SEEN]
    return seen
