"""How long a folder of photos takes to classify: here, one by one, and at the least.

    python benchmarks/predict.py FOLDER [--photos 1000] [--backbone NAME] [--rounds 3]

Every photo below ``FOLDER``, from the first again if there are fewer. Each contestant runs in a
process of its own and takes its turn in each round. Imports and the making of the network (random
weights) are not timed.

- ``limit``: a DataLoader with a worker for each core decodes while the network computes batches
  of 32, in the best precision.
- ``here``: ``Classifier.predict``, as the ``predict`` command uses it.
- ``here_fp32``: the same with ``precision="fp32"``.
- ``one_by_one``: the loop of timm's model pages: open, transform, forward pass of one, softmax.
- ``one_by_one_opencv``: the same as Ultralytics' predictor does it: OpenCV decodes, scales and
  crops the centre.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
import timm
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from posture_classifier import Classifier
from posture_classifier.data.photo_files import find_photos
from posture_classifier.images.decode import decode
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.precision import autocast
from posture_classifier.utils.threads import available_cores

BATCH = 32


def classifier(backbone: str, precision: str = "auto") -> Classifier:
    """Two classes, random weights."""
    return Classifier(PostureClassifier(["a", "b"], backbone=backbone, pretrained=False), "cpu", precision)  # type: ignore[arg-type]


class Decoded(Dataset[torch.Tensor]):
    """Photos as the network wants them, uint8."""

    def __init__(self, files: list[str], model: PostureClassifier) -> None:
        self.files, self.preprocessing = files, model.preprocessing

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        pixels = self.preprocessing.square(decode(self.files[index], self.preprocessing.image_size))
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1)


def limit(files: list[str], backbone: str) -> float:
    """Seconds."""
    model = classifier(backbone).model
    start = time.perf_counter()
    with torch.inference_mode(), autocast(model.backbone, "auto", learns=False):
        for pixels in DataLoader(Decoded(files, model), BATCH, num_workers=available_cores()):
            images = model.preprocessing.normalise(pixels).contiguous(memory_format=torch.channels_last)
            model.backbone(images).float().softmax(1)
    return time.perf_counter() - start


def here(files: list[str], backbone: str, precision: str = "auto") -> float:
    """Seconds."""
    ours = classifier(backbone, precision)
    start = time.perf_counter()
    ours.predict(files)
    return time.perf_counter() - start


def here_fp32(files: list[str], backbone: str) -> float:
    """Seconds."""
    return here(files, backbone, "fp32")


def one_by_one(files: list[str], backbone: str) -> float:
    """Seconds."""
    model = timm.create_model(backbone, num_classes=2).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)
    start = time.perf_counter()
    with torch.no_grad():
        for file in files:
            model(transform(Image.open(file).convert("RGB")).unsqueeze(0)).softmax(1)
    return time.perf_counter() - start


def one_by_one_opencv(files: list[str], backbone: str) -> float:
    """Seconds."""
    model, size = timm.create_model(backbone, num_classes=2).eval(), 224
    start = time.perf_counter()
    with torch.inference_mode():
        for file in files:
            photo = np.asarray(cv2.imread(file, cv2.IMREAD_COLOR_RGB))
            height, width = photo.shape[:2]
            shorter = min(height, width)
            top, left = (height - shorter) // 2, (width - shorter) // 2
            square = cv2.resize(photo[top : top + shorter, left : left + shorter], (size, size), interpolation=cv2.INTER_LINEAR)
            model(torch.from_numpy(square).permute(2, 0, 1)[None].float().div(255)).softmax(1)
    return time.perf_counter() - start


CONTESTANTS: dict[str, Callable[[list[str], str], float]] = {
    "limit": limit,
    "here": here,
    "here_fp32": here_fp32,
    "one_by_one": one_by_one,
    "one_by_one_opencv": one_by_one_opencv,
}


def in_own_process(name: str, arguments: list[str]) -> float:
    """Run a contestant in a fresh process; all get the setting of this program's command line."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, __file__, *arguments, "--contestant", name]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{name} failed:\n{result.stderr}")
    return float(json.loads(result.stdout))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestant", choices=CONTESTANTS, help="run this one alone")
    options = parser.parse_args()
    found = [str(options.folder / path) for path in find_photos(options.folder).photos]
    photos = list(islice(cycle(found), options.photos))
    if options.contestant:
        print(json.dumps(CONTESTANTS[options.contestant](photos, options.backbone)))
        sys.exit()
    arguments = [str(options.folder), "--photos", str(options.photos), "--backbone", options.backbone]
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for number in range(options.rounds):
        for name, taken in seconds.items():
            taken.append(in_own_process(name, arguments))
            print(f"round {number}: {name} {taken[-1]:.1f} s", flush=True)
    least = statistics.median(seconds["limit"])
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        spread = f"{min(taken):.1f} to {max(taken):.1f}"
        print(f"{name}: {middle:.1f} s ({spread}), {options.photos / middle:.0f} photos/s, {least / middle:.2f} of the limit")
