"""Environment variables that libraries read when they are imported, set for a while."""

import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

from posture_classifier.utils.cores import limit_library_threads
from posture_classifier.utils.library_folders import ensure_library_folders


@contextmanager
def library_environment() -> Iterator[None]:
    """A context with the environment that the command line gives to libraries.

    Afterwards the environment is what it was, since in Python it belongs to somebody else; what a
    library read of it when it was imported in here stays in force. So are Python's random numbers,
    of which Lightning draws some while it is imported.

    Raises:
        UserError: No folder for temporary files can be written to.
    """
    before, numbers = dict(os.environ), random.getstate()
    try:
        limit_library_threads()
        ensure_library_folders()
        _import_tqdm()
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
        random.setstate(numbers)


def _import_tqdm() -> None:
    """Import the bars of other libraries in a notebook, where they would ask for ipywidgets."""
    if "ipykernel" in sys.modules and "tqdm.auto" not in sys.modules:
        with warnings.catch_warnings(), suppress(ImportError):
            warnings.simplefilter("ignore")
            import_module("tqdm.auto")
