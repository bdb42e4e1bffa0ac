"""Computes what a network says of photos, from what a training has cached."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from posture_classifier.cache.tensor_store import JoinedStores
from posture_classifier.data.module import PostureData
from posture_classifier.models.batch import Batch
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.frozen_prefix import Cut, evaluation_mode
from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes, parallel_forward
from posture_classifier.utils.types import Ints

Kept = TypeVar("Kept")


def network_outputs(
    model: PostureClassifier,
    data: PostureData,
    split: str,
    indices: Ints,
    compute: Callable[[Tensor, Cut | None], Kept],
    frozen_part: tuple[Cut, JoinedStores] | None = None,
) -> Iterator[tuple[Ints, Kept]]:
    """Compute what a network says of photos of a split, in evaluation mode, in no certain order.

    Args:
        model: The network.
        data: The photos.
        split: ``train``, ``val`` or ``test``.
        indices: The photos' numbers in the split.
        compute: Called with normalised images (B, 3, H, W), or with the network divided after its
            frozen prefix and cached outputs of that; what it returns is kept.
        frozen_part: The network divided after its frozen prefix, and cached outputs of that.

    Yields:
        The numbers (B,) of some photos, and what is kept of them.
    """
    photos, device = data.photos.in_split(split), next(model.parameters()).device
    is_cached = frozen_part[1].has(photos.rows[indices]) if frozen_part else np.zeros(len(indices), dtype=np.bool_)
    known, others = (_chunks(indices[mask], chunk_size(device)) for mask in (is_cached, ~is_cached))
    for chunk in known:
        assert frozen_part is not None
        cut, store = frozen_part
        with evaluation_mode(model), torch.inference_mode():
            kept = compute(store.read(photos.rows[chunk]).to(device), cut)
        yield chunk, kept
    if not others:
        return

    def of_photos(batch: Batch) -> tuple[Ints, Kept]:
        with torch.inference_mode():  # a mode of the thread that computes
            images = data.preprocessing.normalise(batch.images.to(device))
            return batch.indices.numpy(), compute(images, None)

    passes = concurrent_passes(device, len(others))
    batches = data.one_pass(split, others, None, in_use=2 * passes + 1)
    with evaluation_mode(model), closing(parallel_forward(of_photos, batches, passes)) as outputs:
        yield from outputs


def _chunks(indices: Ints, size: int) -> list[Ints]:
    return [indices[begin : begin + size] for begin in range(0, len(indices), size)]
