"""The page that classifies what a webcam sees, photos and videos: served, or as one file."""

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from posture_classifier.export.inlined_modules import inline_modules
from posture_classifier.export.metadata import Metadata

WEB = Path(__file__).parent / "web"
RUNTIME = WEB / "runtime"
STYLES = (Path(__file__).parent.parent / "rendering" / "style.css", WEB / "try.css")
TRY_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src blob:; "
    "img-src blob: data:; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""The policy that the served page needs: its own files, and what a browser makes in memory."""

_templates = Environment(loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def web_files() -> dict[str, Path]:
    """The files that the served page asks for, by name; there are no others to be served.

    Example:
        >>> "watch.js" in web_files()
        True
    """
    return {path.name: path for path in [*STYLES, *WEB.glob("*.js")]}


def try_page(metadata: Metadata, assets: str = "/web", classify: str = "/api/classify", pages: Sequence[str] = ()) -> str:
    """Make the page for a local server that classifies.

    The page loads ``web_files()`` from ``assets`` and posts the RGB bytes of each frame or photo
    to ``{classify}?width=W&height=H``, which answers ``{"probabilities": [...], "distance": x}``
    with ``distance`` null where the network knows none. It has to be served with ``TRY_CSP``.

    Args:
        metadata: What is known of the network.
        assets: Address of the folder of ``web_files()``, without a slash at its end.
        classify: Address that classifies.
        pages: Names of the server's pages, for the links at the top: ``try`` is this one, and each
            lies at ``/<name>``.
    """
    return _templates.get_template("try.html").render(
        csp=None,
        pages=pages,
        style=None,
        links=[f"{assets}/{path.name}" for path in STYLES],
        script=None,
        source=f"{assets}/start_with_server.js",
        data=_data_block({"metadata": metadata, "classify": classify, "texts": texts()}),
        blocks={},
        licence=None,
    )


def offline_page(metadata: Metadata, model: bytes) -> str:
    """Make the page as one file that needs nothing else, with the network and its runtime inside.

    Args:
        metadata: What is known of the network.
        model: The network as ONNX, which takes a photo as ``image`` (H, W, 3) of uint8.
    """
    script = inline_modules(WEB / "start_offline.js")
    style = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    csp = (
        f"default-src 'none'; script-src '{_digest(script)}' 'wasm-unsafe-eval'; style-src '{_digest(style)}'; "
        "worker-src blob:; img-src blob: data:; media-src blob:; base-uri 'none'; form-action 'none'"
    )
    worker = inline_modules(WEB / "onnx_worker.js")
    return _templates.get_template("try.html").render(
        csp=csp,
        pages=(),
        style=Markup(style),
        links=[],
        script=Markup(script),
        source=None,
        data=_data_block({"metadata": metadata, "worker": worker, "texts": texts()}),
        blocks={
            "runtime": base64.b64encode((RUNTIME / "ort-wasm-simd-threaded.wasm.gz").read_bytes()).decode(),
            "model": base64.b64encode(gzip.compress(model, 9, mtime=0)).decode(),
        },
        licence=(RUNTIME / "LICENSE").read_text(encoding="utf-8"),
    )


@cache
def texts() -> dict[str, dict[str, str]]:
    """The texts of the page by language, each by its key."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((WEB / "languages").glob("*.json"))}


def _data_block(values: dict[str, Any]) -> Markup:
    """JSON that cannot end the element that it stands in."""
    return Markup(json.dumps(values, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c"))


def _digest(text: str) -> str:
    """What a policy allows an inline script or style by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
