"""Lists of photos to leave out."""

from pathlib import Path

import pytest

from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("path\nleft/nobody.png\n", "left/nobody.png"),
        ("name\nleft/person1_0.png\n", "path"),
        ("path\n" + "".join(f"left/person{p}_{n}.png\n" for p in range(6) for n in range(2)), "left"),
        (None, "No such file"),
    ],
)
def test_a_wrong_list_is_one_sentence(
    tmp_path: Path, fit: Fit, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str], content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / "fixes.csv").write_text(content)
    fit(draw_folder(), "--data.exclude", str(tmp_path / "fixes.csv"), code=2)
    error = capsys.readouterr().err
    assert "data.exclude" in error
    assert expected in error.replace(str(tmp_path), "")
