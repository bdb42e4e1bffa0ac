"""The recipe for Ray Data in ``docs/scaling.md``, as it stands there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from posture_classifier import Classifier
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_recipe_classifies_as_this_program_does(tmp_path: Path, draw_folder: DrawFolder) -> None:
    pytest.importorskip("ray", reason="Ray is no dependency; pip install 'ray[data]' runs this test")
    from pyarrow import parquet

    root = draw_folder(people=10)
    (root / "left" / "broken.png").write_text("no image")
    shutil.copy(OLD_CHECKPOINT, tmp_path / "best.ckpt")
    page = (REPOSITORY / "docs" / "scaling.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program = f"import ray\nray.init(num_cpus=2, include_dashboard=False)\n{recipe}"
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    rows = parquet.read_table(tmp_path / "predictions").to_pylist()
    known = {each.path: each for each in Classifier.load(OLD_CHECKPOINT).predict(sorted(root.resolve().rglob("*.png")))}
    assert sorted(row["path"] for row in rows) == sorted(known)
    assert sum(bool(row["error"]) for row in rows) == 1
    for row in rows:
        assert row["label"] == (known[row["path"]].label or "")
        assert row["probability"] == pytest.approx(known[row["path"]].probability or 0.0, abs=1e-6)
