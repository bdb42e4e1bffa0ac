"""What people use instead, given a number of seconds; ``same_minutes.py`` lets them compete.

    python benchmarks/timed_peers.py NAME FOLDER SECONDS WEIGHTS TABLE

``FOLDER`` has ``{train,val,test}/<class>/*.jpg``, ``WEIGHTS`` is the state of timm's
``tf_efficientnet_lite0`` without its classifier, and ``TABLE`` the CSV file to write: the
probabilities of each test photo. Each contestant does what its documentation shows for fine-tuning,
at 224 px. Where the number of epochs must be known in advance, two epochs on a learner that is
thrown away tell how many fit into the seconds. Only training counts: imports, finding the photos,
and testing are free. Imports nothing of ``posture_classifier``, so that each may have a Python with
versions of its own.
"""

import csv
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

BACKBONE, SIZE, BATCH, WORKERS = "tf_efficientnet_lite0", 224, 32, 2
MEAN = STD = (0.5, 0.5, 0.5)
"""That the weights were trained with."""


def photos_of(folder: Path, split: str) -> list[Path]:
    """All photos of a split, in order of path."""
    return sorted(path for path in (folder / split).rglob("*") if path.is_file())


def fastai(folder: Path, seconds: float, weights: Path) -> Tensor:
    """``vision_learner``, ``aug_transforms`` and ``fine_tune``: a frozen epoch, then open ones."""
    from fastai.vision.all import ImageDataLoaders, Normalize, Resize, aug_transforms, vision_learner

    def learner() -> Any:
        loaders = ImageDataLoaders.from_folder(
            folder,
            train="train",
            valid="val",
            item_tfms=Resize(SIZE),
            batch_tfms=[*aug_transforms(), Normalize.from_stats(MEAN, STD, cuda=False)],
            bs=BATCH,
            num_workers=WORKERS,
        )
        learner = vision_learner(loaders, BACKBONE, pretrained=False)
        learner.model[0].model.load_state_dict(torch.load(weights), strict=False)
        learner.freeze()
        return learner

    def timed(step: Any) -> float:
        start = time.perf_counter()
        step()
        return time.perf_counter() - start

    trial = learner()
    with trial.no_bar(), trial.no_logging():
        frozen = timed(lambda: trial.fit_one_cycle(1))
        trial.unfreeze()
        opened = timed(lambda: trial.fit_one_cycle(1))
    epochs = max(1, int((seconds - frozen) / opened))
    final = learner()
    with final.no_bar(), final.no_logging():
        took = timed(lambda: final.fine_tune(epochs))
        print(f"{epochs} open epochs after a frozen one, {took:.0f} s of {seconds:.0f}")
        probabilities: Tensor = final.get_preds(dl=final.dls.test_dl(photos_of(folder, "test")))[0]
    return probabilities


def lightning(folder: Path, seconds: float, weights: Path) -> Tensor:
    """``BackboneFinetuning`` from the second epoch on, best epoch by validation loss."""
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import BackboneFinetuning, ModelCheckpoint
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    end = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    learnt = transforms.Compose([transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip(), *end])
    judged = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(SIZE), *end])
    sets = {name: ImageFolder(str(folder / name), learnt if name == "train" else judged) for name in ("train", "val", "test")}
    loaders = {name: DataLoader(photos, BATCH, shuffle=name == "train", num_workers=WORKERS) for name, photos in sets.items()}

    class Documented(LightningModule):
        """A ``backbone`` and a head, as Lightning documents it."""

        def __init__(self) -> None:
            super().__init__()
            self.backbone = timm.create_model(BACKBONE, num_classes=0)
            self.backbone.load_state_dict(torch.load(weights))
            self.head = nn.Linear(self.backbone.num_features, len(sets["train"].classes))

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.head(self.backbone(images))
            return logits

        def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
            return functional.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
            self.log("val_loss", functional.cross_entropy(self(batch[0]), batch[1]))

        def predict_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
            logits: Tensor = self(batch[0])
            return logits.softmax(1)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(filter(lambda p: p.requires_grad, self.parameters()), lr=1e-3)

    with tempfile.TemporaryDirectory() as output:
        checkpoint = ModelCheckpoint(output, monitor="val_loss")
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=-1,
            max_time=timedelta(seconds=seconds),
            callbacks=[BackboneFinetuning(unfreeze_backbone_at_epoch=1), checkpoint],
            num_sanity_val_steps=0,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        model = Documented()
        start = time.perf_counter()
        trainer.fit(model, loaders["train"], loaders["val"])
        print(f"{trainer.current_epoch} epochs, {time.perf_counter() - start:.0f} s of {seconds:.0f}")
        model.load_state_dict(torch.load(checkpoint.best_model_path, weights_only=False)["state_dict"])
        answers: list[Tensor] = trainer.predict(model, loaders["test"])  # type: ignore[assignment]
        return torch.cat(answers)


def autogluon(folder: Path, seconds: float, weights: Path) -> Tensor:
    """``MultiModalPredictor`` with its defaults but for the network, and ``time_limit``."""
    import pandas as pd
    from autogluon.multimodal import MultiModalPredictor

    create = timm.create_model

    def with_weights(*args: Any, pretrained: bool = False, **options: Any) -> Any:
        model = create(*args, **options)
        if pretrained:  # its hub cannot be reached everywhere
            model.load_state_dict(torch.load(weights), strict=False)
        return model

    timm.create_model = with_weights
    import autogluon.multimodal.models.timm_image as module

    module.create_model = with_weights
    tables = {
        split: pd.DataFrame([{"image": str(path), "label": path.parent.name} for path in photos_of(folder, split)])
        for split in ("train", "val", "test")
    }
    with tempfile.TemporaryDirectory() as output:
        predictor = MultiModalPredictor(label="label", path=f"{output}/model", verbosity=1)
        start = time.perf_counter()
        predictor.fit(
            tables["train"],
            tuning_data=tables["val"],
            time_limit=seconds,
            hyperparameters={
                "model.names": ["timm_image"],
                "model.timm_image.checkpoint_name": BACKBONE,
                "env.num_gpus": 0,
                "env.num_workers": WORKERS,
            },
        )
        took = time.perf_counter() - start
        probabilities = predictor.predict_proba(tables["test"])
    print(f"\n{took:.0f} s of {seconds:.0f}")  # after its progress bars
    classes = sorted({path.parent.name for path in photos_of(folder, "train")})
    return torch.tensor(probabilities[classes].to_numpy())


CONTESTANTS = {"fastai": fastai, "lightning": lightning, "autogluon": autogluon}


def main(arguments: Sequence[str]) -> None:
    """Let one of them train, and write what it says of the test photos."""
    name, folder, seconds, weights, table = arguments
    torch.manual_seed(0)
    probabilities = CONTESTANTS[name](Path(folder), float(seconds), Path(weights))
    with open(table, "w", newline="") as file:
        writer = csv.writer(file)
        for path, row in zip(photos_of(Path(folder), "test"), probabilities.tolist(), strict=True):
            writer.writerow([path.relative_to(Path(folder) / "test").as_posix(), *row])


if __name__ == "__main__":
    main(sys.argv[1:])
