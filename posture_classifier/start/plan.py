"""How a folder of photos is trained on and tested, as a YAML file that the user may edit."""

import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml

from posture_classifier.check.commands import RECIPE
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.shipped import shipped
from posture_classifier.utils.text import one_line

SIGNATURE = "# Written by `posture-classifier start`"
LIMIT = "# Limit: "
"""Before each sentence on what the result does not tell, which is read back."""
Procedure = Literal["fit", "crossval"]
RECIPES: dict[Procedure, str] = {"crossval": "linear_probe", "fit": "best"}
"""Few people are tested in turn, by a network each, so theirs stays frozen, whose features are
computed once; with more people one network is trained, and its stages open."""
NUMBERS = {"folds": int, "val_fraction": float, "test_fraction": float}
WORDS = {
    "root": "the photos",
    "table": "what lists the photos, with paths relative to that folder",
    "group_pattern": "what in a path names the person: nobody is both trained on and tested on",
    "group_by": "what makes groups: nobody is both trained on and tested on",
    "layout": "what the folders name",
    "folds": "each of these parts of the people is tested once",
    "exclude": "photos to leave out, each with its reason",
    "on_error": "photos that cannot be read are left out",
    "backbone": "its weights came with the program",
    "head": "it sees every stage of the network",
    "head_solver": "the head is solved at once, while the network is frozen",
    "open_stages": "then so many of the last stages learn, from that epoch on",
    "default_root_dir": "the folder of lightning_logs",
}
"""What the file says beside a key."""


@dataclass(frozen=True)
class Plan:
    """What ``start`` will do.

    Attributes:
        path: The YAML file.
        procedure: ``crossval`` tests everybody once, ``fit`` a part of the people.
        settings: The options of that command, as the file holds them.
        limits: Sentences on what the result does not tell.
    """

    path: Path
    procedure: Procedure
    settings: dict[str, Any]
    limits: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The same as a command, as a shell takes it."""
        return shlex.join(["python", "-m", "posture_classifier", *self.arguments])

    @property
    def arguments(self) -> list[str]:
        """The words of that command."""
        return [self.procedure, "--config", str(self.path), *(["--final"] if self.procedure == "crossval" else [])]


def make_plan(path: Path, root: Path, advised: str, limits: tuple[str, ...] = ()) -> Plan:
    """Make a plan of a command that ``check`` advises, with the recipe for its number of groups.

    Args:
        path: The YAML file to be written, in the folder that gets ``lightning_logs``.
        root: Folder of the photos.
        advised: ``fit`` or ``crossval`` with options about photos, as a shell takes it.
        limits: Sentences on what the result does not tell.
    """
    command, *options = shlex.split(advised)[3:]
    procedure: Procedure = "crossval" if command == "crossval" else "fit"
    options = options[len(RECIPE) :]
    data = {
        name.removeprefix("--data."): NUMBERS.get(name.removeprefix("--data."), str)(value)
        for name, value in zip(options[::2], options[1::2], strict=True)
    }
    recipe = yaml.safe_load(shipped(f"configs/{RECIPES[procedure]}.yaml").read_text(encoding="utf-8"))
    experiment = Path(data["table"]).stem if "table" in data else root.resolve().name
    settings = {"experiment": experiment, "data": data | {"root": str(root)}} | {
        section: values for section, values in recipe.items() if section not in ("experiment", "data")
    }
    settings["data"] |= {key: value for key, value in recipe["data"].items() if key not in ("root", "group_pattern")}
    if path.parent != Path():
        settings.setdefault("trainer", {})["default_root_dir"] = str(path.parent)
    return Plan(path, procedure, settings, limits)


def write_plan(plan: Plan, facts: list[str]) -> None:
    """Write the YAML file, with comments on what was found and on what to change."""
    lines = [f"{SIGNATURE} on {date.today().isoformat()}; change it as you like, and start goes on with it."]
    lines += [f"# {one_line(fact)}" for fact in facts]
    lines += [LIMIT + one_line(limit) for limit in plan.limits]
    lines += ["# The same without start:", f"#   {one_line(plan.command)}"]
    # A value that goes on in a second line would end in the comment on the first.
    for line in yaml.safe_dump(plan.settings, sort_keys=False, allow_unicode=True, width=float("inf")).splitlines():
        words = WORDS.get(line.strip().partition(":")[0])
        lines.append(f"{line} # {words}" if words else line)
    with atomic_write(plan.path) as temporary:
        temporary.write_text("\n".join([*lines, ""]), encoding="utf-8")


def read_plan(path: Path, root: Path, table: Path | None = None) -> Plan | None:
    """Read the file of an earlier ``start`` of the same photos; None if there is none.

    Raises:
        UserError: The file is somebody else's, of other photos, or no longer a configuration.
    """
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")  # as Windows' editor may save it
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text in UTF-8; save it as such, or remove it, and start writes it anew") from error
    if not text.startswith(SIGNATURE):
        raise UserError(f"{path} exists and was not written by start; move it, or choose another folder with --output")
    try:
        settings = yaml.safe_load(text)
        listed = settings["data"].get("table")
        photos = [Path(settings["data"]["root"]), *([Path(listed)] if listed else [])]
        settings["experiment"], settings["model"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1} is no YAML" if mark else "it lacks data.root, experiment or model"
        raise UserError(
            f"{path} is no longer a configuration ({place}); put that right, or remove it, and start writes it anew"
        ) from error
    if [each.resolve() for each in photos] != [each.resolve() for each in (root, table) if each is not None]:
        raise UserError(f"{path} is about the photos in {photos[-1]}; move it, or choose another folder with --output")
    limits = tuple(line.removeprefix(LIMIT) for line in text.splitlines() if line.startswith(LIMIT))
    return Plan(path, "crossval" if settings["data"].get("folds") else "fit", settings, limits)
