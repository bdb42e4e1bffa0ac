"""What people use instead, as its documentation shows it; ``training.py`` lets them compete.

They compute the frozen network anew in every epoch, so the time of some epochs tells that of all.
Weights, photos, batch size, workers and input size are those of ``training.py``; augmentation,
optimizer and rate are what their documentation takes.
"""

import time
from dataclasses import dataclass
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

from posture_classifier.models.weights import PIP_WEIGHTS, create_backbone

EPOCHS, BATCH, WORKERS, SIZE = 20, 32, 2, 224


PHASES = (10, 5, 5)
"""Epochs of the head, of the last stage with it, and of everything."""


MEAN = STD = (0.5, 0.5, 0.5)
"""That the bundled weights were trained with."""


@dataclass(frozen=True)
class Task:
    """What every contestant is given.

    Attributes:
        root: With ``train/<class>/*.jpg`` and ``val/<class>/*.jpg``.
        backbone: Of timm.
        recipe: ``head`` or ``phases``.
        peer_epochs: Epochs that contestants which compute the frozen network anew train; their
            seconds count for all twenty.
    """

    root: Path
    backbone: str
    recipe: str
    peer_epochs: int


@dataclass(frozen=True)
class Result:
    """What a contestant came to.

    Attributes:
        seconds: Of all twenty epochs.
        right: Which photos of ``val``, in order of path, the trained network judges rightly.
    """

    seconds: float
    right: list[bool]


def network(backbone: str, n_classes: int) -> nn.Module:
    """ImageNet weights where they are installed; random ones take the same time."""
    return create_backbone(backbone, n_classes, pretrained=backbone in PIP_WEIGHTS)[0]


def folders(root: Path) -> dict[str, DataLoader[Any]]:
    """Torchvision's ``ImageFolder`` with the transforms of the tutorial."""
    normalise = transforms.Normalize(MEAN, STD)
    pipelines = {
        "train": [transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalise],
        "val": [transforms.Resize(256), transforms.CenterCrop(SIZE), transforms.ToTensor(), normalise],
    }
    sets = {name: ImageFolder(str(root / name), transforms.Compose(steps)) for name, steps in pipelines.items()}
    return {name: DataLoader(photos, BATCH, shuffle=name == "train", num_workers=WORKERS) for name, photos in sets.items()}


class Documented(LightningModule):
    """A ``backbone`` and a head, as Lightning documents it for ``BackboneFinetuning``."""

    def __init__(self, backbone: str, n_classes: int) -> None:
        super().__init__()
        self.backbone = network(backbone, n_classes)
        self.head = nn.Linear(self.backbone.num_features, n_classes)  # type: ignore[arg-type]
        self.backbone.reset_classifier(0)  # type: ignore[operator]
        self.right: list[bool] = []

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Cross-entropy."""
        loss = functional.cross_entropy(self.head(self.backbone(batch[0])), batch[1])
        self.log("loss", loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Of the last epoch alone."""
        self.right.clear()

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Which are right."""
        self.right += (self.head(self.backbone(batch[0])).argmax(1) == batch[1]).tolist()

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


def lightning(task: Task) -> Result:
    """The last epoch's network; of three phases, one epoch each is timed and multiplied."""
    loaders = folders(task.root)
    model = Documented(task.backbone, len(loaders["train"].dataset.classes))  # type: ignore[attr-defined]
    times = Epochs()
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=task.peer_epochs if task.recipe == "head" else len(PHASES),
        callbacks=[BackboneFinetuning(unfreeze_backbone_at_epoch=1000) if task.recipe == "head" else Phases(), times],
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, loaders["train"], loaders["val"])
    counts = [EPOCHS / task.peer_epochs] * task.peer_epochs if task.recipe == "head" else PHASES
    return Result(sum(n * seconds for n, seconds in zip(counts, times.seconds, strict=True)), model.right)


def tutorial(task: Task) -> Result:
    """The network of the epoch with the best accuracy on validation, which the tutorial keeps."""
    loaders = folders(task.root)
    model = network(task.backbone, len(loaders["train"].dataset.classes))  # type: ignore[attr-defined]
    for parameter in model.parameters():
        parameter.requires_grad = False
    head = model.get_classifier()  # type: ignore[operator]
    for parameter in head.parameters():
        parameter.requires_grad = True
    optimizer = torch.optim.SGD(head.parameters(), lr=0.001, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    best: list[bool] = []
    start = time.perf_counter()
    for _ in range(task.peer_epochs):
        right: list[bool] = []
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
                        right += (logits.argmax(1) == labels).tolist()
        scheduler.step()
        best = max(best, right, key=sum)
    return Result(EPOCHS / task.peer_epochs * (time.perf_counter() - start), best)


def fastai(task: Task) -> Result:
    """``vision_learner`` with its own head, on the same weights of the body."""
    from fastai.vision.all import ImageDataLoaders, Normalize, Resize, vision_learner

    normalise = Normalize.from_stats(MEAN, STD, cuda=False)
    loaders = ImageDataLoaders.from_folder(
        task.root, valid="val", item_tfms=Resize(SIZE), batch_tfms=normalise, bs=BATCH, num_workers=WORKERS
    )
    learner = vision_learner(loaders, task.backbone, pretrained=False)
    body = learner.model[0].model
    body.load_state_dict(network(task.backbone, 2).state_dict(), strict=False)  # all but the classifier, which the body lacks
    learner.freeze()
    with learner.no_bar(), learner.no_logging():
        start = time.perf_counter()
        learner.fit_one_cycle(task.peer_epochs)
        seconds = time.perf_counter() - start
        probabilities, labels = learner.get_preds()
    right = dict(zip(map(str, loaders.valid_ds.items), (probabilities.argmax(1) == labels).tolist(), strict=True))
    return Result(EPOCHS / task.peer_epochs * seconds, [right[path] for path in sorted(right)])
