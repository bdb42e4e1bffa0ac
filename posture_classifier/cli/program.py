"""The command line: ``fit``, ``validate`` and ``test`` by Lightning, and a subcommand for every file in ``tools/``."""

import ast
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

from posture_classifier import __version__
from posture_classifier.cli import commands
from posture_classifier.utils.errors import UserError

PROGRAM = "posture-classifier"
TRAINING = {
    "fit": "Train on a folder of photos, then evaluate the best checkpoint.",
    "validate": "Evaluate a checkpoint on the validation split.",
    "test": "Evaluate a checkpoint on the test split.",
}
OUTPUT_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR}
"""What the system says of a disk that is full or a folder that is closed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; what the user can put right ends with one sentence and exit code 2.

    Imports wait until a command needs them: ``--version`` and ``--help`` answer without torch.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A file name in Korean must not end the program on a terminal that cannot show it.
            stream.reconfigure(errors="backslashreplace")
    # Threads of torch that wait for each other would otherwise spin, and take the cores from those that decode photos: on 2 cores,
    # seconds of a network became minutes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    command = arguments[0] if arguments else "--help"
    tool_lines = _tools()
    try:
        if command == "--version":
            print(__version__)
        elif command in ("-h", "--help"):
            print(_help(TRAINING | tool_lines))
        elif command in TRAINING and {"-h", "--help"} & set(arguments):
            from posture_classifier.training.fit_help import help_text

            print(help_text(command, TRAINING[command]))
        elif command in TRAINING:
            from posture_classifier.training.fit import PostureCLI

            PostureCLI(arguments)
        elif command in tool_lines:
            return _run_tool(command, arguments[1:])
        else:
            raise UserError(f"unknown command {command!r}; choose one of {', '.join(TRAINING | tool_lines)}")
    except UserError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno not in OUTPUT_ERRORS:
            raise
        return _fail(
            f"{error.filename or 'the output'} could not be written: {error.strerror}; what was written before is still there"
        )
    return 0


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


def _tools() -> dict[str, str]:
    """Names of the tools, and the line that each one's file begins with; read, not imported."""
    folder = Path(commands.__path__[0])
    files = [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
    docstrings = {path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in files}
    return {name: text.splitlines()[0].partition(": ")[2].capitalize() for name, text in docstrings.items()}


def _help(commands: dict[str, str]) -> str:
    width = max(map(len, commands))
    lines = "\n".join(f"  {name:<{width}}  {text}" for name, text in commands.items())
    return (
        f"usage: {PROGRAM} COMMAND [options]\n\n"
        "Fine-tune an image classifier on a small folder of photos, and know how far to trust it.\n\n"
        f"commands:\n{lines}\n\n"
        f"Options of a command: {PROGRAM} COMMAND --help. Version: {PROGRAM} --version."
    )


def _run_tool(name: str, arguments: list[str]) -> int:
    """Call ``tools/<name>.py``'s function of the same name; its signature and docstring are the command line."""
    from posture_classifier.utils.arguments import parse_call

    function = getattr(import_module(f"{commands.__name__}.{name}"), name)
    call = parse_call(function, arguments, prog=f"{PROGRAM} {name}")
    return int(function(*call.args, **call.kwargs) or 0)
