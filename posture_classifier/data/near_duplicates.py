"""Photos of one scene, known by what a pretrained network sees in them: bursts, video frames, copies.

Perceptual hashes were tried first and left out. Of two random crops (at least 0.8 of the side) of one of 240 photos, the 64-bit
difference hashes differ in 13 bits in the median, while one in a thousand pairs of different photos differs in 10 or fewer:
among n photos there are n^2 pairs, so that a threshold which finds the crops joins everything. Joining at 4 bits or fewer found
nothing that the features had not found.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import timm
import torch
from rich.progress import track

from posture_classifier.data.decode import decode
from posture_classifier.data.folder import Photos, normal
from posture_classifier.data.preprocessing import Preprocessing
from posture_classifier.weights import create_backbone

Floats = npt.NDArray[np.float32]

NETWORK = "tf_efficientnet_lite0"
"""Its weights come with the installation."""
SIZE = 128
BATCH = 32
BLOCK = 1024
"""Rows of the matrix of similarities that are held at once."""
ALIKE = 0.65
"""Cosine similarity of centred features from which two photos are of one scene. Measured on 40 bursts of 6 crops, half of them
mirrored, of other brightness: with crops of at least 0.85 of the side all came out whole, and none (turtle_neck) or two (TrashNet)
were joined; with 0.7, 88 % of turtle_neck's came out whole and 97 % of TrashNet's. Pictures that all look alike, such as hands on a
white wall, are joined across scenes as well, which errs on the safe side."""
SAME = 0.95
"""Cosine similarity of plain features from which they are, whatever the rest of the folder looks like: where one scene is most
of a folder, it is also the mean. Different photos reached 0.91 at most, 0.94 among those hands."""


def scenes(photos: Photos, threads: int) -> npt.NDArray[np.str_]:
    """The group (N,) of each photo: the first path, in alphabetical order, of the photos that are linked to it by similarity.

    Links are followed from photo to photo (single linkage), so the two ends of a burst may look different. Features are compared
    after their mean over the folder was taken off: what all photos share, such as a room or a style, tells no scenes apart.
    A pair at the threshold may fall on the other side with another version of torch or another processor.

    Args:
        photos: Of N rows; all can be read.
        threads: That decode.
    """
    order = np.argsort(photos.paths)
    features = _features(photos.select(order), threads)
    first = linked(features)
    names = np.array([normal(path) for path in photos.paths[order].tolist()], dtype=np.str_)
    result = np.empty_like(names)
    result[order] = names[first]
    return result


def linked(features: Floats) -> npt.NDArray[np.int64]:
    """For each of (N, D) features the smallest index that it is linked to, directly or by way of others."""
    plain = _unit(features)
    centred = _unit(features - features.mean(0))
    labels = np.arange(len(features))
    for start in range(0, len(features), BLOCK):
        rows = slice(start, start + BLOCK)
        links = (centred[rows] @ centred.T >= ALIKE) | (plain[rows] @ plain.T >= SAME)
        for row, alike in enumerate(links, start):
            joined = np.unique(np.append(labels[alike], labels[row]))
            if len(joined) > 1:
                labels[np.isin(labels, joined)] = joined[0]
    return labels


def _unit(vectors: Floats) -> Floats:
    result: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return result


@torch.inference_mode()
def _features(photos: Photos, threads: int) -> Floats:
    """(N, D) outputs of the network's last convolution, averaged over the picture and its mirror image."""
    # A forked generator, so that building the network does not change the numbers that a training draws.
    with torch.random.fork_rng():
        network: Any = create_backbone(NETWORK, 2)[0].eval()
    config = timm.data.resolve_model_data_config(network)
    preprocessing = Preprocessing(SIZE, config["mean"], config["std"])

    def pixels(index: int) -> torch.Tensor:
        square = preprocessing.square(decode(photos.file(index), SIZE))
        return torch.from_numpy(np.array(square.transpose(2, 0, 1), order="C"))

    starts = range(0, len(photos), BATCH)
    result = []
    with ThreadPoolExecutor(threads) as pool:
        for start in track(starts, "Looking for photos of one scene", transient=True):
            images = torch.stack(list(pool.map(pixels, range(start, min(start + BATCH, len(photos))))))
            both = torch.cat([images, images.flip(3)])
            seen = network.forward_features(preprocessing.normalise(both)).mean((2, 3))
            result.append((seen[: len(images)] + seen[len(images) :]).numpy() / 2)
    return np.concatenate(result)
