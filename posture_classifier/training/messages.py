"""What ``fit``, ``validate`` and ``test`` tell on the terminal."""

import logging
import warnings
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from rich.table import Table

from posture_classifier.callbacks.evaluation_report import EvaluationReport
from posture_classifier.check.digest_check import check_digests
from posture_classifier.data.module import PostureData
from posture_classifier.metrics.scores import METRICS
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.precision import TRUE, compute_type, name_of
from posture_classifier.utils.console import say
from posture_classifier.utils.text import describe_interval, describe_size


def quiet() -> None:
    """Silence advice that does not concern the user of a finished program."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*args parameter is intended to run from within Python.*",
        ".*in eval mode.*",  # frozen modules are meant to be
        "Checkpoint directory .* exists and is not empty",  # that of a resumed run is
        ".*treespec, LeafSpec.*",
        ".*functional.all_gather is deprecated.*",
        "Glyph .* missing from font",
        ".*dirpath has changed from.*",  # a checkpoint may be evaluated anywhere
        ".*WeightAveraging callback, but loading a checkpoint outside.*",
    ):
        warnings.filterwarnings("ignore", message)


@rank_zero_only
def describe(model: PostureClassifier, data: PostureData, trainer: Trainer) -> None:
    """One line on the network and one on the photos, before the wait begins."""
    parameters = sum(parameter.numel() for parameter in model.backbone.parameters()) / 1e6
    source, size = model.hparams["weights_source"], model.preprocessing.image_size
    learns = name_of(TRUE.get(trainer.precision) or compute_type(model.backbone, model.precision, learns=True))
    where = f"{size} px, {trainer.num_devices * trainer.num_nodes} x {trainer.strategy.root_device.type}, {learns}"
    names = ", ".join(f"{len(data.photos.of(split))} {split}" for split in ("train", "val", "test"))
    found, fine = check_digests(data.photos, data.digests)
    say(
        f"{model.hparams['backbone']}: {parameters:.1f} M parameters, {len(model.stages)} stages, weights: {source}, {where}\n"
        f"{data.root}: {len(data.photos)} photos ({names}) of {len(data.class_names)} classes" + (f"; {found}" if fine else "")
    )
    if not fine:
        rank_zero_warn(found)


@rank_zero_only
def announce(trainer: Trainer, checkpoint: str | Path | None) -> None:
    """Say how good the model is, on what, and where to find it."""
    reports = [c for c in trainer.callbacks if isinstance(c, EvaluationReport)]  # type: ignore[attr-defined]
    summary = reports[0].summary
    say(estimates_table(summary, f"{summary['split']} split"))
    # Not Trainer.log_dir, which waits for all ranks.
    folder = trainer.loggers[0].log_dir
    say(f"checkpoint: {checkpoint}", f"run folder: {folder}")


def estimates_table(summary: dict[str, Any], title: str) -> Table:
    """All metrics of a summary with their intervals; the title says on how many photos and groups they were measured."""
    table = Table("metric", "value", "95 % interval", title=f"{title}: {describe_size(summary)}")
    for name, metric in METRICS.items():
        estimate = summary[name]
        value = "-" if estimate["value"] is None else f"{estimate['value']:.3f}"
        table.add_row(metric.title, value, describe_interval(estimate))
    return table
