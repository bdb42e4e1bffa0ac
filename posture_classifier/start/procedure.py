"""Trains and tests as planned, and says what came out of it."""

import json
from pathlib import Path
from shlex import quote
from typing import Any

from posture_classifier.experiments.cross_validation import CrossValidation
from posture_classifier.experiments.final_network import final_checkpoint
from posture_classifier.experiments.held_out import HeldOut
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.rendering.formatting import percent, percent_estimate
from posture_classifier.runs.names import SUMMARY_JSON
from posture_classifier.runs.status import status_line
from posture_classifier.start.plan import Plan
from posture_classifier.utils.text import describe_size, plural


def carry_out(plan: Plan, output: Path) -> list[str]:
    """Train, test, and train on everybody; what an earlier ``start`` has done is not done again.

    Args:
        plan: What to do.
        output: The folder that ``lightning_logs`` is made in.

    Returns:
        What came of it, in sentences, with the page, the network, and what to do next.
    """
    options = ["--config", str(plan.path), "--trainer.default_root_dir", str(output)]
    if plan.procedure == "crossval":
        with CrossValidation.prepare([*options, "--final"], repeat=False) as folds:
            folds.train_folds()
            folds.report(advise=False)
            summary, page = json.loads((folds.folder / SUMMARY_JSON).read_text(encoding="utf-8")), folds.folder / "report.html"
    else:
        with HeldOut.prepare(options) as held_out:
            summary = held_out.run()
            page = held_out.page(summary)
    checkpoint = final_checkpoint(Path(summary["final"]["run"]))
    return ["", describe_result(summary), *_where(plan, page, checkpoint)]


def describe_result(summary: dict[str, Any]) -> str:
    """Say in words how good a network can be expected to be on people that it has not seen.

    Args:
        summary: Of a cross-validation, or of a tested run.

    Example:
        >>> accuracy = {"value": 0.9, "low": 0.6, "high": 0.98}
        >>> describe_result({"images": 40, "groups": 4, "accuracy": accuracy, "status": {}})
        'Of 40 photos of 4 groups, tested by networks that had not seen these groups, 90 % (95 %
        interval 60 to 98 %) were classified right. The final network has learnt from all, ...'
    """
    who = "groups" if summary["groups"] else "photos"
    accuracy = Estimate(**summary["accuracy"])
    sentences = [
        f"Of {describe_size(summary)}, tested by networks that had not seen these {who}, {percent_estimate(accuracy)} were "
        "classified right."
    ]
    if hardest := [each for each in summary.get("accuracy_of_groups") or [] if each["accuracy"] < 1]:
        first = hardest[0]
        sentences.append(f"The hardest is {first['group']}: {percent(first['accuracy'])} of {plural(first['images'], 'photo')}.")
    sentences.append(status_line(summary["status"]))
    sentences.append("The final network has learnt from all, so nobody is left to test it: this is what to expect of it.")
    return " ".join(filter(None, sentences))


def _where(plan: Plan, page: Path, checkpoint: Path) -> list[str]:
    return [
        *([f"page: {page}"] if page.is_file() else []),
        f"network: {checkpoint}",
        f"settings: {plan.path}",
        f"next: python -m posture_classifier predict {quote(str(checkpoint))} new_photos/",
    ]
