"""Changes plain values at random, as a bad disk, another program or a hand would not."""

import copy
import random
from typing import Any

import torch

NUMBERS = [0, 1, -1, 10**9, 10**30, 10**400, 0.5, -0.5, 1e300, float("nan"), float("inf")]
TEXTS = ["", "text", "resnet18", "a\nb\x1b[31m"]
PLAIN: list[Any] = [None, True, *NUMBERS, *TEXTS, [], [1, 2, 3], ["a", None], {}, {"a": 1}, {"image_size": 10**9}]
"""What a value is replaced by."""


def tensors() -> list[torch.Tensor]:
    """Tensors that a value is replaced by; none takes memory, whatever size it claims."""
    return [
        torch.zeros(()),
        torch.zeros(3, 5),
        torch.full((2,), float("nan")),
        torch.zeros(2, dtype=torch.int64),
        torch.zeros(1).expand(10**12),
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(4, device="meta"),
        torch.zeros(2, dtype=torch.complex64),
    ]


def mutate(content: dict[str, Any], rng: random.Random, with_tensors: bool) -> tuple[dict[str, Any], str]:
    """Change one value, or a tensor's numbers, shape or type; returns the result and what was done.

    Every level of the nesting is as likely to be changed as any other.
    """
    changed = copy.deepcopy(content)
    parent: Any
    parent, key, place = changed, rng.choice(list(changed)), ""
    while True:
        place += f".{key}"
        value = parent[key]
        if not isinstance(value, (dict, list)) or not value or rng.random() < 0.25:
            break
        parent, key = value, rng.choice(list(value) if isinstance(value, dict) else list(range(len(value))))
    return changed, f"{_change(parent, key, rng, with_tensors)} {place[1:]}"


def _change(parent: Any, key: Any, rng: random.Random, with_tensors: bool) -> str:
    value, how = parent[key], rng.choice(["remove", "add", "replace", "replace", "resize"])
    if how == "remove":
        del parent[key]
    elif how == "add" and isinstance(parent, dict):
        parent[rng.choice(["extra", "backbone.extra", "earlier_train"])] = copy.deepcopy(value)
    elif how == "add":
        parent.append(copy.deepcopy(value))
    elif how == "resize" and isinstance(value, torch.Tensor):
        kind = rng.choice(["nan", "huge", "cut", "double", "flat", "int"])
        parent[key] = {
            "nan": value * float("nan"),
            "huge": value * 1e38,
            "cut": value[:-1] if value.ndim else value.expand(2).clone(),
            "double": value.double(),
            "flat": value.flatten(),
            "int": value.to(torch.int8),
        }[kind]
        how = kind
    else:
        how = "replace"
        parent[key] = rng.choice([*PLAIN, *(tensors() if with_tensors else [])])
    return how


def mutate_text(text: str, rng: random.Random) -> tuple[str, str]:
    """Change a table or a YAML file; returns the result and what was done."""
    lines = text.splitlines(keepends=True)
    number = rng.randrange(len(lines))
    how = rng.choice(["cell", "cell", "cell", "no line", "line twice", "cut", "no comma", "quote", "bytes", "empty"])
    if how == "cell":
        separator = "," if "," in lines[number] else ": "
        cells = lines[number].rstrip("\n").split(separator)
        cells[rng.randrange(len(cells))] = rng.choice([str(value) for value in PLAIN])
        lines[number] = separator.join(cells) + "\n"
    elif how in ("no line", "line twice"):
        lines[number : number + 1] = [] if how == "no line" else lines[number : number + 1] * 2
    elif how == "no comma":
        lines[number] = lines[number].replace(",", "", 1)
    elif how == "quote":
        lines[number] = '"' + lines[number]
    changed = {"cut": text[: rng.randrange(len(text))], "bytes": text.replace("e", "\udcff", 1), "empty": ""}.get(
        how, "".join(lines)
    )
    return changed, f"{how} {number}"
