"""What ``fit``, ``validate`` and ``test`` print on the terminal."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn

from posture_classifier.callbacks.evaluation_report import EvaluationReport
from posture_classifier.callbacks.of_trainer import callbacks_of, data_of
from posture_classifier.callbacks.progress import describe_open
from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.check.commands import command_of
from posture_classifier.check.digest_check import check_digests
from posture_classifier.check.group_proposals import Grouping, suggested_groups
from posture_classifier.check.headline import Headline, cached_headline
from posture_classifier.data.left_out import describe_left_out
from posture_classifier.data.module import PostureData
from posture_classifier.data.near_copies import describe_near_copies
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.precision import TRUE_PRECISION, compute_type, dtype_name
from posture_classifier.rendering.estimates_table import estimates_table
from posture_classifier.runs.status import status_line
from posture_classifier.utils.console import fold_for_stderr, say, say_command
from posture_classifier.utils.text import plural, printable, shortlist

PACKAGE = Path(__file__).parents[1]
NO_GROUPS = "no groups are named, so photos of one person may be on both sides of the split, and the figures too good"


def _format_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:
    """A warning as one sentence, which may name a file; one of others' code with its place."""
    ours = Path(filename).is_relative_to(PACKAGE)
    text = printable(f"warning: {message}" if ours else f"{filename}:{lineno}: {message}")
    return f"{fold_for_stderr(text)}\n"


def quiet() -> None:
    """Silence what Lightning and torch say to programmers, and keep names from the terminal."""
    warnings.formatwarning = _format_warning
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*args parameter is intended to run from within Python.*",
        ".*in eval mode.*",  # frozen modules are meant to be
        "Total length of `list` across ranks is zero.*",  # there need be no validation photos
        "Checkpoint directory .* exists and is not empty",  # that of a resumed run is
        ".*treespec, LeafSpec.*",
        ".*functional.all_gather is deprecated.*",
        "Glyph .* missing from font",
        ".*WeightAveraging callback, but loading a checkpoint outside.*",
    ):
        warnings.filterwarnings("ignore", message)


@rank_zero_only
def describe(
    model: PostureClassifier,
    data: PostureData,
    trainer: Trainer,
    with_groups: Callable[[Grouping], str],
    verbose: bool = False,
) -> None:
    """Print one line about the network and one about the photos, before a long training begins.

    ``with_groups`` makes a command that trains with given groups. If ``verbose``, the type of
    number that the network learns in is named, too.
    """
    parameters = sum(parameter.numel() for parameter in model.backbone.parameters()) / 1e6
    devices, where = trainer.num_devices * trainer.num_nodes, trainer.strategy.root_device.type
    if devices > 1:
        where = f"{devices} x {where}"
    if verbose:
        where += (
            f", {dtype_name(TRUE_PRECISION.get(trainer.precision) or compute_type(model.backbone, model.precision, learns=True))}"
        )
    network = (
        f"{model.hparams['backbone']}: {parameters:.1f} M parameters, {_stages(model, trainer)}, "
        f"weights: {model.hparams['weights_source']}, {model.preprocessing.image_size} px, {where}"
    )
    if model.hparams["average_mirrored"]:
        network += "; evaluated as the mean over photos and their mirror images"
    sizes = ", ".join(
        f"{len(data.photos.in_split(split))} {split}{_drawn(data) if split == 'val' else ''}" for split in ("train", "val", "test")
    )
    found, fine = check_digests(data.photos, data.digests, describe_near_copies(data.near_copies))
    classes = plural(len(data.class_names), "class", "classes")
    photos = f"{data.photos.source}: {plural(len(data.photos), 'photo')} ({sizes}) of {classes}"
    if len(data.deep_photos):
        photos += f"; {len(data.deep_photos)} of more than 8 bits, {data.deep_photos.describe(model.preprocessing.white)}"
    if data.photos.relabelled:
        photos += f"; {data.photos.relabelled} relabelled by data.fixes"
    if left_out := describe_left_out(data.photos.left_out):
        photos += f"; left out: {left_out}"
    say(network, f"{photos}; {found}" if fine else photos)
    if not fine:
        rank_zero_warn(found)
    if data.choice.split is None:  # a fold, or a resumed run, has said it
        _say_what_to_expect(data, with_groups)


def _say_what_to_expect(data: PostureData, with_groups: Callable[[Grouping], str]) -> None:
    """Say what ``check`` says on top, or else warn where names suggest groups and none are made."""
    choice = data.choice
    chosen = data.photos.grouped or choice.group_by is not None or choice.group_pattern is not None
    headline = _headline(data)
    if headline is not None:
        own = command_of("fit", data.photos.root, (*choice.group_options, *choice.other_options))
        runs = choice.folds or choice.holdout_groups or headline.command == own
        text = headline.text if chosen or headline.values.get("groups") is None else f"warning: {NO_GROUPS}. {headline.text}"
        if headline.command is None:
            say(headline.line)
        elif runs:
            say(text)
        else:
            say_command(f"{text}; use", headline.command)
    elif not chosen and (grouping := suggested_groups(choice.indexed)):
        sizes = shortlist([f"{name} {size}" for name, size in grouping.sizes.items()])
        groups = f"The names suggest {plural(len(grouping.names), 'group')} ({sizes}) by {grouping.option}"
        say_command(f"warning: {NO_GROUPS}. {groups}; if that is right, use", with_groups(grouping))


def _headline(data: PostureData) -> Headline | None:
    """What ``check`` says on top, if it has scanned the photos."""
    grouping, more = data.choice.group_options, data.choice.other_options
    try:
        photos = replace(data.photos, splits=data.choice.indexed.splits)
        return cached_headline(photos, data.digests, data.deep_photos.white, grouping, more)
    # It is an extra, so no fault of it may fail a training.
    except Exception:
        return None


def _drawn(data: PostureData) -> str:
    """Say how validation photos were drawn from a training folder of the user's, if they were."""
    if data.choice.validation_drawn_by == "random":
        return " at random out of train, so that the best epoch may rest on twins of training photos"
    return f" as whole {data.choice.validation_drawn_by} out of train" if data.choice.validation_drawn_by else ""


def _stages(model: PostureClassifier, trainer: Trainer) -> str:
    """Name the stages, and say how many of them will learn."""
    text = f"{plural(len(model.stages), 'stage')} ({', '.join(stage.name for stage in model.stages)})"
    for unfreezing in callbacks_of(trainer, ProgressiveUnfreezing):
        n_open, epoch = unfreezing.plan(len(model.stages), trainer.max_epochs)
        text += f", {describe_open(model, n_open)} {'learns' if n_open == 1 else 'learn'}"
        text += f" from epoch {epoch} on" if epoch else ""
    return text


@rank_zero_only
def announce(
    trainer: Trainer, checkpoint: str | Path | None, crossval: Callable[[], str | None] = lambda: None, rules: str = ""
) -> None:
    """Print how good the tested checkpoint is, on which photos, and where its files are.

    ``crossval`` makes a command that tests every group, if there is one; it is asked for where few
    were tested. ``rules`` are sentences on the rules that the checkpoint holds.
    """
    summary = callbacks_of(trainer, EvaluationReport)[0].summary
    if summary["split"] is None:
        say("nothing was evaluated: no photo was kept for validation or test")
    else:
        _say_figures(trainer, summary, crossval)
    if rules and "few_groups" not in summary.get("status", {}):  # of few groups nothing is known of them either
        say(rules)
    # Trainer.log_dir would wait for all ranks.
    say(f"checkpoint: {checkpoint}", f"run folder: {trainer.loggers[0].log_dir}", whole=True)


def _say_figures(trainer: Trainer, summary: dict[str, Any], crossval: Callable[[], str | None]) -> None:
    """Print the figures, what limits them, and the command that tests more groups if few were."""
    status = dict(summary["status"])
    table = estimates_table(summary, f"{summary['split']} split")
    few = summary["groups"] is not None and "few_groups" in status
    command = crossval() if few else None
    if command:  # which says the same, and what to do
        del status["few_groups"]
        table.caption = None
    say(table)
    if status:
        say(status_line(status))
    if command:
        # Not by name: W&B is sent what is printed, even where it is to be sent no names.
        groups = f"{plural(summary['groups'], 'group is', 'groups are')} tested, too few to say how others will fare"
        say_command(f"{groups}; this tests each of the {len(data_of(trainer).photos.groups.unique()[0])} groups once", command)
