"""What ``audit`` prints, and the folder that it writes."""

import json
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table
from rich.text import Text

from posture_classifier.audit.page import write_audit
from posture_classifier.audit.result import SHOWN_GROUPS, Audit
from posture_classifier.rendering.estimates_table import estimates_table
from posture_classifier.runs.names import CONFIG_YAML, PREDICTIONS_CSV, SUMMARY_JSON
from posture_classifier.utils.console import say
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.text import plural, printable

PAGE = "audit.html"


def print_audit(audit: Audit) -> None:
    """Print the metrics, the hardest groups, and what must be said beside them."""
    say(estimates_table(audit.summary(), audit.predictions.file.name))
    if audit.size["groups"]:
        say(_groups_table(audit))
    say(*audit.sentences())


def _groups_table(audit: Audit) -> Table:
    groups = audit.predictions.table.worst_groups()
    table = Table("group", "right", title=f"the hardest of {plural(len(groups), 'group')}")
    for name, right, n_photos in groups[:SHOWN_GROUPS]:
        table.add_row(Text(printable(name)), f"{right} of {n_photos}")
    return table


def write_folder(audit: Audit, folder: Path) -> None:
    """Write the page and ``summary.json`` and, of probabilities, a run that ``compare`` reads.

    The folder is made if it is not there.
    """
    folder.mkdir(exist_ok=True)
    write_audit(audit, folder / PAGE)
    _write_text(folder / SUMMARY_JSON, json.dumps(audit.summary(), indent=2, ensure_ascii=False))
    say(f"audit: {folder / PAGE}")
    if audit.predictions.table.predictions.known != "probabilities":
        say("compare cannot read it: that takes the probabilities of all classes.")
        return
    audit.predictions.table.write(folder / "test" / PREDICTIONS_CSV)
    settings: dict[str, Any] = {
        "model": {"backbone": audit.predictions.file.stem},
        "data": {"root": str(audit.predictions.photos.root)},
        "seed_everything": audit.seed,
    }
    _write_text(folder / CONFIG_YAML, yaml.safe_dump(settings, allow_unicode=True))


def _write_text(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(f"{text.rstrip()}\n", encoding="utf-8", errors="surrogateescape")
