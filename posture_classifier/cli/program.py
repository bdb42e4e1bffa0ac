"""Runs a command: ``fit``, ``validate``, ``test``, or one of the files in ``commands/``."""

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
from posture_classifier.cli.starting import starting
from posture_classifier.cli.training_help import training_help
from posture_classifier.cli.unforeseen import describe_unforeseen
from posture_classifier.utils.cores import limit_library_threads
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.library_folders import ensure_library_folders
from posture_classifier.utils.stopping import consequences_as_stop, ending_in_order
from posture_classifier.utils.text import did_you_mean, printable

PROGRAM = "posture-classifier"
TRAINING = {
    "fit": "Train on a folder of photos, then evaluate the best checkpoint.",
    "validate": "Evaluate a checkpoint on the validation split.",
    "test": "Evaluate a checkpoint on the test split.",
}
ENDED_BY_PIPE = 141
"""128 + SIGPIPE, a signal that Windows does not have."""
OUTPUT_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR}
"""Errors of the operating system about a full disk or a folder that cannot be written to."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    What the user can put right prints one sentence, and the exit code is 2; what nobody foresaw
    prints one too, which names a file with the traceback, and the exit code is 1. Stopped by signal
    N, the process ends with the code 128 + N, once what was computed is written.
    Modules are imported when a command needs them, so that ``--version`` and ``--help`` answer
    without torch.

    Args:
        arguments: The command line, command first; None is that of this process, whose signals are
            then watched, too.
    """
    if arguments is None:
        with ending_in_order():
            return _main(sys.argv[1:])
    return _main(list(arguments))


def _main(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A file name in Korean must not end the program on a terminal that cannot show it.
            stream.reconfigure(errors="backslashreplace")
    limit_library_threads()
    try:
        with consequences_as_stop():
            return _run(arguments)
    except UserError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail_by_system(error)
    # Nobody foresaw it, so nobody wrote a better sentence.
    except Exception as error:
        return _fail(describe_unforeseen(error), code=1)


def _fail_by_system(error: OSError) -> int:
    """Say what the operating system refused; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has gone, as `| head` does when it has enough. What is still to be
        # flushed goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ENDED_BY_PIPE
    if error.errno in OUTPUT_ERRORS:
        return _fail(
            f"{error.filename or 'the output'} could not be written: {error.strerror}; what was written before is still there"
        )
    if error.filename:
        return _fail(f"{error.filename}: {error.strerror}")
    return _fail(describe_unforeseen(error), code=1)


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments else "--help"
    known = TRAINING | _summaries()
    if command == "--version":
        print(__version__)
    elif command in ("-h", "--help"):
        print(_help(known))
    elif command in TRAINING and {"-h", "--help"} & set(arguments):
        print(training_help(PROGRAM, command, TRAINING[command], every_option="all" in arguments))
    elif command in TRAINING:
        ensure_library_folders()
        with starting(command):
            from posture_classifier.experiments.refit import refit, wants_refit
            from posture_classifier.training.fit import PostureCLI

            if wants_refit(arguments):
                refit(arguments[1:])
            else:
                PostureCLI(arguments)
    elif command in known:
        return _run_command(command, arguments[1:])
    else:
        raise UserError(f"unknown command {command!r}{did_you_mean(command, known)}; choose one of {', '.join(known)}")
    return 0


def _fail(message: str, code: int = 2) -> int:
    from posture_classifier.utils.console import fold_for_stderr

    print(fold_for_stderr(f"error: {printable(message)}"), file=sys.stderr)
    return code


def _summaries() -> dict[str, str]:
    """Summaries of the commands in ``commands/``, by name.

    They are the first lines of the files, which are read and not imported.
    """
    folder = Path(commands.__path__[0])
    sources = [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
    docstrings = {path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in sources}
    return {name: text.splitlines()[0].partition(": ")[2].capitalize() for name, text in docstrings.items()}


def _help(summaries: dict[str, str]) -> str:
    width = max(map(len, summaries))
    lines = "\n".join(f"  {name:<{width}}  {text}" for name, text in summaries.items())
    return (
        f"usage: {PROGRAM} COMMAND [options]\n\n"
        "Fine-tune an image classifier on a small folder of photos, and know how far to trust it.\n\n"
        f"commands:\n{lines}\n\n"
        f"Options of a command: {PROGRAM} COMMAND --help. Version: {PROGRAM} --version."
    )


def _run_command(name: str, arguments: list[str]) -> int:
    """Call the function ``name`` of ``commands/<name>.py``, whose signature is the command line."""
    from posture_classifier.utils.arguments import parse_call

    ensure_library_folders()
    function = getattr(import_module(f"{commands.__name__}.{name}"), name)
    call = parse_call(function, arguments, prog=f"{PROGRAM} {name}")
    with starting(name):
        return int(function(*call.args, **call.kwargs) or 0)
