"""Processor cores that this process may use: of those in sight, and of a container's limit."""

import math
import os
from contextlib import suppress
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows control groups: of version 2, or of version 1 with their ``cpu`` below."""
OWN_GROUPS = Path("/proc/self/cgroup")
"""Names the control groups of this process."""


def available_cores() -> int:
    """The number of processor cores that this process may use; a container's limit is rounded up.

    joblib can tell it too, but imports NumPy, and ``--help`` answers without.
    """
    limit = cpu_limit()
    return min(_cores_in_sight(), math.ceil(limit)) if limit < math.inf else _cores_in_sight()


def limit_library_threads() -> None:
    """Keep libraries, which count the cores in sight, from starting more threads than is allowed.

    It takes effect on those that are imported later. Without a limit the number of threads stays,
    since sums in another number of threads differ in their last bits.
    """
    # Otherwise torch's threads spin while they wait for each other, and take the cores from the
    # threads that decode photos: on 2 cores, seconds of a network became minutes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if available_cores() < _cores_in_sight():
        os.environ.setdefault("OMP_NUM_THREADS", str(available_cores()))


def cpu_limit() -> float:
    """Cores' worth of time that this process's control groups allow; infinite without a limit.

    ``docker run --cpus 1.5`` and Kubernetes leave all cores in sight, and stop a process for the
    rest of a tenth of a second once it has used up its time.
    """
    limits = [math.inf]
    with suppress(OSError):  # other systems have no control groups
        for line in OWN_GROUPS.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                root, names = CONTROL_GROUPS, ["cpu.max"]
            elif "cpu" in controllers.split(","):
                root, names = CONTROL_GROUPS / "cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
            else:
                continue
            # A container may see its own group as the root, under a path that is the host's.
            group = root / path.lstrip("/")
            for folder in (group, *group.parents):
                with suppress(OSError, ValueError):  # no such file, or the word max
                    quota, period = (int(word) for name in names for word in (folder / name).read_text().split())
                    limits += [quota / period] if quota > 0 else []  # -1 is no limit
    return min(limits)


def _cores_in_sight() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
