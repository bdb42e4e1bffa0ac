"""``configs``: the configurations that come with the program, to look at and to copy."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from rich import box
from rich.table import Table

from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_file
from posture_classifier.utils.shipped import shipped

PHOTOS = "data/turtle_neck"


def configs(names: Sequence[str] = (), output: Path = Path(), overwrite: bool = False) -> int:
    """List the configurations, or copy some; each has its command and measured score on top.

    Args:
        names: Which to copy, such as base or demo; none lists them all.
        output: The folder to copy them to.
        overwrite: Replace files of these names.

    Returns:
        Exit code 0.
    """
    known = {path.stem: path for path in sorted(shipped("configs").glob("*.yaml"))}
    if unknown := [name for name in names if Path(name).stem not in known]:
        raise UserError(f"no configuration is called {unknown[0]}; choose some of {', '.join(known)}")
    if not names:
        table = Table(box=box.SIMPLE_HEAD, show_header=False)
        for name, path in known.items():
            table.add_row(name, _summary(path))
        say(table, "To copy one into this folder: posture-classifier configs base")
    copies = {known[Path(name).stem]: output / f"{Path(name).stem}.yaml" for name in names}
    for copy in copies.values():
        check_output_file("configs", copy, (".yaml",), overwrite)
    for path, copy in copies.items():
        copy.write_text(_with_photos(path.read_text(encoding="utf-8")), encoding="utf-8")
        say(f"copied: {copy}")
    return 0


def _summary(path: Path) -> str:
    """What the comment on top says before its command."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("# ") for line in takewhile(lambda line: line.startswith("# ") and line[2] != " ", lines))


def _with_photos(text: str) -> str:
    """Let a configuration find the bundled photos from any folder."""
    return text if Path(PHOTOS).is_dir() else text.replace(f"root: {PHOTOS}\n", f"root: {shipped(PHOTOS)}\n")
