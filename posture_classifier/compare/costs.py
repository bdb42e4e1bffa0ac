"""What a configuration costs: counted from its network's operations, and timed if wanted."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from posture_classifier.compare.configurations import Configuration

if TYPE_CHECKING:
    from posture_classifier.costs.latency import Speed
    from posture_classifier.costs.operations import Costs


@dataclass(frozen=True)
class ConfigurationCosts:
    """Costs of one network; None is not known, since timm lacks the network or it was not timed.

    Attributes:
        parameters: Number of parameters that a forward pass in evaluation reads.
        multiply_adds: Multiply-adds of a forward pass of one photo; one is two FLOPs.
        inference_bytes: Peak memory of predicting one photo in fp32.
        training_bytes: Peak memory of a training step of the run's batch in fp32, with nothing
            frozen.
        latency_ms: Median milliseconds of a forward pass of one photo.
        photos_per_second: Throughput in batches of the run's size.
        device: Name of the device that was timed.
        seconds: Training time of one run, the mean over the seeds; all folds of a cross-validation.
    """

    parameters: int | None
    multiply_adds: int | None
    inference_bytes: int | None
    training_bytes: int | None
    latency_ms: float | None
    photos_per_second: float | None
    device: str | None
    seconds: float | None


def configuration_costs(configuration: Configuration, measure: bool) -> ConfigurationCosts:
    """Count a network's operations, and time it on this machine if ``measure``.

    Equal networks are counted and timed once.
    """
    settings, classes = configuration.settings, configuration.runs[0].tested.classes
    size, batch = settings.get("model.image_size"), settings.get("data.batch_size") or 32
    try:
        counted = _counted(configuration.backbone, size, batch, len(classes))
    # Settings that somebody edited may ask for a network that cannot be built; its predictions
    # still count.
    except Exception:
        counted = None
    timed = _timed(configuration.backbone, size, batch) if measure and counted else None
    return ConfigurationCosts(
        parameters=counted.parameters if counted else None,
        multiply_adds=counted.multiply_adds if counted else None,
        inference_bytes=counted.inference_bytes if counted else None,
        training_bytes=counted.training_bytes if counted else None,
        latency_ms=timed.latency_median_ms if timed else None,
        photos_per_second=timed.photos_per_second if timed else None,
        device=timed.device if timed else None,
        seconds=configuration.seconds,
    )


@cache
def _counted(backbone: str, image_size: int | None, batch_size: int, classes: int) -> "Costs | None":
    import timm

    from posture_classifier.costs.operations import count_costs

    return count_costs(backbone, image_size, batch_size, classes) if timm.is_model(backbone) else None


@cache
def _timed(backbone: str, image_size: int | None, batch_size: int) -> "Speed":
    from posture_classifier.costs.latency import measure_batches
    from posture_classifier.utils.device import choose_device

    return measure_batches(backbone, image_size, [batch_size], choose_device(None))[0]
