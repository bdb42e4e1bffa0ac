"""What a resumed run takes over from its checkpoint, wherever the run lies, and what not."""

import json
import shutil
import signal
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from posture_classifier.cli.program import main
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.runs.lock import try_lock
from posture_classifier.training.plugins import RunCheckpoint
from posture_classifier.training.resumed_run import files_here
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import fit_arguments

EPOCHS = 2
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos and a run of them, begun by relative paths."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        draw_photos(Path("photos"), people=6, each=2, classes=("left", "right"))
        assert main(arguments(EPOCHS)) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Path) -> Path:
    """A copy of the run, relative to the working directory."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("lightning_logs/photos/version_0")


def arguments(epochs: int, *options: str) -> list[str]:
    return [*fit_arguments(Path("photos"), Path(), epochs), *options]


def resumed(checkpoint: Path, epochs: int, *options: str) -> list[str]:
    return arguments(epochs, "--ckpt_path", str(checkpoint), *options)


def edit(checkpoint: Path, change: Edit) -> None:
    content = torch.load(checkpoint, weights_only=True)
    change(content)
    torch.save(content, checkpoint)


def early_best(content: dict[str, Any]) -> None:
    """Make the best epoch so far one that no later epoch can beat."""
    (state,) = [state for state in content["callbacks"].values() if state.get("monitor") == "val/loss"]
    state["best_model_score"] = state["kth_value"] = state["best_k_models"][state["best_model_path"]] = torch.tensor(0.0)


def as_it_was(run: Path) -> Path:
    return run


def moved_away(run: Path) -> Path:
    return Path(shutil.move(run, Path("elsewhere") / "version_7"))


def by_a_link(run: Path) -> Path:
    Path("link").symlink_to(run.parent.resolve())
    return Path("link") / run.name


def checkpoints_on_another_disk(run: Path) -> Path:
    shutil.move(run / "checkpoints", "disk")
    (run / "checkpoints").symlink_to(Path("disk").resolve())
    return run


@pytest.mark.parametrize("place", [as_it_was, moved_away, by_a_link, checkpoints_on_another_disk])
def test_the_best_epoch_is_known_wherever_the_run_lies(run: Path, place: Callable[[Path], Path]) -> None:
    Path("elsewhere").mkdir()
    run = place(run)
    edit(run / "checkpoints" / "last.ckpt", early_best)
    best = (run / "checkpoints" / "best.ckpt").read_bytes()
    assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS + 1)) == 0
    assert (run / "checkpoints" / "best.ckpt").read_bytes() == best
    assert torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == EPOCHS


def test_a_finished_run_that_was_moved_is_tested_again_and_has_nothing_left_to_train(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tested = (run / "test" / "predictions.csv").read_text()
    Path("elsewhere").mkdir()
    run = moved_away(run)
    assert main(["test", *arguments(EPOCHS, "--ckpt_path", str(run / "checkpoints" / "best.ckpt"))[1:]]) == 0
    assert Path("lightning_logs/photos/version_0/test/predictions.csv").read_text() == tested
    before = {path: path.read_bytes() for path in (run / "checkpoints").iterdir()}
    (run / "checkpoints" / ".123.last.ckpt").write_text("half")  # its writer was killed
    capsys.readouterr()
    assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS)) == 0
    assert "nothing is left to train" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in (run / "checkpoints").iterdir()} == before
    assert (run / "test" / "predictions.csv").read_text() == tested


def test_fewer_epochs_than_the_checkpoint_has_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS - 1)) == 2
    assert "max_epochs" in capsys.readouterr().err


def test_a_best_checkpoint_that_was_removed_is_missed(run: Path) -> None:
    (run / "checkpoints" / "best.ckpt").unlink()
    with pytest.warns(UserWarning, match=r"best\.ckpt"):
        assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS)) == 0
    with pytest.warns(UserWarning, match=r"best\.ckpt"):
        assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS + 1)) == 0
    assert torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["epoch"] == EPOCHS


# What a checkpoint of plain values may not do.

OTHERS = ["local://{}/thesis", "file://{}/thesis", "{}/thesis", "simplecache::local://{}/thesis", "{}/checkpoints/../thesis"]
OTHER_FILES = ["{}/thesis/best.ckpt", "local://{}/thesis/best.ckpt", "{}/checkpoints/../thesis/best.ckpt"]
STATE = {"best_model_score": torch.tensor(0.3), "current_score": torch.tensor(0.4), "kth_value": torch.tensor(0.4)}


def state_that_names(path: str, folder: str) -> dict[str, Any]:
    paths = dict.fromkeys(("best_model_path", "kth_best_model_path", "last_model_path"), path)
    return STATE | paths | {"monitor": "val/loss", "dirpath": folder, "best_k_models": {path: torch.tensor(0.3)}}


@pytest.mark.parametrize("path", [*OTHERS, *OTHER_FILES])
@pytest.mark.parametrize("lies_in", ["{}/checkpoints", "{}", "local://{}"])
@pytest.mark.parametrize("monitor", ["val/loss", None])
def test_a_checkpoint_callback_takes_over_no_path_outside_its_folder(
    tmp_path: Path, path: str, lies_in: str, monitor: str | None
) -> None:
    for folder in ("thesis", "checkpoints"):
        (tmp_path / folder).mkdir()
    (tmp_path / "thesis" / "best.ckpt").touch()
    callback = RunCheckpoint(dirpath=tmp_path / "checkpoints", filename="best", monitor=monitor)
    found = files_here(callback, state_that_names(path.format(tmp_path), lies_in.format(tmp_path)))
    callback.load_state_dict(found)
    taken = {callback.best_model_path, callback.kth_best_model_path, callback.last_model_path, *callback.best_k_models}
    assert taken == {""}
    assert callback.dirpath == str(tmp_path / "checkpoints")


def test_a_checkpoint_callback_of_the_user_keeps_the_names_that_it_gives(tmp_path: Path) -> None:
    """Names in sub-folders too, as those of a metric with a slash; of the rest it takes none."""
    callback = ModelCheckpoint(dirpath=tmp_path / "new", filename="{epoch}-{val/loss:.2f}", monitor="val/loss", save_top_k=3)
    names = ["epoch=1-val/loss=0.50.ckpt", "epoch=2-val/loss=0.40-v1.ckpt"]
    for name in [*names, "thesis.ckpt", "epoch=3-val/notes.txt"]:
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / name).touch()
    (tmp_path / "epoch=5-val.ckpt").touch()
    gone = "epoch=4-val/loss=0.30.ckpt"
    others = [gone, "thesis.ckpt", "epoch=3-val/notes.txt", "../epoch=5-val.ckpt"]
    scores = {name: torch.tensor(0.5 - 0.1 * n) for n, name in enumerate([*names, *others])}
    state = state_that_names("old/" + gone, "old") | {"best_k_models": {f"old/{name}": score for name, score in scores.items()}}
    found = files_here(callback, state)
    assert found["best_k_models"] == {str(tmp_path / "new" / name): scores[name] for name in names}
    assert (found["best_model_path"], found["best_model_score"]) == (str(tmp_path / "new" / names[1]), scores[names[1]])
    assert (found["kth_best_model_path"], found["kth_value"]) == (str(tmp_path / "new" / names[0]), scores[names[0]])


@pytest.mark.parametrize("value", [None, 5, "x", ["x"]])
@pytest.mark.parametrize("key", ["best_k_models", "best_model_path", "dirpath", "last_model_path"])
def test_a_damaged_state_is_one_sentence(tmp_path: Path, key: str, value: Any) -> None:
    state = state_that_names("old/best.ckpt", "old") | {key: value}
    try:
        files_here(RunCheckpoint(dirpath=tmp_path, filename="best", monitor="val/loss"), state)
    except UserError as error:
        assert "damaged" in str(error)  # noqa: PT017 - texts are no error
    else:
        assert isinstance(value, str)


def test_a_folder_that_a_checkpoint_names_stays(run: Path) -> None:
    thesis = Path("thesis").resolve()
    thesis.mkdir()
    (thesis / "chapter.txt").touch()

    def name_it(content: dict[str, Any]) -> None:
        for state in content["callbacks"].values():
            state |= {
                key: f"local://{thesis}" for key in ("best_model_path", "last_model_path", "kth_best_model_path") if key in state
            }

    edit(run / "checkpoints" / "last.ckpt", name_it)
    own = "[{class_path: lightning.pytorch.callbacks.ModelCheckpoint, init_args: {filename: '{epoch}', save_last: true}}]"
    assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS + 2, "--trainer.callbacks", own)) == 0
    assert (thesis / "chapter.txt").exists()


@pytest.mark.parametrize("command", ["fit", "test"])
def test_settings_of_a_checkpoint_are_never_imported_and_called(run: Path, command: str) -> None:
    call = {"class_path": "os.mkdir", "init_args": {"path": str(Path("made").resolve())}}

    def preprocess_by_it(content: dict[str, Any]) -> None:
        content["hyper_parameters"]["preprocessing"] |= {"mean": call, "interpolation": call}

    edit(run / "checkpoints" / "last.ckpt", preprocess_by_it)
    assert main([command, *resumed(run / "checkpoints" / "last.ckpt", EPOCHS + 1)[1:]]) == 2
    assert not Path("made").exists()


def test_no_setting_of_the_model_may_be_anything() -> None:
    """A value of type ``Any`` is imported and called, if it has a ``class_path``."""

    def parts(hint: Any) -> set[Any]:
        return {hint}.union(*map(parts, typing.get_args(hint)))

    hints = typing.get_type_hints(PostureClassifier.__init__)
    assert not {Any, object, dict, list} & set().union(*map(parts, hints.values()))


# Early stopping, other processes, new photos.


def stopper(patience: int) -> list[str]:
    never = "min_delta: 10.0"  # no epoch is an improvement
    return ["--trainer.callbacks", f"[{{class_path: EarlyStoppingAfterUnfreezing, init_args: {{patience: {patience}, {never}}}}}]"]


@pytest.mark.slow
def test_early_stopping_stays_stopped_until_it_is_given_more_patience(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(9, "--experiment", "stopped", *stopper(1))) == 0
    last = Path("lightning_logs/stopped/version_0/checkpoints/last.ckpt")
    content = last.read_bytes()
    assert torch.load(last, weights_only=True)["epoch"] == 1
    capsys.readouterr()
    assert main(resumed(last, 9, *stopper(1))) == 0
    assert last.read_bytes() == content
    assert "nothing is left to train" in capsys.readouterr().out
    assert main(resumed(last, 9, *stopper(3))) == 0
    assert torch.load(last, weights_only=True)["epoch"] == 3


def test_a_callback_that_resumes_by_itself_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callback = "[{class_path: lightning.pytorch.callbacks.OnExceptionCheckpoint, init_args: {dirpath: .}}]"
    assert main(arguments(1, "--trainer.callbacks", callback)) == 2
    assert "OnExceptionCheckpoint" in capsys.readouterr().err


def test_what_a_job_of_slurm_left_is_not_resumed_unasked(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lightning.fabric.plugins.environments.slurm.SLURMEnvironment.detect", lambda: True)
    shutil.copy(run / "checkpoints" / "last.ckpt", "hpc_ckpt_1.ckpt")
    assert main(arguments(1)) == 2
    assert "hpc_ckpt_1.ckpt" in capsys.readouterr().err


def test_a_run_that_another_process_trains_is_left_alone(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = try_lock(run)
    assert lock is not None
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS + 1)) == 2
    assert "another process" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    lock.release()
    assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS + 1)) == 0
    assert try_lock(run) is not None, "it is free when the training has ended, also in this process"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_process_leaves_no_lock_though_its_workers_live_on(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys, time; from posture_classifier.runs.lock import try_lock\n"
        "lock = try_lock(pathlib.Path(sys.argv[1]))\n"
        "if not os.fork():\n    print('locked', flush=True)\n"
        "time.sleep(100)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    assert try_lock(tmp_path) is None
    process.kill()
    process.wait()
    assert try_lock(tmp_path) is not None


def test_photos_that_were_added_are_said_to_be_left_out_and_a_new_fit_uses_them(run: Path, draw_folder: DrawFolder) -> None:
    draw_folder("more", people=3, seed=1)
    for path in Path("more").glob("*/*.png"):
        shutil.copy(path, Path("photos") / path.parent.name / f"new_{path.name}")
    with pytest.warns(UserWarning, match="12 of the 36 photos"):
        assert main(resumed(run / "checkpoints" / "last.ckpt", EPOCHS)) == 0
    assert main(arguments(1)) == 0
    sizes = json.loads(Path("lightning_logs/photos/version_1/summary.json").read_text())["splits"]
    assert sum(split["images"] for split in sizes.values()) == 36
