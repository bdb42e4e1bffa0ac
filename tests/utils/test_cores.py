"""The number of cores is that of a container's limit, not of the machine below it."""

import math
import os
from pathlib import Path

import pytest

from posture_classifier.utils import cores
from posture_classifier.utils.cores import available_cores, cpu_limit, limit_library_threads

V2 = "0::/docker/abc\n"
V1 = "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Control groups of a machine with 64 cores in sight."""
    monkeypatch.setattr(cores, "CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(cores, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(cores, "_cores_in_sight", lambda: 64)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path


def write(machine: Path, own: str, files: dict[str, str]) -> None:
    (machine / "own").write_text(own)
    for name, text in files.items():
        path = machine / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        (V2, {"cpu.max": "150000 100000"}, 1.5),  # a container, which sees its own group as the root
        (V2, {"docker/abc/cpu.max": "400000 100000", "docker/cpu.max": "max 100000"}, 4),
        (V2, {"docker/abc/cpu.max": "max 100000", "docker/cpu.max": "300000 100000"}, 3),  # set for all of them together
        (V2, {"docker/abc/cpu.max": "50000 100000"}, 0.5),
        (V2, {"cpu.max": "max 100000"}, math.inf),
        (V1, {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "250000", "cpu/docker/abc/cpu.cfs_period_us": "100000"}, 2.5),
        (V1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        (V1, {}, math.inf),
        ("", {}, math.inf),
    ],
)
def test_limits_of_control_groups(machine: Path, own: str, files: dict[str, str], limit: float) -> None:
    write(machine, own, files)
    assert cpu_limit() == limit
    assert available_cores() == min(64, max(1, math.ceil(min(limit, 64))))
    limit_library_threads()
    assert os.environ.get("OMP_NUM_THREADS") == (None if limit == math.inf else str(available_cores()))


def test_a_system_without_control_groups_has_no_limit(machine: Path) -> None:
    assert cpu_limit() == math.inf
    assert available_cores() == 64


def test_threads_that_the_user_chose_stay(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(machine, V2, {"cpu.max": "200000 100000"})
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    limit_library_threads()
    assert os.environ["OMP_NUM_THREADS"] == "7"
