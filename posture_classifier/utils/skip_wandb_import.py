"""Keeps timm from importing wandb, which takes 0.4 of the 0.9 seconds that importing timm takes.

timm imports it for a function that nothing here calls, and works without it.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class SkipWandbInTimm(MetaPathFinder):
    """An import hook that hides wandb from ``timm.utils.summary``, and from no other module."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Leave the search to Python's own finders, unless timm asks for wandb.

        Raises:
            ModuleNotFoundError: timm asks for wandb.
        """
        summary = sys.modules.get("timm.utils.summary")
        being_imported = summary is not None and not hasattr(summary, "update_summary")
        if fullname == "wandb" and being_imported:
            raise ModuleNotFoundError("timm does without wandb here", name=fullname)


sys.meta_path.insert(0, SkipWandbInTimm())
