"""How long 20 epochs of fine-tuning take, and what they come to: here, elsewhere, and at the least.

    python benchmarks/training.py FOLDER [--group_pattern REGEX] [--backbone NAME] [--recipe head]

``FOLDER`` is ``<class>/*.jpg``; a fifth of its photos, of other groups than the rest, is validated
on: others in each round. The recipe ``head`` trains a new head on the frozen network; ``phases`` is
that of ``configs/turtle_neck.yaml``: 10 epochs the head, 5 the last stage, 5 everything. Every
contestant gets the same photos, weights, batch size (32), workers (2) and input size, runs in a
process of its own, and takes its turn in each round, so that a busy machine slows all of them.
Those of ``peers.py`` compute the frozen network anew in every epoch and are timed over one epoch of
each phase, which counts for all of its epochs (``--peer_epochs 20`` trains them to the end, for
their accuracy); the limit and this program are timed over all twenty. Imports are not timed.

- ``limit``: every photo decoded once and passed once through the network, in the best precision,
  and a linear head trained on that.
- ``here``: ``fit``, from the command line to the end of training, checking the photos and writing
  checkpoints included; the head sees all stages, as in ``configs/linear_probe.yaml``.
- ``here_last_stage``: the same with a plain head.
- ``limit_parallel``: ``limit`` with small batches in parallel, a core for each, as here.
- ``limit_fp32``, ``here_fp32``: the same in float32, as hardware without bfloat16 computes.
- ``here_demo``: ``fit --config benchmarks/all_but_first.yaml``, which opens stages, beside those
  that do.
- ``lightning``: ``BackboneFinetuning`` (for ``phases`` its base class) and torchvision's
  ``ImageFolder``, as documented. It leaves BatchNorm to learn, so it trains more than the head.
- ``tutorial``: the loop of PyTorch's transfer learning tutorial, with a fixed feature extractor.
- ``fastai``: ``vision_learner`` and ``fit_one_cycle`` on the frozen body, if fastai is installed.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from peers import BATCH, EPOCHS, MEAN, SIZE, STD, WORKERS, Result, Task, fastai, lightning, network, tutorial
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from posture_classifier.cli.program import main
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.split import split_photos
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.metrics.intervals import Estimate, estimate_mean, estimate_share
from posture_classifier.models.batch import Batch
from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes, parallel_forward
from posture_classifier.models.precision import native_bf16
from posture_classifier.models.weights import PIP_WEIGHTS
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.training.fit import PostureCLI

OWN_CORES = {"OMP_WAIT_POLICY": "PASSIVE"}
"""What the command line of this program sets before it imports torch; the limit gets it too, since
it is to be the least."""


def lay_out(photos: Photos, below: Path) -> None:
    """Link the photos to ``<split>/<class>``; torchvision wants folders."""
    for n, (path, split) in enumerate(zip(photos.paths, photos.splits, strict=True)):
        target = below / split / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(Path(photos.file(n)).resolve())


def limit(task: Task, fp32: bool = False, threads: bool = False) -> Result:
    """The head of the last epoch."""
    photos, cpu = read_folder(task.root), torch.device("cpu")
    model = network(task.backbone, len(photos.classes)).eval().to(memory_format=torch.channels_last)
    model.reset_classifier(0)  # type: ignore[operator]
    preprocessing = Preprocessing(SIZE, MEAN, STD)
    bf16 = native_bf16(cpu) and not fp32

    @torch.inference_mode()
    def compute(batch: Batch) -> Tensor:
        images = preprocessing.normalise(batch.images).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            answer: Tensor = model(images)
        return answer.float()

    start = time.perf_counter()
    batches = DataLoader(PhotoDataset(photos, preprocessing), chunk_size(cpu) if threads else BATCH, num_workers=WORKERS)
    features = list(parallel_forward(compute, batches, concurrent_passes(cpu, len(batches))) if threads else map(compute, batches))
    inputs, labels = torch.cat(features).clone(), torch.from_numpy(photos.labels)
    train, val = (torch.from_numpy(photos.splits == name).nonzero()[:, 0] for name in ("train", "val"))
    head = nn.Linear(inputs.shape[1], len(photos.classes))
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for rows in torch.split(train[torch.randperm(len(train))], BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(head(inputs[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    right = (head(inputs[val]).argmax(1) == labels[val]).tolist()
    return Result(time.perf_counter() - start, right)


def here(task: Task, *options: str) -> Result:
    """Seconds to the end of training, and the checkpoint with the lowest validation loss."""
    ends: list[float] = []
    evaluate = PostureCLI.after_fit
    PostureCLI.after_fit = lambda self: (ends.append(time.perf_counter()), evaluate(self))[1]  # type: ignore[method-assign, func-returns-value]
    with tempfile.TemporaryDirectory() as output, contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        main(
            [
                *("fit", *options, "--data.root", str(task.root), "--data.num_workers", str(WORKERS)),
                *("--model.backbone", task.backbone, "--model.pretrained", str(task.backbone in PIP_WEIGHTS).lower()),
                *("--trainer.default_root_dir", output, "--trainer.enable_progress_bar", "false"),
                *(("--unfreezing.open_stages", "{10: 2, 15: all}") if task.recipe == "phases" else ()),
            ]
        )
        predictions = read_prediction_table(next(Path(output).rglob("val/predictions.csv"))).predictions
    PostureCLI.after_fit = evaluate  # type: ignore[method-assign]
    return Result(ends[0] - start, (predictions.predicted == predictions.labels).tolist())


HEAD = ("--data.batch_size", str(BATCH), "--model.image_size", str(SIZE), "--trainer.max_epochs", str(EPOCHS))


ALL_STAGES = (*HEAD, "--model.head", "all_stages")


DEMO = ("--config", str(Path(__file__).parent / "all_but_first.yaml"), "--data.group_pattern", "null")


CONTESTANTS: dict[str, Callable[[Task], Result]] = {
    "limit": limit,
    "here": lambda task: here(task, *(ALL_STAGES if task.recipe == "head" else HEAD)),
    "here_last_stage": lambda task: here(task, *HEAD),
    "limit_parallel": partial(limit, threads=True),
    "limit_fp32": partial(limit, fp32=True),
    "here_fp32": lambda task: here(task, *ALL_STAGES, "--precision", "fp32"),
    "here_demo": lambda task: here(task, *DEMO),
    "lightning": lightning,
    "tutorial": tutorial,
    "fastai": fastai,
}


def in_own_process(name: str, task: Task) -> Result:
    """Run a contestant as its users would, in a fresh process."""
    command = [sys.executable, __file__, str(task.root), "--backbone", task.backbone, "--recipe", task.recipe]
    command += ["--peer_epochs", str(task.peer_epochs), "--contestant", name]
    environment = {**os.environ, **(OWN_CORES if name.startswith(("limit", "here")) else {})}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{name} failed:\n{result.stderr}")
    return Result(**json.loads(result.stdout.splitlines()[-1]))


def compete(names: list[str], task: Task, round_: str) -> dict[str, Result]:
    """Let each take its turn."""
    results: dict[str, Result] = {}
    for name in names:
        results[name] = in_own_process(name, task)
        print(f"{round_}: {name} {results[name].seconds:.1f} s, accuracy {np.mean(results[name].right):.3f}", flush=True)
    return results


def compare(rounds: list[dict[str, Result]], groups: npt.NDArray[np.str_]) -> None:
    """Print how long each took beside ``here``, and its accuracy over the photos of all rounds."""
    seconds = {name: [results[name].seconds for results in rounds] for name in rounds[0]}
    right = {name: np.concatenate([results[name].right for results in rounds]).astype(float) for name in rounds[0]}
    print(f"{len(groups)} predictions about photos of {len(np.unique(groups))} groups")
    for name, times in seconds.items():
        middle = statistics.median(times)
        ratio = middle / statistics.median(seconds["here"])
        accuracy, behind = estimate_share(right[name], groups), estimate_mean(right["here"] - right[name], groups)
        print(f"{name}: median {middle:.1f} s ({min(times):.1f} to {max(times):.1f}), {ratio:.2f} times here; ", end="")
        print(f"accuracy {_shown(accuracy)}, here less this {_shown(behind)}")


def _shown(figure: Estimate) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--group_pattern")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--recipe", choices=("head", "phases"), default="head")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="a round each; they name its split")
    parser.add_argument("--peer_epochs", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=CONTESTANTS, default=[], help="beside here")
    parser.add_argument("--contestant", choices=CONTESTANTS, help="run this one alone, on a folder with train and val")
    options = parser.parse_args()
    if options.contestant:
        given = Task(options.folder, options.backbone, options.recipe, options.peer_epochs)
        print(json.dumps(asdict(CONTESTANTS[options.contestant](given))))
        sys.exit()
    all_of_recipe = CONTESTANTS if options.recipe == "head" else ["here", "lightning"]
    names = [name for name in all_of_recipe if name == "here" or not options.only or name in options.only]
    rounds, groups = [], []
    for seed in options.seeds:
        photos = split_photos(read_folder(options.folder, options.group_pattern), {"train": 0.8, "val": 0.2}, seed)
        with tempfile.TemporaryDirectory() as temporary:
            lay_out(photos, Path(temporary))
            given = Task(Path(temporary), options.backbone, options.recipe, options.peer_epochs)
            rounds.append(compete(names, given, f"seed {seed}"))
        groups.append(np.asarray(photos.in_split("val").groups))
    compare(rounds, np.concatenate(groups))
