"""One pass over all photos: facts and features, decoded on all cores while the network computes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import timm
import torch
from torch import Tensor, nn

from posture_classifier.check.facts import Facts, read_facts
from posture_classifier.data.preprocessing import Preprocessing

BACKBONE = "tf_efficientnet_lite0"
"""Its ImageNet weights came with this program, so no network is needed."""
IMAGE_SIZE = 128
"""Pixels: a quarter of the time of 224, and near-duplicates and wrong labels are still told."""
BATCH = 32

Features = npt.NDArray[np.float32]


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
    """The frozen network that photos are compared by."""

    def __init__(self) -> None:
        from posture_classifier.weights import create_backbone

        backbone, _ = create_backbone(BACKBONE, n_classes=1)
        self.backbone: nn.Module = backbone.eval().to(memory_format=torch.channels_last)
        config = timm.data.resolve_model_data_config(backbone)
        self.preprocessing = Preprocessing(IMAGE_SIZE, config["mean"], config["std"], config["interpolation"])
        self.n_features = int(self.backbone.num_features)  # type: ignore[arg-type]

    @torch.inference_mode()
    def look(self, squares: list[npt.NDArray[np.uint8]]) -> Features:
        """(B, H, W, 3) uint8 -> (B, D) of unit length."""
        images: Tensor = self.preprocessing.normalise(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2))
        maps = self.backbone.forward_features(images.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
        features: Tensor = self.backbone.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        result: Features = nn.functional.normalize(features.float(), dim=1).numpy()
        return result


def scan(files: list[Path]) -> Iterator[tuple[list[Facts], Features]]:
    """Read photos in batches, in order.

    Two batches are in the threads' hands at any time, whatever the number of photos, so memory grows only by the 9 KB that
    are kept of each.

    Args:
        files: N paths.

    Yields:
        Facts of some photos, and their features (B, D).
    """
    eye = Eye()
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    with ThreadPoolExecutor() as pool:

        def submit(batch: list[Path]) -> list[object]:
            return [pool.submit(_read, path, eye.preprocessing) for path in batch]

        waiting = [submit(batch) for batch in batches[:2]]
        for number, _ in enumerate(batches):
            results = [future.result() for future in waiting.pop(0)]  # type: ignore[attr-defined]
            if number + 2 < len(batches):
                waiting.append(submit(batches[number + 2]))
            features = np.zeros((len(results), eye.n_features), dtype=np.float32)
            readable = [index for index, (_, square) in enumerate(results) if square is not None]
            if readable:
                features[readable] = eye.look([results[index][1] for index in readable])
            yield [fact for fact, _ in results], features


def _read(path: Path, preprocessing: Preprocessing) -> tuple[Facts, npt.NDArray[np.uint8] | None]:
    facts, image = read_facts(path)
    return facts, None if image is None else preprocessing.square(image)
