"""Where a photo lies: a file below a folder, or an object that a URL names (``s3://``, ``http://``).

URLs are read by fsspec, whose own settings and environment variables say who asks, how often and
how long. Nothing is fetched but what the user's table names.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from posture_classifier.utils.errors import UserError

PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
}
"""Packages that fsspec reads a protocol with, where they are not the program's own."""
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]+://")
"""Matches the beginning of a URL; one letter alone is a drive of Windows."""
SECRET = re.compile(
    r"[?&;]((x-(amz|goog)-)?(signature|credential|security-token)|sig|(access_?)?token|(api_?|access_?)?key|awsaccesskeyid"
    r"|googleaccessid|password)=",
    re.IGNORECASE,
)
"""Matches the parameters by which a signed URL lets whoever has it in."""


def is_url(path: str) -> bool:
    """Whether a path is a URL.

    Example:
        >>> is_url("s3://bucket/left/1.jpg"), is_url("left/1.jpg")
        (True, False)
    """
    return URL.match(path) is not None


def photo_file(root: Path, path: str) -> str:
    """A photo's whole path; what is a URL or an absolute path already stays as it is.

    Example:
        >>> photo_file(Path("photos"), "left/1.jpg"), photo_file(Path("photos"), "s3://bucket/1.jpg")
        ('photos/left/1.jpg', 's3://bucket/1.jpg')
    """
    # A Path would intern its parts for a moment, in a table that each worker would copy.
    return path if is_url(path) else os.path.join(root, path)


def may_exist(file: str) -> bool:
    """Whether there is such a file; of a URL only reading it can tell."""
    return is_url(file) or os.path.isfile(file)


def has_secret(url: str) -> bool:
    """Whether a URL holds a password or a signature, which tables and pages of a run would repeat.

    Example:
        >>> has_secret("https://anna:secret@host/1.jpg"), has_secret("https://host/1.jpg?version=2")
        (True, False)
    """
    return "@" in url.partition("://")[2].partition("/")[0] or SECRET.search(url) is not None


def check_protocol(url: str) -> None:
    """Make sure that URLs of this protocol can be read.

    Raises:
        UserError: They cannot, and which package changes that, if one does.
    """
    from fsspec import get_filesystem_class

    protocol = urlsplit(url).scheme or url.partition(":")[0]
    try:
        get_filesystem_class(protocol)
    except ImportError as error:
        install = f"pip install {PACKAGES[protocol]}" if protocol in PACKAGES else str(error)
        raise UserError(f"{protocol}:// takes one more package: {install}") from error
    except ValueError as error:
        raise UserError(f"{protocol}:// is unknown; use s3://, https:// or another protocol of fsspec") from error


def fetch(url: str) -> bytes:
    """Read all bytes of an object.

    Raises:
        Exception: It cannot be read; which one depends on the protocol.
    """
    from fsspec.core import url_to_fs

    file_system, path = url_to_fs(url)
    content: bytes = file_system.cat_file(path)
    return content


@dataclass(frozen=True)
class RemotePhoto:
    """An object that a table names, for ``Classifier``, which fetches no text that is a URL."""

    url: str


def classifier_input(file: str) -> str | RemotePhoto:
    """A photo of a table as ``Classifier`` takes it."""
    return RemotePhoto(file) if is_url(file) else file
