"""Trains and tests as planned, and says what came out of it."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from posture_classifier.experiments.cross_validation import CrossValidation
from posture_classifier.experiments.final_network import final_checkpoint
from posture_classifier.experiments.held_out import HeldOut
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.rendering.formatting import percent, percent_estimate, percent_interval
from posture_classifier.runs.reading import read_summary
from posture_classifier.runs.status import FEWEST_GROUPS, status_line
from posture_classifier.start.plan import Plan
from posture_classifier.utils.console import say, say_command
from posture_classifier.utils.text import describe_size, one_line, plural


def carry_out(plan: Plan) -> None:
    """Train, test, and train on everybody; what an earlier ``start`` has done is not done again.

    At the end it says in words what came of it, and where the page and the network are.
    """
    options = ["--config", str(plan.path)]
    if plan.procedure == "crossval":
        with CrossValidation.prepare([*options, "--final"], repeat=False) as folds:
            folds.train_folds()
            folds.report(aloud=False)
            summary, page = read_summary(folds.folder), folds.folder / "report.html"
    else:
        with HeldOut.prepare(options) as held_out:
            summary = held_out.run()
            page = Path(summary["run"]) / "report.html"
    say("", describe_result(summary, plan.limits))
    _say_where(plan, page, final_checkpoint(Path(summary["final"]["run"])))


def describe_result(summary: dict[str, Any], limits: Sequence[str] = ()) -> str:
    """Say in words how good a network can be expected to be on people that it has not seen.

    Args:
        summary: Content of ``summary.json`` of a cross-validation, or of a tested run.
        limits: Sentences on what that does not tell.

    Example:
        >>> accuracy = {"value": 0.9, "low": 0.6, "high": 0.98}
        >>> describe_result({"images": 40, "groups": 9, "accuracy": accuracy, "status": {}})
        'Of 40 photos of 9 groups, 90 % were classified right, each by a network that had not seen
        its group. Of the photos of other groups expect 60 to 98 % (95 % interval). Expect the same
        of the final network, which has learnt from all: nobody is left to test it.'
    """
    accuracy, status = Estimate(**summary["accuracy"]), dict(summary["status"])
    own, others = ("its group", "the photos of other groups") if summary["groups"] else ("it", "other photos")
    known = accuracy.ends is not None and accuracy.value is not None
    share = percent(accuracy.value or 0) if known else percent_estimate(accuracy)
    size = describe_size(summary)
    sentences = [f"Of {size}, {share} were classified right, each by a network that had not seen {own}{_from_to(summary)}."]
    if accuracy.ends and known:
        sentences.append(f"Of {others} expect {percent_interval(accuracy.ends)} (95 % interval).")
        if status.pop("few_groups", None):
            n, unit = (summary["groups"], "group") if summary["groups"] else (summary["images"], "photo")
            sentences.append(f"That range rests on {plural(n, unit)} only; below {FEWEST_GROUPS} it is rough.")
    sentences += [status_line(status), *limits]
    sentences.append("Expect the same of the final network, which has learnt from all: nobody is left to test it.")
    return " ".join(filter(None, sentences))


def _from_to(summary: dict[str, Any]) -> str:
    """The lowest and the highest accuracy of a group; nothing where there are none to compare."""
    groups = sorted(summary.get("accuracy_of_groups") or [], key=lambda each: float(each["accuracy"]))
    if len(groups) < 2 or groups[0]["accuracy"] == groups[-1]["accuracy"]:
        return ""
    lowest, highest = [f"{percent(each['accuracy'])} ({one_line(each['group'])})" for each in (groups[0], groups[-1])]
    return f": from {lowest} to {highest}"


def _say_where(plan: Plan, page: Path, checkpoint: Path) -> None:
    if page.is_file():
        say(f"page: {page}", whole=True)
    say(f"network: {checkpoint}", f"settings: {plan.path}", whole=True)
    command = f"python -m posture_classifier predict {quote(str(checkpoint))} new_photos/"
    say_command("next, what is on new photos (put their folder in the place of new_photos/)", command)
