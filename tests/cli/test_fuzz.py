"""Some two hundred spoilt command lines, YAML files and tables: each ends in one sentence."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from posture_classifier.cli.program import main
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments

VALUES = [
    "",
    "0",
    "-1",
    "nan",
    "inf",
    "9" * 401,
    "null",
    "[]",
    "{}",
    "[[1]]",
    "{a: 1}",
    "\x1b[31m",
    "é",
    "0.5",
    "{class_path: os.system}",
]
OPTIONS = [
    *(
        "data.root",
        "data.split",
        "data.exclude",
        "data.fixes",
        "data.folds",
        "data.fold",
        "data.holdout_groups",
        "data.val_fraction",
    ),
    *(
        "data.test_fraction",
        "data.batch_size",
        "data.augmentation",
        "data.group_by",
        "model.backbone",
        "model.weights",
        "model.head",
    ),
    *("model.image_size", "model.learning_rate", "model.layer_decay", "model.class_weights", "model.optimizer", "model.drop_rate"),
    *("unfreezing.open_stages", "unfreezing.every_n_epochs", "unfreezing.warmup_epochs", "cache.limit", "cache.views"),
    *("cache.folder", "seed_everything", "experiment", "precision", "ckpt_path", "config", "trainer.devices", "trainer.strategy"),
    *("trainer.accelerator", "trainer.precision", "trainer.callbacks", "trainer.logger", "trainer.plugins", "trainer.max_steps"),
    *("trainer.limit_train_batches", "trainer.limit_val_batches", "trainer.limit_test_batches", "trainer.val_check_interval"),
    *("trainer.check_val_every_n_epoch", "trainer.accumulate_grad_batches", "trainer.gradient_clip_val", "trainer.max_time"),
]
COMMANDS = {
    "predict": ["output", "batch_size", "device", "precision", "catch", "recall", "explain", "shard", "merge"],
    "check": ["group_pattern", "output", "fix_list"],
    "report": ["output", "recall", "catch"],
    "audit": ["group_pattern", "group_by", "output", "train_list", "path_column", "label_column", "predicted_column", "seed"],
    "compare": ["metric", "output", "measure"],
    "backbones": ["image_size", "batch_size", "accuracy", "output", "plot"],
}
CHARACTERS = [
    "",
    ",",
    "\n",
    "\r",
    '"',
    "x",
    "[",
    "]",
    "{",
    "}",
    ":",
    " - ",
    "&a",
    "*a",
    "!",
    "|",
    "null",
    "-",
    "\x00",
    "é",
    "9" * 30,
]
FILES = ["config.yaml", "split.csv", "metrics.csv", "summary.json", "test/predictions.csv"]
Case = tuple[str, list[str]]


class Fuzz:
    """Makes cases in a folder of its own.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.draw = random.Random(0)
        self.root = draw_photos(folder / "photos", people=6, each=1, classes=("left", "right"))
        self.fit = fit_arguments(self.root, folder, 1)
        assert main(self.fit) == 0
        self.run = folder / "lightning_logs" / "photos" / "version_0"

    def file(self, suffix: str, text: str) -> str:
        path = self.folder / f"{len(list(self.folder.iterdir()))}{suffix}"
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        return str(path)

    def spoil(self, text: str) -> str:
        """Replace some places of a text."""
        for _ in range(self.draw.randint(1, 4)):
            place = self.draw.randrange(len(text) + 1)
            text = text[:place] + self.draw.choice(CHARACTERS) + text[place + self.draw.randint(0, 12) :]
        return text

    def options(self) -> list[str]:
        return [*self.fit, f"--{self.draw.choice(OPTIONS)}", self.draw.choice(VALUES)]

    def command(self) -> list[str]:
        given = {
            "predict": [str(self.run / "checkpoints" / "best.ckpt"), str(self.root)],
            "check": [str(self.root)],
            "report": [str(self.run), "--overwrite"],
            "audit": [str(self.run / "test" / "predictions.csv"), "--root", str(self.root)],
            "compare": [str(self.run)],
            "backbones": ["test_resnet"],
        }
        name = self.draw.choice(list(COMMANDS))
        return [name, *given[name], f"--{self.draw.choice(COMMANDS[name])}", self.draw.choice(VALUES)]

    def series(self) -> list[str]:
        """``crossval`` and ``search``, with what must be refused before the first training."""
        command = self.draw.choice(["crossval", "search"])
        option = self.draw.choice(["data.folds", "search.backbones", "search.settings", "search.seeds"])
        return [command, *self.fit[1:], f"--{option}", self.draw.choice(VALUES), "--data.test_fraction", "nan"]

    def yaml_text(self) -> list[str]:
        return [*self.fit, "--config", self.file(".yaml", self.spoil((self.run / "config.yaml").read_text()))]

    def yaml_value(self) -> list[str]:
        settings = yaml.safe_load((self.run / "config.yaml").read_text())
        section = self.draw.choice(["data", "model", "unfreezing", "cache", "trainer"])
        wrong: Any = self.draw.choice([None, [], {}, [[1]], "x", -1, 10**400, float("nan"), {"class_path": "os.system"}])
        if self.draw.random() < 0.2:
            settings[section] = wrong
        else:
            key = self.draw.choice(sorted(settings[section].keys() - {"num_workers", "max_epochs", "max_steps"}))
            settings[section][key] = wrong
        return [*self.fit[:3], "--config", self.file(".yaml", yaml.safe_dump(settings)), "--trainer.max_epochs", "1"]

    def table(self) -> list[str]:
        text = self.spoil((self.run / "split.csv").read_text())
        return [*self.fit, self.draw.choice(["--data.split", "--data.exclude", "--data.fixes"]), self.file(".csv", text)]

    def foreign_table(self) -> list[str]:
        text = self.spoil((self.run / "test" / "predictions.csv").read_text())
        return ["audit", self.file(".csv", text), "--root", str(self.root)]

    def run_folder(self) -> list[str]:
        folder = self.folder / f"spoilt_{len(list(self.folder.iterdir()))}" / "version_0"
        shutil.copytree(self.run, folder)
        path = folder / self.draw.choice(FILES)
        path.write_text(self.spoil(path.read_text()), encoding="utf-8")
        return self.draw.choice([["report", str(folder), "--overwrite"], ["compare", str(self.run), str(folder)]])

    def cases(self, each: int) -> Iterator[list[str]]:
        makers: list[Callable[[], list[str]]] = [self.options, self.command, self.series]
        makers += [self.yaml_text, self.yaml_value, self.table, self.foreign_table, self.run_folder]
        for make in makers:
            for _ in range(each):
                yield make()


def failures(fuzz: Fuzz, each: int, capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """Run the cases; returns those that nobody foresaw."""
    found = []
    for words in fuzz.cases(each):
        capsys.readouterr()
        try:
            code = main(words)
        except SystemExit as exit_:  # of --help
            code = int(exit_.code or 0)
        error = capsys.readouterr().err
        if code not in (0, 1, 2) or "did not foresee" in error or "Traceback" in error or "\x1b" in error:
            found.append((words, code, error))
    return found


@pytest.mark.filterwarnings("ignore")
def test_a_few_spoilt_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert failures(Fuzz(tmp_path), 2, capsys) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_two_hundred_spoilt_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fuzz = Fuzz(tmp_path)
    fuzz.draw.seed(1)
    assert failures(fuzz, 30, capsys) == []
