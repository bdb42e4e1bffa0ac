"""``fit`` as a part of more: what it prints goes to a file, and one line says how far it is."""

import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.callbacks.of_trainer import callbacks_of
from posture_classifier.callbacks.solve_head import nothing_learns
from posture_classifier.callbacks.stop_after import StopAfter
from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.console import terminal

Tell = Callable[[str], None]
"""Shows how far a training is."""


def fit_quietly(
    options: list[str], log: Path, title: str, shown: set[str], bar: bool = True, watchers: Sequence[Callback] = ()
) -> None:
    """Run ``fit`` in this process; the terminal shows its epoch, and each kind of warning once.

    Args:
        options: Options of ``fit``.
        log: A file that what it prints is added to.
        title: Stands before the epoch, such as ``fold 2 of 5``.
        shown: Warnings that were shown before, without their numbers; grows.
        bar: Whether to show the epoch, if this is a terminal.
        watchers: Callbacks that are no options, and so not in ``config.yaml``.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    console = terminal()
    console.file = sys.stdout  # or else rich follows the redirection below
    status = console.status(f"{title}: reading photos", spinner="line")
    # Before the output is redirected, so that the line stays on the terminal.
    with log.open("a", encoding="utf-8", errors="backslashreplace", buffering=1) as file:
        try:
            if bar and console.is_terminal:
                status.start()
            with redirect_stdout(file), _warnings_once(shown, file):
                shows = _EpochShown(lambda text: status.update(f"{title}: {text}"))
                _WatchedFit(["fit", *options], shows, *watchers)
        finally:
            status.stop()


class _EpochShown(Callback):
    """Tells which epoch is trained."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell it."""
        stops = [stop.epochs for stop in callbacks_of(trainer, StopAfter)]
        solved = [1] if nothing_learns(trainer) else []
        ends = [epochs for epochs in (trainer.max_epochs, *stops, *solved) if epochs is not None and epochs > 0]
        self.tell(f"epoch {trainer.current_epoch + 1}{f' of {min(ends)}' if ends else ''}")


class _WatchedFit(PostureCLI):
    """``fit`` with more callbacks, which are no options and so not in ``config.yaml``."""

    def __init__(self, arguments: list[str], *watchers: Callback) -> None:
        self._watchers = watchers
        super().__init__(arguments)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Add the callbacks to the trainer's own."""
        trainer = super().instantiate_trainer(**kwargs)
        trainer.callbacks.extend(self._watchers)  # type: ignore[attr-defined]
        return trainer


@contextmanager
def _warnings_once(shown: set[str], log: TextIO) -> Iterator[None]:
    """A context that writes warnings to a file, and shows those whose words are new."""
    show = warnings.showwarning

    def show_once(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        log.write(warnings.formatwarning(message, category, filename, lineno))
        words = re.sub(r"\d+", "", str(message))
        if words not in shown:
            shown.add(words)
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = show_once
    try:
        yield
    finally:
        warnings.showwarning = show
