"""The rules that a checkpoint holds in words: when to trust an answer, and how often that holds."""

from posture_classifier.metrics.temperature_scaling import LEAST
from posture_classifier.rendering.formatting import percent_estimate
from posture_classifier.runs.checkpoints import Abstention, Evaluation, Familiarity


def describe_rules(evaluation: Evaluation) -> str:
    """Say in a few sentences what the rules of a checkpoint do; empty where it holds none."""
    abstention, familiarity = describe_abstention(evaluation.abstention), describe_familiarity(evaluation.familiarity)
    return " ".join(filter(None, [_describe_temperature(evaluation), abstention, familiarity]))


def _describe_temperature(evaluation: Evaluation) -> str:
    if evaluation.temperature is not None:
        return f"Probabilities are calibrated (temperature {evaluation.temperature:.2f})."
    if evaluation.abstention is None:  # no photos chose any rule
        return ""
    return (
        f"Probabilities are not calibrated: that takes at least {LEAST} wrong photos among those that choose the temperature, and "
        f"{LEAST} right ones."
    )


def describe_abstention(abstention: Abstention | None) -> str:
    """Say when it is not sure, and what that is worth.

    Example:
        >>> from posture_classifier.metrics.intervals import Estimate
        >>> rule = Abstention(0.9, Estimate(0.75, 0.65, 0.83), Estimate(0.96, 0.9, 0.98))
        >>> describe_abstention(rule)
        'Below a calibrated probability of 0.9 it is not sure. It is sure of 75 % (95 % interval 65
        to 83 %) of the tested photos, and right on 96 % (95 % interval 90 to 98 %) of these.'
    """
    if abstention is None:
        return ""
    rule = f"Below a calibrated probability of {abstention.threshold:.3g} it is not sure."
    if abstention.answered.value is None:
        return f"{rule} How often that is was not measured, since every photo had a part in the choice."
    answered = percent_estimate(abstention.answered)
    if abstention.accuracy.value is None:
        return f"{rule} It is sure of none of the tested photos."
    return f"{rule} It is sure of {answered} of the tested photos, and right on {percent_estimate(abstention.accuracy)} of these."


def describe_familiarity(familiarity: Familiarity | None) -> str:
    """Say how often photos of the same kind are said to be unlike the training photos.

    Example:
        >>> from posture_classifier.metrics.intervals import Estimate
        >>> describe_familiarity(Familiarity(1.2, Estimate(0.04, 0.02, 0.09)))
        'It tells photos that are unlike the training photos; of the tested photos, which are not,
        that is said of 4 % (95 % interval 2 to 9 %).'
    """
    if familiarity is None:
        return ""
    rule = "It tells photos that are unlike the training photos"
    if familiarity.false_alarms.value is None:
        return f"{rule}; how often it is wrong about that was not measured."
    share = percent_estimate(familiarity.false_alarms)
    return f"{rule}; of the tested photos, which are not, that is said of {share}."
