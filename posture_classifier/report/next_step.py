"""The last section of a run's page: what to do next, as a command to paste."""

import shlex

from posture_classifier.rendering.page import Section, next_step
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.report.known_check import KnownCheck
from posture_classifier.runs.names import CONFIG_YAML
from posture_classifier.runs.status import FEWEST_GROUPS

MOST_FOLDS = 10
NEW_PHOTOS = "new_photos"
"""Placeholder of the user's own folder."""


def next_step_section(run: FinishedRun, check: KnownCheck | None) -> Section | None:
    """Advise to check the photos, or else to test everybody, or else to use the network.

    There is nothing to advise where the photos and the checkpoint are gone.
    """
    data = run.settings["data"]
    n_groups = len({row["group"] for row in run.split_rows})
    if run.root.is_dir() and check is None:
        given = [(f"--{name}", data[name]) for name in ("table", "group_pattern", "layout") if data.get(name)]
        options = [word for option in given for word in option]
        sentence = (
            "Look for copies, shortcuts and label errors in the photos, and for what to photograph next. The report, written "
            "again, then says what was found:"
        )
        return next_step(sentence, _command("check", run.root, *options, "--output", run.folder, "--overwrite", "true"))
    few = run.summary["groups"] is not None and run.summary["groups"] < FEWEST_GROUPS <= n_groups
    if run.root.is_dir() and few and not any(data.get(name) for name in ("split", "holdout_groups", "folds")):
        sentence = f"Only {run.summary['groups']} of {n_groups} groups were tested. Test each of them once:"
        folds = str(min(n_groups, MOST_FOLDS))
        return next_step(sentence, _command("crossval", "--config", run.folder / CONFIG_YAML, "--data.folds", folds))
    if run.checkpoint.is_file():
        sentence = f"Classify photos of your own, with their folder in place of {NEW_PHOTOS}:"
        return next_step(sentence, _command("predict", run.checkpoint, NEW_PHOTOS, "--output", "predictions.csv"))
    return None


def _command(*words: object) -> str:
    return shlex.join(["python", "-m", "posture_classifier", *map(str, words)])
