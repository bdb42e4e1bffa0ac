"""The memory that is left, of the machine or of the container."""

from pathlib import Path

import pytest

from posture_classifier.utils.memory import available_memory

MB = 2**20


def system(folder: Path, groups: str, files: dict[str, str]) -> Path:
    """A machine with 1000 MB free."""
    files = {"proc/meminfo": "MemTotal: 2048000 kB\nMemAvailable: 1024000 kB\n", "proc/self/cgroup": groups} | files
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def group(name: str, limit: str, use: int, files: int) -> dict[str, str]:
    """The files of version 2; ``files`` of the use can be taken back."""
    top = f"sys/fs/cgroup/{name}"
    stat = f"anon 1\ninactive_file {files}\n"
    return {f"{top}/memory.max": f"{limit}\n", f"{top}/memory.current": f"{use}\n", f"{top}/memory.stat": stat}


@pytest.mark.parametrize(
    ("groups", "files", "left"),
    [
        ("", {}, 1000),
        ("0::/\n", group("", str(300 * MB), 120 * MB, 20 * MB), 200),
        ("0::/a/b\n", group("a", str(100 * MB), 40 * MB, 0) | group("a/b", "max", 40 * MB, 0), 60),
        ("0::/only/the/host/sees/this\n", group("", str(300 * MB), 120 * MB, 20 * MB), 200),
        ("0::/\n", group("", "max", 120 * MB, 0), 1000),
        ("0::/\n", group("", str(100 * MB), 120 * MB, 0), 0),
        (
            "4:cpu,memory:/docker/x\n0::/\n",
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": str(500 * MB),
                "sys/fs/cgroup/memory/memory.usage_in_bytes": str(100 * MB),
                "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {50 * MB}\n",
            },
            450,
        ),
        (
            "4:memory:/\n",
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "1",
                "sys/fs/cgroup/memory/memory.stat": "",
            },
            1000,
        ),
    ],
)
def test_the_least_that_is_left(tmp_path: Path, groups: str, files: dict[str, str], left: int) -> None:
    assert available_memory(system(tmp_path, groups, files)) == left * MB


def test_a_system_that_says_nothing(tmp_path: Path) -> None:
    assert available_memory(tmp_path) > 100 * MB


def test_this_machine() -> None:
    assert 0 < available_memory() < 2**50
