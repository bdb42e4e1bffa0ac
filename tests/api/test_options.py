"""Options of Python code become the words of a command line, which mean the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posture_classifier.api.options import command_words
from posture_classifier.experiments.training_series import parse_settings
from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.errors import UserError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed_everything": 3, "report": False}, ["--seed_everything", "3", "--report", "false"]),
        ({"model": {"backbone": "resnet18", "weights": Path("a/b")}}, ["--model.backbone", "resnet18", "--model.weights", "a/b"]),
        ({"model": {"weights": None}}, ["--model.weights", "null"]),
        ({"unfreezing": {"open_stages": {0: 1, 4: "all"}}}, ["--unfreezing.open_stages", "{0: 1, 4: all}"]),
        ({"data": {"holdout_groups": ["anna", "7"]}}, ["--data.holdout_groups", "[anna, '7']"]),
        ({"trainer": {"callbacks": [{"class_path": "X"}]}}, ["--trainer.callbacks", "[{class_path: X}]"]),
        ({"trainer": {"logger": {"class_path": "X", "init_args": {}}}}, ["--trainer.logger", "{class_path: X, init_args: {}}"]),
        ({"model": {}}, []),
    ],
)
def test_words(options: dict[str, Any], words: list[str]) -> None:
    assert command_words(None, options, {}) == words


def test_files_come_first_and_what_was_not_given_is_left_out() -> None:
    words = command_words(["a.yaml", Path("b.yaml")], {"report": False}, {"data.root": Path("photos"), "trainer.max_epochs": None})
    assert words == ["--config", "a.yaml", "--config", "b.yaml", "--report", "false", "--data.root", "photos"]
    assert command_words("a.yaml", {}, {}) == ["--config", "a.yaml"]


def test_they_are_parsed_to_what_was_given(tmp_path: Path) -> None:
    options = {
        "model": {"backbone": "resnet18", "class_weights": [1.0, 2.5], "image_size": None},
        "data": {"holdout_groups": ["거북목: a", "7", "null"], "val_fraction": 1e-05},
        "unfreezing": {"open_stages": {0: 1, 2: "all"}},
    }
    settings, _ = parse_settings(PostureCLI, "crossval", command_words(None, options, {"data.root": tmp_path}))
    assert settings.model.class_weights == [1.0, 2.5]
    assert settings.model.image_size is None
    assert settings.data.holdout_groups == ["거북목: a", "7", "null"]
    assert settings.data.val_fraction == 1e-05
    assert settings.unfreezing.open_stages == {0: 1, 2: "all"}
    assert Path(settings.data.root) == tmp_path


@pytest.mark.parametrize("options", [{"data": {"root": "b"}}, {"data.root": "b"}])
def test_an_option_given_twice_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"data\.root is given twice"):
        command_words(None, options, {"data.root": "a"})


def test_a_value_that_no_command_line_holds_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.class_weights is ndarray"):
        command_words(None, {"model": {"class_weights": np.ones(2)}}, {})
