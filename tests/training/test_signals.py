"""Trainings that are signalled: written, with a sentence, an exit code, and without a hang."""

import os
import re
import shlex
import signal
import time
from pathlib import Path

import pytest
import torch

from posture_classifier.models.checkpoint import read_checkpoint
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments, run_forked
from tests.helpers.signalled import Ended, started

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found below /proc"),
    pytest.mark.timeout(900),
]
EPOCHS, ENDLESS = 4, 1_000_000
DDP = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]


def accident(epoch: int, number: int = 0, rank: int = 0) -> list[str]:
    options = f"{{epoch: {epoch}, number: {number}, rank: {rank}}}"
    return ["--trainer.callbacks", f"[{{class_path: tests.helpers.callbacks.Accident, init_args: {options}}}]"]


def advice(said: str) -> list[str]:
    """The options that the last sentence says to add to the same command."""
    return shlex.split(re.findall(r"the same command and (--ckpt_path .*)$", said, re.MULTILINE)[-1])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "my photos", people=6, each=2, classes=("left", "right"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """The run that nothing interrupts."""
    output = tmp_path_factory.mktemp("whole")
    assert run_forked(*fit_arguments(photos, output, EPOCHS), log=output / "log.txt") == [0]
    return output / "lightning_logs" / photos.name / "version_0"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)])
def test_a_stopped_run_goes_on_as_it_says_and_ends_as_if_nothing_had_happened(
    tmp_path: Path, photos: Path, whole: Path, number: int, code: int
) -> None:
    arguments, log = fit_arguments(photos, tmp_path, EPOCHS), tmp_path / "log.txt"
    assert run_forked(*arguments, *accident(3, number), log=log) == [code], log.read_text()
    said = log.read_text()
    assert "Traceback" not in said
    run = tmp_path / "lightning_logs" / photos.name / "version_0"
    assert read_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"] == 2, "the newest, which was held in memory"
    assert run_forked(*arguments, *advice(said), log=log) == [0], log.read_text()
    states = [torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for folder in (run, whole)]
    assert all(torch.equal(states[0][name], value) for name, value in states[1].items())
    assert (run / "test" / "predictions.csv").read_bytes() == (whole / "test" / "predictions.csv").read_bytes()


def test_a_run_that_is_stopped_before_its_first_checkpoint_says_to_begin_anew(tmp_path: Path, photos: Path) -> None:
    log = tmp_path / "log.txt"
    assert run_forked(*fit_arguments(photos, tmp_path, EPOCHS), *accident(0, signal.SIGTERM), log=log) == [143]
    assert "--ckpt_path" not in log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "codes", "said"),
    [
        pytest.param(signal.SIGTERM, [143, 143], "stopped by SIGTERM", id="signalled"),
        pytest.param(signal.SIGKILL, [1, -9], "rank 1 (process", id="killed"),
        pytest.param(0, [1, 1], "rank 1 failed: LookupError", id="failed"),
    ],
)
def test_what_befalls_one_rank_ends_the_other(tmp_path: Path, photos: Path, number: int, codes: list[int], said: str) -> None:
    """Ranks that someone else has started, and that only know each other by their connection."""
    log, arguments = tmp_path / "log.txt", [*fit_arguments(photos, tmp_path, EPOCHS), *DDP]
    assert run_forked(*arguments, *accident(3, number, rank=1), log=log, ranks=2) == codes, log.read_text()
    lines = [line for line in log.read_text().splitlines() if line.startswith(said)]
    assert len(lines) == 1
    assert "Connection" not in log.read_text(), "no error of torch's communication"
    assert run_forked(*arguments, *advice(lines[0]), log=log, ranks=2) == [0, 0], log.read_text()


def signalled(photos: Path, output: Path, way: str, number: signal.Signals) -> Ended:
    ranks = 2 if way.startswith("torchrun") else 0
    arguments = [*fit_arguments(photos, output, ENDLESS), *DDP]
    with started(arguments, output / "log.txt", torchrun=ranks) as program:
        program.wait_for("lightning_logs/*/version_0/metrics.csv", output)
        time.sleep(1)
        targets = {"main": program.main.pid, "rank": program.rank(1), "all": None}
        return program.send(number, targets[way.rsplit(maxsplit=1)[-1]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "number", "code"),
    [
        ("main", signal.SIGTERM, 143),
        ("rank", signal.SIGTERM, 143),
        ("all", signal.SIGTERM, 143),
        ("all", signal.SIGINT, 130),
        ("rank", signal.SIGKILL, 1),
        ("torchrun main", signal.SIGTERM, 1),
        ("torchrun rank", signal.SIGTERM, 1),
        ("torchrun rank", signal.SIGKILL, 1),
    ],
)
def test_two_ranks_end_together(tmp_path: Path, photos: Path, way: str, number: signal.Signals, code: int) -> None:
    """torchrun itself ends with 1 and its own report, whatever its ranks do."""
    ended = signalled(photos, tmp_path, way, number)
    assert ended.code == code, ended.said
    (path,) = (Path(option) for option in advice(ended.said)[1:])
    rows = len((path.parents[1] / "metrics.csv").read_text().splitlines()) - 1
    assert read_checkpoint(path)["epoch"] + 1 in (rows - 1, rows), "the newest epoch"
    if not way.startswith("torchrun"):
        assert "Traceback" not in ended.said


@pytest.mark.slow
def test_ranks_that_do_not_share_a_disk_are_told_at_the_start(tmp_path: Path, photos: Path) -> None:
    """Here the second rank works in another folder than the first, which it takes for the same."""
    log = tmp_path / "log.txt"
    folders = [tmp_path / "node0", tmp_path / "node1"]
    for folder in folders:
        folder.mkdir()
    arguments = [*fit_arguments(photos, Path("runs"), EPOCHS), *DDP]
    assert run_forked(*arguments, log=log, ranks=2, folders=folders) == [2, 2], log.read_text()
    assert "rank 1 does not see" in log.read_text()
    assert not list(tmp_path.rglob("metrics.csv"))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_slurm_starts_the_job_again_which_goes_on_with_its_run(tmp_path: Path, photos: Path, rank: int) -> None:
    """Whichever rank the signal reaches; ``scontrol`` is a script that notes what it is told."""
    asked, log = tmp_path / "asked", tmp_path / "log.txt"
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> "{asked}"\n')
    (tmp_path / "scontrol").chmod(0o755)
    job = {
        "SLURM_JOB_ID": "17",
        "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "2",
        "SLURM_NODEID": "0",
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    tasks = [job | {"SLURM_PROCID": str(n), "SLURM_LOCALID": str(n)} for n in range(2)]
    arguments = [*fit_arguments(photos, tmp_path, EPOCHS), *DDP, *accident(2, signal.SIGUSR1, rank)]
    assert run_forked(*arguments, log=log, ranks=2, environments=tasks) == [138, 138], log.read_text()
    assert asked.read_text() == "requeue 17\n"
    run = tmp_path / "lightning_logs" / photos.name / "version_0"
    assert read_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"] == 1
    again = [task | {"SLURM_RESTART_COUNT": "1"} for task in tasks]
    assert run_forked(*arguments, log=log, ranks=2, environments=again) == [0, 0], log.read_text()
    assert read_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"] == EPOCHS - 1
    assert [path.name for path in run.parent.iterdir()] == ["version_0"], "the same run"
    assert not list(tmp_path.rglob("hpc_ckpt*"))
