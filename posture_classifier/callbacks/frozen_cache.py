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

from posture_classifier.cache.directory import cache_directory
from posture_classifier.cache.fingerprint import code_version, fingerprint
from posture_classifier.cache.shared_stores import SharedStores
from posture_classifier.cache.tensor_store import JoinedStores, TensorStore, file_size
from posture_classifier.callbacks.cache_dependencies import MODULES, PACKAGES
from posture_classifier.callbacks.of_trainer import data_of
from posture_classifier.data.dataset import MIRRORED
from posture_classifier.data.loaders import CachedFeatures
from posture_classifier.data.module import PostureData
from posture_classifier.models.batch import Batch
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.frozen_prefix import Cut, find_cut, frozen_state
from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes, parallel_forward
from posture_classifier.models.precision import compute_type, dtype_name
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError


class FrozenCache(Callback):
    """Caches the outputs of the frozen stages, and trains the stages after them on these features.

    Every photo is decoded once, before the run, and its pixels are cached. In each phase of the
    schedule the network is divided after its frozen prefix. The first epoch that sees a photo (in
    one of its augmented views) computes the prefix and writes its output to a file; later epochs
    read it. It is computed without gradients, and cached in 16 bits unless the precision is fp32.

    An output of more values than the photo itself is only cached if just the head is open: so early
    a cut saves little. It is then computed in each step, with that epoch's augmentation. What there
    is no room for is computed in each step too, but in the view that would have been cached: a full
    disk changes how long a training takes, and nothing else.

    Files are named by their content (photos, network, frozen weights, preprocessing, view, and the
    code that computes it), so a run only finds what it would have computed itself.

    Args:
        enabled: False computes everything in every step.
        views: Augmented versions of each photo that are cached while a prefix is frozen: epoch e
            uses version e mod views. 1 caches the photos as they are, without augmentation; where
            the network averages over mirror images (``model.average_mirrored``) also these, which
            every other epoch uses.
        limit: Gigabytes of disk for all files in the folder. They are mapped into memory, which the
            system takes back when it is short of it.
        keep: Leave the files for later runs with the same photos and weights, rather than remove
            them at the end.
        folder: Folder of the files; by default ``$XDG_CACHE_HOME/posture_classifier``, or else
            ``~/.cache/posture_classifier``.

    Attributes:
        verbose: Print what is cached, and in which precision, when a phase begins.
        phases: One entry per phase for ``summary.json``: where the network is divided and what is
            cached.
        frozen_part: How the network is divided, and the cached outputs of its prefix for photos
            that are evaluated, until ``release``; None where there are none.

    Example:
        >>> cache = FrozenCache(views=3, limit=2.0)
        >>> trainer = Trainer(accelerator="cpu", logger=False, callbacks=[cache])
    """

    verbose: bool = False

    def __init__(
        self, enabled: bool = True, views: int = 1, limit: float = 4.0, keep: bool = False, folder: str | None = None
    ) -> None:
        if views < 1:
            raise UserError(f"cache.views is {views}, but must be at least 1")
        if limit < 0:
            raise UserError(f"cache.limit is {limit} gigabytes, but must be at least 0")
        self.enabled = enabled
        self.views = views
        self.limit = limit
        self.phases: list[dict[str, Any]] = []
        self.frozen_part: tuple[Cut, JoinedStores] | None = None
        self._stores = SharedStores(Path(folder or cache_directory()), limit * 1e9, keep)
        # Of the present phase:
        self._divided = False  # a resumed run has yet to divide the network, though its phase is not new
        self._open_parameters: tuple[bool, ...] | None = None
        self._prefix_id = ""
        self._values_per_photo = 0
        self._cached_shape: tuple[int, ...] = ()  # empty where the prefix's output is not worth caching
        self._cache_dtype = torch.float32

    @contextmanager
    def decoded(self, data: PostureData) -> Iterator[None]:
        """A context for a training: decodes every photo first, and caches the pixels if they fit.

        The pixels' file is removed if the training fails.

        Raises:
            UserError: Some photos cannot be read; the message names them.
        """
        self._data = data
        if self.enabled and self._has_room_for_pixels and getattr(rank_zero_only, "rank", 0) == 0:
            data.pixel_cache = self._stores.open(self._pixels_name, self._n_rows, self._pixels_shape, torch.uint8)
        try:
            data.check()
            yield
        except BaseException:
            self._stores.close()
            raise

    @property
    def _n_rows(self) -> int:
        return int(self._data.photos.rows.max()) + 1

    @property
    def _pixels_shape(self) -> tuple[int, ...]:
        return (self._data.preprocessing.image_size,) * 2 + (3,)

    @property
    def _pixels_name(self) -> str:
        return self._name(self._data.preprocessing.geometry, self._pixels_shape)

    @property
    def _has_room_for_pixels(self) -> bool:
        # At most half of the room, so that there is some for features, which save more.
        return file_size(len(self._data.photos), self._pixels_shape, torch.uint8) <= self.limit * 0.5e9

    def state_dict(self) -> dict[str, Any]:
        """The phases so far, for the summary of a resumed run."""
        return {"phases": self.phases, "open_parameters": list(self._open_parameters or ())}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Restore them, unless a checkpoint of an earlier epoch is loaded to be tested."""
        if trainer.state.fn == "fit" and (state := checkpoint["callbacks"].get(self.state_key)):
            self.phases, self._open_parameters = state["phases"], tuple(state["open_parameters"])

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the data module the pixels' store, and a function that returns cached features."""
        if stage != "fit" or not self.enabled:
            return
        assert isinstance(pl_module, PostureClassifier)
        data = data_of(trainer)
        self._trainer, self._model, self._data = trainer, pl_module, data
        data.pixel_cache = self._open(self._pixels_name, self._pixels_shape, torch.uint8) if self._has_room_for_pixels else None
        data.feature_cache = self._cached_features

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make the network whole; what is cached serves its evaluation, too."""
        if stage == "fit" and self.enabled:
            self._model.cut = self._data.feature_cache = None
            trainer.strategy.barrier()

    def release(self) -> None:
        """Remove all files at the end of a run, unless they are kept for later runs."""
        if self.enabled:
            self._data.pixel_cache = self.frozen_part = None
            self._stores.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Remove all files of a run that failed or was interrupted, unless ``keep`` is on."""
        self._stores.close()

    def _cached_features(self, split: str, epoch: int) -> CachedFeatures:
        """The filled store of a split's features, and the view of this epoch; a collective call."""
        training = split == "train"
        phase_begins = training and self._begin_phase_if_stages_opened()
        store, view = None, epoch if training else None
        if self._cached_shape:
            views = self._cached_views(training, epoch)
            view = views[0]
            stores = [self._open(self._features_name(each), self._cached_shape, self._cache_dtype) for each in views]
            store = JoinedStores.of_all(stores)
        if store is not None and not training and self._model.cut is not None:
            self.frozen_part = self._model.cut, store
        if phase_begins:
            self._record_phase(cached=store is not None)
        if store is not None:
            for each, its_view in zip(store.stores, views, strict=True):
                self._fill(each, split, its_view)
        elif self._cached_shape:
            self._record_missing(split if view is None else f"{split}, {'mirrored' if view == MIRRORED else f'view {view}'}")
        return CachedFeatures(store, view)

    def _cached_views(self, training: bool, epoch: int) -> list[int | None]:
        """The views of a photo that are needed at once: both where an evaluation averages them."""
        mirrors = self._model.hparams["average_mirrored"]
        if not training:
            return [None, MIRRORED] if mirrors else [None]
        if self.views > 1 and self._data.augmentation:
            return [epoch % self.views]
        return [MIRRORED if mirrors and epoch % 2 else None]

    def _begin_phase_if_stages_opened(self) -> bool:
        """Divide the network again if other parameters are open; returns whether a phase begins."""
        open_parameters = tuple(parameter.requires_grad for parameter in self._model.backbone.parameters())
        begins = open_parameters != self._open_parameters
        if self._divided and not begins:
            return False
        self._divided, self._open_parameters = True, open_parameters
        self._trainer.strategy.barrier()
        self._stores.close(keep_open=self._pixels_name)
        self._divide_network()
        return begins and (self._model.cut is not None or not all(open_parameters))

    def _divide_network(self) -> None:
        """Find where the network can be divided, and whether the output there is worth caching."""
        backbone, size = self._model.backbone, self._model.preprocessing.image_size
        self._cached_shape, self.frozen_part = (), None
        self._model.cut = cut = find_cut(backbone, size)
        if cut is None:
            return
        weights = next(backbone.parameters())
        cut.precision = self._model.precision
        computed = compute_type(backbone, cut.precision, learns=False)
        exact = cut.precision == "fp32" or weights.dtype == torch.float64
        sixteen_bits = computed if computed.itemsize == 2 else torch.bfloat16
        self._cache_dtype = weights.dtype if exact else sixteen_bits
        self._prefix_id = fingerprint(cut.name, str(computed), *frozen_state(backbone))
        shape = tuple(cut.prefix(torch.zeros(1, 3, size, size, device=self._model.device)).shape[1:])
        self._values_per_photo = math.prod(shape)
        only_head_open = sum(self._open_parameters or ()) == len(self._model.stages[-1].parameters) and not cut.frozen_after
        if only_head_open or self._values_per_photo <= 3 * size * size:
            self._cached_shape, cut.cache_dtype = shape, self._cache_dtype

    def _record_phase(self, cached: bool) -> None:
        """Note for ``summary.json`` how this phase computes its frozen part; print it if wanted."""
        cut, epoch = self._model.cut, self._trainer.current_epoch
        phase: dict[str, Any] = {"first_epoch": epoch, "up_to": None, "kept_as": None}
        text = "the network cannot be divided where its frozen part ends, so that part is computed in every step"
        if cut is not None:
            computed = dtype_name(compute_type(cut.backbone, cut.precision, learns=False))
            phase |= {"up_to": cut.name, "precision": computed, "values_per_photo": self._values_per_photo}
            phase["kept_as"] = dtype_name(self._cache_dtype) if cached else None
            how_often = f"once per photo and cached as {phase['kept_as']}" if cached else "in every step"
            values = f"{self._values_per_photo:,} values a photo"
            text = f"the frozen part, up to {cut.name}, is computed in {computed} {how_often} ({values})"
            if cut.frozen_after:
                text += f"; {', '.join(cut.frozen_after)}, frozen too, cannot be cached and is computed in every step"
        self.phases.append(phase)
        if self._cached_shape and not cached:
            rank_zero_warn(f"the frozen part is computed in every step, since {self._stores.refusal}")
        if self.verbose and self._trainer.is_global_zero:
            say(f"from epoch {epoch}: {text}")

    def _record_missing(self, what: str) -> None:
        """Warn once about a view or split that found no room, in a phase that caches others."""
        phase = self.phases[-1]
        if phase["kept_as"] and what not in phase.setdefault("not_kept", []):
            phase["not_kept"].append(what)
            rank_zero_warn(f"the frozen part of {what} is computed in every step, since {self._stores.refusal}")

    def _features_name(self, view: int | None) -> str:
        augmentation = None if view in (None, MIRRORED) else self._data.augmentation_id
        computed = (self._model.hparams["backbone"], self._model.device.type, self._prefix_id)
        return self._name(
            self._data.preprocessing.to_dict(), self._cached_shape, str(self._cache_dtype), *computed, view, augmentation
        )

    def _name(self, *key: Any) -> str:
        """A file name for values that are computed from the photos and this key."""
        return fingerprint(code_version(MODULES, PACKAGES), self._data.photos.rows, self._data.digests, *key)

    def _open(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> TensorStore | None:
        return self._stores.open_on_all_ranks(self._trainer, name, self._n_rows, shape, dtype)

    @torch.no_grad()
    def _fill(self, store: TensorStore, split: str, view: int | None) -> None:
        """Compute the features of a split that the store lacks; each rank computes its share."""
        photos, device, cut = self._data.photos.in_split(split), self._model.device, self._model.cut
        assert cut is not None
        # Always the same photos together, as a run that was killed would have computed them.
        chunks = np.split(np.arange(len(photos)), range(chunk_size(device), len(photos), chunk_size(device)))
        # Shared out before looking at what is there, which another rank or run may just be adding
        # to.
        own = chunks[self._trainer.local_rank :: self._trainer.num_devices]
        # Chunks are written whole; but another fold of a cross-validation, which divides the photos
        # otherwise, leaves gaps.
        if missing := [lacking for chunk in own if len(lacking := chunk[~store.has(photos.rows[chunk])])]:
            passes = concurrent_passes(device, len(missing))
            batches = self._data.one_pass(split, missing, view, in_use=2 * passes + 1)
            hidden = not self._trainer.is_global_zero or getattr(self._trainer.progress_bar_callback, "is_disabled", True)
            with cut.prefix_function() as prefix:

                def compute(batch: Batch) -> tuple[Tensor, Tensor]:
                    return batch.indices, prefix(self._data.preprocessing.normalise(batch.images.to(device)))

                title = f"Computing the frozen part once ({split}{', mirrored' if view == MIRRORED else ''})"
                # Closed before the prefix function is left, so that no thread still computes when
                # the network is restored.
                with closing(parallel_forward(compute, batches, passes)) as outputs:
                    for indices, features in track(outputs, title, len(missing), transient=True, disable=hidden):
                        store.write(photos.rows[indices.numpy()], features)
        self._trainer.strategy.barrier()
