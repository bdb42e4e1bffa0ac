"""Fine-tune a pretrained image classifier on a small folder of photos, and know how far to trust it.

Only the version lives here, so that ``--version`` answers at once: torch is imported when it is needed.
"""

from typing import TYPE_CHECKING, Any

import posture_classifier.without_wandb  # noqa: F401 - before anything imports timm

if TYPE_CHECKING:
    from posture_classifier.inference import Classifier as Classifier

__version__ = "0.1.0"
__all__ = ["Classifier", "__version__"]


def __getattr__(name: str) -> Any:
    """Import ``Classifier`` on first use (PEP 562)."""
    if name == "Classifier":
        from posture_classifier.inference import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
