"""The command that leads on from the one that was given, with all its options."""

import shlex

from jsonargparse import Namespace

from posture_classifier.check.commands import FEW_GROUPS, number_of_folds
from posture_classifier.check.group_proposals import Grouping
from posture_classifier.data.folder import with_groups
from posture_classifier.data.photo_choice import PhotoChoice


def crossval_command(arguments: list[str], settings: Namespace, choice: PhotoChoice) -> str | None:
    """``crossval`` with the options of a ``fit``, which tests each group once, for a shell.

    None where ``crossval`` would refuse the photos or the options, as it does a checkpoint, a
    split, or several devices.
    """
    if choice.split is not None or not _takes_options(settings):
        return None
    number = number_of_folds(choice.indexed, choice.group_options, choice.seed, choice.val_fraction)
    return None if number is None else _command("crossval", arguments, ["--data.folds", str(number)], choice)


def grouped_command(arguments: list[str], settings: Namespace, choice: PhotoChoice, grouping: Grouping) -> str:
    """The command of ``fit`` with groups added, or ``crossval`` for few groups."""
    options = list(grouping.options)
    if len(grouping.names) < FEW_GROUPS and _takes_options(settings):
        grouped = with_groups(choice.indexed, grouping.groups)
        if number := number_of_folds(grouped, grouping.options, choice.seed, choice.val_fraction):
            return _command("crossval", arguments, [*options, "--data.folds", str(number)], choice)
    return _command("fit", arguments, options, choice)


def _takes_options(settings: Namespace) -> bool:
    """Whether ``crossval`` takes these options of ``fit``."""
    trainer = settings.trainer
    on_one_device = trainer.strategy == "auto" and trainer.num_nodes == 1 and str(trainer.devices) in ("auto", "1", "-1")
    return settings.ckpt_path is None and on_one_device


def _command(name: str, arguments: list[str], options: list[str], choice: PhotoChoice) -> str:
    """A command with further options, of which ``crossval`` takes none that says what is tested."""
    if name == "crossval" and choice.holdout_groups is not None:
        options = [*options, "--data.holdout_groups", "null"]
    if name == "crossval" and choice.fold is not None:
        options = [*options, "--data.fold", "null"]
    return shlex.join(["python", "-m", "posture_classifier", name, *arguments[1:], *options])
