"""The photos that say most about a network: those it is most wrong about, and least certain of."""

import numpy as np
import numpy.typing as npt
import torch
from matplotlib import colormaps
from PIL import Image

from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.inference import Classifier
from posture_classifier.models.grad_cam import grad_cam
from posture_classifier.rendering.page import Html, Section, heading, paragraph, photo, photos, table, text, thumbnail
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.utils.text import plural

WRONG, UNSURE = 12, 6
SIDE = 224
"""Pixels of a picture at most."""
GLOW = 0.6
"""Share of the map in a picture; the rest is the photo in grey."""
Pictures = dict[int, Image.Image | None]
"""By the number of the photo; None where it cannot be read."""


def photos_section(run: FinishedRun) -> Section:
    """Pictures, each beside what spoke for the class that the network says."""
    predictions = run.evaluated.predictions
    errors = np.flatnonzero(predictions.predicted != predictions.labels)
    wrong = errors[np.argsort(-predictions.losses[errors], kind="stable")][:WRONG].tolist()
    others = np.setdiff1d(np.arange(len(run.evaluated)), wrong)
    unsure = others[np.argsort(predictions.confidence[others], kind="stable")][:UNSURE].tolist()
    said, pictures = _pictures(run, wrong + unsure)
    body = (Html() if wrong else paragraph("No photo is wrong.")) + paragraph(said, "muted")
    for title, chosen in (
        (f"Most wrong, {len(wrong)} of {plural(len(errors), 'error')}", wrong),
        (f"Least certain{' of the others' if wrong else ''}", unsure),
    ):
        if chosen:
            body += heading(title) + (_shown(run, chosen, pictures) if pictures else _listing(run, chosen))
    return Section("Photos to look at", body)


def _pictures(run: FinishedRun, chosen: list[int]) -> tuple[str, Pictures]:
    """A word on the pictures, and the pictures; none where the photos are gone."""
    files = {i: run.root / str(run.evaluated.paths[i]) for i in chosen}
    if not any(file.is_file() for file in files.values()):
        return f"The photos are no longer below {run.root}, so that there are no pictures here.", {}
    if run.classifier is None:
        said = "The checkpoint is not there, so that it cannot be said where the network looked."
        return said, {i: thumbnail(file, SIDE) for i, file in files.items()}
    squares: dict[int, npt.NDArray[np.uint8]] = {}
    for i, file in files.items():
        try:
            squares[i] = run.classifier.model.preprocessing.square(decode(file, run.classifier.model.preprocessing.image_size))
        except DecodeError:
            continue
    lit = _lit(run.classifier, squares, [int(run.evaluated.predictions.predicted[i]) for i in squares]) if squares else {}
    said = (
        "Left, each photo as the network sees it. Right, what speaks for the class that it says is lit, the brighter the more "
        "(Grad-CAM, Selvaraju et al. 2017): it says where, but not why."
        if lit
        else "Each photo as the network sees it; this one has no layer that keeps places apart, so that there is no Grad-CAM."
    )
    if lit and run.classifier.model.hparams["head"] == "all_stages":
        said += " Its head sees more than this map of the last stage; the rest is not lit."
    return said, {i: lit.get(i) or (Image.fromarray(squares[i]) if i in squares else None) for i in chosen}


def _lit(classifier: Classifier, squares: dict[int, npt.NDArray[np.uint8]], labels: list[int]) -> dict[int, Image.Image]:
    """Each photo twice: as it is, and in grey with what speaks for its class lit up; nothing if the network has no map of it."""
    pixels = torch.from_numpy(np.stack(list(squares.values())).transpose(0, 3, 1, 2))
    images = classifier.model.preprocessing.normalise(pixels.to(classifier.device)).contiguous(memory_format=torch.channels_last)
    maps = grad_cam(classifier.model.backbone, images, torch.tensor(labels, device=classifier.device))
    if maps is None:
        return {}
    # Its lightness rises evenly, so that it is read without colour too.
    glow = 255 * colormaps["inferno"](maps.cpu().numpy())[..., :3]
    pairs = {}
    for (i, square), bright in zip(squares.items(), glow, strict=True):
        lit = GLOW * bright + (1 - GLOW) * square.mean(axis=2, keepdims=True)
        pair = Image.fromarray(np.concatenate([square, lit.astype(np.uint8)], axis=1))
        pair.thumbnail((2 * SIDE, SIDE))
        pairs[i] = pair
    return pairs


def _shown(run: FinishedRun, chosen: list[int], pictures: Pictures) -> Html:
    return photos(
        (photo(pictures[i], f"{run.evaluated.paths[i]}: {_verdict(run, i)}", _caption(run, i)) for i in chosen), large=True
    )


def _caption(run: FinishedRun, i: int) -> Html:
    return Html(f"<strong>{text(_verdict(run, i))}</strong><br>{text(str(run.evaluated.paths[i]))}")


def _verdict(run: FinishedRun, i: int) -> str:
    """``is normal, said turtle_neck (0.98)``, or ``normal (0.55)``."""
    predictions = run.evaluated.predictions
    true, said = (run.classes[labels[i]] for labels in (predictions.labels, predictions.predicted))
    return (f"{true}" if true == said else f"is {true}, said {said}") + f" ({predictions.confidence[i]:.2f})"


def _listing(run: FinishedRun, chosen: list[int]) -> Html:
    return table(["photo", "true class and what was said"], [[str(run.evaluated.paths[i]), _verdict(run, i)] for i in chosen])
