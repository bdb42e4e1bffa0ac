"""The frozen part is computed once, and nothing else changes by it."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from PIL import Image

from posture_classifier.cli import main
from posture_classifier.cut import Cut
from posture_classifier.data.augmentation import Augmentation
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.data.decode import decode
from posture_classifier.precision import native_bf16

from .conftest import DrawFolder, Fit, draw_photos, fit_arguments, run_program

EXACT = ["--precision", "fp32"]
PHASES = ["--unfreezing.open_stages", "{1: 2, 2: 4, 4: all}"]
# SGD, because Adam turns the rounding of a vanishing gradient into a whole step.
SGD = ["--model.optimizer", "sgd", "--model.learning_rate", "0.05"]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many photos each pass through a frozen prefix held, but for those that only ask for its shape."""
    counts: list[int] = []
    prefix = Cut._until_left

    def counting(self: Cut, images: torch.Tensor) -> torch.Tensor:
        if images.abs().sum() > 0 and not torch.is_inference_mode_enabled():
            counts.append(len(images))
        return prefix(self, images)

    monkeypatch.setattr(Cut, "_until_left", counting)
    monkeypatch.setattr("posture_classifier.cut._agrees", lambda *_: True)  # whose own passes are not counted
    return counts


def last(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state


def assert_same(one: Path, other: Path, tolerance: float = 1e-6) -> None:
    for name, value in last(one).items():
        torch.testing.assert_close(last(other)[name], value, rtol=0, atol=tolerance, msg=name)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "test_vit"])
@pytest.mark.parametrize(("precision", "learn_statistics"), [("32-true", "false"), ("64-true", "true")])
def test_training_gives_the_same_weights_with_and_without(
    draw_folder: DrawFolder, fit: Fit, backbone: str, precision: str, learn_statistics: str
) -> None:
    """Through all phases, with dropout. Statistics of four photos magnify float32's last bit a thousandfold an epoch."""
    options = [*EXACT, *SGD, "--model.backbone", backbone, "--model.drop_rate", "0.3", "--trainer.precision", precision]
    options += ["--unfreezing.batch_statistics", learn_statistics]
    root = draw_folder()
    with_cache = fit(root, *options, *PHASES, epochs=5)
    without = fit(root, *options, *PHASES, "--cache.enabled", "false", epochs=5, version=1)
    assert_same(with_cache, without)
    assert json.loads((without / "summary.json").read_text())["frozen_part"] == []
    phases = json.loads((with_cache / "summary.json").read_text())["frozen_part"]
    assert [phase["first_epoch"] for phase in phases] == [0, 1, 2]
    assert all(phase["kept_as"] == phase["precision"] == f"float{precision[:2]}" for phase in phases)


def test_each_photo_is_computed_once_a_phase(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    fit(draw_folder(), *EXACT, "--unfreezing.open_stages", "{3: 2}", epochs=6)
    assert sum(computed) == 2 * 20, "16 photos of train and 4 of val, in the head phase and in the next"


def test_with_views_an_epoch_sees_version_e_mod_k(
    draw_folder: DrawFolder, fit: Fit, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    original = Augmentation.__call__

    def watching(self: Augmentation, image: np.ndarray, epoch: int, index: int) -> np.ndarray:
        seen.append((epoch, index))
        return original(self, image, epoch, index)

    root = draw_folder()
    monkeypatch.setattr(Augmentation, "__call__", watching)
    plain = ["--data.augmentation", "null", "--cache.views", "2", *EXACT, "--data.num_workers", "0"]
    run = fit(root, *plain, epochs=5)
    drawn = [key for key in seen if key[1] in set(range(24))]
    assert {epoch for epoch, _ in drawn[10:]} == {0, 1}, "after the ten of the first try"
    assert sum(computed) == 2 * 16 + 4
    # Where every epoch draws anew, epochs 0 and 1 are those two versions.
    without = fit(root, *plain, "--cache.enabled", "false", epochs=5, version=1)
    losses = [[float(row["train/loss"]) for row in csv.DictReader((each / "metrics.csv").open())] for each in (run, without)]
    assert losses[0][:2] == pytest.approx(losses[1][:2], abs=1e-5)
    assert losses[0][2:] != pytest.approx(losses[1][2:], abs=1e-5)


def test_a_resumed_run_ends_the_same(tmp_path: Path, draw_folder: DrawFolder) -> None:
    """Cut short in the middle of a phase, so that it finds what it had computed, or computes it again."""
    root = draw_folder()
    options = [*EXACT, *SGD, "--unfreezing.open_stages", "{2: 2}"]
    assert main([*fit_arguments(root, tmp_path / "whole", 5), *options]) == 0
    killer = "[{class_path: tests.test_resume.Killer, init_args: {epoch: 3, batch: 1}}]"
    assert run_program(*fit_arguments(root, tmp_path / "cut", 5), *options, "--trainer.callbacks", killer).returncode < 0
    left = list(Path(os.environ["XDG_CACHE_HOME"], "posture_classifier").iterdir())
    assert left, "a killed run cannot clear up"
    assert main([*fit_arguments(root, tmp_path / "cut", 5), *options, "--ckpt_path", "last"]) == 0
    runs = [tmp_path / name / "lightning_logs" / root.name / "version_0" for name in ("whole", "cut")]
    assert_same(runs[0], runs[1], tolerance=0)
    assert not any(path.exists() for path in left if path.name in {p.name for p in _cache_files()}), "what it used is gone"


def _cache_files() -> list[Path]:
    folder = Path(os.environ["XDG_CACHE_HOME"], "posture_classifier")
    return sorted(folder.iterdir()) if folder.is_dir() else []


class Halves(Callback):
    """Notes what each rank computed."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.count = 0
        prefix = Cut._until_left

        def counting(cut: Cut, images: torch.Tensor) -> torch.Tensor:
            self.count += len(images) if images.abs().sum() > 0 else 0
            return prefix(cut, images)

        Cut._until_left = counting  # type: ignore[method-assign, assignment]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int) -> None:
        (self.folder / f"rank{trainer.global_rank}").write_text(str(self.count))


def test_two_ranks_train_as_one_process_and_each_computes_its_share(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=60)
    options = [*EXACT, *SGD, "--unfreezing.open_stages", "{1: 2, 2: all}", "--unfreezing.batch_statistics", "false"]
    assert main([*fit_arguments(root, tmp_path / "one", 3), *options, "--data.batch_size", "16"]) == 0
    callback = f"[{{class_path: tests.test_frozen_cache.Halves, init_args: {{folder: '{tmp_path}'}}}}]"
    devices = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.callbacks", callback]
    result = run_program(*fit_arguments(root, tmp_path / "two", 3), *options, *devices, "--data.batch_size", "8")
    assert result.returncode == 0, result.stderr
    assert "is computed in float32 once per photo and kept as float32" in result.stdout
    runs = [tmp_path / name / "lightning_logs" / root.name / "version_0" for name in ("one", "two")]
    assert_same(runs[0], runs[1], tolerance=1e-5)
    assert _cache_files() == []
    shares = [int((tmp_path / f"rank{rank}").read_text()) for rank in (0, 1)]
    assert min(shares) >= 2 * 64, "of 144 photos of train, in chunks of 8, in two phases"
    assert max(shares) < 2 * 144


def test_frozen_buffers_are_untouched(draw_folder: DrawFolder, fit: Fit) -> None:
    from .test_unfreezing import RECORD, moved

    fit(draw_folder(), *RECORD, "--unfreezing.open_stages", "{1: 2}", "--unfreezing.batch_statistics", "true", epochs=2)
    assert [moved(0), moved(1)] == [{"fc"}, {"fc", "layer4"}]


def test_a_later_run_finds_what_was_kept(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    root = draw_folder()
    weights = str(fit(root, *EXACT) / "checkpoints" / "last.ckpt")
    assert _cache_files() == [], "removed at the end"
    keep = [*EXACT, "--model.weights", weights, "--cache.keep", "true"]
    first = fit(root, *keep, epochs=2, version=1)
    before = len(computed)
    second = fit(root, *keep, epochs=2, version=2)
    assert len(computed) == before, "nothing was computed again"
    assert_same(first, second, tolerance=0)
    assert len(_cache_files()) == 2, "pixels and activations"
    fit(root, *EXACT, "--model.weights", weights, epochs=2, version=3)
    assert len(computed) == before
    assert len(_cache_files()) == 2, "a run that keeps nothing removes nothing that another kept"


def change_a_pixel(root: Path) -> list[str]:
    path = sorted(root.rglob("*.png"))[0]
    pixels = np.array(Image.open(path))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    return []


def change_the_preprocessing(root: Path) -> list[str]:
    return ["--model.resize", "pad"]


def change_the_order(root: Path) -> list[str]:
    """The same files under each other's names: nothing but the order of their contents differs."""
    one, other = sorted((root / "left").iterdir())[:2]
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])
    return []


def change_a_weight(root: Path) -> list[str]:
    path = root.parent / "weights.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"]["backbone.conv1.0.weight"][0, 0, 0, 0] += 1e-3
    torch.save(checkpoint, path)
    return []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a run, whose weights others start from."""
    folder = tmp_path_factory.mktemp("trained")
    root = draw_photos(folder / "photos", people=6, each=2, classes=("left", "right"))
    assert main([*fit_arguments(root, folder, 1), *EXACT]) == 0
    return folder / "lightning_logs" / "photos" / "version_0" / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize("change", [change_a_pixel, change_the_preprocessing, change_the_order, change_a_weight])
def test_nothing_stale_is_found(
    draw_folder: DrawFolder, fit: Fit, computed: list[int], trained: Path, change: Callable[[Path], list[str]]
) -> None:
    root = draw_folder()
    weights = root.parent / "weights.ckpt"
    shutil.copy(trained, weights)
    keep = [*EXACT, *SGD, "--model.weights", str(weights), "--cache.keep", "true"]
    fit(root, *keep)
    before = sum(computed)
    options = change(root)
    again = fit(root, *keep, *options, version=1)
    assert sum(computed) - before == 20, "all of it was computed anew"
    without = fit(root, *keep, *options, "--cache.enabled", "false", version=2)
    assert_same(again, without)


def test_without_room_everything_is_computed_in_every_step(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    root = draw_folder()
    with_cache = fit(root, *EXACT, *SGD, epochs=2)
    computed.clear()
    without = fit(root, *EXACT, *SGD, "--cache.limit", "0", epochs=2, version=1)
    assert sum(computed) == 2 * 20, "train and val of both epochs"
    assert_same(with_cache, without)
    assert _cache_files() == []


def test_an_early_cut_is_not_kept(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    """Its answer has more values than the photo; so every epoch draws its own augmentation."""
    run = fit(draw_folder(), *EXACT, "--model.backbone", "test_efficientnet", "--unfreezing.open_stages", "{0: 6}", epochs=2)
    assert sum(computed) == 2 * 20
    (phase,) = json.loads((run / "summary.json").read_text())["frozen_part"]
    assert phase["kept_as"] is None
    assert phase["values_per_photo"] > 3 * 32 * 32


def test_a_full_disk_is_no_reason_to_stop(draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("posture_classifier.store._allocate", full)
    assert (fit(draw_folder()) / "summary.json").exists()


def test_room_is_made_of_what_is_oldest(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    folder = Path(os.environ["XDG_CACHE_HOME"], "posture_classifier")
    folder.mkdir(parents=True, exist_ok=True)
    for age, name in enumerate(("1a.kept", "2b.kept")):
        (folder / name).write_bytes(bytes(600_000))
        os.utime(folder / name, (age, age))
    fit(root, "--cache.limit", "0.001")
    assert not (folder / "1a.kept").exists()
    assert (folder / "2b.kept").exists()
    (folder / "2b.kept").unlink()


def test_photos_are_decoded_once_where_everything_is_open(
    draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    def watching(path: Path, at_least: int) -> Image.Image:
        decoded.append(at_least)
        return decode(path, at_least)

    monkeypatch.setattr("posture_classifier.data.dataset.decode", watching)
    root = draw_folder()
    open_all = ["--unfreezing.open_stages", "{0: all}", "--data.augmentation", "null"]
    kept = fit(root, *open_all, epochs=3)
    assert decoded == [32] * 24, "all once: to see whether they can be read, to train, and for the evaluation at the end"
    again = fit(root, *open_all, "--cache.enabled", "false", epochs=3, version=1)
    assert_same(kept, again, tolerance=0)


def test_pixels_are_kept_as_decoded(draw_folder: DrawFolder, tmp_path: Path) -> None:
    from posture_classifier.data.folder import read_folder
    from posture_classifier.data.preprocessing import Preprocessing
    from posture_classifier.store import Store

    photos = read_folder(draw_folder())
    pixels = Store(tmp_path / "pixels", len(photos), (32, 32, 3), torch.uint8)
    dataset = PhotoDataset(photos, Preprocessing(32, (0.5,) * 3, (0.5,) * 3), None, pixels)
    first = dataset[5].images
    assert pixels.has(np.array([5])).all()
    assert torch.equal(dataset[5].images, first)


@pytest.mark.skipif(not native_bf16(torch.device("cpu")), reason="this processor has no bfloat16 of its own")
def test_the_choice_of_precision_is_reported(draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    run = fit(draw_folder())
    assert "is computed in bfloat16 once per photo" in capsys.readouterr().out
    assert json.loads((run / "summary.json").read_text())["frozen_part"][0]["precision"] == "bfloat16"


def test_an_emulated_bfloat16_is_not_chosen(draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False, "avx512_bf16": False})
    run = fit(draw_folder())
    phase = json.loads((run / "summary.json").read_text())["frozen_part"][0]
    assert phase["precision"] == "float32"
    assert phase["kept_as"] == "bfloat16"


@pytest.mark.parametrize(("option", "value"), [("views", "0"), ("limit", "-1")])
def test_wrong_options_are_one_sentence(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), f"--cache.{option}", value]) == 2
    assert f"cache.{option} is {value}" in capsys.readouterr().err
