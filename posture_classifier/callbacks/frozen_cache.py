"""Computes the frozen part of the network once per photo, rather than once per photo and epoch."""

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from rich.progress import track
from torch import Tensor

from posture_classifier.cache.directory import cache_directory, make_room, remove_file
from posture_classifier.cache.fingerprint import code_version, fingerprint
from posture_classifier.cache.tensor_store import TensorStore, file_size
from posture_classifier.data.loaders import CachedFeatures
from posture_classifier.data.module import PostureData
from posture_classifier.models.batch import Batch
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.frozen_prefix import find_cut, frozen_state
from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes, parallel_forward
from posture_classifier.models.precision import compute_type, name_of
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError

MODULES = (
    "models/all_stages_head",
    "models/backbones/*",
    "models/frozen_prefix",
    "models/module_trace",
    "models/precision",
    "cache/tensor_store",
    "data/dataset",
    "images/augmentation",
    "images/decode",
    "images/preprocessing",
)
PACKAGES = ("albumentations", "numpy", "opencv-python-headless", "pillow", "pillow-heif", "timm", "torch", "torchvision")
"""They and the code of these modules decide what is kept."""


class FrozenCache(Callback):
    """While the first stages are frozen, keeps what they answer to each photo, and trains the rest on that.

    Every photo is decoded once, before the run, and its pixels are kept. In each phase of the schedule the network is cut after its
    frozen prefix. The first epoch to see a photo (in one of its augmented views) computes the prefix and keeps the answer in a
    file; from then on it is read. The prefix runs without gradients, in the model's precision; its answer is kept in 16 bits unless
    that is fp32.

    Unless it is of all but the head, an answer of more values than the photo itself has is not kept: so early a cut saves little,
    and reading it is no faster. It is computed anew in each step, with the augmentation of the epoch. So is what there is no room
    for, but in the view that would have been kept: how full a disk is changes how long a training takes, and nothing else.

    Files are named by their content (photos, network, frozen weights, preprocessing, view, and what computes them), so a later run
    can only find what it would have computed itself.

    Args:
        enabled: False computes everything anew in every step.
        views: Augmented versions of each photo that are kept while a prefix is frozen: epoch e uses version e mod views. 1 keeps
            the photos as they are, without augmentation.
        limit: Gigabytes of disk for all files in the folder. They are mapped into memory, which the system takes back when it is
            short of it.
        keep: Leave the files for later runs with the same photos and weights, rather than remove them at the end.
        folder: Where; by default ``$XDG_CACHE_HOME/posture_classifier``, or else ``~/.cache/posture_classifier``.
    """

    verbose: bool = False

    def __init__(
        self,
        enabled: bool = True,
        views: int = 1,
        limit: float = 4.0,
        keep: bool = False,
        folder: str | None = None,
    ) -> None:
        if views < 1:
            raise UserError(f"cache.views is {views}, but must be at least 1")
        if limit < 0:
            raise UserError(f"cache.limit is {limit} gigabytes, but must be at least 0")
        self.enabled = enabled
        self.views = views
        self.limit = limit
        self.keep = keep
        self.folder = Path(folder or cache_directory())
        self.phases: list[dict[str, Any]] = []
        self._open: tuple[bool, ...] | None = None
        self._frozen = ""
        self._row_shape: tuple[int, ...] = ()
        self._values = 0
        self._refusal = ""
        self._dtype = torch.float32
        self._stores: dict[str, TensorStore | None] = {}

    @contextmanager
    def decoded(self, data: PostureData) -> Iterator[None]:
        """A context for a training: before it every photo is decoded, and its pixels are kept if there is room, unless it fails.

        Raises:
            UserError: Naming the photos that cannot be read.
        """
        self._data = data
        made = None
        if self.enabled and self._has_room_for_pixels and getattr(rank_zero_only, "rank", 0) == 0:
            made = data.pixels = self._make(self._pixels_name, self._pixels_shape, torch.uint8)
        try:
            data.check()
            yield
        except BaseException:
            self._remove(made)
            raise

    @property
    def _pixels_shape(self) -> tuple[int, ...]:
        size = self._data.preprocessing.image_size
        return (size, size, 3)

    @property
    def _pixels_name(self) -> str:
        return self._name(self._data.preprocessing.geometry, self._pixels_shape)

    @property
    def _has_room_for_pixels(self) -> bool:
        # At most half of the room, so that there is some for activations, which save more.
        return file_size(len(self._data.photos), self._pixels_shape, torch.uint8) <= self.limit * 0.5e9

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Offer the data to keep its decoded photos, and its activations from then on."""
        if stage != "fit" or not self.enabled:
            return
        assert isinstance(pl_module, PostureClassifier)
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, PostureData)
        self._trainer, self._model, self._data = trainer, pl_module, data
        data.pixels = self._store(self._pixels_name, self._pixels_shape, torch.uint8) if self._has_room_for_pixels else None
        data.feature_cache = self._cached_features

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the network back whole; the pixels are for the evaluation that follows."""
        if stage == "fit" and self.enabled:
            self._model.cut = self._data.feature_cache = None
            trainer.strategy.barrier()
            self._forget_activations()

    def release(self) -> None:
        """At the end of a run, give the disk its room back."""
        if self.enabled:
            self._data.pixels = None
            self._forget(list(self._stores))

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """A run that failed or was interrupted needs its files no more than one that ended."""
        self._forget(list(self._stores))

    def _cached_features(self, split: str, epoch: int) -> CachedFeatures:
        """Where the activations of a split are kept, computed first if they are not; all ranks ask together."""
        begins = split == "train" and self._begins_phase()
        store, view = None, epoch if split == "train" else None
        if self._model.cut is not None and self._row_shape:
            view = epoch % self.views if split == "train" and self.views > 1 and self._data.augmentation else None
            store = self._store(self._activations_name(view), self._row_shape, self._dtype)
        if begins:
            self._announce(kept=store is not None)
        if store is not None:
            self._fill(store, split, view)
        elif self._row_shape and not begins:
            self._announce_missing(split, view)
        return CachedFeatures(store, view)

    def _activations_name(self, view: int | None) -> str:
        augmentation = None if view is None else self._data.augmentation_id
        computed = (self._model.hparams["backbone"], self._model.device.type, self._frozen)
        return self._name(self._data.preprocessing.to_dict(), self._row_shape, str(self._dtype), *computed, view, augmentation)

    def _begins_phase(self) -> bool:
        """Whether other stages are open than before; finds the cut anew then."""
        backbone = self._model.backbone
        opened = tuple(parameter.requires_grad for parameter in backbone.parameters())
        if opened == self._open:
            return False
        self._open = opened
        self._trainer.strategy.barrier()
        self._forget_activations()
        self._row_shape = ()
        size = self._model.preprocessing.image_size
        self._model.cut = cut = find_cut(backbone, size)
        if cut is not None:
            weights = next(backbone.parameters())
            cut.precision = self._model.precision
            computed = compute_type(backbone, cut.precision, learns=False)
            exact = cut.precision == "fp32" or weights.dtype == torch.float64
            self._dtype = weights.dtype if exact else computed if computed.itemsize == 2 else torch.bfloat16
            self._frozen = fingerprint(cut.name, str(computed), *frozen_state(backbone))
            shape = tuple(cut.prefix(torch.zeros(1, 3, size, size, device=self._model.device)).shape[1:])
            self._values = math.prod(shape)
            all_but_head = sum(opened) == len(self._model.stages[-1].parameters) and not cut.beyond
            if all_but_head or self._values <= 3 * size * size:
                self._row_shape, cut.kept_as = shape, self._dtype
        return cut is not None or not all(opened)

    def _announce(self, kept: bool) -> None:
        """Say, and note for the summary, what becomes of the frozen part in this phase."""
        cut, epoch = self._model.cut, self._trainer.current_epoch
        phase: dict[str, Any] = {"first_epoch": epoch, "up_to": None, "kept_as": None}
        text = "the network cannot be divided where its frozen part ends, so that part is computed in every step"
        if cut is not None:
            computed = name_of(compute_type(cut.backbone, cut.precision, learns=False))
            phase |= {"up_to": cut.name, "precision": computed, "values_per_photo": self._values}
            phase["kept_as"] = name_of(self._dtype) if kept else None
            why = f", since {self._refusal}" if self._row_shape else ""
            how_often = f"once per photo and kept as {phase['kept_as']}" if kept else f"in every step{why}"
            text = f"the frozen part, up to {cut.name}, is computed in {computed} {how_often} ({self._values:,} values a photo)"
            if cut.beyond:
                text += f"; the network cannot be divided after {', '.join(cut.beyond)}, frozen too, which every step computes"
        self.phases.append(phase)
        if self._trainer.is_global_zero:
            say(f"from epoch {epoch}: {text}")

    def _announce_missing(self, split: str, view: int | None) -> None:
        """Say once what of a phase could not be kept, where the phase began with something that could."""
        what, phase = split if view is None else f"{split}, view {view}", self.phases[-1]
        if phase["kept_as"] and what not in phase.setdefault("not_kept", []):
            phase["not_kept"].append(what)
            rank_zero_warn(f"the frozen part of {what} is computed in every step, since {self._refusal}")

    def _name(self, *key: Any) -> str:
        """A name for something that is computed from the photos."""
        return fingerprint(code_version(MODULES, PACKAGES), self._data.photos.rows, self._data.digests, *key)

    def _path(self, name: str) -> Path:
        lasting = self.folder / f"{name}.kept"
        return lasting if self.keep or lasting.exists() else self.folder / name

    def _store(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> TensorStore | None:
        """The file of this name, or None where there is no room for it on some node; all ranks ask together."""
        if name not in self._stores:
            store = None
            # One process of a node makes the file, then the others map it.
            for turn in (True, False):
                if turn == (self._trainer.local_rank == 0):
                    store = self._make(name, shape, dtype)
                self._trainer.strategy.barrier()
            shared = self._is_shared(store)
            if store is not None and not shared:
                self._refusal = "another process could not keep it, or another run has just removed it"
                self._remove(store)
            self._stores[name] = store if shared else None
        return self._stores[name]

    def _is_shared(self, store: TensorStore | None) -> bool:
        """Whether all ranks of every node have mapped one file, and not one another, as when another run removed it meanwhile."""
        mine = torch.tensor(store.identity % 2**63 if store else -1, device=self._trainer.strategy.root_device)
        everyones = self._trainer.strategy.all_gather(mine).flatten().tolist()
        first = everyones[self._trainer.global_rank - self._trainer.local_rank]
        return self._trainer.strategy.reduce_boolean_decision(store is not None and int(mine) == first)

    def _make(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> TensorStore | None:
        """Map a file, made if there is room for it; files that earlier runs left are removed for it, the oldest first."""
        n, pixels = int(self._data.photos.rows.max()) + 1, self._data.pixels
        used = {store.path for store in (*self._stores.values(), pixels) if store}
        self._refusal = f"cache.limit leaves no room for it below {self.folder}"
        try:
            path = self._path(name)
            if pixels and pixels.path == path:
                return pixels  # of ``decoded``, which knows already what is in it
            return (
                TensorStore(path, n, shape, dtype) if make_room(path, file_size(n, shape, dtype), self.limit * 1e9, used) else None
            )
        except OSError as error:  # the disk has no room, or the folder is closed
            self._refusal = f"it cannot be kept below {self.folder}: {error.strerror}"
            return None

    @torch.no_grad()
    def _fill(self, store: TensorStore, split: str, view: int | None) -> None:
        """Compute what is missing of a split, this rank its share."""
        photos, device, cut = self._data.photos.of(split), self._model.device, self._model.cut
        assert cut is not None
        # Always the same photos together, so that a run that was killed computes what it would have computed.
        chunks = np.split(np.arange(len(photos)), range(chunk_size(device), len(photos), chunk_size(device)))
        # Shared out before looking at what is there, which another rank or run may just be adding to.
        mine = chunks[self._trainer.local_rank :: self._trainer.num_devices]
        # A chunk is written as a whole; but another fold of a cross-validation, with the photos divided otherwise, leaves gaps.
        gaps = (chunk[~store.has(photos.rows[chunk])] for chunk in mine)
        share = [gap for gap in gaps if len(gap)]
        if share:
            shown = self._trainer.is_global_zero and self._trainer.progress_bar_callback is not None
            batches = self._data.one_pass(split, share, view)
            with cut.passes() as prefix:

                def compute(batch: Batch) -> tuple[Tensor, Tensor]:
                    return batch.indices, prefix(self._data.preprocessing.normalise(batch.images.to(device)))

                title = f"Computing the frozen part once ({split})"
                # Closed first, so that no thread still computes when the network is put back.
                with closing(parallel_forward(compute, batches, concurrent_passes(device, len(share)))) as answers:
                    for indices, answer in track(answers, title, len(share), transient=True, disable=not shown):
                        store.write(photos.rows[indices.numpy()], answer)
        self._trainer.strategy.barrier()

    def _forget_activations(self) -> None:
        self._forget([name for name, store in self._stores.items() if store is not self._data.pixels])

    def _forget(self, names: list[str]) -> None:
        """Let go of files, and remove those that are not to be kept; a process that still maps one does not notice."""
        for name in names:
            self._remove(self._stores.pop(name))

    def _remove(self, store: TensorStore | None) -> None:
        if store is not None and store.path.suffix != ".kept":
            remove_file(store.path)
