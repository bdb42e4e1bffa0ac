"""Why intervals are unknown is said once, not in each row."""

import io
from typing import Any

import pytest
from rich.console import Console

from posture_classifier.rendering.estimates_table import estimates_table

KNOWN = {"value": 0.9, "low": 0.8, "high": 0.95}


def printed(**metrics: dict[str, Any]) -> str:
    console = Console(width=120, file=io.StringIO())
    console.print(estimates_table({"images": 8, "groups": 1, **metrics}, "test split"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("known", [[], ["accuracy"]])
def test_the_reason_stands_once(known: list[str]) -> None:
    names = ("accuracy", "macro_f1", "auroc")
    metrics = {name: KNOWN if name in known else {"value": 0.5, "too_few": "1 group"} for name in names}
    text = printed(**metrics)
    assert " ".join(text.split()).count("1 group is too few for an interval") == 1
    assert "unknown" not in text
    assert ("95 % interval" in text) == bool(known)
    assert text.splitlines()[0].strip() == "test split: 8 photos of 1 group"


def test_known_intervals_need_no_reason() -> None:
    text = printed(accuracy=KNOWN)
    assert "0.800 to 0.950" in text
    assert "too few" not in text
