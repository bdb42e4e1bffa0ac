"""Finds the configurations and photos that come with the program."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def shipped(name: str) -> Path:
    """Path of a file or folder that comes with the program, as it is named in the repository.

    An installed program has them in the package, and one that runs from the repository beside it.

    Example:
        >>> shipped("configs/demo.yaml").name
        'demo.yaml'
    """
    inside = _PACKAGE / "shipped" / name
    return inside if inside.exists() else _PACKAGE.parent / name
