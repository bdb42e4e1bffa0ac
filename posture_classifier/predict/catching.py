"""Labels by the threshold of a class, rather than by which class is the most probable."""

from dataclasses import dataclass

from posture_classifier.rendering.formatting import percent_estimate
from posture_classifier.runs.checkpoints import ClassThreshold, Evaluation
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import describe_size, did_you_mean, shortlist


@dataclass(frozen=True)
class Catch:
    """A class that is to be caught, and from which probability on, with what that does."""

    name: str
    threshold: ClassThreshold
    evaluation: Evaluation

    def label(self, probabilities: dict[str, float]) -> str:
        """The class if it is probable enough, or else the most probable of the others."""
        if probabilities[self.name] >= self.threshold.threshold:
            return self.name
        return max((name for name in probabilities if name != self.name), key=lambda name: probabilities[name])

    def __str__(self) -> str:
        size = describe_size(vars(self.evaluation))
        return (
            f"{self.name} is said from a probability of {self.threshold.threshold:.3g} on, to catch "
            f"{self.threshold.wanted_recall:.0%} of it; as measured on {size} ({self.evaluation.procedure}) that catches "
            f"{percent_estimate(self.threshold.recall)} of it, with false alarms on "
            f"{percent_estimate(self.threshold.false_alarms)} of the others"
        )


def find_catch(catch: str, recall: float, class_names: list[str], evaluation: Evaluation | None, checkpoint: str) -> Catch:
    """Find the threshold that catches a share of a class.

    Raises:
        UserError: There is no such class or threshold; the message says which there are.
    """
    if catch not in class_names:
        raise UserError(
            f"--catch {catch} is no class of {checkpoint}{did_you_mean(catch, class_names)}; choose one of "
            f"{shortlist(class_names, 20)}"
        )
    stored = list(evaluation.thresholds.get(catch, [])) if evaluation else []
    if evaluation is None or not stored:
        raise UserError(
            f"{checkpoint} holds no thresholds of {catch}, so that --catch has nothing to go by; it was trained before checkpoints "
            "had them, or without photos to measure them on: train once more with fit, or leave --catch out"
        )
    found = next((each for each in stored if abs(each.wanted_recall - recall) < 1e-9), None)
    if found is None:
        offered = ", ".join(f"{each.wanted_recall:g}" for each in stored)
        raise UserError(f"{checkpoint} holds no threshold of {catch} for --recall {recall:g}; choose one of {offered}")
    return Catch(catch, found, evaluation)
