"""What ``check`` has said of a run's photos, if it was asked to write it beside the run."""

import json
from dataclasses import dataclass
from pathlib import Path

from posture_classifier.report.evaluated import Evaluated

NAME = "check.json"


@dataclass(frozen=True)
class KnownCheck:
    """A ``check.json``: its path, verdict, and severity, kind and text of each finding."""

    path: Path
    verdict: str
    findings: list[dict[str, str]]

    def find(self, *kinds: str) -> list[dict[str, str]]:
        """Findings of some kinds."""
        return [finding for finding in self.findings if finding["kind"] in kinds]


def read_known_check(run: Evaluated) -> KnownCheck | None:
    """Read it from the folder of the run or of the photos; None where there is none of ours."""
    path = next((folder / NAME for folder in (run.folder, run.root) if (folder / NAME).is_file()), None)
    if path is None:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        findings = [{name: str(finding[name]) for name in ("severity", "kind", "text")} for finding in content["findings"]]
        return KnownCheck(path, str(content["verdict"]), findings)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
