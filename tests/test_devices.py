"""Training and predicting on a GPU; each body also runs on the CPU, which proves the body."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from posture_classifier import Classifier
from posture_classifier.models.precision import Precision
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT
from tests.helpers.photos import DrawFolder
from tests.helpers.program import EXACT, SGD, Fit, assert_same_weights, fit_arguments, last_weights, run_program

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
PHASES = ["--unfreezing.open_stages", "{1: 2, 2: all}"]


def on(device: str) -> list[str]:
    """Options of a training on one such device."""
    return ["--trainer.accelerator", {"cpu": "cpu", "cuda": "gpu"}[device], "--trainer.devices", "1"]


@pytest.fixture
def no_tf32() -> Iterator[None]:
    """Convolutions of a GPU keep 24 bits, rather than 11."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.mark.parametrize(
    ("device", "precision", "computed"),
    [
        ("cpu", "bf16-mixed", "bfloat16"),
        pytest.param("cuda", "bf16-mixed", "bfloat16", marks=pytest.mark.gpu),
        pytest.param("cuda", "16-mixed", "float16", marks=pytest.mark.gpu),
    ],
)
def test_mixed_precision_computes_in_few_bits_and_keeps_the_weights(
    draw_folder: DrawFolder, fit: Fit, device: str, precision: str, computed: str
) -> None:
    run = fit(draw_folder(), *on(device), *PHASES, "--trainer.precision", precision, epochs=3)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["device"].startswith(device)
    assert summary["computed_in"] == {"training": computed, "evaluation": computed}
    assert summary["frozen_part"][0]["precision"] == computed
    weights = last_weights(run)
    assert all(torch.isfinite(value).all() for value in weights.values())
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.usefixtures("no_tf32")
def test_the_feature_cache_changes_no_weight(draw_folder: DrawFolder, fit: Fit, device: str) -> None:
    """Up to the rounding of a GPU, whose sums depend on how many photos it is given at once."""
    root = draw_folder()
    options = [*EXACT, *SGD, *on(device), *PHASES, "--unfreezing.batch_statistics", "false"]
    with_cache = fit(root, *options, epochs=3)
    without = fit(root, *options, "--cache.enabled", "false", epochs=3, version=1)
    assert json.loads((with_cache / "summary.json").read_text())["frozen_part"]
    assert_same_weights(with_cache, without, 1e-6 if device == "cpu" else 1e-3)


@pytest.mark.parametrize("device", DEVICES)
def test_the_head_is_solved_on_the_device(draw_folder: DrawFolder, fit: Fit, device: str) -> None:
    run = fit(draw_folder(), *on(device), "--model.head_solver", "lbfgs")
    assert json.loads((run / "summary.json").read_text())["device"].startswith(device)
    assert all(torch.isfinite(value).all() for value in last_weights(run).values())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.usefixtures("no_tf32")
def test_predictions_do_not_depend_on_the_device(draw_folder: DrawFolder, device: str) -> None:
    files = sorted(draw_folder().rglob("*.png"))
    reference = Classifier.load(OLD_CHECKPOINT, "cpu", "fp32").predict(files, batch_size=5)
    tolerances: dict[Precision, float] = {"fp32": 1e-4, "auto": 0.05}
    for precision, tolerance in tolerances.items():
        predictions = Classifier.load(OLD_CHECKPOINT, device, precision).predict(files)
        for one, other in zip(reference, predictions, strict=True):
            assert one.path == other.path
            assert other.probabilities == pytest.approx(one.probabilities, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "backend"), [("cpu", "gloo"), pytest.param("cuda", "nccl", marks=pytest.mark.gpu(2))], ids=["cpu", "cuda"]
)
def test_two_ranks_hold_the_same_bits(tmp_path: Path, draw_folder: DrawFolder, device: str, backend: str) -> None:
    root, probe = draw_folder(people=10), tmp_path / "probe.jsonl"
    callback = f"[{{class_path: tests.helpers.ddp_probe.Probe, init_args: {{file: '{probe}'}}}}]"
    options = [*on(device)[:2], "--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.callbacks", callback]
    result = run_program(*fit_arguments(root, tmp_path, 3), *EXACT, *SGD, *PHASES, *options)
    assert result.returncode == 0, result.stderr
    epochs = [json.loads(line) for line in probe.read_text().splitlines()]
    assert [(epoch["ranks"], epoch["backend"], epoch["difference"]) for epoch in epochs] == [(2, backend, 0)] * 3
    assert all(epoch["registered"] == epoch["trained"] for epoch in epochs)
