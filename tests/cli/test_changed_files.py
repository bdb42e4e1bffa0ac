"""Checkpoints and run folders with changed content: a result or one sentence, never a traceback.

The changes of the slow tests are random, and the same each time.
"""

import contextlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from posture_classifier import Classifier
from posture_classifier.cli.program import main
from posture_classifier.utils.errors import UserError
from tests.helpers.mutations import mutate, mutate_text
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments

Command = Callable[[Path, Path], int]
FILES = ("summary.json", "config.yaml", "metrics.csv", "split.csv", "test/predictions.csv")
OPTIONS = ["--trainer.callbacks", "EarlyStoppingAfterUnfreezing", "--unfreezing.open_stages", "{1: all}"]


def arguments(photos: Path, output: Path, command: str = "fit") -> list[str]:
    return [command, *fit_arguments(photos, output, 3)[1:], *OPTIONS]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two finished trainings of two epochs on ``photos``."""
    folder = tmp_path_factory.mktemp("whole")
    photos = draw_photos(folder / "photos", people=10, each=2, classes=("left", "right"))
    for options in (OPTIONS, ["--model.learning_rate", "0.01"]):
        assert main([*fit_arguments(photos, folder, 2), *options]) == 0
    return folder


@pytest.fixture
def runs(tmp_path: Path, whole: Path) -> Path:
    """A copy of the run folders."""
    return Path(shutil.copytree(whole / "lightning_logs", tmp_path / "lightning_logs")) / "photos"


def predict(checkpoint: Path, photos: Path) -> int:
    return main(["predict", str(checkpoint), str(photos)])


def load(checkpoint: Path, photos: Path) -> int:
    with contextlib.suppress(UserError):
        Classifier.load(checkpoint)
    return 0


def evaluate(command: str) -> Command:
    return lambda path, photos: main([*arguments(photos, path.parents[4], command), "--ckpt_path", str(path)])


def start(checkpoint: Path, photos: Path) -> int:
    split = checkpoint.parents[1] / "split.csv"
    return main([*arguments(photos, checkpoint.parents[4]), "--model.weights", str(checkpoint), "--data.split", str(split)])


def search(checkpoint: Path, photos: Path) -> int:
    options = ["--search.backbones", "[test_resnet]", "--search.weights", f"{{test_resnet: {checkpoint}}}"]
    code = main([*arguments(photos, checkpoint.parents[4], "search"), *options])
    return 0 if code == 1 else code  # a training failed, which the others do not suffer from


def report(path: Path, photos: Path) -> int:
    run = path.parent if path.suffix != ".ckpt" else path.parents[1]
    return main(["report", str(run if run.name != "test" else run.parent)])


def compare(path: Path, photos: Path) -> int:
    runs = path.parents[1] if path.parent.name != "test" else path.parents[2]
    code = main(["compare", *(str(runs / f"version_{number}") for number in (0, 1))])
    return 0 if code == 1 else code  # a run was left out


def accuracies(path: Path, photos: Path) -> int:
    return main(["backbones", "test_resnet", "--accuracy", str(path.parent)])


def resume_run(path: Path, photos: Path) -> int:
    run = path.parent if path.parent.name != "test" else path.parents[1]
    return main([*arguments(photos, run.parents[2]), "--ckpt_path", str(run / "checkpoints" / "last.ckpt")])


OF_CHECKPOINTS: dict[str, tuple[str, Command]] = {
    "predict": ("last.ckpt", predict),
    "load": ("last.ckpt", load),
    "test": ("last.ckpt", evaluate("test")),
    "validate": ("last.ckpt", evaluate("validate")),
    "resume": ("last.ckpt", evaluate("fit")),
    "start": ("last.ckpt", start),
    "search": ("last.ckpt", search),
    "report": ("best.ckpt", report),
}
OF_RUNS: dict[str, Command] = {"report": report, "compare": compare, "accuracies": accuracies, "resume": resume_run}


def assert_one_sentence(code: int, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = capsys.readouterr().err
    assert code in (0, 2), what
    assert "Traceback" not in error, what
    if code == 2:
        assert [line.startswith("error: ") for line in error.splitlines()].count(True) == 1, (what, error)
        assert error.splitlines()[-1].startswith("error: "), (what, error)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("command", OF_CHECKPOINTS)
def test_a_changed_checkpoint(whole: Path, runs: Path, command: str, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    name, run_command = OF_CHECKPOINTS[command]
    path = runs / "version_0" / "checkpoints" / name
    content, what = mutate(torch.load(path, weights_only=True), random.Random(f"{command}/{seed}"), with_tensors=True)
    with contextlib.suppress(AttributeError, RuntimeError):  # torch cannot write some of the values
        torch.save(content, path)
    assert_one_sentence(run_command(path, whole / "photos"), what, capsys)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("command", OF_RUNS)
def test_a_changed_run_folder(whole: Path, runs: Path, command: str, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(f"{command}/{seed}")
    path = runs / "version_1" / (rng.choice(FILES) if command != "accuracies" else "summary.json")
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json" and seed % 4:
        content, what = mutate(json.loads(text), rng, with_tensors=False)
        text = json.dumps(content, default=str) if 10**400 not in content.values() else text[:50]
    else:
        text, what = mutate_text(text, rng)
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert_one_sentence(OF_RUNS[command](path, whole / "photos"), f"{path.name}: {what}", capsys)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("command", "part", "value"),
    [
        ("resume", "loops", {}),
        ("resume", "optimizer_states", []),
        ("resume", "callbacks", {"EarlyStopping{'monitor': 'val/loss', 'mode': 'min'}": {"wait_count": "two"}}),
        ("validate", "pytorch-lightning_version", None),
        ("test", "loops", {"test_loop": {"batch_progress": 3}}),
        ("start", "PostureData", {"train": 3}),
        ("report", "epoch", "two"),
    ],
)
def test_a_part_of_the_wrong_type_is_named(
    whole: Path, runs: Path, command: str, part: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    name, run_command = OF_CHECKPOINTS[command]
    path = runs / "version_0" / "checkpoints" / name
    torch.save(torch.load(path, weights_only=True) | {part: value}, path)
    assert run_command(path, whole / "photos") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: checkpoint ")
    assert part.partition("{")[0] in error


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("command", "name", "old", "new"),
    [
        ("report", "summary.json", '"seed": 0', '"seed": "zero"'),
        ("report", "summary.json", '"left"', '"up"'),
        ("report", "config.yaml", "root: ", "roots: "),
        ("report", "metrics.csv", "epoch", "date"),
        ("report", "split.csv", "label", "name"),
        ("report", "test/predictions.csv", "0.", "nan0."),
        ("compare", "config.yaml", "backbone: ", "backbones: "),
        ("compare", "metrics.csv", "seconds", "hours"),
        ("accuracies", "summary.json", '"value": 0', '"value": 7'),
        ("resume", "metrics.csv", "\n0,", "\nfirst,"),
    ],
)
def test_a_file_of_a_run_that_was_changed_is_named(
    whole: Path, runs: Path, command: str, name: str, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = runs / "version_1" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert OF_RUNS[command](path, whole / "photos") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert str(path) in error or str(path.parent) in error


def test_a_resumed_run_is_given_fewer_epochs(whole: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = runs / "version_1" / "checkpoints" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    # All but "completed", as in every checkpoint that is written at the end of its epoch.
    content["loops"]["fit_loop"]["epoch_progress"]["current"] |= {"ready": 4, "started": 4, "processed": 4}
    torch.save(content, path)
    assert resume_run(path.parents[1] / "metrics.csv", whole / "photos") == 2
    assert "trainer.max_epochs 3" in capsys.readouterr().err
