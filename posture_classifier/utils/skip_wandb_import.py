"""Spares a run that does not use W&B its import: timm imports it for a function that nothing here calls."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class SkipWandbInTimm(MetaPathFinder):
    """Says to ``timm.utils.summary``, which can do without, that there is no wandb; 0.4 of the 0.9 seconds that timm takes.

    Whoever else imports wandb gets it.
    """

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuse, or leave the search to Python's own finders.

        Raises:
            ModuleNotFoundError: timm asks.
        """
        summary = sys.modules.get("timm.utils.summary")
        if fullname == "wandb" and summary is not None and not hasattr(summary, "update_summary"):  # still being imported
            raise ModuleNotFoundError("timm does without wandb here", name=fullname)


sys.meta_path.insert(0, SkipWandbInTimm())
