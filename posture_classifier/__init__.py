"""Fine-tune an image classifier on a small folder of photos, and know how far to trust it.

Only the version lives here, so that ``--version`` answers at once: torch is imported when it is
needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import posture_classifier.utils.skip_wandb_import  # noqa: F401 - before anything imports timm

if TYPE_CHECKING:
    from posture_classifier.data.module import PostureData as PostureData
    from posture_classifier.inference import Classifier as Classifier
    from posture_classifier.models.classifier import PostureClassifier as PostureClassifier

__version__ = "0.1.0"
__all__ = ["Classifier", "PostureClassifier", "PostureData", "__version__"]

_HOMES = {"Classifier": "inference", "PostureClassifier": "models.classifier", "PostureData": "data.module"}


def __getattr__(name: str) -> Any:
    """Import a public class on first use (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
