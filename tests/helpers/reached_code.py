"""Finds, in the source alone, what some functions and classes of the package can reach."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.helpers.program import REPOSITORY

PACKAGE = "posture_classifier"


class Module(NamedTuple):
    """A module: its top-level definitions, and what it imports from this package, by name."""

    path: Path
    defined: dict[str, ast.stmt]
    imported: dict[str, tuple[str, str]]


def reached(starts: list[str]) -> Iterator[tuple[Path, ast.stmt]]:
    """The top-level definitions that others name, and those that they name in turn.

    A class counts as a whole, whichever of its methods is called.

    Args:
        starts: Places as ``package.module:name``.
    """
    waiting = [(module, name) for module, _, name in (start.partition(":") for start in starts)]
    seen = set()
    while waiting:
        place = _resolve(*waiting.pop())
        if place is None or place in seen:
            continue
        seen.add(place)
        module = _read(place[0])
        assert module is not None
        node = module.defined[place[1]]
        yield module.path, node
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                waiting.append((place[0], part.id))
            elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in module.imported:
                waiting.append((".".join(module.imported[part.value.id]), part.attr))


@cache
def _read(name: str) -> Module | None:
    folder = REPOSITORY.joinpath(*name.split("."))
    path = next((each for each in (folder.with_suffix(".py"), folder / "__init__.py") if each.is_file()), None)
    if path is None:
        return None
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined: dict[str, ast.stmt] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign):
            defined |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined[node.target.id] = node
    for part in ast.walk(tree):
        if isinstance(part, ast.ImportFrom) and (part.module or "").startswith(PACKAGE):
            imported |= {each.asname or each.name: (part.module or "", each.name) for each in part.names}
    return Module(path, defined, imported)


def _resolve(module: str, name: str) -> tuple[str, str] | None:
    """Where a name of a module is defined; None if elsewhere than in this package."""
    found = _read(module)
    if found is None:
        return None
    if name in found.defined:
        return module, name
    return _resolve(*found.imported[name]) if name in found.imported else None
