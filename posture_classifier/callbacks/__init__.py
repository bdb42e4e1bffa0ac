"""Callbacks of a training, one a file.

Importing this package imports all of them, so that YAML and the command line can name each by its
class alone, as in ``class_path: EarlyStoppingAfterUnfreezing``.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
