"""Photos a second on a CPU: all cores for a batch of 32, or a core for each batch of 8.

    OMP_WAIT_POLICY=PASSIVE python benchmarks/parallel_forward.py [NETWORK ...] [--rounds 3]

The two take turns; random weights and pixels, 224 px, in bfloat16 where the hardware has it.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import repeat

import timm
import torch
from torch import Tensor

from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes, parallel_forward
from posture_classifier.models.precision import native_bf16

NETWORKS = ("tf_efficientnet_lite0", "densenet121", "resnet50", "vit_small_patch16_224", "resnet18")


CPU = torch.device("cpu")


BATCH, SIZE = 32, 224


def rates(name: str, photos: int, rounds: int) -> tuple[list[float], list[float]]:
    """Photos a second of each round: one batch after the other, and side by side."""
    network = timm.create_model(name, num_classes=0).eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def compute(images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=native_bf16(CPU)):
            answer: Tensor = network(images)
        return answer

    def rate(size: int, run: Callable[[Tensor, int], object]) -> float:
        images = torch.randn(size, 3, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
        run(images, 4)  # the first passes take longer
        start = time.perf_counter()
        run(images, photos // size)
        return photos / (time.perf_counter() - start)

    one, other = [], []
    passes = concurrent_passes(CPU, photos // chunk_size(CPU))
    for _ in range(rounds):
        one.append(rate(BATCH, lambda images, n: [compute(images) for _ in range(n)]))
        other.append(rate(chunk_size(CPU), lambda images, n: list(parallel_forward(compute, repeat(images, n), passes))))
    return one, other


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--photos", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for name in options.networks:
        columns = rates(name, options.photos, options.rounds)
        medians = [statistics.median(column) for column in columns]
        spread = [f"{median:.0f} ({min(column):.0f} to {max(column):.0f})" for median, column in zip(medians, columns, strict=True)]
        print(f"{name}: one batch after the other {spread[0]}, side by side {spread[1]}, {medians[1] / medians[0]:.2f} times")
