"""``PostureData``: a folder of photos as splits and batches."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from rich.progress import Progress
from torch.utils.data import DataLoader

from posture_classifier.cache.tensor_store import TensorStore
from posture_classifier.data.dataset import PhotoDataset, find_unreadable
from posture_classifier.data.digests import digests
from posture_classifier.data.exclude import exclude_photos
from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.folds import GroupBy, check_choices, choose_group_by, fold_split, holdout_split
from posture_classifier.data.loaders import CachedFeatures, Chunks, EpochSampler, PhotoLoader, default_workers, init_worker
from posture_classifier.data.scan.near_duplicates import scene_groups
from posture_classifier.data.sessions import session_groups
from posture_classifier.data.split import SPLITS, check_classes, check_disjoint, read_split, split_photos
from posture_classifier.data.string_array import StringArray
from posture_classifier.images.augmentation import DEFAULT, Augmentation, Transforms
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.batch import Batch, CachedBatch
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist


class PostureData(LightningDataModule):
    r"""An image folder, split by groups, as batches for training and evaluation.

    The photos are indexed and split when they are first asked for, and then stay as they are.

    Args:
        root: ``root/<class>/*``, split by us, or ``root/{train,val,test}/<class>/*``, split by you.
        group_pattern: Regular expression on the relative path whose match names the person or recording, such as
            ``subject-\d+``. A group is never on two sides of a split.
        group_by: What makes a group: ``pattern``, or ``cluster`` (photos of one scene, by their looks), ``exif`` (camera, and
            pauses of 30 minutes), or ``none``: every photo stands alone. None is ``pattern`` where there is one, or else ``none``.
        split: A ``split.csv`` of an earlier run, to be used again, with its groups.
        exclude: A .csv file whose column ``path`` names photos to leave out; ``check --fix_list`` suggests one.
        folds: Divide the photos into so many folds, of which one is tested.
        fold: Which, from 0; over all folds each photo is tested once.
        holdout_groups: Test exactly these groups; a name that is a number in quotes, as in ``["07"]``.
        val_fraction: Share of the photos for choosing the best epoch; with ``folds`` or ``holdout_groups``, of those not tested.
        test_fraction: Share of the photos for the final figures; 0 for none. Not used with ``folds`` or ``holdout_groups``.
        seed: Names the split, the order of photos and the augmentation.
        batch_size: Photos a step, per device.
        num_workers: Processes that decode, per device; None chooses by the machine's cores.
        augmentation: albumentations transforms as ``class_path`` and ``init_args``; None is a mild set for people, [] none.
        on_error: What to do about unreadable files: ``stop`` before the first epoch and list them, or ``skip`` them.
    """

    preprocessing: Preprocessing
    """What the network wants to be shown; the command line sets it from the model."""
    pixels: TensorStore | None = None
    """Where decoded photos are kept, if they are."""
    feature_cache: Callable[[str, int], CachedFeatures] | None = None
    """``feature_cache(split, epoch)`` says where the activations of a split's photos are kept, and in which view they are seen."""

    def __init__(
        self,
        root: str,
        group_pattern: str | None = None,
        group_by: GroupBy | None = None,
        split: str | None = None,
        exclude: str | None = None,
        folds: int | None = None,
        fold: int | None = None,
        holdout_groups: list[str] | None = None,
        val_fraction: float = 0.15,
        test_fraction: float = 0.2,
        seed: int = 0,
        batch_size: int = 32,
        num_workers: int | None = None,
        augmentation: Transforms | None = None,
        on_error: Literal["stop", "skip"] = "stop",
    ) -> None:
        super().__init__()
        if not 0 < val_fraction < 1 or not 0 <= test_fraction < 1 - val_fraction:
            raise UserError(
                f"data.val_fraction {val_fraction} and data.test_fraction {test_fraction} must leave photos for training, "
                "and validation needs some too; 0.15 and 0.2 are usual"
            )
        if batch_size < 1:
            raise UserError(f"data.batch_size is {batch_size}, but must be at least 1")
        if num_workers is not None and num_workers < 0:
            raise UserError(f"data.num_workers is {num_workers}, but must be at least 0")
        self.root = root
        self.group_by = choose_group_by(group_by, group_pattern)
        self.group_pattern = group_pattern
        check_choices(split, folds, fold, holdout_groups)
        self.split = split
        self.exclude = exclude
        self.folds, self.fold = folds, fold or 0
        self.holdout_groups = holdout_groups
        self.val_fraction = val_fraction
        self.fractions = {"train": 1 - val_fraction - test_fraction, "val": val_fraction, "test": test_fraction}
        self.seed = seed
        self.batch_size = batch_size
        self.num_workers = num_workers
        transforms = DEFAULT if augmentation is None else augmentation
        self.augmentation = Augmentation(transforms, seed) if transforms else None
        self.augmentation_id = [transforms, seed]
        self.on_error = on_error

    @cached_property
    def photos(self) -> Photos:
        """All photos that are used, each with its split."""
        photos = self._divided(self.indexed)
        check_classes(photos)
        return photos

    @cached_property
    def indexed(self) -> Photos:
        """All photos that can be read, with their groups; not divided yet, unless by the user's own folders."""
        photos = read_folder(self.root, self.group_pattern if self.group_by == "pattern" else None)
        if self.exclude is not None:
            photos = exclude_photos(photos, Path(self.exclude))
        by_look = self.group_by in ("cluster", "exif") and self.split is None
        if self.on_error == "skip" or by_look:
            photos = self._readable(photos)
        if not by_look:
            return photos
        groups = self._scenes(photos) if self.group_by == "cluster" else session_groups(photos)
        return replace(photos, groups=StringArray(groups.tolist()), grouped=len(set(groups.tolist())) < len(photos))

    def _scenes(self, photos: Photos) -> npt.NDArray[np.str_]:
        with Progress(transient=True) as bar:
            task = bar.add_task("Looking for photos of one scene", total=len(photos))
            return scene_groups(photos, lambda done, _: bar.update(task, completed=done))

    def every_fold(self) -> list[Photos]:
        """The photos, divided for each fold in turn."""
        folds = self.folds or 0
        divided = [fold_split(self.indexed, folds, fold, self.val_fraction, self.seed) for fold in range(folds)]
        for photos in divided:
            check_classes(photos)
        return divided

    def _divided(self, photos: Photos) -> Photos:
        if self.split is not None:
            return read_split(photos, Path(self.split))
        if self.folds is not None:
            return fold_split(photos, self.folds, self.fold, self.val_fraction, self.seed)
        if self.holdout_groups is not None:
            return holdout_split(photos, self.holdout_groups, self.val_fraction, self.seed)
        if not photos.splits[0]:
            return split_photos(photos, self.fractions, self.seed)
        check_disjoint(photos)
        return self._with_validation(photos)

    def check(self) -> None:
        """Decode every photo, once if there is a place for its pixels, so that a training does not end at one that cannot be read.

        Raises:
            UserError: Naming those files.
        """
        # One rank looks for all; and files that are to be skipped were found before the photos were divided.
        if self.on_error == "stop" and getattr(rank_zero_only, "rank", 0) == 0:
            keeping = PhotoDataset(self.photos, self.preprocessing, pixels=self.pixels).square
            self._stop_at(find_unreadable(self.photos, keeping if self.pixels else None), len(self.photos))

    def _stop_at(self, reasons: dict[str, str], n_photos: int) -> None:
        if reasons:
            listing = "\n".join(f"  {path}: {why}" for path, why in reasons.items())
            raise UserError(
                f"{len(reasons)} of {n_photos} files below {self.root} cannot be read; mend or remove them, or set data.on_error "
                f"to skip:\n{listing}"
            )

    def _readable(self, photos: Photos) -> Photos:
        if self.on_error == "stop" and getattr(rank_zero_only, "rank", 0) != 0:
            return photos
        reasons = find_unreadable(photos)
        if self.on_error == "stop":
            self._stop_at(reasons, len(photos))
        if not reasons:
            return photos
        rank_zero_warn(f"skipping {len(reasons)} unreadable files of {len(photos)}: {shortlist(list(reasons), 3)}")
        readable = photos.select(~np.isin(photos.paths, list(reasons)))
        if empty := set(range(len(photos.classes))) - set(readable.labels.tolist()):
            raise UserError(f"{self.root}: no photo of class {photos.classes[min(empty)]} can be read")
        return readable

    def _with_validation(self, photos: Photos) -> Photos:
        """Take validation photos from training where the user's own split has none; the test photos stay apart."""
        if "val" in photos.splits:
            return photos
        shares = {name: self.fractions[name] for name in ("train", "val")}
        divided = split_photos(photos.of("train"), shares, self.seed)
        splits = photos.splits.copy()
        splits[photos.splits == "train"] = divided.splits
        return replace(photos, splits=splits)

    @property
    def class_names(self) -> list[str]:
        """Class names in the order of the labels."""
        return list(self.photos.classes)

    @property
    def class_counts(self) -> list[int]:
        """Number of training photos per class."""
        counts = np.bincount(self.photos.of("train").labels, minlength=len(self.photos.classes))
        return [int(count) for count in counts]

    @property
    def has_test(self) -> bool:
        """Whether there are photos that neither training nor the choice of an epoch sees."""
        return "test" in self.photos.splits

    def state_dict(self) -> dict[str, torch.Tensor]:
        """For the checkpoint: the photos of each split as digests, so that they are known again under any name."""
        # Rank 0 writes the checkpoint; the others need not read all photos for it.
        return self._digests_by_split() if self.trainer is None or self.trainer.is_global_zero else {}

    @cached_property
    def digests(self) -> npt.NDArray[np.int64]:
        """(N,) what each of ``photos`` is, by its content."""
        return digests(self.photos)

    def _digests_by_split(self) -> dict[str, torch.Tensor]:
        return {split: torch.from_numpy(self.digests[self.photos.splits == split]) for split in SPLITS}

    def seen_before(self, split: str, state: dict[str, torch.Tensor]) -> int:
        """How many photos of a split a checkpoint has seen in an earlier one: in training, or in choosing the best epoch.

        Args:
            split: ``val`` or ``test``.
            state: What ``state_dict`` gave to the checkpoint.
        """
        earlier = [state[name].numpy() for name in SPLITS[: SPLITS.index(split)]]
        return int(np.isin(self._digests_by_split()[split].numpy(), np.concatenate(earlier)).sum())

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled and augmented; ready to begin at the epoch that a resumed run begins with."""
        loader = self._loader("train", self.augmentation, shuffle=True)
        if self.trainer is not None and isinstance(loader.sampler, EpochSampler):
            # Lightning starts the first epoch's iterator before it tells the sampler which epoch that is.
            loader.sampler.set_epoch(getattr(self.trainer.fit_loop.epoch_progress.current, "processed", 0))
        return loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """In order, as they are."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """In order, as they are; the validation photos where there is no test split."""
        return self._loader("test" if self.has_test else "val")

    def on_after_batch_transfer(self, batch: Batch | CachedBatch, dataloader_idx: int) -> Batch | CachedBatch:
        """Normalise on the device, after the smaller uint8 pixels were sent there."""
        if isinstance(batch, CachedBatch):
            return batch
        return batch._replace(images=self.preprocessing.normalise(batch.images))

    def one_pass(self, split: str, batches: list[npt.NDArray[np.int64]], view: int | None) -> DataLoader[Batch]:
        """Given batches of indices into a split, once: as they are, or as the augmentation of epoch ``view`` shows them."""
        dataset = PhotoDataset(self.photos.of(split), self.preprocessing, self.augmentation, self.pixels)
        # Starting processes takes longer than copying what is decoded already.
        decoded = view is None and self.pixels is not None and bool(self.pixels.has(dataset.photos.rows).all())
        workers = 0 if decoded else self._workers()
        own = torch.Generator()
        return DataLoader(
            dataset, batch_sampler=Chunks(batches, view), num_workers=workers, worker_init_fn=init_worker, generator=own
        )

    def _workers(self) -> int:
        ranks = self.trainer.num_devices if self.trainer is not None else 1  # on this machine
        return default_workers(ranks) if self.num_workers is None else self.num_workers

    def _loader(self, split: str, augmentation: Augmentation | None = None, shuffle: bool = False) -> PhotoLoader:
        dataset = PhotoDataset(self.photos.of(split), self.preprocessing, augmentation, self.pixels)
        ranks, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer is not None else (1, 0)
        workers = self._workers()
        per_rank = -(-len(dataset) // ranks)
        loader = PhotoLoader(
            dataset,
            sampler=EpochSampler(dataset, ranks, rank, shuffle=shuffle, seed=self.seed),
            batch_size=self.batch_size,
            num_workers=workers,
            worker_init_fn=init_worker,
            persistent_workers=workers > 0,
            # Its own, since starting an iterator draws a number, and a resumed run starts its first one at another moment.
            generator=torch.Generator(),
            pin_memory=torch.cuda.is_available(),
            # A last batch of one photo has no batch statistics to train on.
            drop_last=shuffle and per_rank > self.batch_size and per_rank % self.batch_size == 1,
        )
        loader.feature_cache = None if self.feature_cache is None else partial(self.feature_cache, split)
        return loader
