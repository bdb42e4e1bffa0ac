"""Fine-tune an image classifier on a small folder of photos, and know how far to trust it.

>>> from posture_classifier import Classifier, UserError, check, cross_validate, train

``--version`` answers at once, since torch is imported when one of these is first asked for.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import posture_classifier.utils.skip_wandb_import  # noqa: F401 - before anything imports timm

if TYPE_CHECKING:
    from posture_classifier.api.functions import check as check
    from posture_classifier.api.functions import cross_validate as cross_validate
    from posture_classifier.api.functions import train as train
    from posture_classifier.api.run import Run as Run
    from posture_classifier.data.module import PostureData as PostureData
    from posture_classifier.inference import Classifier as Classifier
    from posture_classifier.models.classifier import PostureClassifier as PostureClassifier
    from posture_classifier.utils.errors import UserError as UserError

__version__ = "0.1.0"
__all__ = [
    "Classifier",
    "PostureClassifier",
    "PostureData",
    "Run",
    "UserError",
    "__version__",
    "check",
    "cross_validate",
    "train",
]

_HOMES = {
    "Classifier": "inference",
    "PostureClassifier": "models.classifier",
    "PostureData": "data.module",
    "Run": "api.run",
    "UserError": "utils.errors",
    "check": "api.functions",
    "cross_validate": "api.functions",
    "train": "api.functions",
}


class _Package(ModuleType):
    """Keeps the function ``check``, which a folder of the package shares its name with.

    Python gives a package each of its modules as an attribute, once that is imported.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _HOMES:
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Import a public class or function on first use (PEP 562)."""
    if name in _HOMES:
        from posture_classifier.utils.environment import library_environment

        with library_environment():
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
