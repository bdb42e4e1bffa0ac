"""``train``, ``cross_validate`` and ``check``: the commands of those names, called from Python."""

from pathlib import Path
from typing import Any

from posture_classifier.api.options import Config, command_words
from posture_classifier.api.run import Run
from posture_classifier.api.side_effects import as_library_call
from posture_classifier.check.finding import Finding
from posture_classifier.check.writing import check_aloud
from posture_classifier.data.layout import Layout
from posture_classifier.data.photo_table import TABLE_SUFFIXES, folder_of_table
from posture_classifier.experiments.cross_validation import CrossValidation
from posture_classifier.experiments.refit import refit, wants_refit
from posture_classifier.training.fit import PostureCLI


def train(
    photos: str | Path | None = None,
    groups: str | None = None,
    epochs: int | None = None,
    config: Config = None,
    **options: Any,
) -> Run:
    r"""Train on a folder of photos and evaluate the best checkpoint, as the command ``fit`` does.

    It prints and writes what ``fit`` does, and leaves the process as it was: no random numbers,
    settings, signal handlers or environment variables change. Train in one thread at a time.

    Args:
        photos: Folder of the photos, ``<class>/*.jpg``, or a table of them (``data.table``), which
            ends in ``.csv`` or ``.parquet``; None where ``config`` names it.
        groups: Regular expression whose match in a path names the person or session, such as
            ``r"anna|ben"``; the option ``data.group_pattern``.
        epochs: Times that the network sees all training photos; ``trainer.max_epochs``.
        config: A YAML file of options, or several, of which the later wins.
        **options: All other options of ``fit``. A section is a dictionary, as in a YAML file:
            ``model={"backbone": "resnet18"}`` is ``--model.backbone resnet18``.

    Returns:
        The run, in a new folder ``lightning_logs/<experiment>/version_N``.

    Raises:
        UserError: An option, the folder or a photo is not as it must be; the message says which,
            and what to do.

    Example:
        >>> network = {"backbone": "test_resnet", "pretrained": False, "image_size": 32}
        >>> run = train("photos", r"person\d+", epochs=1, model=network, report=False)
        test_resnet: ...
        >>> run.split, run.images, run.groups, 0 <= run.accuracy.value <= 1
        ('test', 4, 1, True)
    """
    with as_library_call():
        words = command_words(config, options, _shorthands(photos, groups, epochs))
        if wants_refit(["fit", *words]):
            return Run(refit(words))
        done = PostureCLI(["fit", *words])
        assert done.run_folder is not None
        return Run(done.run_folder.path)


def cross_validate(
    photos: str | Path | None = None,
    folds: int | None = None,
    groups: str | None = None,
    epochs: int | None = None,
    config: Config = None,
    **options: Any,
) -> Run:
    r"""Train and test all folds: each photo is tested by a network that has not seen its group.

    It is the command ``crossval``: called again after it was stopped, it goes on.

    Args:
        photos: Folder or table of the photos, as for ``train``.
        folds: Number of folds; ``data.folds``. 5 is usual.
        groups: As for ``train``.
        epochs: As for ``train``.
        config: As for ``train``.
        **options: All other options of ``crossval``.

    Returns:
        All photos' predictions together, in ``lightning_logs/<experiment>/crossval_N``.

    Raises:
        UserError: As for ``train``.

    Example:
        >>> network = {"backbone": "test_resnet", "pretrained": False, "image_size": 32}
        >>> run = cross_validate("photos", 2, r"person\d+", epochs=1, model=network)
        2 folds of 24 photos of 6 groups; ...
        >>> run.split, run.images, run.groups
        ('cross-validation', 24, 6)
    """
    with as_library_call():
        words = command_words(config, options, _shorthands(photos, groups, epochs) | {"data.folds": folds})
        with CrossValidation.prepare(words) as series:
            series.train_folds()
            series.report()
        return Run(series.folder)


def check(photos: str | Path, groups: str | None = None, layout: Layout | None = None) -> list[Finding]:
    r"""Look for what would make a result false; print it as the command ``check`` does.

    Args:
        photos: Folder of the photos, in whatever state it is, or a table of them.
        groups: As for ``train``.
        layout: What the folders name: ``class``, ``class/group`` or ``group/class``; found out
            where it is certain.

    Returns:
        One finding for each kind of fault, the most harmful first. Each has a ``kind``, a
        ``severity`` (``error``, ``warning`` or ``note``), a ``text``, and lists of ``photos``.

    Raises:
        UserError: There is no such folder or table.

    Example:
        >>> findings = check("photos", groups=r"person\d+")
        With a random split expect about ...
        >>> [finding.kind for finding in findings if finding.severity == "error"]
        ['small_classes']
    """
    with as_library_call():
        table = Path(photos) if _is_table(photos) else None
        root = Path(photos) if table is None else Path(folder_of_table(table))
        return check_aloud(root, groups, layout, table=table).findings


def _shorthands(photos: str | Path | None, groups: str | None, epochs: int | None) -> dict[str, Any]:
    return {"data.table" if _is_table(photos) else "data.root": photos, "data.group_pattern": groups, "trainer.max_epochs": epochs}


def _is_table(photos: str | Path | None) -> bool:
    return photos is not None and Path(photos).suffix.lower() in TABLE_SUFFIXES
