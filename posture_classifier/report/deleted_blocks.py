"""``blocks.csv``: how good the network of a run is without each of its blocks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from posture_classifier.images.decode import DecodeError
from posture_classifier.images.photo_source import may_exist
from posture_classifier.inference import Classifier
from posture_classifier.metrics.intervals import Estimate, estimate_mean, estimate_share, resample_weights
from posture_classifier.metrics.paired_tests import holm, mcnemar, paired_bootstrap
from posture_classifier.models.block_deletion import logits_without_blocks
from posture_classifier.models.blocks import Block, find_blocks
from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes
from posture_classifier.models.stages import Stage
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import write_rows
from posture_classifier.utils.threads import map_in_threads
from posture_classifier.utils.types import Floats, Ints

BLOCKS_CSV = "blocks.csv"
MOST_PHOTOS = 200
"""Photos that blocks are tried on: a difference of 5 points shows, and time is bounded."""
NOTHING = "nothing"
"""What is deleted in the first row, which is of the whole network."""
COLUMNS = [
    *("deleted", "stage", "stages_open", "images", "groups", "accuracy", "accuracy_low", "accuracy_high"),
    *("difference", "difference_low", "difference_high", "p"),
]


@dataclass(frozen=True)
class Deletion:
    """The network without one of its blocks, on some photos.

    Attributes:
        deleted: Name of the block, or ``NOTHING``.
        stage: Name of its stage.
        stages_open: Number of stages that are open, the head among them, where its stage is.
        images: Number of photos.
        groups: Number of their groups; None where none were named.
        accuracy: Share of photos that are right without it.
        difference: Accuracy without the block less that with it, on the same photos; no value for
            the whole network.
        p: Holm's p-value of the hypothesis that there is no difference, of all blocks together;
            None for the whole network.
    """

    deleted: str
    stage: str
    stages_open: int
    images: int
    groups: int | None
    accuracy: Estimate
    difference: Estimate
    p: float | None


def can_delete_blocks(run: FinishedRun) -> bool:
    """Whether the checkpoint and the photos are there."""
    chosen = sampled_photos(run.evaluated, run.summary["seed"])
    return run.checkpoint.is_file() and all(may_exist(run.file(i)) for i in chosen)


def sampled_photos(evaluated: PredictionTable, seed: int, most: int = MOST_PHOTOS) -> Ints:
    """Positions of evaluated photos, all of them or as many as are tried.

    Groups, and classes within a group, have the same share of them as of all.
    """
    if len(evaluated) <= most:
        return np.arange(len(evaluated))
    chance = np.random.default_rng(seed).random(len(evaluated))
    order = np.lexsort((chance, evaluated.predictions.labels, evaluated.groups))
    return np.sort(order[np.linspace(0, len(order) - 1, most).round().astype(np.int64)])


def measure_deletions(run: FinishedRun, most: int = MOST_PHOTOS) -> list[Deletion]:
    """Delete each block of the network by itself, on evaluated photos.

    The cost is half as many passes over ``most`` photos as there are blocks.

    Returns:
        The whole network, then a row per block in the order in which they run.

    Raises:
        UserError: None of the photos can be read.
    """
    assert run.classifier is not None
    model, evaluated = run.classifier.model, run.evaluated
    chosen, images = _read(run, sampled_photos(evaluated, run.summary["seed"], most))
    blocks = find_blocks(model.backbone, model.preprocessing.image_size)
    predicted = _predict(run.classifier, blocks, images)
    groups = evaluated.groups[chosen]
    return _deletions(
        [(NOTHING, "", 0), *(_place(block, model.stages) for block in blocks)],
        predicted == evaluated.predictions.labels[chosen],
        groups,
        evaluated.grouped,
        run.summary["seed"],
    )


def _read(run: FinishedRun, chosen: Ints) -> tuple[Ints, Tensor]:
    """Which of the chosen photos can be read, and their pixels (N, 3, S, S) uint8.

    Raises:
        UserError: None can.
    """
    assert run.classifier is not None
    preprocessing = run.classifier.model.preprocessing

    def read(index: int) -> npt.NDArray[np.uint8] | None:
        try:
            return preprocessing.read(run.file(index))
        except DecodeError:
            return None

    pairs = list(zip(chosen.tolist(), map_in_threads(read, chosen.tolist(), ahead=64), strict=True))
    readable = [(index, pixels) for index, pixels in pairs if pixels is not None]
    if not readable:
        raise UserError(f"no photo below {run.root} can be read; put them back, or leave out --blocks true")
    images = torch.from_numpy(np.stack([pixels for _, pixels in readable]).transpose(0, 3, 1, 2).copy())
    return np.array([index for index, _ in readable]), images


def _predict(classifier: Classifier, blocks: list[Block], images: Tensor) -> Ints:
    """(1 + n, N) class of each photo by the whole network, then without each block."""
    model, device = classifier.model, classifier.device
    # A batch ends as 1 + n times its size, where maps are small.
    batches = torch.split(images, max(1, 4 * chunk_size(device) // (1 + len(blocks))))
    passes = concurrent_passes(device, len(batches))
    logits = logits_without_blocks(
        model.backbone,
        blocks,
        model.preprocessing.image_size,
        lambda batch: model(model.preprocessing.normalise(batch.to(device))),
        batches,
        passes,
    )
    result: Ints = logits.argmax(2).cpu().numpy()
    return result


def _place(block: Block, stages: list[Stage]) -> tuple[str, str, int]:
    """A block's name, that of its stage, and the number of stages from the head to that one."""
    numbered = list(enumerate(reversed(stages), start=1))
    number, stage = next((n, stage) for n, stage in numbered if any(p.startswith(f"{block.name}.") for p in stage.parameters))
    return block.name, stage.name, number


def _deletions(
    places: list[tuple[str, str, int]], correct: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_], grouped: bool, seed: int
) -> list[Deletion]:
    """Estimate accuracies and differences from what was right (1 + n, N)."""
    n_groups = len(np.unique(groups)) if grouped else None
    p = [None, *_p_values(correct, groups, seed).tolist()]
    return [
        Deletion(
            *place,
            images=len(groups),
            groups=n_groups,
            accuracy=estimate_share(right, groups, seed),
            difference=Estimate(None) if chance is None else estimate_mean(right.astype(np.float64) - correct[0], groups, seed),
            p=chance,
        )
        for place, right, chance in zip(places, correct, p, strict=True)
    ]


def _p_values(correct: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_], seed: int) -> Floats:
    """(n,) Holm's p-values of each row but the first against the first."""
    _, codes, photos = np.unique(groups, return_inverse=True, return_counts=True)
    if len(photos) < 2:
        return np.ones(len(correct) - 1)
    if len(photos) == len(groups):
        return holm(mcnemar(correct)[0, 1:])
    weights = resample_weights(len(photos), seed)
    values = np.array([weights @ np.bincount(codes, weights=right) for right in correct]) / (weights @ photos)
    return holm(paired_bootstrap(values, len(photos), list(values[:, :1])).p[0, 1:])


def write_deletions(deletions: list[Deletion], path: Path) -> None:
    """Write ``blocks.csv``: all of it or, at a kill, nothing."""
    rows = [
        vars(deletion)
        | {
            f"{name}{end}": value
            for name, estimate in (("accuracy", deletion.accuracy), ("difference", deletion.difference))
            for end, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
        }
        for deletion in deletions
    ]
    with atomic_write(path) as temporary:
        write_rows(rows, COLUMNS, temporary)


def is_our_table(path: Path) -> bool:
    """Whether a file begins as a ``blocks.csv`` does."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline().rstrip("\r\n") == ",".join(COLUMNS)
