"""Which engine carries out a series, and what a machine must have for it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from posture_classifier.experiments.engines import choice, gpus
from posture_classifier.experiments.engines.choice import EngineName, check_engine, choose_engine
from posture_classifier.experiments.engines.engine import InOrder
from posture_classifier.experiments.engines.gpus import Gpus
from posture_classifier.experiments.engines.ray_cluster import RayCluster
from posture_classifier.utils.errors import UserError

TRAINER: Any = SimpleNamespace(accelerator="auto", devices="auto")


@pytest.mark.parametrize(
    ("name", "found", "n_trainings", "expected"),
    [
        ("auto", ["0", "1"], 2, Gpus),
        ("auto", ["0", "1"], 1, InOrder),
        ("auto", [], 2, InOrder),
        ("gpus", ["0", "1"], 1, Gpus),
        ("in_order", ["0", "1"], 2, InOrder),
        ("ray", ["0", "1"], 2, RayCluster),
    ],
)
def test_several_gpus_are_taken_unless_another_engine_is_named(
    name: EngineName, found: list[str], n_trainings: int, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "usable_gpus", lambda _: found)
    assert type(choose_engine(name, TRAINER, Path(), n_trainings, lambda _: None)) is expected


@pytest.mark.parametrize(("name", "fact"), [("ray", "pip install 'posture-classifier[ray]'"), ("gpus", "fewer than two")])
def test_what_the_machine_lacks_is_one_sentence(name: EngineName, fact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "usable_gpus", lambda _: [])
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    with pytest.raises(UserError) as error:
        check_engine(name, TRAINER)
    assert fact in str(error.value)
    check_engine("auto", TRAINER)
