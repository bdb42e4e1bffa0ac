"""``PostureData``: a folder of photos as splits and batches."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch.utils.data import DataLoader

from posture_classifier.cache.tensor_store import TensorStore
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.data.deep_photos import DeepPhotos, find_deep_photos
from posture_classifier.data.folder import Photos, detect_layout, read_folder, ungrouped
from posture_classifier.data.folds import (
    TEST_FRACTION,
    VAL_FRACTION,
    GroupBy,
    check_choices,
    choose_group_by,
    fold_split,
    holdout_split,
)
from posture_classifier.data.groups_of_sides import check_groups_of_sides
from posture_classifier.data.layout import Layout
from posture_classifier.data.loaders import CachedFeatures, EpochSampler, FixedBatches, PhotoLoader, choose_workers, init_worker
from posture_classifier.data.near_copies import NearCopies, find_near_copies
from posture_classifier.data.photo_lists import exclude_photos
from posture_classifier.data.scan.scene_groups import describe_doubts, doubted_scenes, scene_groups
from posture_classifier.data.seen import PhotoMemory
from posture_classifier.data.sessions import session_groups
from posture_classifier.data.split import DrawnBy, add_validation, check_classes, check_disjoint, read_split, split_photos
from posture_classifier.data.string_array import StringArray
from posture_classifier.data.unreadable import refuse_unreadable, skip_unreadable
from posture_classifier.images.augmentation import DEFAULT_TRANSFORMS, Augmentation, Transforms
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.batch import Batch, CachedBatch
from posture_classifier.utils.errors import UserError


class PostureData(PhotoMemory):
    r"""An image folder, split by groups, as batches for training and evaluation.

    The photos are indexed and split when they are first needed, and then stay as they are.

    Args:
        root: ``root/<class>/*``, split by us, or ``root/{train,val,test}/<class>/*``, split by you.
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
        folds: Number of folds to divide the photos into, of which one is tested.
        fold: The fold that is tested, from 0; over all folds each photo is tested once.
        holdout_groups: Test exactly these groups; a name that is a number in quotes, as in
            ``["07"]``.
        val_fraction: Share of the photos for choosing the best epoch; with ``folds`` or
            ``holdout_groups``, of those not tested.
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
        root: str,
        group_pattern: str | None = None,
        group_by: GroupBy | None = None,
        split: str | None = None,
        exclude: str | None = None,
        folds: int | None = None,
        fold: int | None = None,
        holdout_groups: list[str] | None = None,
        val_fraction: float = VAL_FRACTION,
        test_fraction: float = TEST_FRACTION,
        seed: int = 0,
        batch_size: int = 32,
        num_workers: int | None = None,
        augmentation: Transforms | None = None,
        on_error: Literal["stop", "skip"] = "stop",
        layout: Layout | None = None,
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
        self.layout = layout
        self.group_by = choose_group_by(group_by, group_pattern)
        self._may_find_scenes = group_by is None and group_pattern is None
        self._drawn_by: DrawnBy | None = None
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
        transforms = DEFAULT_TRANSFORMS if augmentation is None else augmentation
        self.augmentation = Augmentation(transforms, seed) if transforms else None
        self.augmentation_id = [transforms, seed]
        self.on_error = on_error

    @cached_property
    def photos(self) -> Photos:
        """All photos that are used, each with its split."""
        photos = self._split(self.val_fraction, self.fractions["test"])
        check_classes(photos)
        if warning := check_groups_of_sides(photos, self._drawn_sides, (self.val_fraction, self.fractions["test"]), self._split):
            rank_zero_warn(warning)
        return photos

    @cached_property
    def indexed(self) -> Photos:
        """All photos with their groups; not split yet, unless by the user's folders."""
        photos = read_folder(self.root, self.group_pattern if self.group_by == "pattern" else None, self._layout())
        if self.group_by == "none":
            photos = ungrouped(photos)
        if self.exclude is not None:
            photos = exclude_photos(photos, Path(self.exclude))
        reads_groups = self.group_by in ("cluster", "exif") and self.split is None
        if self.on_error == "skip":
            photos = skip_unreadable(photos)
        elif reads_groups:
            refuse_unreadable(photos)
        if not reads_groups:
            return photos
        groups = scene_groups(photos) if self.group_by == "cluster" else session_groups(photos)
        if self.group_by == "cluster" and (doubted := doubted_scenes(photos, groups)):
            rank_zero_warn(describe_doubts(photos, doubted))
        return replace(photos, groups=StringArray(groups.tolist()), grouped=len(set(groups.tolist())) < len(photos))

    def _layout(self) -> Layout:
        # Whoever names the groups knows the folders: if people were read as classes, each would be
        # one group, which no split can divide.
        return self.layout or detect_layout(self.root, ask=self.split is None and self.group_pattern is None)

    def every_fold(self) -> list[Photos]:
        """The photos, split for each fold in turn."""
        splits = []
        for fold in range(self.folds or 0):

            def split(val: float, _: float, fold: int = fold) -> Photos:
                return fold_split(self.indexed, self.folds or 0, fold, val, self.seed)

            splits.append(split(self.val_fraction, 0))
            check_classes(splits[-1])
            check_groups_of_sides(splits[-1], self._drawn_sides, (self.val_fraction, self.fractions["test"]), split)
        return splits

    def _split(self, val_fraction: float, test_fraction: float) -> Photos:
        photos = self.indexed
        if self.split is not None:
            return read_split(photos, Path(self.split))
        if self.folds is not None:
            return fold_split(photos, self.folds, self.fold, val_fraction, self.seed)
        if self.holdout_groups is not None:
            return holdout_split(photos, self.holdout_groups, val_fraction, self.seed)
        fractions = {"train": 1 - val_fraction - test_fraction, "val": val_fraction, "test": test_fraction}
        if not photos.splits[0]:
            return split_photos(photos, fractions, self.seed)
        check_disjoint(photos)
        photos, self._drawn_by = add_validation(
            photos, fractions, self.seed, (lambda _: self._train_scenes) if self._may_find_scenes else None
        )
        return photos

    @cached_property
    def _train_scenes(self) -> npt.NDArray[np.str_]:
        return scene_groups(self.indexed.in_split("train"))

    @property
    def validation_drawn_by(self) -> DrawnBy | None:
        """What was kept whole when validation photos were drawn from the user's train folder."""
        return self._drawn_by if len(self.photos) else None

    @property
    def _drawn_sides(self) -> tuple[str, ...]:
        """The sides that are drawn from groups by looks; a fold is tested beside all others."""
        if self.group_by != "cluster" or self.split is not None or "val" in self.indexed.splits:
            return ()
        return ("val",) if self.folds is not None or self.holdout_groups is not None or self.indexed.splits[0] else ("val", "test")

    def check(self) -> None:
        """Decode (and cache) every photo once, so that training does not end at an unreadable one.

        Raises:
            UserError: Some photos cannot be read; the message lists them all.
        """
        # Files that are to be skipped were found before the photos were split.
        if self.on_error == "stop":
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

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of augmented training photos in random order."""
        loader = self._loader("train", self.augmentation, shuffle=True)
        if self.trainer is not None and isinstance(loader.sampler, EpochSampler):
            # Lightning starts the first epoch's iterator before it tells the sampler which epoch
            # that is.
            loader.sampler.set_epoch(getattr(self.trainer.fit_loop.epoch_progress.current, "processed", 0))
        return loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """Batches of validation photos in order, not augmented."""
        return self._loader("val")

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

        Args:
            split: ``train``, ``val`` or ``test``.
            batches: Arrays of indices into the split, one for each batch.
            view: The view of the photos; None is the photos as they are.
            in_use: Batches that are computed with at a time.
        """
        augmentation = None if view is None else self.augmentation
        dataset = PhotoDataset(self.photos.in_split(split), self.preprocessing, augmentation, self.pixel_cache)
        # Starting processes takes longer than copying what is decoded already.
        decoded = view is None and self.pixel_cache is not None and bool(self.pixel_cache.has(dataset.photos.rows).all())
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
