"""Tables of predictions in the layouts that other programs write.

Each writer takes the photos below a folder, their classes and probabilities, and writes the table
as the program, or its users with pandas, would. None of their code is needed or copied.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posture_classifier.utils.types import Floats, Ints


@dataclass(frozen=True)
class Predicted:
    """Predictions of N photos.

    Attributes:
        root: The folder of the photos.
        paths: (N,) paths below it.
        classes: Names of the classes, in alphabetical order.
        labels: (N,) true classes.
        probabilities: (N, C) probabilities.
    """

    root: Path
    paths: list[str]
    classes: list[str]
    labels: Ints
    probabilities: Floats

    @property
    def said(self) -> list[str]:
        """Name of the most probable class of each photo."""
        return [self.classes[label] for label in self.probabilities.argmax(1)]

    @property
    def true(self) -> list[str]:
        """Name of the true class of each photo."""
        return [self.classes[label] for label in self.labels]


def predict_by_lot(root: Path, seed: int = 0, sure: float = 3.0) -> Predicted:
    """Predictions for all photos ``root/<class>/*.png``, right more often than not."""
    generator = np.random.default_rng(seed)
    files = sorted(root.glob("*/*.png"))
    classes = sorted({file.parent.name for file in files})
    labels = np.array([classes.index(file.parent.name) for file in files])
    logits = generator.normal(0, 1, (len(files), len(classes))) + sure * np.eye(len(classes))[labels] * (
        generator.random((len(files), 1)) < 0.7
    )
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return Predicted(root, [file.relative_to(root).as_posix() for file in files], classes, labels, shares)


def write(path: Path, head: list[str], rows: Sequence[Sequence[object]], separator: str = ",") -> Path:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator).writerows([head, *rows])
    return path


def keras(predicted: Predicted, path: Path) -> Path:
    """``flow_from_directory``: ``filenames`` and the softmax, columns by ``class_indices``."""
    rows = [[name, *shares] for name, shares in zip(predicted.paths, predicted.probabilities.tolist(), strict=True)]
    return write(path, ["Filename", *predicted.classes], rows)


def keras_on_windows(predicted: Predicted, path: Path) -> Path:
    r"""As ``keras``, whose ``filenames`` have the system's separators: ``left\a.png``."""
    rows = [[name.replace("/", "\\"), *shares] for name, shares in zip(predicted.paths, predicted.probabilities, strict=True)]
    return write(path, ["filename", *predicted.classes], rows)


def keras_sigmoid(predicted: Predicted, path: Path) -> Path:
    """``class_mode="binary"``: one output, the probability of the second class; and the labels."""
    rows = [
        [name, label, share]
        for name, label, share in zip(predicted.paths, predicted.labels.tolist(), predicted.probabilities[:, 1], strict=True)
    ]
    return write(path, ["filename", "label", "prob"], rows)


def fastai(predicted: Predicted, path: Path) -> Path:
    """``learn.get_preds`` joined with ``dl.items``, true and decoded classes; absolute paths."""
    rows = [
        [i, predicted.root.absolute() / name, true, said, *shares]
        for i, (name, true, said, shares) in enumerate(
            zip(predicted.paths, predicted.true, predicted.said, predicted.probabilities.tolist(), strict=True)
        )
    ]
    return write(path, ["", "fname", "label", "pred", *predicted.classes], rows)


def timm(predicted: Predicted, path: Path) -> Path:
    """``inference.py --topk 0 --results-separate-col --fullname``: numbered probabilities."""
    rows = [[name, *shares] for name, shares in zip(predicted.paths, predicted.probabilities.tolist(), strict=True)]
    return write(path, ["filename", *(f"prob_{k}" for k in range(len(predicted.classes)))], rows)


def timm_top(predicted: Predicted, path: Path, k: int = 2) -> Path:
    """``inference.py --topk K --include-index --results-separate-col``: the K most probable."""
    order = np.argsort(-predicted.probabilities, axis=1)[:, :k]
    shares = np.take_along_axis(predicted.probabilities, order, axis=1)
    rows = [[name, *indices, *row] for name, indices, row in zip(predicted.paths, order.tolist(), shares.tolist(), strict=True)]
    return write(path, ["filename", *(f"index_{i}" for i in range(k)), *(f"prob_{i}" for i in range(k))], rows)


def timm_top_1(predicted: Predicted, path: Path) -> Path:
    """``inference.py --include-index --label-type name``: its ``label`` is the predicted class."""
    rows = [
        [name, index, said, share]
        for name, index, said, share in zip(
            predicted.paths, predicted.probabilities.argmax(1), predicted.said, predicted.probabilities.max(1), strict=True
        )
    ]
    return write(path, ["filename", "index", "label", "prob"], rows)


def timm_logits(predicted: Predicted, path: Path) -> Path:
    """``inference.py --topk 0 --output-type logit --results-separate-col``."""
    rows = [[name, *row] for name, row in zip(predicted.paths, (np.log(predicted.probabilities) + 1.5).tolist(), strict=True)]
    return write(path, ["filename", *(f"logit_{k}" for k in range(len(predicted.classes)))], rows)


def ultralytics(predicted: Predicted, path: Path) -> Path:
    """``result.to_df()`` of 8.4 with ``result.path``, concatenated: a row for each of the top 5."""
    rows: list[list[object]] = []
    for name, shares in zip(predicted.paths, predicted.probabilities, strict=True):
        top = np.argsort(-shares)[:5].tolist()
        rows += [[f"/datasets/{predicted.root.name}/{name}", predicted.classes[k], k, round(float(shares[k]), 5)] for k in top]
    return write(path, ["path", "name", "class", "confidence"], rows)


def ultralytics_top_1(predicted: Predicted, path: Path) -> Path:
    """The same of 8.0 to 8.3: a row for each photo, of the most probable class."""
    rows = [
        [f"/datasets/{predicted.root.name}/{name}", predicted.classes[k], k, round(float(share), 5)]
        for name, k, share in zip(
            predicted.paths, predicted.probabilities.argmax(1).tolist(), predicted.probabilities.max(1), strict=True
        )
    ]
    return write(path, ["path", "name", "class", "confidence"], rows)


def scikit_learn(predicted: Predicted, path: Path) -> Path:
    """Labels as ``y_true`` and ``y_pred``, as its examples call them, in numbers."""
    said = predicted.probabilities.argmax(1).tolist()
    rows = [[Path(name).name, true, k] for name, true, k in zip(predicted.paths, predicted.labels.tolist(), said, strict=True)]
    return write(path, ["image", "y_true", "y_pred"], rows)


def autogluon(predicted: Predicted, path: Path) -> Path:
    """``predictor.predict_proba(frame)`` written with the paths as its index, which has no name."""
    rows = [[predicted.root / name, *shares] for name, shares in zip(predicted.paths, predicted.probabilities, strict=True)]
    return write(path, ["", *predicted.classes], rows)


def excel_in_percent(predicted: Predicted, path: Path) -> Path:
    """A German spreadsheet: semicolons, decimal commas and percent."""
    rows: list[list[object]] = []
    for name, shares in zip(predicted.paths, predicted.probabilities, strict=True):
        rows.append([name.rpartition(".")[0], *(f"{100 * share:.4f}%".replace(".", ",") for share in shares)])
    return write(path, ["Image Name", *(f"{name}_prob" for name in predicted.classes)], rows, ";")


Writer = Callable[[Predicted, Path], Path]
OF_ALL_CLASSES: tuple[Writer, ...] = (keras, keras_on_windows, fastai, timm, timm_logits, autogluon, excel_in_percent)
"""Layouts that hold the probabilities of all classes, however many there are."""
OF_TWO_CLASSES: tuple[Writer, ...] = (keras_sigmoid, timm_top, timm_top_1, ultralytics, ultralytics_top_1)
"""Layouts that hold those of all classes where there are two."""
