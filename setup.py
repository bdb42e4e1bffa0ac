"""Puts the configurations and the bundled photos, which lie beside the package, into the wheel."""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("configs", "data/turtle_neck")


class BuildWithShipped(build_py):
    """Builds the package with ``posture_classifier/shipped/``, where an installed program looks."""

    def run(self) -> None:
        """Build the package; an editable one finds the folders where they are."""
        super().run()
        if not self.editable_mode:
            for folder in SHIPPED:
                target = Path(self.build_lib, "posture_classifier", "shipped", folder)
                copytree(folder, target, dirs_exist_ok=True, ignore=ignore_patterns(".*"))


setup(cmdclass={"build_py": BuildWithShipped})
