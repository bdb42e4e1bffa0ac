"""What an entry costs: counted from its operations, and timed if wanted."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from posture_classifier.compare.configurations import Entry

if TYPE_CHECKING:
    import torch

    from posture_classifier.costs.latency import Speed
    from posture_classifier.costs.operations import Costs


@dataclass(frozen=True)
class EntryCosts:
    """Of one network; None is not known, since timm lacks the network or it was not timed.

    Attributes:
        parameters: Their number.
        multiply_adds: Of one photo; one is two FLOPs.
        inference_bytes: Peak memory of predicting one photo in fp32.
        training_bytes: Peak memory of a training step of the run's batch in fp32, with nothing frozen.
        latency_ms: Median milliseconds of one photo.
        photos_per_second: In batches of the run's size.
        device: That was timed.
        seconds: That training one run took, in the mean over the seeds; all folds of a cross-validation.
    """

    parameters: int | None
    multiply_adds: int | None
    inference_bytes: int | None
    training_bytes: int | None
    latency_ms: float | None
    photos_per_second: float | None
    device: str | None
    seconds: float | None


def entry_costs(entry: Entry, measure: bool) -> EntryCosts:
    """Count a network, and time it on this machine if ``measure``; equal networks of one process are counted and timed once."""
    size, batch = entry.settings.get("model.image_size"), int(entry.settings.get("data.batch_size") or 32)
    counted = _counted(entry.backbone, size, batch, len(entry.runs[0].tested.classes))
    timed = _timed(entry.backbone, size, batch) if measure and counted else None
    return EntryCosts(
        parameters=counted.parameters if counted else None,
        multiply_adds=counted.multiply_adds if counted else None,
        inference_bytes=counted.inference_bytes if counted else None,
        training_bytes=counted.training_bytes if counted else None,
        latency_ms=timed.latency_median_ms if timed else None,
        photos_per_second=timed.photos_per_second if timed else None,
        device=timed.device if timed else None,
        seconds=entry.seconds,
    )


@cache
def _counted(backbone: str, image_size: int | None, batch_size: int, classes: int) -> "Costs | None":
    import timm

    from posture_classifier.costs.operations import count_costs

    return count_costs(backbone, image_size, batch_size, classes) if timm.is_model(backbone) else None


@cache
def _timed(backbone: str, image_size: int | None, batch_size: int) -> "Speed":
    from posture_classifier.costs.latency import measure_speed
    from posture_classifier.utils.device import choose_device

    device: torch.device = choose_device(None)
    return measure_speed(backbone, image_size, batch_size, device)
