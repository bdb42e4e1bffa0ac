"""``fit --help`` at once: the options as the signatures and docstrings say them, read rather than imported.

Importing Lightning takes seconds, and only to know its Trainer's signature. So the sources are parsed: ``training.py`` for which
classes and further options the command line has, and those classes for theirs.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "posture_classifier"
TRAINING = f"{PACKAGE}.training.fit"
TRAINER = "lightning.pytorch.trainer.trainer"
WIDTH = 110
CKPT_PATH = "A .ckpt of a run to go on from, or to evaluate; last is that of the newest run."
"""Lightning's own words speak of registries that this program has not."""


@dataclass(frozen=True)
class Option:
    """One option of the command line, such as ``--data.root``; ``default`` is None where there is none."""

    name: str
    type: str
    default: str | None
    help: str


def help_text(command: str, summary: str) -> str:
    """All options of ``fit``, ``validate`` or ``test``, ours first.

    Args:
        command: Which.
        summary: What it does.
    """
    usage = f"usage: posture-classifier {command} --config FILE [--config FILE ...] [options]"
    intro = (
        f"{summary} Every option is a key of the YAML file too: --data.root photos is data: {{root: photos}}. Of several files, "
        "and then options, the later wins. --print_config prints what they amount to."
    )
    sections = [("general", [*_general(), *_of_trainer(command)]), *_groups()]
    blocks = [f"{title}:\n" + "\n".join(map(_lines, options)) for title, options in sections]
    return "\n\n".join([usage, textwrap.fill(intro, WIDTH), *blocks])


def _lines(option: Option) -> str:
    default = "required" if option.default is None else f"default: {option.default}"
    text = textwrap.fill(
        f"{option.help} ({option.type}; {default})".strip(), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
    )
    return f"  --{option.name}\n{text}"


def _general() -> Iterator[Option]:
    """What ``training.py`` adds to the parser by itself."""
    yield Option("config", "a YAML file", "none", "Options from a file; may be given several times.")
    for call in _calls("add_argument"):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        name = ast.literal_eval(call.args[0]).removeprefix("--")
        yield Option(name, ast.unparse(given["type"]), ast.unparse(given["default"]), ast.literal_eval(given["help"]))


def _groups() -> Iterator[tuple[str, list[Option]]]:
    """The options of each class that the command line makes, by their prefix."""
    imported = {
        alias.name: str(node.module)
        for node in ast.walk(_parsed(TRAINING))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    linked = [name for call in _calls("link_arguments") for name in _linked(call)]
    groups = {"data": "PostureData", "model": "PostureClassifier"}
    groups |= {ast.literal_eval(call.args[1]): ast.unparse(call.args[0]) for call in _calls("add_lightning_class_args")}
    for prefix, name in groups.items():
        options = list(_of_function(_class(imported[name], name), "__init__", f"{prefix}."))
        yield prefix, [option for option in options if option.name not in linked]
    yield "trainer", list(_of_function(_class(TRAINER, "Trainer"), "__init__", "trainer."))


def _linked(call: ast.Call) -> list[str]:
    """Options that follow from others; where the call stands in a loop, one for each name that it goes over."""
    target = call.args[1]
    if isinstance(target, ast.Constant):
        return [str(target.value)]
    names = next(
        ast.literal_eval(node.value)
        for node in _parsed(TRAINING).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LINKED"
    )
    return [f"model.{name}" for name in names]


def _of_trainer(command: str) -> Iterator[Option]:
    """What Lightning's CLI takes from the Trainer's method of the same name."""
    left_out = ("model", "train_dataloaders", "val_dataloaders", "dataloaders", "datamodule", "weights_only")
    options = (option for option in _of_function(_class(TRAINER, "Trainer"), command, "") if option.name not in left_out)
    return (replace(option, help=CKPT_PATH) if option.name == "ckpt_path" else option for option in options)


def _of_function(owner: ast.ClassDef, name: str, prefix: str) -> Iterator[Option]:
    """A method's parameters, with what the docstring says of them."""
    function = next(node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == name)
    described = _described((ast.get_docstring(owner) or "") if name == "__init__" else "")
    described |= _described(ast.get_docstring(function) or "")
    positional = function.args.args[1:]
    parameters = [*positional, *function.args.kwonlyargs]
    required = [None] * (len(positional) - len(function.args.defaults))
    defaults = [*required, *function.args.defaults, *function.args.kw_defaults]
    for parameter, default in zip(parameters, defaults, strict=True):
        kind = ast.unparse(parameter.annotation) if parameter.annotation else "any"
        value = None if default is None else ast.unparse(default)
        yield Option(f"{prefix}{parameter.arg}", kind, value, described.get(parameter.arg, ""))


def _described(docstring: str) -> dict[str, str]:
    """The entries under ``Args:`` of a Google docstring, each on one line."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", docstring, re.MULTILINE | re.DOTALL)
    entries = re.split(r"^    (\w+): ?", section[1], flags=re.MULTILINE)[1:] if section else []
    return {name: " ".join(text.split()) for name, text in zip(entries[::2], entries[1::2], strict=True)}


def _calls(method: str) -> list[ast.Call]:
    """Every ``parser.<method>(...)`` in ``training.py``, in order."""
    calls = (node for node in ast.walk(_parsed(TRAINING)) if isinstance(node, ast.Call))
    return sorted((call for call in calls if ast.unparse(call.func) == f"parser.{method}"), key=lambda call: call.lineno)


def _class(module: str, name: str) -> ast.ClassDef:
    return next(node for node in _parsed(module).body if isinstance(node, ast.ClassDef) and node.name == name)


def _parsed(module: str) -> ast.Module:
    """The source of a module, found without importing the packages that it is in."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).parent.joinpath(*rest).with_suffix(".py").read_text(encoding="utf-8"))
