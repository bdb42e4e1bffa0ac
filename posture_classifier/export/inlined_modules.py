"""Puts ES modules one after the other into a single script, which a page can hold inline.

The modules of ``web/`` follow three rules, so that this takes no bundler: an import is one line,
``import { a, b } from "./module.js";``, without new names; an export stands before ``class``,
``function`` or ``const``; and no two modules define the same name at their top.
"""

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./([\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function|const)\b)", re.MULTILINE)
LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
BUNDLED_EXPORT = re.compile(r"export\{([^}]*)\};\s*(?://# sourceMappingURL=.*\s*)?\Z")
"""The only export of a library that was bundled already, at its end; its map stays behind."""
DEFINED = re.compile(r"^(?:export )?(?:async )?(?:class|function|const|let) (\w+)", re.MULTILINE)


def inline_modules(entry: Path) -> str:
    """Join a module and all that it imports into one script, each after what it needs.

    Args:
        entry: A ``.js`` file that keeps the rules above; ``.mjs`` files are bundled libraries.

    Raises:
        ValueError: A module breaks a rule.
    """
    sources: dict[Path, str] = {}
    _collect(entry, sources)
    owners: dict[str, Path] = {}
    for path, source in sources.items():
        for name in DEFINED.findall(source) if path.suffix == ".js" else ():
            if (other := owners.setdefault(name, path)) is not path:
                raise ValueError(f"{path.name} and {other.name} both define {name}")
    return "\n".join(_without_modules(path, source) for path, source in sources.items())


def _collect(path: Path, sources: dict[Path, str]) -> None:
    if path in sources:
        return
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        for _, other in IMPORT.findall(source):
            _collect((path.parent / other).resolve(), sources)
    sources[path] = source


def _without_modules(path: Path, source: str) -> str:
    if path.suffix == ".mjs":
        return _as_constants(path, source)
    source = EXPORT.sub("", IMPORT.sub("", source))
    if left := LEFT.search(source):
        raise ValueError(f"{path.name} has a line that cannot be inlined: {left[0]}")
    return source


def _as_constants(path: Path, source: str) -> str:
    """A bundled library in a function of its own, whose exports are constants.

    ``import.meta`` exists in modules only, and browsers start no module from a page's memory where
    the page is a file.
    """
    found = BUNDLED_EXPORT.search(source)
    if found is None:
        raise ValueError(f"{path.name} does not end in its exports")
    pairs = [pair.split(" as ") for pair in found[1].split(",")]
    exported = {pair[-1]: pair[0] for pair in pairs if pair[-1] != "default"}
    body = source[: found.start()].replace("import.meta.url", "self.location.href")
    returned = ",".join(f"{name}:{inner}" for name, inner in exported.items())
    return f"const {{ {', '.join(exported)} }} = (() => {{\n{body}\nreturn {{{returned}}};\n}})();\n"
