"""``train``, ``cross_validate`` and ``check`` do what the commands do, and leave no trace."""

import builtins
import importlib
import inspect
import json
import logging
import os
import random
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import rich
import torch

import posture_classifier
from posture_classifier import Run, UserError, check, cross_validate, train
from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.scan.scene_groups import scene_groups
from posture_classifier.models.classifier import PostureClassifier
from tests.api.conftest import PEOPLE, TINY
from tests.helpers.program import REPOSITORY, assert_same_weights


def state_of_the_process() -> dict[str, Any]:
    """Whatever a library must not change."""
    console = rich.get_console()
    return {
        "environment": dict(os.environ),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "random": (random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()),
        "torch": (torch.get_num_threads(), torch.get_default_dtype(), torch.get_float32_matmul_precision()),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic),
        "cudnn": torch.backends.cudnn.benchmark,
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        "warnings": (list(warnings.filters), warnings.formatwarning, warnings.showwarning),
        "loggers": {name: logging.getLogger(name).level for name in ("", "lightning", "lightning.pytorch", "lightning.fabric")},
        "console": (console, dict(console.__dict__)),
        "matplotlib": (mpl.get_backend(auto_select=False), mpl.rcParams.copy()),
        "interpreter": (Path.cwd(), list(sys.argv), list(sys.path), sys.excepthook, sys.stdout, sys.stderr),
    }


def trainer(folder: Path, **options: Any) -> dict[str, Any]:
    return {"default_root_dir": str(folder), "accelerator": "cpu", **options}


def test_a_training_leaves_the_process_as_it_was(photos: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)
    before = state_of_the_process()
    data = TINY["data"] | {"num_workers": 1}  # torch watches over workers by a signal handler
    options: dict[str, Any] = {"seed_everything": 3, "report": False, "model": TINY["model"], "data": data}
    train(photos, PEOPLE, epochs=1, trainer=trainer(tmp_path, deterministic=True, benchmark=True), **options)
    after = state_of_the_process()
    for name, value in before.items():
        assert after[name] == value, name


def test_an_error_leaves_it_so_too(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of_the_process()
    with pytest.raises(UserError, match="nonsense"):
        train(photos, model={"backbone": "nonsense"})
    after = state_of_the_process()
    for name, value in before.items():
        assert after[name] == value, name


@pytest.mark.slow
def test_so_does_the_first_call_of_a_process_which_imports_everything(photos: Path, tmp_path: Path) -> None:
    training = f"{str(photos)!r}, {PEOPLE!r}, epochs=1, report=False, trainer={trainer(tmp_path)!r}, **{TINY!r}"
    program = (
        "import os, signal, sys, random\n"
        "before = dict(os.environ), list(sys.argv), os.getcwd(), random.getstate()\n"
        "signals = {number: signal.getsignal(number) for number in signal.valid_signals()}\n"
        "import posture_classifier\n"
        f"posture_classifier.train({training})\n"
        f"posture_classifier.check({str(photos)!r}, {PEOPLE!r})\n"
        "assert before == (dict(os.environ), sys.argv, os.getcwd(), random.getstate())\n"
        "assert signals == {number: signal.getsignal(number) for number in signal.valid_signals()}\n"
        "import matplotlib; assert matplotlib.get_backend(auto_select=False) is None\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "NO_ALBUMENTATIONS_UPDATE")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr


def test_it_trains_what_the_command_trains(run: Run, photos: Path, tmp_path: Path) -> None:
    words = ["fit", "--data.root", str(photos), "--data.group_pattern", PEOPLE, "--trainer.max_epochs", "2", "--report", "false"]
    words += ["--trainer.default_root_dir", str(tmp_path), "--trainer.accelerator", "cpu"]
    words += [word for section, options in TINY.items() for k, v in options.items() for word in (f"--{section}.{k}", json.dumps(v))]
    assert main([word.strip('"') for word in words]) == 0
    assert_same_weights(run.folder, tmp_path / "lightning_logs" / "photos" / "version_0", tolerance=0)


def test_a_mistake_is_the_same_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--data.root", str(tmp_path / "none")]) == 2
    told = capsys.readouterr().err
    with pytest.raises(UserError) as error:
        train(tmp_path / "none")
    assert told == f"error: {error.value}\n"


@pytest.mark.parametrize("options", [{"nonsense": 1}, {"model": {"nonsense": 1}}, {"print_config": True}, {"help": True}])
def test_no_option_ends_the_process(photos: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        train(photos, **options)


def test_stopping_a_cell_is_a_keyboard_interrupt(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning would exit, and ignore Ctrl-C from then on."""

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PostureClassifier, "training_step", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(photos, PEOPLE, epochs=1, report=False, trainer=trainer(tmp_path), **TINY)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_cross_validation_is_pooled(photos: Path, tmp_path: Path) -> None:
    pooled = cross_validate(photos, 2, PEOPLE, epochs=1, trainer=trainer(tmp_path), **TINY)
    assert pooled.folder == tmp_path / "lightning_logs" / "photos" / "crossval_0"
    assert (pooled.split, pooled.images, pooled.groups) == ("cross-validation", 24, 6)
    assert pooled.accuracy.value == pytest.approx(pooled.predictions.correct.mean())
    assert set(pooled.plots) == {"confusion_matrix"}
    with pytest.raises(UserError, match="fold_0/version_0"):
        _ = pooled.classifier


def test_check_returns_and_prints_what_it_finds(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    findings = check(photos, PEOPLE)
    printed = capsys.readouterr().out
    assert main(["check", str(photos), "--group_pattern", PEOPLE, "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().out.startswith(printed)
    written = json.loads((tmp_path / "out" / "check.json").read_text())["findings"]
    assert [(finding.kind, finding.severity, finding.text) for finding in findings] == [
        (each["kind"], each["severity"], each["text"]) for each in written
    ]
    with pytest.raises(UserError, match="not a folder"):
        check(tmp_path / "none")


def test_the_function_check_stays_one_when_its_folder_is_imported() -> None:
    importlib.import_module("posture_classifier.check.run_checks")
    assert inspect.isfunction(posture_classifier.check)
    assert importlib.import_module("posture_classifier.check").__path__


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich takes for Jupyter: a shell of this name; the kernel asks for colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setattr(builtins, "get_ipython", shell, raising=False)


@pytest.mark.usefixtures("notebook")
def test_a_notebook_needs_no_widgets_and_gets_plain_text(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rich.console.Console().is_jupyter
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(photos, PEOPLE)
        run = train(photos, PEOPLE, epochs=1, report=False, trainer=trainer(tmp_path), **TINY)
        scene_groups(read_folder(photos))
        main(["predict", str(run.folder), str(photos)])
    assert not [str(warning.message) for warning in caught if "ipywidgets" in str(warning.message)]
    written = capsys.readouterr()
    assert "\x1b" not in written.out + written.err
    assert "ipywidgets" not in written.err
