"""Photos that a network has seen, known by the digests of their files in its checkpoint."""

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import rank_zero_warn

from posture_classifier.data.folder import Photos
from posture_classifier.data.split import SPLITS
from posture_classifier.images.digest import digest_or_zero
from posture_classifier.models.checkpoint import Seen, read_seen
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural
from posture_classifier.utils.threads import map_in_threads
from posture_classifier.utils.types import Ints

LEARNT_FROM = {"val": ("train",), "test": ("train", "val")}
"""The splits of an earlier training whose photos a split of this one may not hold. Those of ``val``
chose the epoch."""


def photo_digests(photos: Photos) -> Ints:
    """(N,) digest of each photo's file; 0 where it cannot be read."""
    files = map(photos.file, range(len(photos)))
    return np.fromiter(map_in_threads(digest_or_zero, files), dtype=np.int64, count=len(photos))


def with_earlier(own: Seen, earlier: Seen) -> Seen:
    """Add to the digests of a training those that its network had seen before it.

    Args:
        own: Digests of this training's splits.
        earlier: All that the checkpoint which it began from, or was resumed from, has seen.
    """
    result = dict(own)
    for split in ("train", "val") if earlier else ():
        # In order, so that a resumed run writes what an uninterrupted one would.
        if len(added := np.setdiff1d(_all_of(split, earlier), own[split].numpy())):
            result[f"earlier_{split}"] = torch.from_numpy(added)
    return result


def _all_of(split: str, seen: Seen) -> Ints:
    """Digests of a split's photos, over all trainings that led to a checkpoint."""
    return np.concatenate([seen[name].numpy() for name in (split, f"earlier_{split}") if name in seen])


def check_unseen(
    photos: Photos, digests: Ints, source: Path, seen: Seen, remedy: str = "give the split.csv of its run as --data.split"
) -> None:
    """Refuse to choose an epoch by, or to test on, photos that the network has learnt from.

    Photos are known by their content, whatever their files are called. Where the earlier training
    had a photo in the very same split, it has learnt from a copy of it, which is only a warning.

    Args:
        photos: Photos with their splits.
        digests: (N,) digest of each.
        source: The checkpoint that the network comes from.
        seen: Digests of the photos that it has seen; empty if that is not known.
        remedy: What to do about it, as the end of the message.

    Raises:
        UserError: Photos in ``val`` or ``test`` were learnt from.
    """
    for split, forbidden in LEARNT_FROM.items() if seen else ():
        own = digests[photos.splits == split]
        learnt_from = np.isin(own, np.concatenate([_all_of(name, seen) for name in forbidden]))
        if not (n := int(learnt_from.sum())):
            continue
        message = (
            f"{plural(n, 'photo')} of the {len(own)} {split} photos {photos.place} "
            f"{'was' if n == 1 else 'were'} used to train {source} or to choose its epoch"
        )
        if not np.isin(own[learnt_from], seen[split].numpy()).all():
            raise UserError(f"{message}, so results would be too good; {remedy}")
        rank_zero_warn(f"{message}: copies of one photo lie on two sides of the split")


class PhotoMemory(LightningDataModule):
    """A data module that knows its photos by their content, and what its network saw before them.

    All trainings that led to a network are remembered: its checkpoint names the photos of each, so
    none of them can be tested on later, whatever they are called.
    """

    earlier: Seen | None = None
    """Digests of the photos that the network has seen before this training; None until then."""

    @cached_property
    def photos(self) -> Photos:
        """All photos that are used, each with its split."""
        raise NotImplementedError

    @cached_property
    def digests(self) -> Ints:
        """(N,) digest of each photo's file; 0 where it cannot be read."""
        return photo_digests(self.photos)

    def setup(self, stage: str) -> None:
        """Begin where the weights of the network do, unless that was done or a run is resumed."""
        if stage == "fit" and self.earlier is None and self.trainer is not None and self.trainer.ckpt_path is None:
            weights = self.trainer.lightning_module.hparams.get("weights")
            self.start_from(Path(weights or ""), read_seen(weights) if weights else {})

    def start_from(self, source: Path, seen: Seen) -> None:
        """Refuse photos that the network has learnt from, and note what it has seen for later.

        ``source`` and ``seen`` are as for ``check_unseen``.

        Raises:
            UserError: Photos in ``val`` or ``test`` were learnt from.
        """
        if seen:
            check_unseen(self.photos, self.digests, source, seen)
        self.earlier = seen

    def state_dict(self) -> Seen:
        """Digests of each split's photos, by which a checkpoint finds them under any name."""
        # Rank 0 writes the checkpoint; the others need not read all photos for it.
        if self.trainer is not None and not self.trainer.is_global_zero:
            return {}
        own = {split: torch.from_numpy(self.digests[self.photos.splits == split]) for split in SPLITS}
        return with_earlier(own, self.earlier or {})

    def load_state_dict(self, state_dict: Seen) -> None:
        """Note what a resumed network has seen."""
        self.earlier = state_dict
