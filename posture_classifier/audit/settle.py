"""Decides by its content what a column holds whose name does not say it."""

from dataclasses import replace

import numpy as np

from posture_classifier.audit.cells import NO_CLASS, class_codes, is_class, number_columns
from posture_classifier.audit.columns import Roles
from posture_classifier.audit.table_file import TableFile
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist


def settle(table: TableFile, roles: Roles, classes: tuple[str, ...]) -> tuple[Roles, list[str]]:
    """Give every column whose name leaves it open one role.

    - A single probability that is below one half somewhere is that of the second of two classes,
      as a sigmoid gives it; otherwise it is the probability of the class that is said.
    - A column such as ``label`` holds the true classes beside a prediction. It is the prediction
      itself where there is no other, or where it always names the most probable class.

    Returns:
        Roles with nothing in ``either``, and sentences about what was decided.

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
