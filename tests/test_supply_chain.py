"""What is installed with the program: under which licences, and whether all of it is locked."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.program import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
ALLOWED = {
    *("MIT", "MIT-CMU", "MIT-0", "HPND", "ISC", "Zlib", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "Unlicense"),
    *("Apache-2.0", "LLVM-exception", "PSF-2.0", "Python-2.0", "CNRI-Python", "BlueOak-1.0.0"),
    "MPL-2.0",  # of changes to its own files only
}
"""Licences, as SPDX calls them, that ask no more of whoever passes the program on than a notice."""
SPELLINGS = {
    r"\bA?L?GPL|General Public Licen[cs]e": "GPL",
    r"MPL|Mozilla Public": "MPL-2.0",
    r"Apache": "Apache-2.0",
    r"\bBSD\b|Redistribution and use in source and binary forms": "BSD-3-Clause",
    r"\bMIT\b|Permission is hereby granted, free of charge": "MIT",
    r"PSF|Python Software Foundation|matplotlib": "PSF-2.0",
    r"\bISC\b": "ISC",
    r"\bHPND\b": "HPND",
    r"Public Domain|Unlicense": "Unlicense",
}
"""How packages without an SPDX expression write their licences; the first that is found counts."""
OF_TORCH = ("nvidia-", "cuda-toolkit")
"""Come with torch's wheels for GPUs under NVIDIA's own licences; NOTICE says so."""


def installed(requirements: list[str]) -> dict[str, Distribution]:
    """All packages that requirements bring with them here, by their names."""
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in found:
            continue
        try:
            found[key] = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        waiting += needs(found[key], wanted.extras)
    return {name: package for (name, _), package in found.items()}


def needs(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """What a package requires on this system."""
    for requirement in map(Requirement, package.requires or []):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement


def licences(package: Distribution) -> set[str]:
    """Licences of a package by their SPDX names, and of a choice the one that is allowed."""
    metadata = package.metadata.json
    if expression := metadata.get("license_expression"):
        assert isinstance(expression, str)
        parts = re.split(r"\s+(?:AND|WITH)\s+", re.sub(r"[()]", "", expression))
        return {next((name for name in part.split(" OR ") if name in ALLOWED), part) for part in parts}
    classifiers = [text for text in package.metadata.get_all("Classifier") or [] if text.startswith("License ::")]
    files = [path for path in package.files or [] if re.match(r"licen[cs]e|copying", path.name, re.IGNORECASE)]
    # Further down, a licence may speak about others.
    texts = ["\n".join(classifiers), str(metadata.get("license", ""))[:200], *(path.read_text()[:500] for path in files)]
    for text in texts:
        if found := {name for spelling, name in SPELLINGS.items() if re.search(spelling, text)}:
            return found
    return set()


def test_all_that_is_installed_with_the_program_is_permissive() -> None:
    packages = installed(PROJECT["dependencies"])
    assert len(packages) > 50
    found = {name: licences(package) for name, package in packages.items() if not name.startswith(OF_TORCH)}
    assert {name: names for name, names in found.items() if not names or names - ALLOWED} == {}


def test_no_wheel_brings_an_encoder_under_the_gpl() -> None:
    """What a package says of itself may be its sources' licence, and not that of its wheels."""
    files = [path for package in installed(PROJECT["dependencies"]).values() for path in package.files or []]
    assert [path for path in files if re.match(r"libx26[45]", path.name)] == []


def locked() -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package in the lock."""
    entries = re.findall(r"^([\w.-]+)==([^\s;]+)[^\n]*((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\\\)?)*)", LOCK, re.MULTILINE)
    return {canonicalize_name(name): (version, hashes.count("--hash")) for name, version, hashes in entries}


def test_the_lock_names_nothing_but_packages_with_hashes() -> None:
    assert all(hashes for _, hashes in locked().values())
    lines = [line for line in LOCK.splitlines() if not line.startswith(("#", "    --hash=sha256:"))]
    assert len(lines) == len(locked())
    assert all("==" in line and "/" not in line for line in lines), "no addresses"


def test_the_lock_fits_what_the_project_asks_for() -> None:
    extras = PROJECT["optional-dependencies"]
    for wanted in map(Requirement, [*PROJECT["dependencies"], *extras["heic"], *extras["dev"]]):
        if wanted.name != PROJECT["name"]:
            assert wanted.specifier.contains(locked()[canonicalize_name(wanted.name)][0], prereleases=True), wanted


def test_the_lock_is_complete() -> None:
    """Whatever a locked package requires is locked too, as far as that version is installed."""
    looked_at = 0
    for name, (version, _) in locked().items():
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        if package.version == version:
            looked_at += 1
            assert {canonicalize_name(one.name) for one in needs(package, set())} <= locked().keys(), name
    assert looked_at
