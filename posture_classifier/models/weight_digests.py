"""Digests that weight files were published with, by which bits that changed since are noticed."""

import hashlib
import re
from base64 import urlsafe_b64decode
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from posture_classifier.utils.errors import UserError

IN_NAME = re.compile(r"-(?=\d*[a-f])([0-9a-f]{8,64})\.(pth|pt)")
"""Ending of the names that torchvision gives its files: the first digits of their SHA-256. Eight
figures without a letter may be a date."""


def check_packaged(package: str, file: Path) -> None:
    """Compare a file with the digest that the package's installer has noted in ``RECORD``.

    Raises:
        UserError: The file has changed since it was installed.
    """
    try:
        entries = distribution(package).files or []
    except PackageNotFoundError:  # a copy without the installer's notes
        return
    noted = next((entry.hash for entry in entries if entry.name == file.name and entry.hash), None)
    if noted and noted.mode == "sha256":
        expected = urlsafe_b64decode(noted.value + "=" * (-len(noted.value) % 4)).hex()
        _check(file, expected, f"pip install --force-reinstall --no-deps {package.replace('_', '-')}")


def check_fetched(file: Path) -> None:
    """Compare a file that a hub's client has cached with the digest in its name, if there is one.

    The Hugging Face hub's client names what it has fetched by its SHA-256, behind a link.

    Raises:
        UserError: The file has changed since it was fetched.
    """
    blob = file.resolve()
    if re.fullmatch("[0-9a-f]{64}", blob.name):
        _check(blob, blob.name, f"remove {blob}, to have it fetched again")
    else:
        check_named(blob)


def check_named(file: Path) -> None:
    """Compare a file such as ``resnet18-f37072fd.pth`` with the digits in its name, if it has any.

    Raises:
        UserError: The content is not the one that the file is named after.
    """
    if (match := IN_NAME.search(file.name)) and file.is_file():
        _check(file, match[1], "fetch it again or, if it is a file of your own, give it a name without these digits")


def _check(file: Path, expected: str, remedy: str) -> None:
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if not found.startswith(expected):
        raise UserError(
            f"weights {file} are damaged: they should have the SHA-256 {expected[:8]}..., but have {found[:8]}...; {remedy}"
        )
