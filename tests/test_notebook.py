"""The notebook in ``docs/`` runs from top to bottom."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "colab.ipynb"
TINY = (
    'options = {"model": {"backbone": "test_resnet", "pretrained": False, "image_size": 32}, '
    '"data": {"num_workers": 0, "augmentation": []}, "epochs": 1}'
)


@pytest.mark.slow
def test_all_cells_run(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    cells = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    tagged = {tag: cell for cell in cells for tag in cell["metadata"].get("tags", [])}
    tagged["parameters"]["source"] = [f"photos = {str(root)!r}\n", 'groups = r"person\\d+"\n', TINY]
    cells.remove(tagged["install"])
    script = "\n".join("".join(cell["source"]) for cell in cells)
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "4 photos of 1 groups" in result.stdout
    assert list((tmp_path / "lightning_logs").rglob("report.html"))
