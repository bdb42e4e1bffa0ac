"""The frozen part is computed once, and nothing else changes by it."""

import json
import os
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.cache.tensor_store import TensorStore
from posture_classifier.cli.program import main
from posture_classifier.images.augmentation import Augmentation
from posture_classifier.models.frozen_prefix import Cut
from posture_classifier.models.precision import native_bf16
from tests.helpers.callbacks import RECORD, moved
from tests.helpers.photos import DrawFolder
from tests.helpers.program import EXACT, SGD, Fit, assert_same_weights, cache_files, fit_arguments, run_program

PHASES = ["--unfreezing.open_stages", "{1: 2, 2: 4, 4: all}"]
WITHOUT = ["--cache.enabled", "false"]


@pytest.mark.parametrize(
    ("backbone", "head"),
    [
        ("test_resnet", "last_stage"),
        pytest.param("test_efficientnet", "last_stage", marks=pytest.mark.slow),
        ("test_vit", "last_stage"),
        pytest.param("test_resnet", "all_stages", marks=pytest.mark.slow),
        ("test_efficientnet", "all_stages"),
    ],
)
@pytest.mark.parametrize(
    ("precision", "learn_statistics"), [("32-true", "false"), pytest.param("64-true", "true", marks=pytest.mark.slow)]
)
def test_training_gives_the_same_weights_with_and_without(
    draw_folder: DrawFolder, fit: Fit, backbone: str, head: str, precision: str, learn_statistics: str
) -> None:
    """Through all phases, with dropout.

    Statistics of four photos magnify float32's last bit a thousandfold an epoch.
    """
    options = [*EXACT, *SGD, "--model.backbone", backbone, "--model.head", head, "--model.drop_rate", "0.3"]
    options += ["--trainer.precision", precision]
    options += ["--unfreezing.batch_statistics", learn_statistics]
    root = draw_folder()
    with_cache = fit(root, *options, *PHASES, epochs=5)
    without = fit(root, *options, *PHASES, *WITHOUT, epochs=5, version=1)
    assert_same_weights(with_cache, without)
    assert json.loads((without / "summary.json").read_text())["frozen_part"] == []
    phases = json.loads((with_cache / "summary.json").read_text())["frozen_part"]
    assert [phase["first_epoch"] for phase in phases] == [0, 1, 2]
    assert all(phase["kept_as"] == phase["precision"] == f"float{precision[:2]}" for phase in phases)


def test_each_photo_is_computed_once_a_phase(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    fit(draw_folder(), *EXACT, "--unfreezing.open_stages", "{3: 2}", epochs=6)
    assert sum(computed) == 2 * 20, "16 photos of train and 4 of val, in the head phase and in the next"


@pytest.mark.slow
def test_with_views_an_epoch_sees_version_e_mod_k(
    draw_folder: DrawFolder, fit: Fit, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    original = Augmentation.__call__

    def watching(self: Augmentation, image: np.ndarray, epoch: int, index: int) -> np.ndarray:
        seen.append((epoch, index))
        return original(self, image, epoch, index)

    root = draw_folder()
    plain = ["--data.augmentation", "null", "--cache.views", "3", *EXACT, *SGD, "--data.num_workers", "0"]
    with monkeypatch.context() as patch:
        patch.setattr(Augmentation, "__call__", watching)
        run = fit(root, *plain, epochs=8)
        assert {epoch for epoch, _ in seen[10:]} == {0, 1, 2}, "after the ten of the first try"
    assert sum(computed) == 3 * 16 + 4
    # Every epoch computed anew, from the view that it should see.
    monkeypatch.setattr(Augmentation, "__call__", lambda self, image, epoch, index: original(self, image, epoch % 3, index))
    anew = fit(root, *plain, *WITHOUT, epochs=8, version=1)
    assert_same_weights(run, anew)


@pytest.mark.slow
@pytest.mark.parametrize(("views", "precision"), [("1", "fp32"), ("3", "fp32"), ("1", "auto")])
def test_how_full_the_disk_is_changes_no_weight(
    draw_folder: DrawFolder,
    fit: Fit,
    monkeypatch: pytest.MonkeyPatch,
    views: str,
    precision: str,
) -> None:
    """Nor where bfloat16 is what activations are kept in, but not what they are computed in."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False, "avx512_bf16": False})
    root = draw_folder()
    plain = ["--data.augmentation", "null", "--cache.views", views, "--precision", precision, *SGD]
    kept = fit(root, *plain, epochs=5)
    with pytest.warns(UserWarning, match="cache.limit"):
        without_room = fit(root, *plain, "--cache.limit", "0", epochs=5, version=1)
    assert_same_weights(kept, without_room)
    assert json.loads((without_room / "summary.json").read_text())["frozen_part"][0]["kept_as"] is None


@pytest.mark.slow
def test_a_resumed_run_ends_the_same(tmp_path: Path, draw_folder: DrawFolder) -> None:
    """A run killed in the middle of a phase finds its features, or computes them again."""
    root = draw_folder()
    options = [*EXACT, *SGD, "--unfreezing.open_stages", "{2: 2}"]
    assert main([*fit_arguments(root, tmp_path / "whole", 5), *options]) == 0
    killer = "[{class_path: tests.helpers.callbacks.Killer, init_args: {epoch: 3, batch: 1}}]"
    assert run_program(*fit_arguments(root, tmp_path / "cut", 5), *options, "--trainer.callbacks", killer).returncode < 0
    left = list(Path(os.environ["XDG_CACHE_HOME"], "posture_classifier").iterdir())
    assert left, "a killed run cannot clear up"
    assert main([*fit_arguments(root, tmp_path / "cut", 5), *options, "--ckpt_path", "last"]) == 0
    runs = [tmp_path / name / "lightning_logs" / root.name / "version_0" for name in ("whole", "cut")]
    assert_same_weights(runs[0], runs[1], tolerance=0)
    assert not any(path.exists() for path in left if path.name in {p.name for p in cache_files()}), "what it used is gone"


class CountShare(Callback):
    """Writes down how many photos each rank computed."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.count = 0
        run_prefix = Cut._run_prefix

        def counting(cut: Cut, images: torch.Tensor) -> torch.Tensor:
            self.count += len(images) if images.abs().sum() > 0 else 0
            return run_prefix(cut, images)

        Cut._run_prefix = counting  # type: ignore[method-assign, assignment]
        if os.environ.get("LOCAL_RANK") == "1":
            # It looks at what is there while, and after, the other writes.
            has = TensorStore.has

            def slowly(store: TensorStore, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
                time.sleep(0.01)
                return has(store, rows)

            TensorStore.has = slowly  # type: ignore[method-assign, assignment]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int) -> None:
        (self.folder / f"rank{trainer.global_rank}").write_text(str(self.count))


@pytest.mark.slow
def test_two_ranks_train_as_one_process_and_each_computes_its_share(tmp_path: Path, draw_folder: DrawFolder) -> None:
    """The reference is one process without a cache: ranks and cache must change nothing."""
    root = draw_folder(people=20)
    options = [*EXACT, *SGD, "--unfreezing.open_stages", "{1: 2, 2: all}", "--unfreezing.batch_statistics", "false"]
    assert main([*fit_arguments(root, tmp_path / "one", 3), *options, *WITHOUT, "--data.batch_size", "16"]) == 0
    callback = f"[{{class_path: tests.callbacks.test_frozen_cache.CountShare, init_args: {{folder: '{tmp_path}'}}}}]"
    devices = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.callbacks", callback]
    result = run_program(*fit_arguments(root, tmp_path / "two", 3), *options, *devices, "--data.batch_size", "8")
    assert result.returncode == 0, result.stderr
    one, two = (tmp_path / name / "lightning_logs" / root.name / "version_0" for name in ("one", "two"))
    assert_same_weights(one, two, tolerance=1e-5)
    phases = json.loads((two / "summary.json").read_text())["frozen_part"]
    assert [(phase["precision"], phase["kept_as"]) for phase in phases] == [("float32", "float32")] * 2
    shares = [int((tmp_path / f"rank{rank}").read_text()) for rank in (0, 1)]
    assert shares == [2 * (24 + 8 + 4)] * 2, "half of 48 photos of train and 16 of val, and the check of the cut, in two phases"
    assert cache_files() == []


def test_frozen_buffers_are_untouched(draw_folder: DrawFolder, fit: Fit) -> None:
    fit(draw_folder(), *RECORD, "--unfreezing.open_stages", "{1: 2}", "--unfreezing.batch_statistics", "true", epochs=2)
    assert [moved(0), moved(1)] == [{"fc"}, {"fc", "layer4"}]


def test_an_early_cut_is_not_kept(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    """Its answer has more values than the photo; so every epoch draws its own augmentation."""
    run = fit(
        draw_folder(),
        *EXACT,
        "--model.backbone",
        "test_efficientnet",
        "--model.stages",
        "fine",
        "--unfreezing.open_stages",
        "{0: 6}",
        epochs=2,
    )
    assert sum(computed) == 2 * 20
    (phase,) = json.loads((run / "summary.json").read_text())["frozen_part"]
    assert phase["kept_as"] is None
    assert phase["values_per_photo"] > 3 * 32 * 32


@pytest.mark.parametrize("verbose", [False, True])
def test_the_precision_is_in_the_summary_and_printed_only_if_wanted(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    run = fit(draw_folder(), *(["--verbose"] if verbose else []))
    (phase,) = json.loads((run / "summary.json").read_text())["frozen_part"]
    assert phase["precision"] == ("bfloat16" if native_bf16(torch.device("cpu")) else "float32")
    facts = {phase["up_to"], phase["precision"], phase["kept_as"], str(phase["values_per_photo"])}
    printed = [line for line in capsys.readouterr().out.splitlines() if all(fact in line for fact in facts)]
    assert len(printed) == verbose


@pytest.mark.parametrize(
    ("precision", "computed", "told"),
    [("bf16-mixed", "bfloat16", "bfloat16"), ("bf16-true", "bfloat16", "bfloat16"), ("64-true", "float64", "float64")],
)
def test_a_precision_of_the_trainer_is_what_is_computed_in_and_told(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str], precision: str, computed: str, told: str
) -> None:
    run = fit(draw_folder(), "--trainer.precision", precision, "--verbose", "true")
    assert f"cpu, {told}" in capsys.readouterr().out
    summary = json.loads((run / "summary.json").read_text())
    assert summary["frozen_part"][0]["precision"] == summary["computed_in"]["evaluation"] == computed


def test_an_emulated_bfloat16_is_not_chosen(draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False, "avx512_bf16": False})
    run = fit(draw_folder())
    phase = json.loads((run / "summary.json").read_text())["frozen_part"][0]
    assert phase["precision"] == "float32"
    assert phase["kept_as"] == "bfloat16"


def test_views_that_find_no_room_are_told(draw_folder: DrawFolder, fit: Fit) -> None:
    """A view takes 8,704 bytes, and so do the photos for validation: there is room for two."""
    options = ["--data.augmentation", "null", "--cache.views", "3", "--cache.limit", "0.00003"]
    with pytest.warns(UserWarning, match="train, view 2 .* cache.limit"):
        run = fit(draw_folder(), *options, epochs=5)
    (phase,) = json.loads((run / "summary.json").read_text())["frozen_part"]
    assert phase["kept_as"] == "bfloat16"
    assert phase["not_kept"] == ["train, view 2"]


@pytest.mark.parametrize(("option", "value"), [("views", "0"), ("limit", "-1")])
def test_wrong_options_are_one_sentence(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), f"--cache.{option}", value]) == 2
    assert f"cache.{option} is {value}" in capsys.readouterr().err
