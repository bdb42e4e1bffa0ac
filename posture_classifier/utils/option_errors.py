"""jsonargparse's errors in one sentence, with options named as they are typed."""

import re
from collections.abc import Iterator

from jsonargparse import ArgumentParser

from posture_classifier.utils.text import did_you_mean

KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
COMMANDS = r"(?:fit|validate|test)\."
"""What jsonargparse puts before the names of options of a subcommand."""

MISSING = re.compile(r"- missing: (?:--)?(\w+)")
"""What was said of a class of the user's options, within what jsonargparse says of it."""
CLASS = re.compile(r"class_path='(?:\w+\.)*(\w+)'")
STUMBLED = "unsupported operand type(s) for +: 'int' and 'str'"
"""What jsonargparse says of a number that is a key without a value, as in YAML's ``{1:3}``."""
SPACE = "; write a space after each colon, as in {1: 3}"
"""What helps where a mapping has keys without values; classes have options that are None."""


def one_sentence(message: str, parser: ArgumentParser) -> str:
    """Fold an error, which has a line per attempt, and name the option that was probably meant."""
    text = " ".join(message.split())
    options = set(_options(parser))
    if found := re.fullmatch(r"unrecognized arguments: (.*)", text):
        return _unknown(found[1].split(" "), options)
    if found := re.search(r"does not accept option '([\w.]+)'|Key '([\w.]+)' is not expected", text):
        name = re.sub(f"^{COMMANDS}", "", found[1] or found[2])
        return f"there is no setting {name}{_meant(name, {option.removeprefix('--') for option in options})}"
    text = text.replace(STUMBLED, f"a number has no value beside it{SPACE}")
    # jsonargparse explains every member of a union type; the key and the value are what helps.
    head, _, rest = text.partition(" Does not validate against any of the Union subtypes")
    value = rest.rpartition("Given value")[2]
    if ": None" in value and "class_path" not in value:
        value += SPACE
    if (absent := MISSING.search(rest)) and (of_class := CLASS.search(value)):
        return _incomplete(re.sub(rf'Parser key "({COMMANDS})?([\w.]+)".*', r"\2", head), of_class[1], absent[1], ": [" in value)
    text = f"{head.rstrip(':.')}{': wrong value' + value if value else ''}"
    text = re.sub(r"Expected an? <class '(\w+)'>\. Got value:", lambda kind: f"expected {KINDS.get(kind[1], kind[1])}, not", text)
    if found := re.match(r"the following arguments are required: (.*)", text):
        return f"missing: {', '.join(_typed(name, options) for name in found[1].split(', '))}"
    return re.sub(r"Parser key \"([\w.]+)\"", lambda key: _typed(key[1], options), text)


def _unknown(words: list[str], options: set[str]) -> str:
    """Name the first word that nobody knows; a word that is no option stands where none may."""
    option = next((word for word in words if word.startswith("-")), None)
    if option is None:
        return f"unexpected word {words[0]!r}: a value follows its option, and the folder of photos or the files come first"
    name = option.partition("=")[0]
    return f"unknown option {name}{_meant(name, options)}"


def _incomplete(option: str, of_class: str, absent: str, in_list: bool) -> str:
    """Name what a class cannot be made without, and where to give it."""
    where = f"init_args: {{{absent}: ...}} beside its class_path" if in_list else f"--{option}.{absent}"
    return f"--{option}: {of_class} needs {absent}; add {where}"


def _meant(name: str, known: set[str]) -> str:
    """Ask for what was probably meant: the same last part in another section, or the like."""
    last = name.removeprefix("--").rpartition(".")[2]
    same = sorted(option for option in known if re.split(r"--|\.", option)[-1] == last)
    return f" (did you mean {same[0]}?)" if same else did_you_mean(name, sorted(known))


def _typed(name: str, options: set[str]) -> str:
    """The name of an option as a command line has it; other arguments have no dashes."""
    name = re.sub(f"^{COMMANDS}", "", name)
    return f"--{name}" if f"--{name}" in options else name


def _options(parser: ArgumentParser) -> Iterator[str]:
    """All options of a parser and of its subcommands."""
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if isinstance(action.choices, dict):  # those of subcommands are their parsers
            for subparser in action.choices.values():
                yield from _options(subparser)
