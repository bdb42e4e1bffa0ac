"""The wheel holds all that is needed: an installed program works in an empty folder."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY

SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "NOTICE", "posture_classifier", "configs", "data")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel was installed into, without its dependencies."""
    sources = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        path = REPOSITORY / name
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, sources / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", "dist", "."], cwd=sources, check=True)
    (wheel,) = (sources / "dist").glob("*.whl")
    target = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:  # what pip would do, for a package of pure Python
        archive.extractall(target)
    return target


def run_installed(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-m", "posture_classifier", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_wheel_ships_what_is_not_python(installed: Path) -> None:
    package = installed / "posture_classifier"
    names = {path.name for path in (REPOSITORY / "configs").iterdir()}
    assert {path.name for path in (package / "shipped" / "configs").iterdir()} == names
    assert len(list((package / "shipped" / "data" / "turtle_neck").rglob("*.jpg"))) == 720
    sources = REPOSITORY / "posture_classifier"
    others = [path.relative_to(sources) for path in sources.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert len(others) > 30
    assert [path for path in others if not (package / path).is_file()] == []


def test_configs_of_an_installed_program_find_its_photos(installed: Path, tmp_path: Path) -> None:
    assert "cross_validation" in run_installed(installed, tmp_path, "configs").stdout
    assert run_installed(installed, tmp_path, "configs", "demo", "base.yaml").returncode == 0
    root = str(installed / "posture_classifier" / "shipped" / "data" / "turtle_neck")
    assert f"root: {root}" in (tmp_path / "demo.yaml").read_text()
    assert "root: path/to/your/photos" in (tmp_path / "base.yaml").read_text()
    again = run_installed(installed, tmp_path, "configs", "demo")
    assert again.returncode == 2
    assert run_installed(installed, tmp_path, "configs", "unknown").returncode == 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_demo_runs_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    result = run_installed(installed, tmp_path, "demo")
    assert result.returncode == 0, result.stderr
    summary = json.loads((tmp_path / "lightning_logs" / "demo" / "version_0" / "summary.json").read_text())
    assert summary["accuracy"]["low"] > 0.8


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_four_people_with_korean_names_start_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    root = draw_photos(tmp_path / "사진", 4, 6, ("정상", "거북목"))
    for path in root.glob("*/*.png"):
        person, number = path.stem.split("_")
        path.rename(path.with_name(f"{['민준', '서연', '지후', '하은'][int(person[-1])]}_{number}.png"))
    result = run_installed(installed, tmp_path, "start", "사진", "--yes")
    assert result.returncode == 0, result.stderr
    (folder,) = (tmp_path / "lightning_logs" / "사진").glob("crossval_*")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert (summary["images"], summary["groups"], summary["folds"]) == (48, 4, 4)
    assert (folder / "report.html").is_file()
    assert (tmp_path / "사진.yaml").is_file()
