"""``PostureData``: a folder of photos as splits and batches."""

import math
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader

from posture_classifier.cache.tensor_store import TensorStore
from posture_classifier.data.dataset import MIRRORED, PhotoDataset
from posture_classifier.data.deep_photos import DeepPhotos, find_deep_photos
from posture_classifier.data.folder import Photos
from posture_classifier.data.folds import (
    TEST_FRACTION,
    VAL_FRACTION,
    GroupBy,
)
from posture_classifier.data.layout import Layout
from posture_classifier.data.loaders import CachedFeatures, EpochSampler, FixedBatches, PhotoLoader, choose_workers, init_worker
from posture_classifier.data.near_copies import NearCopies, find_near_copies
from posture_classifier.data.photo_choice import PhotoChoice
from posture_classifier.data.photo_table import folder_of_table
from posture_classifier.data.seen import PhotoMemory
from posture_classifier.data.unreadable import refuse_unreadable
from posture_classifier.images.augmentation import DEFAULT_TRANSFORMS, Augmentation, Transforms
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.batch import Batch, CachedBatch
from posture_classifier.utils.errors import UserError


class PostureData(PhotoMemory):
    r"""Photos of a folder or a table, split by groups, as batches for training and evaluation.

    The photos are indexed and split when they are first needed, and then stay as they are.

    Args:
        root: ``root/<class>/*``, split by us, or ``root/{train,val,test}/<class>/*``, split by you.
            With ``table``, what its paths are relative to; None is the table's own folder.
        group_pattern: Regular expression on the relative path whose match names the person or
            recording, such as ``subject-\d+``. A group is never on two sides of a split.
        group_by: What makes a group: ``pattern``, or ``folder`` (those that ``layout`` names),
            ``cluster`` (photos of one scene, by their looks), ``exif`` (camera, and pauses of 30
            minutes), or ``none``: every photo stands alone. None is ``pattern`` where there is one,
            or else ``folder``; where no folder names groups, every photo stands alone, but that
            validation photos drawn from your own train folder are whole scenes, as by ``cluster``.
        split: A ``split.csv`` of an earlier run, to be used again, with its groups.
        exclude: A .csv file whose column ``path`` names photos to leave out; ``check --fix_list``
            suggests one.
        fixes: A ``fixes.csv``, as the review of ``app`` writes it: photos that it removes are left
            out, and those that it relabels count as their new class. No file is moved.
        folds: Number of folds to divide the photos into, of which one is tested.
        fold: The fold that is tested, from 0; over all folds each photo is tested once.
        holdout_groups: Test exactly this group, or these of a list, in which a name that is a
            number stands in quotes, as in ``["07"]``.
        val_fraction: Share of the photos for choosing the best epoch; with ``folds`` or
            ``holdout_groups``, of those not tested. 0 trains without validation: then the last
            epoch counts, and early stopping has nothing to watch.
        test_fraction: Share of the photos for the final test; 0 for none. Not used with ``folds``
            or ``holdout_groups``.
        seed: Random seed of the split, the order of photos and the augmentation.
        batch_size: Photos a step, per device.
        num_workers: Processes that decode, per device; None chooses by the cores and the shared
            memory that there are.
        augmentation: albumentations transforms as ``class_path`` and ``init_args``; None is a mild
            set for people, [] none.
        on_error: What to do about unreadable files: ``stop`` before the first epoch and list them,
            or ``skip`` them.
        layout: What the folders name, from the outer one to the inner one: ``class``,
            ``group/class`` (a folder for each person, with one for each class) or ``class/group``.
            None finds it out, and asks where either may be the classes.
        table: A .csv or .parquet file that lists the photos, in place of class folders: the columns
            ``path`` and ``label``, perhaps ``group`` (the person or session) and ``split`` (train,
            val or test). Paths are relative to ``root``, absolute, or URLs that fsspec reads, such
            as s3://bucket/1.jpg.

    Example:
        >>> data = PostureData("photos", group_pattern=r"person\d", batch_size=8)
        >>> data.class_names, data.class_counts
        (['left', 'right'], [8, 8])
        >>> data.preprocessing = Preprocessing(32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        >>> next(iter(data.val_dataloader())).images.shape
        torch.Size([4, 3, 32, 32])
    """

    preprocessing: Preprocessing
    """Scales and normalises photos for the network; the command line takes it from the model."""
    pixel_cache: TensorStore | None = None
    """Cache of decoded photos, by their rows; None decodes a photo each time."""
    feature_cache: Callable[[str, int], CachedFeatures] | None = None
    """``feature_cache(split, epoch)`` is called when an epoch begins and says what it trains on:
    cached activations, or a view of the photos. None trains on the photos."""

    def __init__(
        self,
        root: str | None = None,
        group_pattern: str | None = None,
        group_by: GroupBy | None = None,
        split: str | None = None,
        exclude: str | None = None,
        fixes: str | None = None,
        folds: int | None = None,
        fold: int | None = None,
        holdout_groups: list[str] | str | None = None,
        val_fraction: float = VAL_FRACTION,
        test_fraction: float = TEST_FRACTION,
        seed: int = 0,
        batch_size: int = 32,
        num_workers: int | None = None,
        augmentation: Transforms | None = None,
        on_error: Literal["stop", "skip"] = "stop",
        layout: Layout | None = None,
        table: str | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise UserError(f"data.batch_size is {batch_size}, but must be at least 1")
        if num_workers is not None and num_workers < 0:
            raise UserError(f"data.num_workers is {num_workers}, but must be at least 0")
        if root is None and table is None:
            raise UserError("data.root is missing, the folder of the photos; or data.table, a table that lists them")
        root = folder_of_table(Path(table)) if root is None and table is not None else str(root)
        self.choice = PhotoChoice(
            *(root, group_pattern, group_by, split, exclude, fixes, folds, fold),
            [holdout_groups] if isinstance(holdout_groups, str) else holdout_groups,
            *(val_fraction, test_fraction, seed, on_error, layout, table),
        )
        self.root = root
        self.seed = seed
        self.batch_size = batch_size
        self.num_workers = num_workers
        transforms = DEFAULT_TRANSFORMS if augmentation is None else augmentation
        self.augmentation = Augmentation(transforms, seed) if transforms else None
        self.augmentation_id = [transforms, seed]

    @cached_property
    def photos(self) -> Photos:
        """All photos that are used, each with its split."""
        return self.choice.photos

    def check(self) -> None:
        """Decode (and cache) every photo once, so that training does not end at an unreadable one.

        Raises:
            UserError: Some photos cannot be read; the message lists them all.
        """
        # Files that are to be skipped were found before the photos were split.
        if self.choice.on_error == "stop":
            read = PhotoDataset(self.photos, self.preprocessing, pixel_cache=self.pixel_cache).square if self.pixel_cache else None
            refuse_unreadable(self.photos, read)

    @property
    def class_names(self) -> list[str]:
        """Class names in the order of the labels."""
        return list(self.photos.classes)

    @property
    def class_counts(self) -> list[int]:
        """Number of training photos per class."""
        counts: list[int] = np.bincount(self.photos.in_split("train").labels, minlength=len(self.photos.classes)).tolist()
        return counts

    @cached_property
    def deep_photos(self) -> DeepPhotos:
        """The photos of more than 8 bits in all splits, which share one scale."""
        return find_deep_photos(map(self.photos.file, range(len(self.photos))))

    @property
    def white_levels(self) -> list[float]:
        """The values that are white in photos of more than 8 bits, as the model takes them."""
        return list(self.deep_photos.white)

    @cached_property
    def near_copies(self) -> dict[str, NearCopies]:
        """Of ``val`` and ``test``, how many photos have a near-copy among those learnt from."""
        return find_near_copies(self.photos, self.digests, self.deep_photos.white)

    @property
    def has_test(self) -> bool:
        """Whether there are photos that neither training nor the choice of an epoch sees."""
        return "test" in self.photos.splits

    @property
    def has_val(self) -> bool:
        """Whether there are photos that choose the best epoch."""
        return "val" in self.photos.splits

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of augmented training photos in random order."""
        loader = self._loader("train", self.augmentation, shuffle=True)
        if self.trainer is not None and isinstance(loader.sampler, EpochSampler):
            # Lightning starts the first epoch's iterator before it tells the sampler which epoch
            # that is.
            loader.sampler.set_epoch(getattr(self.trainer.fit_loop.epoch_progress.current, "processed", 0))
        return loader

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """Batches of validation photos in order, not augmented; no loader if there are none."""
        return self._loader("val") if self.has_val else []

    def test_dataloader(self) -> DataLoader[Batch]:
        """Batches of test photos in order, or of validation photos if there is no test split."""
        return self._loader("test" if self.has_test else "val")

    def on_after_batch_transfer(self, batch: Batch | CachedBatch, dataloader_idx: int) -> Batch | CachedBatch:
        """Normalise on the device, after the smaller uint8 pixels were sent there."""
        if isinstance(batch, CachedBatch):
            return batch
        return batch._replace(images=self.preprocessing.normalise(batch.images))

    def one_pass(self, split: str, batches: list[npt.NDArray[np.int64]], view: int | None, in_use: int = 2) -> DataLoader[Batch]:
        """Load given batches of a split's photos once, in an augmented view.

        The batches index into the split; the view is as ``PhotoDataset`` takes it; ``in_use``
        batches are computed with at a time.
        """
        augmentation = None if view is None else self.augmentation
        dataset = PhotoDataset(self.photos.in_split(split), self.preprocessing, augmentation, self.pixel_cache)
        # Starting processes takes longer than copying what is decoded already.
        augmented = view not in (None, MIRRORED)
        decoded = not augmented and self.pixel_cache is not None and bool(self.pixel_cache.has(dataset.photos.rows).all())
        return PhotoLoader(
            dataset,
            batch_sampler=FixedBatches(batches, view),
            num_workers=0 if decoded else self._workers(len(batches), max(map(len, batches)), in_use),
            worker_init_fn=init_worker,
            generator=torch.Generator(),
        )

    def _workers(self, batches: int, batch_size: int, in_use: int = 2) -> int:
        ranks = self.trainer.num_devices if self.trainer is not None else 1  # on this machine
        return choose_workers(self.num_workers, ranks, batches, batch_size * 3 * self.preprocessing.image_size**2, in_use)

    def _loader(self, split: str, augmentation: Augmentation | None = None, shuffle: bool = False) -> PhotoLoader:
        dataset = PhotoDataset(self.photos.in_split(split), self.preprocessing, augmentation, self.pixel_cache)
        ranks, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer is not None else (1, 0)
        per_rank = math.ceil(len(dataset) / ranks)
        workers = self._workers(math.ceil(per_rank / self.batch_size), min(per_rank, self.batch_size))
        loader = PhotoLoader(
            dataset,
            sampler=EpochSampler(dataset, ranks, rank, shuffle=shuffle, seed=self.seed),
            batch_size=self.batch_size,
            num_workers=workers,
            worker_init_fn=init_worker,
            persistent_workers=workers > 0,
            # Its own, since starting an iterator draws a number, and a resumed run starts its first
            # one at another moment.
            generator=torch.Generator(),
            pin_memory=torch.cuda.is_available(),
            # A last batch of one photo has no batch statistics to train on.
            drop_last=shuffle and per_rank > self.batch_size and per_rank % self.batch_size == 1,
        )
        loader.feature_cache = None if self.feature_cache is None else partial(self.feature_cache, split)
        return loader
