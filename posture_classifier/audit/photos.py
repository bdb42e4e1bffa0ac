"""The photos that predictions are about, in class folders or all in one."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from posture_classifier.audit.columns import find_true_column
from posture_classifier.audit.photo_paths import match_photos
from posture_classifier.audit.table_file import TableFile
from posture_classifier.check.folder_layout import name_groups
from posture_classifier.data.folder import Photos, read_folder, with_groups
from posture_classifier.data.folds import GroupBy, choose_group_by
from posture_classifier.data.photo_files import find_photos, look_into
from posture_classifier.data.scan.scene_groups import scene_groups
from posture_classifier.data.sessions import session_groups
from posture_classifier.data.string_array import StringArray
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import normalise_name, shortlist


def read_photos(root: Path, group_pattern: str | None, group_by: GroupBy | None) -> Photos:
    """Index the photos of a folder, and name their groups as ``fit`` does.

    Photos that lie in no class folders have no classes yet: a table has to name them.

    Raises:
        UserError: There is no such folder, ``fit`` would refuse its classes, or the groups.
    """
    by = choose_group_by(group_by, group_pattern)
    pattern = group_pattern if by == "pattern" else None
    in_one_folder = root.is_dir() and not look_into(root).folders
    photos = _in_one_folder(root, pattern) if in_one_folder else read_folder(root, pattern)
    if by not in ("cluster", "exif"):
        return photos
    return with_groups(photos, scene_groups(photos) if by == "cluster" else session_groups(photos))


def _in_one_folder(root: Path, pattern: str | None) -> Photos:
    paths = StringArray(find_photos(root).photos)
    if not len(paths):
        raise UserError(f"{root} has no photos; expected {root}/<class>/*.jpg, or photos whose classes the table names")
    labels, splits = np.zeros(len(paths), dtype=np.int64), np.full(len(paths), "", dtype="<U5")
    groups = StringArray(map(normalise_name, paths))
    photos, refused = name_groups(Photos(root, (), paths, labels, groups, splits, False, np.arange(len(paths))), pattern)
    if refused:
        raise UserError(f"--group_pattern: {refused[0].text}")
    return photos


def with_classes(photos: Photos, table: TableFile, path: str, label: str | None) -> tuple[Photos, str]:
    """Give photos that lie in no class folders the classes that a table names.

    ``path`` is the table's column of paths; ``label`` that of the true classes, where its name is
    not a usual one.

    Returns:
        The photos of which the table names the class, and the column of the classes.

    Raises:
        UserError: The table has no such column, or it names one class only.
    """
    column = label or find_true_column(table)
    if column is None:
        raise UserError(
            f"{photos.root} has no class folders, and {table.path} no column of the true classes that can be told by name: its "
            f"columns are {table.columns}; give --label_column"
        )
    cells = [normalise_name(cell) for cell in table.cells[column]]
    classes = tuple(sorted(set(cells) - {""}))
    if len(classes) < 2:
        raise UserError(f"{table.path}: column {column} names one class only ({shortlist(list(classes))}), and there must be two")
    found = match_photos(table.cells[path], photos, table.path)
    labels = {index: classes.index(cell) for index, cell in zip(found, cells, strict=True) if index is not None and cell}
    named = np.array(sorted(labels), dtype=np.int64)
    of_named = np.array([labels[index] for index in named.tolist()], dtype=np.int64)
    return replace(photos.select(named), classes=classes, labels=of_named), column
