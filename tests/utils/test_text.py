"""What other libraries say is quoted whole where it fits into a sentence."""

import pytest

from posture_classifier.utils.text import first_line

ADVICE = (
    "Unable to write staging files to /.local/share/wandb/artifacts/staging. To fix this problem, please set WANDB_DATA_DIR to a "
    "directory where you have the necessary write access."
)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", "ValueError"),
        ("one.\ntwo", "one"),
        (ADVICE, ADVICE.rstrip(".")),  # not without its second half, which says what to do
        ("word " * 100, "word " * 47 + "word ..."),
        ("w" * 1000, "w" * 240 + " ..."),
    ],
)
def test_first_line(message: str, line: str) -> None:
    assert first_line(ValueError(message)) == line
