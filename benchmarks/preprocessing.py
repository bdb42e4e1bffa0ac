"""Two versions of the preprocessing: how long each takes, and how much Pillow's version decides.

    python benchmarks/preprocessing.py speed [--rounds 30]
    python benchmarks/preprocessing.py probabilities CHECKPOINT PHOTOS --output here.npz
    python -m pip install --no-deps --target other pillow==11.3.0
    export PYTHONPATH=other
    python benchmarks/preprocessing.py probabilities CHECKPOINT PHOTOS --compare here.npz

``speed`` takes turns on drawn JPEGs, decoded as a network of 128 px has them, and on pixels in
memory, where the exported graph takes its turn too, in torch and in onnxruntime. ``probabilities``
scales each photo to six shapes, always alike, and classifies the copies by both versions;
``--compare`` says how far they are from those of another Pillow.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from io import BytesIO

import numpy as np
import numpy.typing as npt
import onnxruntime
import PIL
import torch
from PIL import Image

from posture_classifier import Classifier
from posture_classifier.export.preprocessing_graph import GraphPreprocessing
from posture_classifier.images.decode import decode
from posture_classifier.images.preprocessing import Preprocessing, Version
from posture_classifier.images.square import scale

PRESENT = Preprocessing(128, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
FIRST = replace(PRESENT, version=1)
SIZES = ((256, 256), (1920, 1080), (4000, 3000))
SHAPES = ((200, 150), (150, 200), (175, 90), (90, 175), (640, 480), (333, 256))
"""Widths and heights."""
Contestants = dict[str, Callable[[], object]]


def drawn(width: int, height: int) -> Image.Image:
    """Smooth noise, which compresses as a photo does."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def milliseconds(contestants: Contestants, rounds: int) -> dict[str, float]:
    """Median CPU time of each, on one core; they take turns."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            start = time.thread_time()
            run()
            taken[name].append(1000 * (time.thread_time() - start))
    return {name: statistics.median(times) for name, times in taken.items()}


def exported(graph: GraphPreprocessing) -> onnxruntime.InferenceSession:
    """The graph in onnxruntime, on one thread."""
    any_size = {"image": {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}}
    example = (torch.zeros(30, 50, 3, dtype=torch.uint8),)
    program = torch.onnx.export(graph, example, dynamo=True, input_names=["image"], dynamic_shapes=any_size, verbose=False)
    assert program is not None
    one_thread = onnxruntime.SessionOptions()
    one_thread.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(program.model_proto.SerializeToString(), one_thread)


def speed(rounds: int) -> None:
    """Print a line for each size and source."""
    graph = GraphPreprocessing(PRESENT)
    session = exported(graph.eval())
    for size in SIZES:
        image, buffer = drawn(*size), BytesIO()
        image.save(buffer, "JPEG", quality=90)
        content, pixels = buffer.getvalue(), torch.from_numpy(np.asarray(image).copy())
        from_file: Contestants = {
            "version 1": partial(FIRST.read, content),
            "version 2": partial(PRESENT.read, content),
            "decoding alone": partial(decode, content, PRESENT.image_size),
        }
        from_memory: Contestants = {
            "version 1": partial(FIRST.square, image),
            "version 2": partial(PRESENT.square, image),
            "graph": partial(graph, pixels),
            "ONNX": partial(session.run, None, {"image": pixels.numpy()}),
        }
        for source, contestants in (("JPEG", from_file), ("memory", from_memory)):
            figures = milliseconds(contestants, rounds)
            print(f"{size[0]} x {size[1]}, {source}:", ", ".join(f"{name} {value:.2f} ms" for name, value in figures.items()))


def probabilities(checkpoint: str, photos: list[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Probabilities (photos x shapes, C) by version."""
    classifier = Classifier.load(checkpoint, device="cpu", precision="fp32")
    originals = [decode(photo) for photo in photos]
    copies = [scale(image, *shape, Image.Resampling.BICUBIC) for image in originals for shape in SHAPES]
    found = {}
    versions: tuple[Version, ...] = (1, 2)
    for version in versions:
        classifier.model.preprocessing = replace(classifier.model.preprocessing, version=version)
        answers = [answer.probabilities or {} for answer in classifier.predict(copies)]
        found[f"version {version}"] = np.array([list(answer.values()) for answer in answers])
    return found


def compare(found: dict[str, npt.NDArray[np.float64]], path: str) -> None:
    """Print how far probabilities are from those of another Pillow."""
    with np.load(path) as file:
        for name, values in found.items():
            far = np.abs(values - file[name])
            labels = int((values.argmax(1) != file[name].argmax(1)).sum())
            print(
                f"{name}, Pillow {PIL.__version__} against {file['pillow']}: largest difference {far.max():.2g}, "
                f"{labels} of {len(values)} labels differ, {(far.max(1) > 1e-6).mean():.1%} by more than 1e-6"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "probabilities"))
    parser.add_argument("inputs", nargs="*", help="checkpoint and photos")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--output")
    parser.add_argument("--compare")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "speed":
        speed(options.rounds)
    else:
        made = probabilities(options.inputs[0], options.inputs[1:])
        if options.output:
            np.savez(options.output, pillow=PIL.__version__, **made)  # type: ignore[arg-type]
        if options.compare:
            compare(made, options.compare)
