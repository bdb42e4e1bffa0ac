"""One pass over all photos: facts and features, decoded on all cores while the network computes, and kept for the next time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import timm
import torch
from torch import Tensor, nn

from posture_classifier.data.facts import Facts, identify, read_facts
from posture_classifier.data.preprocessing import Preprocessing
from posture_classifier.data.scan_cache import Features, ScanCache
from posture_classifier.weights import create_backbone

BACKBONE = "tf_efficientnet_lite0"
"""Its ImageNet weights came with this program, so no network is needed."""
IMAGE_SIZE = 128
"""Pixels: a quarter of the time of 224, and near-duplicates and wrong labels are still told."""
BATCH = 32

Progress = Callable[[int, int], None]
"""Told how many photos of how many were read."""


class Read(NamedTuple):
    """Of one file its facts, and its features or the square that they are still to be computed of; neither if it is damaged."""

    facts: Facts
    features: Features | None = None
    square: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Scan:
    """What is known of N photos, in their order.

    Attributes:
        facts: N of them.
        features: (N, D) float32 of unit length, by the frozen network; zeros where a photo cannot be read.
    """

    facts: list[Facts]
    features: Features

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """(N,)."""
        return np.array([fact.error is None for fact in self.facts], dtype=np.bool_)


class Eye:
    """The frozen network that photos are compared by; built when it is first needed."""

    def __init__(self) -> None:
        config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(BACKBONE).to_dict())
        self.preprocessing = Preprocessing(IMAGE_SIZE, config["mean"], config["std"], config["interpolation"])

    @cached_property
    def backbone(self) -> Any:
        """Its weights are part of the installation."""
        # A forked generator, so that building the network does not change the numbers that a training draws.
        with torch.random.fork_rng():
            return create_backbone(BACKBONE, n_classes=1)[0].eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def look(self, squares: list[npt.NDArray[np.uint8]]) -> Features:
        """(B, H, W, 3) uint8 -> (B, D) of unit length."""
        images: Tensor = self.preprocessing.normalise(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2))
        maps = self.backbone.forward_features(images.contiguous(memory_format=torch.channels_last))
        features: Tensor = self.backbone.forward_head(maps, pre_logits=True)
        result: Features = nn.functional.normalize(features.float(), dim=1).numpy()
        return result


def scan(files: list[Path], progress: Progress) -> Scan:
    """Read photos in batches; those that were read before, under whatever name, are taken from the cache.

    Two batches are in the threads' hands at any time, whatever the number of photos, so memory grows only by the 9 KB that
    are kept of each.
    """
    eye = Eye()
    facts: list[Facts] = []
    rows: list[Features | None] = []
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    with ScanCache(BACKBONE, IMAGE_SIZE) as cache, ThreadPoolExecutor() as pool:

        def submit(batch: list[Path]) -> list[Future[Read]]:
            return [pool.submit(_read, path, cache, eye.preprocessing) for path in batch]

        waiting = [submit(batch) for batch in batches[:2]]
        for number, _ in enumerate(batches):
            results = [future.result() for future in waiting.pop(0)]
            if number + 2 < len(batches):
                waiting.append(submit(batches[number + 2]))
            facts += [result.facts for result in results]
            rows += _seen(results, eye, cache)
            progress(len(facts), len(files))
    width = max((len(row) for row in rows if row is not None), default=1)
    return Scan(facts, np.stack([np.zeros(width, dtype=np.float32) if row is None else row for row in rows]))


def _read(path: Path, cache: ScanCache, preprocessing: Preprocessing) -> Read:
    known = identify(path)
    if kept := cache.get(known):
        return Read(*kept)
    facts, image = read_facts(path, known)
    return Read(facts, square=None if image is None else preprocessing.square(image))


def _seen(results: list[Read], eye: Eye, cache: ScanCache) -> list[Features | None]:
    """The features of each result; those of squares are computed together, and kept."""
    rows = [result.features for result in results]
    new = [(index, result.square) for index, result in enumerate(results) if result.square is not None]
    if new:
        features = eye.look([square for _, square in new])
        cache.put([(results[index].facts, row) for (index, _), row in zip(new, features, strict=True)])
        for (index, _), row in zip(new, features, strict=True):
            rows[index] = row
    return rows
