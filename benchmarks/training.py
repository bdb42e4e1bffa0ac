"""How long 20 epochs of fine-tuning take: here, elsewhere, and at the least.

    python benchmarks/training.py FOLDER [--backbone tf_efficientnet_lite0] [--recipe head] [--rounds 3] [--only NAME ...]

``FOLDER`` is ``<class>/*.jpg``; a fifth of each class is validated on. The recipe ``head`` trains a new head on the frozen network;
``phases`` is that of ``configs/turtle_neck.yaml``: 10 epochs the head, 5 the last stage, 5 everything. Every contestant gets the
same photos, weights, batch size (32), workers (2) and input size, runs in a process of its own, and takes its turn in each round,
so that a busy machine slows all of them. Those that compute the frozen network anew in every epoch are timed over one epoch of each
phase, which counts for all of its epochs (``--peer_epochs 20`` trains them to the end, for their accuracy); the limit and this
program are timed over all twenty. Imports are not timed.

- ``limit``: every photo decoded once and passed once through the network, in the best precision, and a linear head trained on that.
- ``here``: ``fit``, from the command line to the end of training, checking the photos and writing checkpoints included.
- ``limit_side_by_side``: ``limit`` with small batches side by side, a core for each, as this program computes them.
- ``limit_fp32``, ``here_fp32``: ``limit`` and ``here`` in float32, as hardware without bfloat16 computes.
- ``lightning``: ``BackboneFinetuning`` (for ``phases`` its base class) and torchvision's ``ImageFolder``, as documented.
- ``tutorial``: the loop of PyTorch's transfer learning tutorial, the network as a fixed feature extractor.
- ``fastai``: ``vision_learner`` and ``fit_one_cycle`` on the frozen body, if fastai is installed.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BackboneFinetuning, BaseFinetuning, Callback
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from posture_classifier.cli import main
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.data.folder import read_folder
from posture_classifier.data.preprocessing import Batch, Preprocessing
from posture_classifier.precision import native_bf16
from posture_classifier.side_by_side import chunk_size, side_by_side
from posture_classifier.training import PostureCLI
from posture_classifier.weights import PIP_WEIGHTS, create_backbone

EPOCHS, BATCH, WORKERS, SIZE = 20, 32, 2, 224
PHASES = (10, 5, 5)
"""Epochs of the head, of the last stage with it, and of everything."""
OWN_CORES = {"OMP_WAIT_POLICY": "PASSIVE"}
"""What the command line of this program sets before it imports torch; the limit gets it too, since it is to be the least."""


@dataclass(frozen=True)
class Task:
    """What every contestant is given.

    Attributes:
        root: With ``train/<class>/*.jpg`` and ``val/<class>/*.jpg``.
        backbone: Of timm.
        recipe: ``head`` or ``phases``.
        peer_epochs: Epochs that contestants which compute the frozen network anew train; their seconds count for all twenty.
    """

    root: Path
    backbone: str
    recipe: str
    peer_epochs: int


def lay_out(folder: Path, below: Path) -> Path:
    """Link the photos to ``train`` and ``val``, every fifth of a class to the latter; torchvision wants folders."""
    for photos in (path for path in sorted(folder.iterdir()) if path.is_dir()):
        for n, photo in enumerate(sorted(photos.iterdir())):
            target = below / ("val" if n % 5 == 0 else "train") / photos.name / photo.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(photo.resolve())
    return below


def network(backbone: str, n_classes: int) -> nn.Module:
    """ImageNet weights where they are installed; for the time that it takes, random ones serve as well."""
    return create_backbone(backbone, n_classes, pretrained=backbone in PIP_WEIGHTS)[0]


def folders(root: Path) -> dict[str, DataLoader[Any]]:
    """Torchvision's ``ImageFolder`` with the transforms of the tutorial."""
    normalise = transforms.Normalize([0.5] * 3, [0.5] * 3)
    pipelines = {
        "train": [transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalise],
        "val": [transforms.Resize(256), transforms.CenterCrop(SIZE), transforms.ToTensor(), normalise],
    }
    sets = {name: ImageFolder(str(root / name), transforms.Compose(steps)) for name, steps in pipelines.items()}
    return {name: DataLoader(photos, BATCH, shuffle=name == "train", num_workers=WORKERS) for name, photos in sets.items()}


def limit(task: Task, fp32: bool = False, threads: bool = False) -> tuple[float, float]:
    """Seconds, and accuracy on validation."""
    photos, cpu = read_folder(task.root), torch.device("cpu")
    model = network(task.backbone, len(photos.classes)).eval().to(memory_format=torch.channels_last)
    model.reset_classifier(0)  # type: ignore[operator]
    preprocessing = Preprocessing(SIZE, (0.5,) * 3, (0.5,) * 3)
    bf16 = native_bf16(cpu) and not fp32

    @torch.inference_mode()
    def compute(batch: Batch) -> Tensor:
        images = preprocessing.normalise(batch.images).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            answer: Tensor = model(images)
        return answer.float()

    start = time.perf_counter()
    batches = DataLoader(PhotoDataset(photos, preprocessing), chunk_size(cpu) if threads else BATCH, num_workers=WORKERS)
    features = list(side_by_side(compute, batches, cpu) if threads else map(compute, batches))
    inputs, labels = torch.cat(features).clone(), torch.from_numpy(photos.labels)
    train, val = (torch.from_numpy(photos.splits == name).nonzero()[:, 0] for name in ("train", "val"))
    head = nn.Linear(inputs.shape[1], len(photos.classes))
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for rows in torch.split(train[torch.randperm(len(train))], BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(head(inputs[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    accuracy = (head(inputs[val]).argmax(1) == labels[val]).float().mean()
    return time.perf_counter() - start, float(accuracy)


def here(task: Task, fp32: bool = False) -> tuple[float, float]:
    """Seconds to the end of training, and accuracy on validation; what follows is the evaluation, which nobody else does."""
    ends: list[float] = []
    evaluate = PostureCLI.after_fit
    PostureCLI.after_fit = lambda self: (ends.append(time.perf_counter()), evaluate(self))[1]  # type: ignore[method-assign, func-returns-value]
    with tempfile.TemporaryDirectory() as output, contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        main(
            [
                *("fit", "--data.root", str(task.root), "--data.batch_size", str(BATCH), "--data.num_workers", str(WORKERS)),
                *("--model.backbone", task.backbone, "--model.pretrained", str(task.backbone in PIP_WEIGHTS).lower()),
                *("--model.image_size", str(SIZE), "--trainer.max_epochs", str(EPOCHS), "--precision", "fp32" if fp32 else "auto"),
                *("--trainer.default_root_dir", output, "--trainer.enable_progress_bar", "false"),
                *(("--unfreezing.open_stages", "{10: 2, 15: all}") if task.recipe == "phases" else ()),
            ]
        )
        summary = json.loads(next(Path(output).rglob("summary.json")).read_text())
    PostureCLI.after_fit = evaluate  # type: ignore[method-assign]
    return ends[0] - start, summary["accuracy"]["value"]


class Documented(LightningModule):
    """What Lightning's documentation of ``BackboneFinetuning`` asks for: a ``backbone``, and a head beside it."""

    def __init__(self, backbone: str, n_classes: int) -> None:
        super().__init__()
        self.backbone = network(backbone, n_classes)
        self.head = nn.Linear(self.backbone.num_features, n_classes)  # type: ignore[arg-type]
        self.backbone.reset_classifier(0)  # type: ignore[operator]

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Cross-entropy."""
        loss = functional.cross_entropy(self.head(self.backbone(batch[0])), batch[1])
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Accuracy."""
        self.log("accuracy", (self.head(self.backbone(batch[0])).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """What is not frozen."""
        return torch.optim.AdamW(filter(lambda p: p.requires_grad, self.parameters()), lr=1e-3)


class Phases(BaseFinetuning):
    """One epoch of each phase, as the documentation of Lightning's base class shows."""

    def freeze_before_training(self, pl_module: LightningModule) -> None:
        """All but the head."""
        self.freeze(pl_module.backbone)

    def finetune_function(self, pl_module: LightningModule, epoch: int, optimizer: torch.optim.Optimizer) -> None:
        """Open a ResNet's last stage, then everything."""
        backbone = pl_module.backbone
        opened = {1: backbone.layer4, 2: backbone}  # type: ignore[union-attr]
        if epoch in opened:
            self.unfreeze_and_add_param_group(opened[epoch], optimizer)


class Epochs(Callback):
    """Seconds of each epoch, validation included."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the time."""
        self._start = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validation is over by then."""
        self.seconds.append(time.perf_counter() - self._start)


def lightning(task: Task) -> tuple[float, float]:
    """Seconds of an epoch of each phase, times its number of epochs; and accuracy on validation after the last."""
    loaders = folders(task.root)
    model = Documented(task.backbone, len(loaders["train"].dataset.classes))  # type: ignore[attr-defined]
    times = Epochs()
    finetuning = BackboneFinetuning(unfreeze_backbone_at_epoch=1000) if task.recipe == "head" else Phases()
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=task.peer_epochs if task.recipe == "head" else len(PHASES),
        callbacks=[finetuning, times],
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, loaders["train"], loaders["val"])
    counts = [EPOCHS / task.peer_epochs] * task.peer_epochs if task.recipe == "head" else PHASES
    seconds = sum(n * seconds for n, seconds in zip(counts, times.seconds, strict=True))
    return seconds, float(trainer.callback_metrics["accuracy"])


def tutorial(task: Task) -> tuple[float, float]:
    """Seconds of an epoch, times the number of epochs; and accuracy on validation after the last."""
    loaders = folders(task.root)
    model = network(task.backbone, len(loaders["train"].dataset.classes))  # type: ignore[attr-defined]
    for parameter in model.parameters():
        parameter.requires_grad = False
    head = model.get_classifier()  # type: ignore[operator]
    for parameter in head.parameters():
        parameter.requires_grad = True
    optimizer = torch.optim.SGD(head.parameters(), lr=0.001, momentum=0.9)
    start = time.perf_counter()
    for _ in range(task.peer_epochs):
        right = 0
        for phase in ("train", "val"):
            model.train(phase == "train")
            for images, labels in loaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    logits = model(images)
                    loss = functional.cross_entropy(logits, labels)
                    if phase == "train":
                        loss.backward()  # type: ignore[no-untyped-call]
                        optimizer.step()
                    else:
                        right += int((logits.argmax(1) == labels).sum())
    seconds = time.perf_counter() - start
    return EPOCHS / task.peer_epochs * seconds, right / len(loaders["val"].dataset)  # type: ignore[arg-type]


def fastai(task: Task) -> tuple[float, float]:
    """Seconds of an epoch, times the number of epochs; and accuracy on validation after the last."""
    from fastai.vision.all import ImageDataLoaders, Resize, accuracy, vision_learner

    loaders = ImageDataLoaders.from_folder(task.root, valid="val", item_tfms=Resize(SIZE), bs=BATCH, num_workers=WORKERS)
    learner = vision_learner(loaders, task.backbone, pretrained=False, metrics=accuracy)
    learner.freeze()
    with learner.no_bar(), learner.no_logging():
        start = time.perf_counter()
        learner.fit_one_cycle(task.peer_epochs)
    return EPOCHS / task.peer_epochs * (time.perf_counter() - start), float(learner.recorder.values[-1][-1])


CONTESTANTS: dict[str, Callable[[Task], tuple[float, float]]] = {
    "limit": limit,
    "here": here,
    "limit_side_by_side": partial(limit, threads=True),
    "limit_fp32": partial(limit, fp32=True),
    "here_fp32": partial(here, fp32=True),
    "lightning": lightning,
    "tutorial": tutorial,
    "fastai": fastai,
}


def in_own_process(name: str, task: Task) -> tuple[float, float]:
    """Run a contestant as its users would, in a fresh process; seconds and accuracy."""
    command = [sys.executable, __file__, str(task.root), "--backbone", task.backbone, "--recipe", task.recipe]
    command += ["--peer_epochs", str(task.peer_epochs), "--contestant", name]
    environment = {**os.environ, **(OWN_CORES if name.startswith(("limit", "here")) else {})}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{name} failed:\n{result.stderr}")
    seconds, accuracy = json.loads(result.stdout.splitlines()[-1])
    return seconds, accuracy


def compete(names: list[str], task: Task, rounds: int) -> None:
    """Let each take its turn in each round, then say how long each took beside ``here``."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            took, accuracy = in_own_process(name, task)
            seconds[name].append(took)
            print(f"round {number}: {name} {took:.1f} s, accuracy {accuracy:.3f}", flush=True)
    ours = statistics.median(seconds.get("here", [float("nan")]))
    for name, times in seconds.items():
        middle = statistics.median(times)
        print(f"{name}: median {middle:.1f} s ({min(times):.1f} to {max(times):.1f}), {middle / ours:.2f} times here")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--recipe", choices=("head", "phases"), default="head")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer_epochs", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=CONTESTANTS)
    parser.add_argument("--contestant", choices=CONTESTANTS, help="run this one alone, on a folder with train and val")
    options = parser.parse_args()
    if options.contestant:
        given = Task(options.folder, options.backbone, options.recipe, options.peer_epochs)
        print(json.dumps(CONTESTANTS[options.contestant](given)))
        sys.exit()
    with tempfile.TemporaryDirectory() as temporary:
        given = Task(lay_out(options.folder, Path(temporary)), options.backbone, options.recipe, options.peer_epochs)
        compete(options.only or (list(CONTESTANTS) if options.recipe == "head" else ["here", "lightning"]), given, options.rounds)
