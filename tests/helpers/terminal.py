"""Runs the real program on a pseudo-terminal, and keeps what a person would see there."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

TOKEN = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|\x1b.|[\r\n\b]|[^\x1b\r\n\b]")
HEIGHT = 50


@dataclass(frozen=True)
class Walk:
    """What a command wrote to a terminal, and when.

    Attributes:
        code: Its exit code.
        lines: Everything that stayed on the terminal, scrolled out of sight or not.
        divided: Those that were too long for it, which it goes on with in the next line.
        first: Seconds until the first character.
        raw: All that was written, control sequences too.
    """

    code: int
    lines: list[str]
    divided: list[str]
    first: float
    raw: str

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def walk(*arguments: str, columns: int, folder: Path) -> Walk:
    """Run the program in a folder, on a terminal of so many columns."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | {
        "TERM": "xterm-256color",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    start, first, chunks = time.perf_counter(), 0.0, []
    command = [sys.executable, "-m", "posture_classifier", *arguments]
    with subprocess.Popen(command, stdin=writer, stdout=writer, stderr=writer, cwd=folder, env=environment) as process:
        os.close(writer)
        while chunk := _read(reader):
            first = first or time.perf_counter() - start
            chunks.append(chunk)
    os.close(reader)
    raw = b"".join(chunks).decode(errors="replace")
    lines, divided = screen(raw, columns)
    return Walk(process.returncode, lines, divided, first, raw)


def _read(reader: int) -> bytes:
    """What there is to read; nothing at the end, which Linux calls an error."""
    try:
        return os.read(reader, 65536)
    except OSError:
        return b""


def screen(raw: str, columns: int) -> tuple[list[str], list[str]]:
    """The lines that a terminal would show for good, and those that it had to divide.

    It knows what rich writes: line ends, the cursor up, down, left and right, and erasing.
    """
    rows: list[list[str]] = [[]]
    full: list[int] = []
    row = column = 0
    for token in TOKEN.finditer(raw):
        _, numbers, name = token.groups()
        if name is not None:
            row, column = _control(rows, row, column, name, int(numbers.partition(";")[0] or 0))
        elif token[0] == "\r":
            column = 0
        elif token[0] == "\n":
            row += 1
        elif len(token[0]) == 1 and token[0] != "\b":
            if column == columns:
                full.append(row)
                row, column = row + 1, 0
            rows += [[] for _ in range(row + 1 - len(rows))]
            rows[row] += [" "] * (column + 1 - len(rows[row]))
            rows[row][column] = token[0]
            column += 1
        rows += [[] for _ in range(row + 1 - len(rows))]
    lines = ["".join(line).rstrip() for line in rows]
    return lines, [lines[number] for number in full if lines[number]]


def _control(rows: list[list[str]], row: int, column: int, name: str, number: int) -> tuple[int, int]:
    """Follow a control sequence, and return where the cursor is."""
    if name == "K":  # erases to the end of the line, or all of it
        del rows[row][0 if number == 2 else column :]
    moves = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}
    down, right = moves.get(name, (0, 0))
    return max(0, row + down * max(1, number)), max(0, column + right * max(1, number))
