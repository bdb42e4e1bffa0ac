"""A study of Optuna that any number of processes work on: who trains what, and what came out.

Optuna (Akiba et al. 2019) proposes values by TPE (Bergstra et al. 2011), stops trials by the median
rule and keeps the study. It can tell trials of killed workers only where it is a database; here
each trial is locked by its worker, and the system releases the lock when that ends in whatever way.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from filelock import BaseFileLock, FileLock
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from posture_classifier.experiments.search_space import Range
from posture_classifier.runs.lock import try_lock
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

JOURNAL = "study.journal"
CLAIM = ".claim.lock"
"""Held while a worker takes a trial, so that two never take one, nor one too many."""
PLACE = "folder"
"""Attribute of a trial: the mark of the search's folder that its run is in."""
SEEDS = 2**32
"""Optuna's samplers take seeds below this."""
STRIDE = 1_000_003
"""Between the seeds of two searches' first trials, so that no trial of one repeats another's."""


@dataclass(frozen=True)
class Claim:
    """A trial that this process trains.

    Attributes:
        trial: Optuna's.
        name: Name of its runs' folder.
        values: Words for ``fit``, by option.
        reported: Epochs that Optuna knows of a worker before.
        lock: Held until the process ends or the trial has.
    """

    trial: Trial
    name: str
    values: dict[str, str]
    reported: frozenset[int]
    lock: BaseFileLock

    def report(self, epoch: int, loss: float) -> None:
        """Tell Optuna of an epoch.

        Raises:
            TrialPruned: The trial is worse than the median of the others.
        """
        if epoch not in self.reported:
            self.trial.report(loss, epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


@dataclass(frozen=True)
class Study:
    """What has been tried, and what is to be tried next.

    Attributes:
        study: Optuna's.
        folder: Folder of the search.
        place: Mark of this folder; a study may have trials in folders that this machine lacks.
        space: What is tried.
        n_trials: How many trials the study comes to.
        seed: Seed of the proposals.
    """

    study: optuna.Study
    folder: Path
    place: str
    space: dict[str, Range]
    n_trials: int
    seed: int

    def claim(self) -> Claim | None:
        """Take up a trial whose worker was killed, or else a new one; None if none is left."""
        with FileLock(self.folder / CLAIM):
            known = self.trials()
            for old in known:
                here = old.user_attrs.get(PLACE, self.place) == self.place
                if old.state is TrialState.RUNNING and here and (lock := self._lock(old.number)):
                    return self._claimed(Trial(self.study, old._trial_id), frozenset(old.intermediate_values), lock)
            if len(known) >= self.n_trials:
                return None
            # A seed for each trial: a search that is resumed proposes what it would have proposed.
            self.study.sampler = TPESampler(seed=(STRIDE * self.seed + len(known)) % SEEDS)
            trial = self.study.ask()
            trial.set_user_attr(PLACE, self.place)
            lock = self._lock(trial.number)
            assert lock is not None  # no other process knows a trial that was just begun
            return self._claimed(trial, frozenset(), lock)

    def _lock(self, number: int) -> BaseFileLock | None:
        folder = self.folder / trial_name(number)
        folder.mkdir(exist_ok=True)
        return try_lock(folder)

    def _claimed(self, trial: Trial, reported: frozenset[int], lock: BaseFileLock) -> Claim:
        # Optuna proposes once: values that a worker before has had are given back.
        values = {name: each.propose(trial, name) for name, each in self.space.items()}
        return Claim(trial, trial_name(trial.number), values, reported, lock)

    def end(self, claim: Claim, state: TrialState, loss: float | None = None) -> None:
        """Write down how a trial has ended, and let it go."""
        self.study.tell(claim.trial, loss, state)
        claim.lock.release()

    def trials(self) -> list[FrozenTrial]:
        """All trials, also of other workers, in the order in which they were begun."""
        return self.study.get_trials(deepcopy=False)

    def values(self, trial: FrozenTrial) -> dict[str, str]:
        """What a trial was trained with, as words for ``fit``."""
        fixed = optuna.trial.FixedTrial(trial.params)
        return {name: each.propose(fixed, name) for name, each in self.space.items() if name in trial.params}

    def best(self) -> FrozenTrial | None:
        """The trial of the lowest validation loss, the first of equals; None if none has one."""
        complete = [trial for trial in self.trials() if trial.state is TrialState.COMPLETE]
        return min(complete, key=lambda trial: (trial.values[0], trial.number), default=None)


def trial_name(number: int) -> str:
    """Name of the folder of a trial's runs, such as ``trial_7``."""
    return f"trial_{number}"


def open_study(storage: str | None, name: str, folder: Path, prune_after: int | None) -> optuna.Study:
    """Open a study, which is made when it is first opened.

    Args:
        storage: Where it is kept: URL of a database, or a folder; by default the search's folder.
        name: Its name there.
        folder: Folder of the search.
        prune_after: Epochs that every trial has, at least 1; None stops none.

    Raises:
        UserError: The storage cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner: BasePruner = NopPruner() if prune_after is None else MedianPruner(n_warmup_steps=prune_after - 1)
    with _explained():
        return optuna.create_study(storage=_storage(storage, name, folder), study_name=name, pruner=pruner, load_if_exists=True)


def _storage(storage: str | None, name: str, folder: Path) -> BaseStorage:
    if storage is not None and "://" in storage:
        return RDBStorage(storage)
    if storage is not None:
        Path(storage).mkdir(parents=True, exist_ok=True)
    path = str(folder / JOURNAL if storage is None else Path(storage, f"{name}.journal"))
    # Optuna's own choice is a symbolic link, which Windows allows administrators only.
    return JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path) if os.name == "nt" else None))


@contextmanager
def _explained() -> Iterator[None]:
    """A context in which whatever a storage raises is one sentence, without a URL's password."""
    try:
        yield
    # Drivers of databases have errors of their own, and a missing one is an ImportError.
    except Exception as error:
        raise UserError(
            f"search.storage cannot be opened ({first_line(error)}); give a folder, or the URL of a database and install its driver"
        ) from error
