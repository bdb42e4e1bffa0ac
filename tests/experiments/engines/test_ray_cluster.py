"""Trainings on Ray: a lost node and a stop change nothing of what comes out."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.cli.program import main
from posture_classifier.experiments.engines.ray_cluster import MARKER, _Place
from tests.helpers.callbacks import Pause
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments, rows, run_program

EPOCHS = 3
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # as many as a node here has cores


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=10, each=2, classes=("left", "right"))


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head without cores, and two nodes of one core."""
    pytest.importorskip("ray", reason="Ray is an extra; pip install 'posture-classifier[ray]' runs this test")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        made.nodes = [made.add_node(num_cpus=1) for _ in range(2)]
        yield made
    finally:
        made.shutdown()


def search(photos: Path, output: Path, *options: str) -> list[str]:
    own = ["--experiment", "search", "--search.backbones", "[test_resnet,test_efficientnet]", *options]
    return ["search", *fit_arguments(photos, output, EPOCHS)[1:], *own]


def paused(folder: Path) -> list[str]:
    """Options by which each training waits in its second epoch for a file ``go``."""
    return ["--trainer.callbacks", f"{Pause.__module__}.Pause", "--trainer.callbacks.folder", str(folder)]


def start(cluster: Any, command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "posture_classifier", *command, "--engine", "ray"],
        cwd=REPOSITORY,
        env=os.environ | {"RAY_ADDRESS": cluster.address},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 200
    while not condition():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < give_up
        time.sleep(0.1)


def epochs(folder: Path) -> list[list[str]]:
    return [[row["epoch"] for row in rows(run / "metrics.csv")] for run in sorted(folder.glob("*/version_*"))]


def predictions(folder: Path) -> list[str]:
    return [(run / "test" / "predictions.csv").read_text() for run in sorted(folder.glob("*/version_*"))]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_loses_a_node_and_ends_with_the_same_runs(tmp_path: Path, photos: Path, cluster: Any) -> None:
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    with start(cluster, search(photos, tmp_path, *paused(tmp_path))) as process:
        wait_for(process, lambda: len(list(tmp_path.glob("*.there"))) == 2)
        cluster.remove_node(cluster.nodes[0], allow_graceful=False)
        (tmp_path / "go").touch()
        said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert said.count("on the node") == 2
    assert epochs(folder) == [["0", "1", "2"]] * 2, "resumed, not begun anew"
    assert not (folder / MARKER).exists()

    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    assert run_program(*search(photos, undisturbed), env=os.environ | ONE_THREAD).returncode == 0
    assert predictions(folder) == predictions(undisturbed / "lightning_logs" / "search" / "search_0")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_stopped_search_goes_on_without_ray(tmp_path: Path, photos: Path, cluster: Any) -> None:
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    command = search(photos, tmp_path, *paused(tmp_path))
    with start(cluster, command) as process:
        wait_for(process, lambda: len(list(tmp_path.glob("*.there"))) == 2)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert f"the same command goes on in {folder}" in said
    assert len(list(folder.glob("*/version_0/checkpoints/last.ckpt"))) == 2
    (tmp_path / "go").touch()
    assert main(command) == 0
    assert epochs(folder) == [["0", "1", "2"]] * 2, "each epoch once"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_folds_and_the_final_network_are_those_of_this_process(tmp_path: Path, photos: Path, cluster: Any) -> None:
    folders = []
    for engine in ("ray", "in_order"):
        output = tmp_path / engine
        output.mkdir()
        command = ["crossval", *fit_arguments(photos, output, 2)[1:], "--data.folds", "2", "--final", "--engine", engine]
        done = run_program(*command, env=os.environ | ONE_THREAD | {"RAY_ADDRESS": cluster.address})
        assert done.returncode == 0, done.stderr
        folders.append(output / "lightning_logs" / "photos" / "crossval_0")
    one, other = folders
    assert (one / "predictions.csv").read_text() == (other / "predictions.csv").read_text()
    assert len(list(one.glob("final/version_*/checkpoints/*.ckpt"))) > 0


def test_a_folder_that_is_not_shared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("search_0")
    folder.mkdir()
    assert "does not see" in (_Place(tmp_path, folder, "mark").enter() or "")
    (folder / MARKER).write_text("of another machine")
    assert "does not see" in (_Place(tmp_path, folder, "mark").enter() or "")
    assert "does not see" in (_Place(tmp_path / "elsewhere", folder, "mark").enter() or "")
    (folder / MARKER).write_text("mark")
    assert _Place(tmp_path, folder, "mark").enter() is None
