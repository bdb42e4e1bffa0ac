"""A function's signature and docstring are its command line."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.cli.commands.audit import audit
from posture_classifier.cli.commands.check import check
from posture_classifier.utils.arguments import OneSentenceErrors, parse_call
from posture_classifier.utils.errors import UserError


def tool(photos: list[Path], size: int = 3, loud: bool = False) -> None:
    """Do something.

    Args:
        photos: The photos that
            it is done to.
        size: How much.
        loud: Whether it is heard.
    """


def selecting(names: Sequence[str] = ()) -> None:
    """Select by name."""


def passing_on(*options: str) -> None:
    """Pass options on.

    Args:
        options: All options
            of another command.
    """


@pytest.mark.parametrize(
    ("function", "words", "args"),
    [
        (tool, ["a", "b"], ([Path("a"), Path("b")], 3, False)),
        (tool, ["a", "--loud", "--size=4"], ([Path("a")], 4, True)),
        (tool, ["--loud", "false", "a"], ([Path("a")], 3, False)),
        (selecting, [], ([],)),
        (selecting, ["a*", "b"], (["a*", "b"],)),
        (passing_on, ["--config", "a.yaml", "--list", "--dash"], ("--config", "a.yaml", "--list", "--dash")),
        (passing_on, [], ()),
    ],
)
def test_a_signature_is_a_command_line(function: Callable[..., None], words: list[str], args: tuple[Any, ...]) -> None:
    call = parse_call(function, words, prog="test")
    call.apply_defaults()
    assert call.args == args


@pytest.mark.parametrize(("words", "fact"), [([], "photos"), (["a", "--size", "many"], "many"), (["a", "--sise", "4"], "--sise")])
def test_a_wrong_command_line_is_one_sentence(words: list[str], fact: str) -> None:
    with pytest.raises(UserError, match=fact) as raised:
        parse_call(tool, words, prog="test")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("function", "facts"),
    [
        (tool, ["Do something.", "The photos that it is done to.", "--size", "How much.", "--loud", "Whether it is heard."]),
        (passing_on, ["usage: test [options]", "Pass options on.", "All options of another command."]),
    ],
)
def test_the_docstring_is_the_help(function: Callable[..., None], facts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse_call(function, ["a", "--help"], prog="test")
    assert left.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for fact in facts:
        assert fact in text


def test_every_path_is_expanded_wherever_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS", "/data")
    parser = OneSentenceErrors()
    parser.add_argument("--config", action="config")
    parser.add_argument("--data.root", type=str)
    parser.add_argument("--data.group_pattern", type=str)
    parser.add_argument("--search.weights", type=dict[str, str])
    parser.add_argument("--trainer.callbacks", type=list[dict[str, Any]])
    parser.add_argument("--output", type=Path)
    file = tmp_path / "a.yaml"
    file.write_text(
        "data: {root: $PHOTOS/a, group_pattern: 'x$PHOTOS'}\nsearch: {weights: {resnet18: $PHOTOS/b.pth}}\n"
        "trainer: {callbacks: [{class_path: $PHOTOS, init_args: {dirpath: $PHOTOS/c, notes: $PHOTOS}}]}\n"
    )
    parsed = parser.parse_args([f"--config={file}", "--output=$PHOTOS/d.csv"])
    assert parsed.data.root == "/data/a"
    assert parsed.data.group_pattern == "x$PHOTOS"
    assert parsed.search.weights == {"resnet18": "/data/b.pth"}
    assert parsed.trainer.callbacks == [{"class_path": "$PHOTOS", "init_args": {"dirpath": "/data/c", "notes": "$PHOTOS"}}]
    assert parsed.output == Path("/data/d.csv")
    assert type(parsed.data.root) is str


def about_photos(table: Path, *, root: Path, group_pattern: str | None = None) -> None:
    """Look at photos."""


def test_an_option_about_photos_may_be_named_as_that_of_fit() -> None:
    """What must be given by name is an option, though it is required."""
    own = parse_call(about_photos, ["a.csv", "--root", "b", "--group_pattern", "x"], "prog")
    of_fit = parse_call(about_photos, ["a.csv", "--data.root", "b", "--data.group_pattern=x"], "prog")
    assert own.arguments == of_fit.arguments == {"table": Path("a.csv"), "root": Path("b"), "group_pattern": "x"}
    for command in (check, audit):
        words = ["a"] if command is check else ["a.csv", "--root", "b"]
        for name in ("--group_pattern", "--data.group_pattern"):
            assert parse_call(command, [*words, name, "x"], "prog").arguments["group_pattern"] == "x"
    with pytest.raises(UserError, match="root"):
        parse_call(about_photos, ["a.csv"], "prog")
    with pytest.raises(UserError, match=r"data\.folds"):
        parse_call(about_photos, ["a.csv", "--root", "b", "--data.folds", "3"], "prog")
