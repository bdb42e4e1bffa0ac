"""What an index of very many photos costs: memory, seconds, and memory of the workers.

    python benchmarks/index.py 1000000 [--folder /dev/shm]

Makes so many empty files of two classes, 1,000 people each with photos of both, indexes and divides
them, and lets two workers go through an epoch of the data set that training reads, with grey photos
in place of decoded ones, and of one that looks at nothing. Memory of the main process is its growth
since before the index was made; a worker's is what it does not share with others (USS).
"""

import argparse
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import torch
from PIL import Image
from rich.progress import track

from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.loaders import EpochSampler, PhotoLoader, init_worker
from posture_classifier.data.split import split_photos
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.batch import Batch

MB, SIZE = 1e6, 8


NOTHING = Batch(torch.zeros(()), torch.zeros(()), torch.zeros(()))


def make_files(root: Path, n: int) -> None:
    """``<class>/person-0042/IMG_00001234.jpg``, all empty."""
    for number in track(range(n), "Making files"):
        folder = root / f"class_{number % 2}" / f"person-{number // 2 % 1000:04d}"
        if number < 2000:
            folder.mkdir(parents=True)
        (folder / f"IMG_{number:08d}.jpg").touch()


def memory(field: str) -> float:
    """Of this process in MB: ``VmRSS`` or ``VmHWM``, its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / MB


def unshared() -> float:
    """MB that this process has for itself."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) * 1024 / MB


def undecoded(path: str | Path, at_least: int | None = None) -> Image.Image:
    """In place of decoding: a grey photo, for the files are empty."""
    return Image.new("RGB", (SIZE, SIZE))


class Watched(PhotoDataset):
    """Says, now and then, how much memory the worker that it is in has for itself."""

    def __init__(self, photos: Photos, looks: bool) -> None:
        super().__init__(photos, Preprocessing(SIZE, (0.5,) * 3, (0.5,) * 3))
        self.looks = looks

    def __getitem__(self, key: tuple[int | None, int] | int) -> Batch:
        index = key[1] if isinstance(key, tuple) else key
        batch = super().__getitem__(key) if self.looks else NOTHING
        # Asking the system costs more than the index does.
        return batch._replace(images=torch.tensor(unshared() if index % 1000 == 0 else 0.0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=int)
    parser.add_argument("--folder", help="where the files are made; a file system in memory is quickest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        root = Path(temporary)
        make_files(root, options.photos)
        before, start = memory("VmRSS"), time.perf_counter()
        photos = read_folder(root, r"person-\d+")
        took = time.perf_counter() - start
        print(f"index: {took:.1f} s, {memory('VmRSS') - before:.0f} MB")
        start = time.perf_counter()
        photos = split_photos(photos, {"train": 0.65, "val": 0.15, "test": 0.2}, seed=0)
        print(f"split by 1,000 people: {time.perf_counter() - start:.1f} s, {memory('VmRSS') - before:.0f} MB")
        patch("posture_classifier.data.dataset.decode", undecoded).start()
        for looks in (False, True):
            photos_read = Watched(photos.in_split("train"), looks)
            sampler = EpochSampler(photos_read, num_replicas=1, rank=0, shuffle=True, seed=0)
            loader = PhotoLoader(photos_read, sampler=sampler, batch_size=1000, num_workers=2, worker_init_fn=init_worker)
            seen = [float(batch.images.max()) for batch in loader]
            tenth = max(2, len(seen) // 10)
            first, last = max(seen[:tenth]), max(seen[-tenth:])
            what = "that looks at its photos" if looks else "that looks at nothing"
            print(f"a worker {what}: {first:.0f} MB of its own in the first tenth of an epoch, {last:.0f} MB in the last")
        print(f"main process: {memory('VmRSS') - before:.0f} MB more than before, {memory('VmHWM') - before:.0f} MB at its peak")
