"""How long 20 epochs of a new head on a frozen network take: here, elsewhere, and at the least.

    python benchmarks/training.py FOLDER [--backbone tf_efficientnet_lite0] [--rounds 3]

``FOLDER`` is ``<class>/*.jpg``; a fifth of each class is validated on. Every contestant gets the same photos, weights, batch size
(32), workers (2) and input size, and takes its turn in each round, so that a busy machine slows all of them. Those that compute
the frozen network anew in every epoch are timed over one epoch, and their twenty are twenty times that; the limit and this
program are timed over all twenty. Imports are not timed.

- ``limit``: every photo decoded once and passed once through the network, in the best precision, and a linear head trained on that.
- ``here``: ``fit``, from the command line to the end of training, checking the photos and writing checkpoints included.
- ``lightning``: ``BackboneFinetuning`` and torchvision's ``ImageFolder``, as their documentation shows them.
- ``tutorial``: the loop of PyTorch's transfer learning tutorial, the network as a fixed feature extractor.
- ``fastai``: ``vision_learner`` and ``fit_one_cycle`` on the frozen body, if fastai is installed.
"""

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BackboneFinetuning
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from posture_classifier.cli import main
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.data.folder import read_folder
from posture_classifier.data.preprocessing import Preprocessing
from posture_classifier.precision import native_bf16
from posture_classifier.training import PostureCLI
from posture_classifier.weights import PIP_WEIGHTS, create_backbone

EPOCHS, BATCH, WORKERS, SIZE = 20, 32, 2, 224
Times = dict[str, float]


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


def limit(root: Path, backbone: str) -> tuple[float, float]:
    """Seconds, and accuracy on validation."""
    photos = read_folder(root)
    model = network(backbone, len(photos.classes)).eval().to(memory_format=torch.channels_last)
    model.reset_classifier(0)  # type: ignore[operator]
    preprocessing = Preprocessing(SIZE, (0.5,) * 3, (0.5,) * 3)
    start = time.perf_counter()
    features = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=native_bf16(torch.device("cpu"))):
        for batch in DataLoader(PhotoDataset(photos, preprocessing), BATCH, num_workers=WORKERS):
            images = preprocessing.normalise(batch.images).contiguous(memory_format=torch.channels_last)
            features.append(model(images).float())
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


def here(root: Path, backbone: str) -> tuple[float, float]:
    """Seconds to the end of training, and accuracy on validation; what follows is the evaluation, which nobody else does."""
    ends: list[float] = []
    evaluate = PostureCLI.after_fit
    PostureCLI.after_fit = lambda self: (ends.append(time.perf_counter()), evaluate(self))[1]  # type: ignore[method-assign, func-returns-value]
    with tempfile.TemporaryDirectory() as output, contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        main(
            [
                *("fit", "--data.root", str(root), "--data.batch_size", str(BATCH), "--data.num_workers", str(WORKERS)),
                *("--model.backbone", backbone, "--model.pretrained", str(backbone in PIP_WEIGHTS).lower()),
                *("--model.image_size", str(SIZE), "--trainer.max_epochs", str(EPOCHS)),
                *("--trainer.default_root_dir", output, "--trainer.enable_progress_bar", "false"),
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


def lightning(root: Path, backbone: str) -> tuple[float, float]:
    """Seconds of an epoch, times the number of epochs."""
    loaders = folders(root)
    model = Documented(backbone, len(loaders["train"].dataset.classes))  # type: ignore[attr-defined]
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        callbacks=[BackboneFinetuning(unfreeze_backbone_at_epoch=1000)],
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    start = time.perf_counter()
    trainer.fit(model, loaders["train"], loaders["val"])
    return EPOCHS * (time.perf_counter() - start), float("nan")


def tutorial(root: Path, backbone: str) -> tuple[float, float]:
    """Seconds of an epoch, times the number of epochs."""
    loaders = folders(root)
    model = network(backbone, len(loaders["train"].dataset.classes))  # type: ignore[attr-defined]
    for parameter in model.parameters():
        parameter.requires_grad = False
    head = model.get_classifier()  # type: ignore[operator]
    for parameter in head.parameters():
        parameter.requires_grad = True
    optimizer = torch.optim.SGD(head.parameters(), lr=0.001, momentum=0.9)
    start = time.perf_counter()
    for phase in ("train", "val"):
        model.train(phase == "train")
        for images, labels in loaders[phase]:
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                loss = functional.cross_entropy(model(images), labels)
                if phase == "train":
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
    return EPOCHS * (time.perf_counter() - start), float("nan")


def fastai(root: Path, backbone: str) -> tuple[float, float]:
    """Seconds of an epoch, times the number of epochs."""
    from fastai.vision.all import ImageDataLoaders, Resize, vision_learner

    loaders = ImageDataLoaders.from_folder(root, valid="val", item_tfms=Resize(SIZE), bs=BATCH, num_workers=WORKERS)
    learner = vision_learner(loaders, backbone, pretrained=False)
    learner.freeze()
    with learner.no_bar(), learner.no_logging():
        start = time.perf_counter()
        learner.fit_one_cycle(1)
    return EPOCHS * (time.perf_counter() - start), float("nan")


CONTESTANTS: dict[str, Callable[[Path, str], tuple[float, float]]] = {
    "limit": limit,
    "here": here,
    "lightning": lightning,
    "tutorial": tutorial,
    "fastai": fastai,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=CONTESTANTS, default=list(CONTESTANTS))
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in options.only}
    with tempfile.TemporaryDirectory() as temporary:
        photos = lay_out(options.folder, Path(temporary))
        for number in range(options.rounds):
            for name in options.only:
                took, accuracy = CONTESTANTS[name](photos, options.backbone)
                seconds[name].append(took)
                print(f"round {number}: {name} {took:.1f} s, accuracy {accuracy:.3f}", flush=True)
    ours = statistics.median(seconds.get("here", [float("nan")]))
    for name, times in seconds.items():
        middle = statistics.median(times)
        print(f"{name}: median {middle:.1f} s ({min(times):.1f} to {max(times):.1f}), {middle / ours:.2f} times here")
