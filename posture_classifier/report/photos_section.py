"""The photos that a network is most wrong about, and least certain of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from PIL import Image

from posture_classifier.images.decode import DecodeError
from posture_classifier.images.photo_source import may_exist
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.grad_cam import explain_squares, is_flat
from posture_classifier.rendering.elements import photo, render, thumbnail
from posture_classifier.rendering.heat_maps import SIDE, overlay, sharp_square
from posture_classifier.rendering.page import Section
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.utils.text import plural

MOST_WRONG, LEAST_CERTAIN = 12, 6
"""Photos shown of each kind."""
NO_MAP = "no map: lit all over"
Squares = dict[int, npt.NDArray[np.uint8]]
"""Pixels (S, S, 3) as the network sees them, by number of the photo."""


@dataclass(frozen=True)
class Picture:
    """What is shown of a photo.

    Attributes:
        photo: What the network sees of it, sharper; None if it cannot be read.
        heat: The same in grey below its map; None without a map.
        note: Why there is no map, where other photos have one.
    """

    photo: Image.Image | None
    heat: Image.Image | None = None
    note: str = ""


Pictures = dict[int, Picture]
"""Picture by number of the photo."""


def photos_section(run: Evaluated) -> Section:
    """Show photos, each beside what spoke for its predicted class."""
    predictions = run.evaluated.predictions
    errors = np.flatnonzero(predictions.predicted != predictions.labels)
    wrong = errors[np.argsort(-predictions.losses[errors], kind="stable")][:MOST_WRONG].tolist()
    others = np.setdiff1d(np.arange(len(run.evaluated)), wrong)
    uncertain = others[np.argsort(predictions.confidence[others], kind="stable")][:LEAST_CERTAIN].tolist()
    uncertain = [] if predictions.known == "label" else uncertain
    explanation, pictures = _pictures_by_network(run, wrong + uncertain)
    titles = {
        f"{'Wrong' if predictions.known == 'label' else 'Most wrong'}, {len(wrong)} of {plural(len(errors), 'error')}": wrong,
        f"Least certain{' of the others' if wrong else ''}": uncertain,
    }
    parts = [
        (
            title,
            [_figure(run, i, pictures.get(i, Picture(None))) for i in chosen] if pictures else [],
            [[str(run.evaluated.paths[i]), _verdict(run, i)] for i in chosen],
        )
        for title, chosen in titles.items()
        if chosen
    ]
    body = render("report.html", "photos", any_wrong=bool(wrong), explanation=explanation, parts=parts)
    return Section("Photos to look at", body)


def _figure(run: Evaluated, i: int, picture: Picture) -> Markup:
    path, verdict = str(run.evaluated.paths[i]), _verdict(run, i)
    caption = render("report.html", "photo_caption", verdict=verdict, path=path)
    return photo(picture.photo, f"{path}: {verdict}", caption, picture.heat or picture.note)


def _verdict(run: Evaluated, i: int) -> str:
    """Write the classes: ``is normal, said turtle_neck (0.98)``, or ``normal (0.55)`` if right."""
    predictions = run.evaluated.predictions
    true, predicted = (run.classes[labels[i]] for labels in (predictions.labels, predictions.predicted))
    verdict = true if true == predicted else f"is {true}, said {predicted}"
    return verdict if predictions.known == "label" else f"{verdict} ({predictions.confidence[i]:.2f})"


def _pictures_by_network(run: Evaluated, chosen: list[int]) -> tuple[str, Pictures]:
    """Explain and make the pictures, each by the network that predicted its photo."""
    made = [_pictures(network, photos) for network, photos in run.by_network(chosen)]
    explanations = dict.fromkeys(explanation for explanation, _ in made)
    return " ".join(explanations), {i: picture for _, pictures in made for i, picture in pictures.items()}


def _pictures(run: Evaluated, chosen: list[int]) -> tuple[str, Pictures]:
    """Explain the pictures, and make them; there are none where the photos are gone."""
    files = {i: run.file(i) for i in chosen}
    if not any(map(may_exist, files.values())):
        return f"The photos are no longer below {run.root}, so that there are no pictures here.", {}
    if run.classifier is None:
        explanation = "There is no checkpoint, so that it cannot be said where the network looked."
        return explanation, {i: Picture(thumbnail(file, SIDE)) for i, file in files.items()}
    preprocessing = run.classifier.model.preprocessing
    squares: Squares = {}
    for i, file in files.items():
        try:
            squares[i] = preprocessing.read(file)
        except DecodeError:
            continue
    predicted = [int(run.evaluated.predictions.predicted[i]) for i in squares]
    maps = explain_squares(run.classifier.model, list(squares.values()), predicted) if squares else None
    if maps is None:
        explanation = (
            "Each photo as the network sees it; this one has no layer that keeps places apart, so that there is no Grad-CAM."
        )
        return explanation, {i: _picture(files[i], preprocessing) for i in chosen}
    explanation = (
        "Left, what the network sees of each photo; a click or the space bar enlarges it. Right, what speaks for the class that it "
        "says is lit, the brighter the more (Grad-CAM, Selvaraju et al. 2017): it says where, but not why."
    )
    if run.classifier.model.hparams["head"] == "all_stages":
        explanation += " Its head sees more than this map of the last stage; the rest is not lit."
    flat = is_flat(maps).tolist()
    if n_flat := sum(flat):
        explanation += f" {plural(n_flat, 'photo has', 'photos have')} no map, since it would be lit all over and tell nothing."
    heat = {i: None if is_so else each.numpy() for i, each, is_so in zip(squares, maps, flat, strict=True)}
    return explanation, {i: _picture(files[i], preprocessing, heat.get(i), NO_MAP if i in heat else "") for i in chosen}


def _picture(
    file: str, preprocessing: Preprocessing, heat: npt.NDArray[np.float32] | None = None, without_heat: str = ""
) -> Picture:
    """Show what the network sees of a photo, sharper than it sees it, and its map on top of it."""
    try:
        square = sharp_square(file, preprocessing)
    except DecodeError:
        return Picture(None)
    if heat is None:
        return Picture(Image.fromarray(square), note=without_heat)
    return Picture(Image.fromarray(square), overlay(square, heat))
