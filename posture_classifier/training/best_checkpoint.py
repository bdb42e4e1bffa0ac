"""Chooses how a run's network is to be used, and puts that into its checkpoint.

The validation photos choose and the test photos judge, as in the run's report: a temperature,
thresholds, when "not sure" is said, and when a photo is unlike the training photos.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from torch import Tensor

from posture_classifier.cache.tensor_store import JoinedStores
from posture_classifier.callbacks.evaluation_report import EvaluationReport, split_sizes
from posture_classifier.callbacks.of_trainer import callbacks_of
from posture_classifier.data.module import PostureData
from posture_classifier.data.network_outputs import network_outputs
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS
from posture_classifier.models.checkpoint import EVALUATION, read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.familiarity import FamiliarityDistance, fit_familiarity
from posture_classifier.models.frozen_prefix import Cut
from posture_classifier.runs.checkpoints import PROCEDURES, parse_evaluation
from posture_classifier.runs.choice import Choice
from posture_classifier.runs.decision_rules import choose_familiarity
from posture_classifier.runs.distances import DistanceTable
from posture_classifier.runs.names import PREDICTIONS_CSV
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.rule_words import describe_rules
from posture_classifier.training.evaluation import describe_evaluation, describe_familiarity, store_evaluation
from posture_classifier.utils.text import first_line
from posture_classifier.utils.types import Floats, Ints

MOST_LEARNT = 1000
"""Most training photos that say what is familiar: means and directions need no more, and their time
grows with the square of the number."""
MOST_JUDGED = 5000
"""Most test photos whose distance is measured, so that a large set is not computed twice."""


@dataclass(frozen=True)
class BestNetwork:
    """The network of a run's best checkpoint, with the photos of the run.

    Attributes:
        model: The network.
        data: The photos.
        frozen_part: The network divided after its frozen prefix, and cached outputs of that; None
            where there are none.
    """

    model: PostureClassifier
    data: PostureData
    frozen_part: tuple[Cut, JoinedStores] | None = None

    def measure_reference(self, seed: int) -> dict[str, Tensor]:
        """What is familiar to the network: where the features of its training photos lie."""
        photos = self.data.photos.in_split("train")
        indices = draw(len(photos), MOST_LEARNT, seed)
        # Features are of the photos themselves, without their mirror images.
        frozen_part = self.frozen_part and (self.frozen_part[0], self.frozen_part[1].first)
        outputs = network_outputs(
            self.model, self.data, "train", indices, lambda images, cut: self.model.features(images, cut).cpu(), frozen_part
        )
        kept = list(outputs)
        labels = torch.from_numpy(photos.labels[np.concatenate([chunk for chunk, _ in kept])])
        return fit_familiarity(torch.cat([features for _, features in kept]), labels)

    def predict(self, split: str, distance: FamiliarityDistance, indices: Ints) -> tuple[PredictionTable, DistanceTable]:
        """Predict photos of a split, and measure how unlike the training photos they are."""
        photos = self.data.photos.in_split(split).select(indices)

        def compute(images: Tensor, cut: Cut | None) -> tuple[Floats, Floats]:
            logits, features = self.model.logits_and_features(images, cut)
            return logits.float().softmax(1).cpu().numpy(), distance(features).cpu().numpy()

        outputs = network_outputs(self.model, self.data, split, indices, compute, self.frozen_part)
        place = {index: number for number, index in enumerate(indices.tolist())}
        probabilities = np.zeros((len(indices), len(self.data.class_names)), dtype=np.float64)
        distances: Floats = np.zeros(len(indices))
        for chunk, (rows, measured) in outputs:
            places = [place[index] for index in chunk.tolist()]
            probabilities[places], distances[places] = rows, measured
        paths, groups = np.asarray(photos.paths), np.asarray(photos.groups)
        predictions = Predictions(np.arange(len(indices)), photos.labels, probabilities)
        return PredictionTable(paths, groups, self.data.class_names, predictions), DistanceTable(paths, groups, distances)


@rank_zero_only
def store_evaluation_of_run(trainer: Trainer, checkpoint: Path, network: BestNetwork) -> str | None:
    """Put what a run has measured of its best checkpoint into it, if that can be done.

    What a checkpoint holds of an earlier measurement with the same figures stays. The training is
    over and its results are written, so that no fault of this may fail it.

    Returns:
        What the rules do, in words; None on ranks that do not write.
    """
    folder = Path(trainer.loggers[0].log_dir or ".")
    (report,) = callbacks_of(trainer, EvaluationReport)
    try:
        evaluation = read_checkpoint(checkpoint).get(EVALUATION)
        # A run that had ended already would otherwise write it anew, with other last digits.
        if evaluation is None or not _has_same_figures(evaluation, report.summary):
            evaluation = store_what_was_measured(folder, checkpoint, network, report.summary, trainer.strategy.root_device)
    except Exception as error:
        rank_zero_warn(f"no figures were put into {checkpoint} ({first_line(error)}); the run is complete without")
        return None
    return describe_rules(parse_evaluation(evaluation))


def _has_same_figures(evaluation: dict[str, Any], summary: dict[str, Any]) -> bool:
    pairs = [(evaluation[name]["value"], summary[name]["value"]) for name in METRICS if name in evaluation and name in summary]
    same = (one is other is None or (None not in (one, other) and math.isclose(one, other, rel_tol=1e-5)) for one, other in pairs)
    return evaluation["images"] == summary["images"] and all(same)


def store_what_was_measured(
    folder: Path, checkpoint: Path, network: BestNetwork, summary: dict[str, Any], device: torch.device
) -> dict[str, Any]:
    """Put the figures of a run, and the rules that its validation photos choose, into a checkpoint.

    ``val/predictions.csv`` and ``test/distances.csv`` are written into the run's folder too.
    Returns what was stored.
    """
    split, seed = summary["split"], summary["seed"]
    table = read_prediction_table(folder / split / PREDICTIONS_CSV)
    choice, familiarity = None, None
    if network.data.has_val:
        was_on = network.model.device
        network.model.to(device)
        try:
            validation, familiarity = _choose(folder, network, table, summary)
        finally:
            network.model.to(was_on)
        choice = Choice.by_validation(validation, len(table))
    evaluation = describe_evaluation(table, summary, PROCEDURES[split], choice, seed, judges=split == "test")
    evaluation |= {"photos": split_sizes(network.data.photos), "familiarity": familiarity}
    store_evaluation(checkpoint, evaluation)
    return evaluation


def _choose(
    folder: Path, network: BestNetwork, table: PredictionTable, summary: dict[str, Any]
) -> tuple[PredictionTable, dict[str, Any]]:
    """Predict the validation photos; they choose when a photo is unlike those learnt from."""
    data, seed = network.data, summary["seed"]
    reference = network.measure_reference(seed)
    distance = FamiliarityDistance(reference).to(network.model.device)
    validation, choosing = network.predict("val", distance, np.arange(len(data.photos.in_split("val"))))
    if summary["split"] == "val":
        return table, describe_familiarity(choose_familiarity(choosing, None, seed), reference)
    validation.write(folder / "val" / PREDICTIONS_CSV)
    tested = np.flatnonzero(np.isin(np.asarray(data.photos.in_split("test").paths), table.paths))
    _, judging = network.predict("test", distance, tested[draw(len(tested), MOST_JUDGED, seed)])
    judging.write(folder / "test")
    return validation, describe_familiarity(choose_familiarity(choosing, judging, seed), reference)


def draw(count: int, most: int, seed: int) -> Ints:
    """The numbers of some photos out of ``count``, at most ``most``, in order."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])
