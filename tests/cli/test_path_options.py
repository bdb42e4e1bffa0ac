"""Every option that is a path is known as one, so that ~ and variables in it are expanded."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from posture_classifier.cli import commands
from posture_classifier.cli.program import main
from posture_classifier.training.fit_help import FILE
from posture_classifier.utils.arguments import PATHS
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments

NO_PATHS = {
    *("group_pattern", "metric", "wandb_group", "catch", "language", "device", "patterns", "options", "precision"),
    *("path_column", "label_column", "predicted_column", "group_by", "shard", "format", "host", "name"),
    *("experiment", "holdout_groups", "augmentation", "backbone", "preprocessing", "weights_source", "class_weights"),
    *(
        "accelerator",
        "strategy",
        "devices",
        "logger",
        "callbacks",
        "max_time",
        "val_check_interval",
        "gradient_clip_algorithm",
        "deterministic",
    ),
    *("profiler", "plugins", "model_registry", "names", "figure", "batch_size"),
}
"""Options of type ``str``, or that hold some, and are no paths."""


def test_each_option_of_a_command_is_a_path_or_not() -> None:
    for file in Path(commands.__path__[0]).glob("[a-z]*.py"):
        function = getattr(import_module(f"{commands.__name__}.{file.stem}"), file.stem)
        texts = {name for name, parameter in inspect.signature(function).parameters.items() if "str" in str(parameter.annotation)}
        assert texts <= PATHS | NO_PATHS, file


def test_each_option_of_fit_is_a_path_or_not() -> None:
    options = re.findall(r"^  --(?:\w+\.)?(\w+)\n(.*?)(?=^  --|\Z)", FILE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    texts = {name for name, text in options if re.search(r"\(.*type:.*\b(str|Path)\b", " ".join(text.split()))}
    assert {"root", "ckpt_path", "default_root_dir"} <= texts
    assert texts <= PATHS | NO_PATHS


@pytest.mark.parametrize("in_yaml", [True, False])
def test_fit_writes_where_a_variable_points(
    draw_folder: DrawFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_yaml: bool
) -> None:
    root = draw_folder()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    words = fit_arguments(Path("$HOME") / root.name, Path("~/runs"), 1)
    if in_yaml:
        Path("paths.yaml").write_text("data: {root: $HOME/photos}\ntrainer: {default_root_dir: ~/runs}\n")
        for option in ("--data.root", "--trainer.default_root_dir"):
            del words[words.index(option) : words.index(option) + 2]
        words += ["--config", "~/paths.yaml"]
    assert main(words) == 0
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == sorted(
        ["cache", "photos", "runs", *(["paths.yaml"] if in_yaml else [])]
    )
    assert (tmp_path / "runs" / "lightning_logs" / "photos" / "version_0" / "summary.json").is_file()
