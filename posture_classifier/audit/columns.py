"""Which column of a table of predictions holds what, by its name, or else by its content.

The names are those of Ultralytics, fastai, timm, Keras, scikit-learn and AutoGluon, and what their
users write with pandas. A word such as ``label`` is the true class in one program and the predicted
one in another: what else is there decides, and then what the cells hold.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from posture_classifier.audit.table_file import NO_CLASS, TableFile, class_codes, is_class, number_columns
from posture_classifier.images.decode import SUFFIXES
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import normalise_name, shortlist

PATH_NAMES = (
    *("path", "file", "filename", "file_name", "filepath", "file_path", "fname", "image", "image_path", "image_name"),
    *("image_file", "image_id", "img", "img_path", "img_name", "photo", "photo_path", "picture", "id"),
)
TRUE_NAMES = (
    *("true", "true_label", "true_class", "label_true", "y_true", "target", "targets", "actual", "actual_label"),
    *("actual_class", "ground_truth", "gt", "truth", "y"),
)
PREDICTED_NAMES = (
    *("predicted", "predicted_label", "predicted_class", "prediction", "predictions", "pred", "preds", "pred_label"),
    *("pred_class", "label_pred", "y_pred", "y_hat", "yhat", "top1"),
)
EITHER_NAMES = ("label", "labels", "class", "class_name", "category", "name", "index", "class_id", "class_index")
"""Names of a column of classes that may be the true or the predicted ones."""
SHARE_NAMES = ("probability", "prob", "proba", "confidence", "conf", "score", "p", "softmax", "logit", "output")
"""Names of a probability, and what stands before or behind a class in the name of its column."""
RANKED = re.compile(rf"({'|'.join(EITHER_NAMES + PREDICTED_NAMES + SHARE_NAMES)})_(\d+)")
"""Matches ``prob_0``: a program that writes several classes of each photo numbers them."""


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns that the user gave, where they are not usual ones.

    Attributes:
        path: The column of the photos' paths.
        label: The column of the true classes, which then count instead of the folders.
        predicted: The column of the predicted classes.
    """

    path: str | None = None
    label: str | None = None
    predicted: str | None = None


@dataclass(frozen=True)
class Roles:
    """Names of the columns of a table, by what they hold.

    Attributes:
        path: The photo's path, or a part of it.
        shares: A column for each class, in their order; of two classes, one may be None.
        said: The class that is predicted; of several, the most probable first.
        said_shares: The probability of each of ``said``.
        true: The true class.
        either: Classes that may be the true or the predicted ones.
    """

    path: str
    shares: list[str | None] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    said_shares: list[str] = field(default_factory=list)
    true: str | None = None
    either: list[str] = field(default_factory=list)


def find_roles(table: TableFile, classes: tuple[str, ...], names: ColumnNames) -> Roles:
    """Find out what each column holds; others are passed over.

    Raises:
        UserError: There is no column of paths or no prediction, or a column that was named is not
            there.
    """
    named = vars(names)
    for name, column in named.items():
        if column is not None and column not in table.cells:
            raise UserError(f"--{name}_column {column} is not in {table.path}, whose columns are {table.columns}")
    path = names.path or find_path_column(table, classes)
    free = [column for column in table.cells if column not in named.values() and column != path]
    ranks = _ranked(free)
    said_ranked = next((ranks[name] for name in EITHER_NAMES + PREDICTED_NAMES if name in ranks), [])
    shares = [] if said_ranked else class_columns(free, classes)
    free = [column for column in free if column not in shares]
    true = names.label or _first(free, TRUE_NAMES)
    said = said_ranked or [column for column in [names.predicted or _first(free, PREDICTED_NAMES)] if column]
    said_shares = next((ranks[name] for name in SHARE_NAMES if name in ranks), []) if said_ranked else []
    if said_shares:
        said = said[: len(said_shares)]
        said_shares = said_shares[: len(said)]
    if len(said) == 1 and _holds_fractions(table, said[0]):  # a probability under the name of a prediction
        said, said_shares = [], said
    if shares:
        said_shares = []
    elif not said_shares:
        said_shares = [column for column in [_first(free, SHARE_NAMES)] if column]
    either = [] if said_ranked else [column for name in EITHER_NAMES if (column := _first(free, (name,)))]
    if not (shares or said or said_shares or either):
        raise UserError(
            f"{table.path} has no predictions that can be told by name: its columns are {table.columns}; expected one for each of "
            f"the classes ({shortlist(list(classes))}), or give --predicted_column"
        )
    return Roles(path, shares, said, said_shares, true, either)


def _plain(name: str) -> str:
    """A name as it is compared: ``Predicted Label`` is ``predicted_label``."""
    return re.sub(r"[\s.:/-]+", "_", normalise_name(name).strip().lower())


def _first(columns: list[str], names: tuple[str, ...]) -> str | None:
    """The column that has the first of some names that occurs."""
    plain = {_plain(column): column for column in reversed(columns)}
    return next((plain[name] for name in names if name in plain), None)


def find_true_column(table: TableFile) -> str | None:
    """The column of the true classes, by its name; None where there is none."""
    return _first(list(table.cells), TRUE_NAMES) or _first(list(table.cells), EITHER_NAMES)


def names_paths(columns: list[str]) -> bool:
    """Whether a column has a usual name of one that holds paths."""
    return _first(columns, PATH_NAMES) is not None


def find_path_column(table: TableFile, classes: tuple[str, ...] = ()) -> str:
    """The column of paths by its name, or else the only one that names files of photos.

    Raises:
        UserError: There is none.
    """
    others = [column for column in table.cells if normalise_name(column) not in classes]
    if found := _first(others, PATH_NAMES):
        return found
    if len(files := [column for column in others if all(_is_photo(cell) for cell in table.cells[column])]) == 1:
        return files[0]
    raise UserError(
        f"{table.path} has no column of the photos' paths that can be told by name: its columns are {table.columns}; "
        "give --path_column"
    )


def _is_photo(cell: str) -> bool:
    return Path(cell).suffix.lower() in SUFFIXES


def _holds_fractions(table: TableFile, column: str) -> bool:
    return any(number is not None and number % 1 for number in table.numbers(column))


def _ranked(columns: list[str]) -> dict[str, list[str]]:
    """Columns that are numbered from 0 or 1 on, by their common name: ``index_0``, ``index_1``."""
    numbers: dict[str, dict[int, str]] = {}
    for column in columns:
        if match := RANKED.fullmatch(_plain(column)):
            numbers.setdefault(match[1], {})[int(match[2])] = column
    return {name: [found[number] for number in sorted(found)] for name, found in numbers.items()}


def class_columns(columns: list[str], classes: tuple[str, ...]) -> list[str | None]:
    """The column of each class, by name or by number; of two classes, one may be None; or none.

    Raises:
        UserError: Some of the classes have a column, and others have not.

    Example:
        >>> class_columns(["path", "prob_right", "prob_left"], ("left", "right"))
        ['prob_left', 'prob_right']
        >>> class_columns(["path", "0", "1"], ("left", "right"))
        ['0', '1']
    """
    affixes = "|".join((*SHARE_NAMES, "class", "pred"))
    exact = {_plain(column): column for column in reversed(columns)}
    columns_of = {re.sub(rf"^(?:{affixes})_|_(?:{affixes})$", "", name): column for name, column in exact.items()} | exact
    for names in (list(map(_plain, classes)), list(map(str, range(len(classes))))):
        found = [columns_of.get(name) for name in names]
        lacking = [name for name, column in zip(classes, found, strict=True) if column is None]
        if len(set(names)) == len(classes) and len(lacking) <= (len(classes) == 2):
            return found
        if 0 < len(lacking) < len(classes):
            there = [column for column in found if column is not None]
            raise UserError(
                f"the columns {shortlist(there)} are of classes, but none is of {shortlist(lacking)}; write one for each"
            )
    return []


def settle(table: TableFile, roles: Roles, classes: tuple[str, ...]) -> tuple[Roles, list[str]]:
    """Give every column whose name leaves it open one role, and say in sentences what was decided.

    - A single probability that is below one half somewhere is that of the second of two classes,
      as a sigmoid gives it; otherwise it is the probability of the class that is said.
    - A column such as ``label`` holds the true classes beside a prediction. It is the prediction
      itself where there is no other, or where it always names the most probable class.

    Raises:
        UserError: Several columns may hold the predicted classes, and they differ; or none does.
    """
    roles, notes = _settle_probability(table, roles, classes)
    if not (roles.shares or roles.said or roles.either):
        raise UserError(
            f"{table.path}: column {roles.said_shares[0]} is the probability of an unknown class; give --predicted_column"
        )
    usable = [column for column in roles.either if _names_classes(table, column, classes)]
    either = replace(roles, either=[])
    if not (usable or (roles.either and not roles.shares and not roles.said)):
        return either, notes
    if roles.shares:
        others = [column for column in usable if not _is_most_probable(table, column, roles.shares, classes)]
        return replace(either, true=roles.true or (others[0] if others else None)), notes
    if roles.said:
        return replace(either, true=roles.true or usable[0]), notes
    candidates = usable or roles.either
    codes = [class_codes(table, column, classes) for column in candidates]
    if any((other != codes[0]).any() for other in codes[1:]):
        raise UserError(
            f"{table.path}: any of the columns {shortlist(candidates)} may hold the predicted classes, and they differ; give "
            "--predicted_column, or --label_column for the true ones"
        )
    return replace(either, said=[candidates[0]]), notes


def _names_classes(table: TableFile, column: str, classes: tuple[str, ...]) -> bool:
    """Whether a column may be one of classes: not of row numbers, nor of other names alone."""
    cells = table.cells[column]
    if len(cells) > len(classes) and cells in ([str(n + first) for n in range(len(cells))] for first in (0, 1)):
        return False
    return any(is_class(cell, classes) for cell in cells)


def _is_most_probable(table: TableFile, column: str, shares: list[str | None], classes: tuple[str, ...]) -> bool:
    """Whether a column always names the class of the largest number."""
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return False
    numbers, codes = number_columns(table, known), class_codes(table, column, classes)
    filled = np.isfinite(numbers).all(1) & (codes != NO_CLASS)
    return bool((codes[filled] == numbers[filled].argmax(1)).all())


def _settle_probability(table: TableFile, roles: Roles, classes: tuple[str, ...]) -> tuple[Roles, list[str]]:
    if len(classes) != 2 or len(roles.said_shares) != 1 or roles.shares:
        return roles, []
    column = roles.said_shares[0]
    numbers = number_columns(table, [column])[:, 0]
    filled = np.isfinite(numbers)
    half = 50 if max(numbers[filled], default=0) > 1 else 0.5
    says = roles.said or roles.either
    second = bool((numbers[filled] < half).any())
    if second and roles.said:
        decided = filled & (numbers != half)
        second = bool((class_codes(table, roles.said[0], classes) == (numbers > half))[decided].all())
    paths = table.cells[roles.path]
    if says and (not second or len(set(paths)) < len(paths)):  # a row for each class of a photo
        return roles, []
    note = f"The column {column} is taken for the probability of {classes[1]}, the second class in alphabetical order."
    return replace(roles, shares=[None, column], said=[], said_shares=[]), [note]
