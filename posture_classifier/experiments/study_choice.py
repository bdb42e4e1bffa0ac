"""The end of a search by Optuna: the chosen trial is trained as an ordinary ``fit``, and tested."""

from collections import Counter
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from posture_classifier.experiments.search_space import describe
from posture_classifier.experiments.study import trial_name
from posture_classifier.experiments.study_search import ALL, FAILURE, StudySearch
from posture_classifier.experiments.training_series import end_series, finished_run
from posture_classifier.runs.lock import try_lock
from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.tables import write_rows
from posture_classifier.utils.text import plural

TRIALS_CSV = "trials.csv"
CHOSEN = "chosen_"
"""Begins the name of the folder of the chosen trial's tested run."""


def choose(search: StudySearch) -> bool:
    """Test the trial of the lowest validation loss, unless other workers still train.

    Returns:
        Whether no trial failed.

    Raises:
        UserError: No trial came to its end.
    """
    trials = search.study.trials()
    _write_trials(search, trials)
    states = Counter(trial.state for trial in trials)
    if running := states[TrialState.RUNNING]:
        say(f"{plural(running, 'trial is', 'trials are')} still trained by other workers; the last of them tests the chosen one")
        return True
    best = search.study.best()
    failures = [trial for trial in trials if trial.state is TrialState.FAIL]
    if best is None:
        reason = f": {failures[0].user_attrs.get(FAILURE, 'unknown')}" if failures else ""
        raise UserError(f"none of {plural(len(trials), 'trial')} in {search.folder} came to its end{reason}")
    run = _test(search, best)
    if run is None:
        say(f"another worker tests the chosen trial in {search.folder}")
        return True
    _end(search, best, run, states)
    for trial in failures:
        say(f"failed: trial {trial.number}: {trial.user_attrs.get(FAILURE, 'unknown')}")
    say(
        f"chosen of {plural(len(trials), 'trial')} by validation photos: trial {best.number}, val/loss {best.values[0]:.4f}; "
        f"{states[TrialState.COMPLETE]} ended, {states[TrialState.PRUNED]} stopped early, {len(failures)} failed",
        describe(search.study.values(best)),
        "only this one saw the test photos, so its test figures are of people who had no say in the choice",
    )
    say(f"its run: {run}", f"all trials: {search.folder / TRIALS_CSV}", whole=True)
    return not failures


def _test(search: StudySearch, best: FrozenTrial) -> Path | None:
    """Train the chosen trial with tested photos, if that was not done; None if another does it."""
    training = search.training(f"{CHOSEN}{trial_name(best.number)}", search.study.values(best), ALL)
    training.folder.mkdir(exist_ok=True)
    lock = try_lock(training.folder)
    if lock is None:
        return None
    try:
        if (run := finished_run(training.folder)) is None:
            say(f"trial {best.number} is chosen: it is trained once more and tested")
            with at_stop(lambda _: f"the same command goes on in {search.folder}"):
                PostureCLI(training.words)
            run = finished_run(training.folder)
    finally:
        lock.release()
    if run is None:
        raise UserError(f"the run in {training.folder} did not test its photos; leave trainer.limit_test_batches out")
    return run


def _write_trials(search: StudySearch, trials: list[FrozenTrial]) -> None:
    """Write a row for each trial, of which the best come first."""
    ended = TrialState.COMPLETE
    ranked = sorted(trials, key=lambda t: (t.state is not ended, t.values[0] if t.state is ended else 0, t.number))
    columns = ["trial", "state", "val_loss", "epochs", *search.study.space]
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "val_loss": min(trial.intermediate_values.values(), default=None),
            "epochs": len(trial.intermediate_values),
            **search.study.values(trial),
        }
        for trial in ranked
    ]
    with atomic_write(search.folder / TRIALS_CSV) as temporary:
        write_rows(rows, columns, temporary)


def _end(search: StudySearch, best: FrozenTrial, run: Path, states: Counter[TrialState]) -> None:
    summary = {
        "trials": {state.name.lower(): count for state, count in states.items()},
        "chosen": {
            "trial": best.number,
            "val_loss": best.values[0],
            "options": search.study.values(best),
            "run": run.as_posix(),
        },
    }
    end_series(search.folder, summary)
