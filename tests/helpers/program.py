"""Runs the real program on tiny photos, and reads what its runs leave behind."""

import csv
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from posture_classifier.cli.program import main

EXACT = ["--precision", "fp32"]
# SGD, because Adam turns the rounding of a vanishing gradient into a whole step.
SGD = ["--model.optimizer", "sgd", "--model.learning_rate", "0.05"]
REPOSITORY = Path(__file__).parents[2]
Fit = Callable[..., Path]


def cache_files() -> list[Path]:
    """Files in the folder of the feature cache."""
    folder = Path(os.environ["XDG_CACHE_HOME"], "posture_classifier")
    return sorted(folder.iterdir()) if folder.is_dir() else []


def last_weights(run: Path) -> dict[str, torch.Tensor]:
    """The weights after the last epoch."""
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state


def assert_same_weights(one: Path, other: Path, tolerance: float = 1e-6) -> None:
    """Compare the weights of two runs after their last epochs."""
    for name, value in last_weights(one).items():
        torch.testing.assert_close(last_weights(other)[name], value, rtol=0, atol=tolerance, msg=name)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the program says to a command line that it refuses: one sentence."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


def fit_arguments(root: Path, output: Path, epochs: int) -> list[str]:
    """A command line of ``fit`` for tiny photos and a tiny network with random weights."""
    return [
        "fit",
        *("--data.root", str(root), "--data.group_pattern", r"person\d+", "--data.num_workers", "0", "--data.batch_size", "4"),
        *("--data.augmentation", "[]", "--data.val_fraction", "0.2", "--data.test_fraction", "0.2"),
        *("--model.backbone", "test_resnet", "--model.pretrained", "false", "--model.image_size", "32"),
        *("--trainer.max_epochs", str(epochs), "--trainer.default_root_dir", str(output)),
        *("--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false", "--report", "false"),
    ]


def run_forked(
    *arguments: str,
    log: Path,
    ranks: int = 1,
    folders: Sequence[Path] = (),
    environments: Sequence[dict[str, str]] = (),
) -> list[int]:
    """Run the program in child processes that need not import torch again.

    They are forked from a process that has imported it and computed nothing; torch's threads do not
    survive a fork.

    Args:
        *arguments: The command line.
        log: A file for the output of the processes.
        ranks: Number of processes of one training, which find each other as those of ``torchrun``.
        folders: Where each of them runs; by default here.
        environments: Variables of each of them, in place of those that name a rank of ``torchrun``.

    Returns:
        The exit code of each process; -N if signal N killed it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["posture_classifier.training.fit"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(ranks)}
    processes = []
    for rank in range(ranks):
        own = environments[rank] if environments else {"LOCAL_RANK": str(rank), "NODE_RANK": "0"}
        environment = dict(os.environ) | (group | own if ranks > 1 else {})
        folder = folders[rank] if folders else Path.cwd()
        processes.append(context.Process(target=_exit_with, args=(arguments, log, environment, folder), daemon=True))
        processes[-1].start()
    for process in processes:
        process.join()
    return [int(process.exitcode or 0) for process in processes]


def _exit_with(arguments: tuple[str, ...], log: Path, environment: dict[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv[1:] = arguments
    sys.exit(main())  # which watches for signals, as the command line does


def run_program(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program in a child process, which a test may kill."""
    command = [sys.executable, "-m", "posture_classifier", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, errors="replace", check=False, **options)
