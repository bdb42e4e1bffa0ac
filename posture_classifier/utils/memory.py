"""Memory that this process may still use, in a container too."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

UNKNOWN = 2 * 2**30
"""Bytes to count on where the system does not say."""
FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""For version 2 of Linux's control groups and for version 1: the files of limit and use, and the
entry of ``memory.stat`` that says how much of the use the system takes back when it is short."""


def available_memory(system: Path = Path("/")) -> int:
    """Return the free memory of the machine, or what is left of a container's if that is less.

    Below the folder ``system`` lie ``proc`` and ``sys``.
    """
    return max(0, min([_of_machine(system), *_of_control_groups(system)]))


def _of_machine(system: Path) -> int:
    with suppress(OSError):
        if found := re.search(r"MemAvailable:\s+(\d+) kB", (system / "proc/meminfo").read_text()):
            return 1024 * int(found[1])
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return UNKNOWN


def _of_control_groups(system: Path) -> Iterator[int]:
    """Yield what is left of each limit on this process or on a group that it belongs to."""
    groups = []
    with suppress(OSError):
        groups = [line.split(":", 2) for line in (system / "proc/self/cgroup").read_text().splitlines()]
    for _, controllers, name in groups:
        for controller in FILES.keys() & set(controllers.split(",")):
            top = system / "sys/fs/cgroup" / controller
            folder = top / name.strip("/")
            # In a container the name may be that of a folder that only the host sees.
            for group in (folder, *folder.parents):
                if group.is_relative_to(top):
                    with suppress(OSError, ValueError):  # "max" is no limit
                        yield _left(group, *FILES[controller])


def _left(group: Path, limit: str, use: str, reclaimable: str) -> int:
    files = re.search(rf"^{reclaimable} (\d+)$", (group / "memory.stat").read_text(), re.MULTILINE)
    used = int((group / use).read_text()) - (int(files[1]) if files else 0)
    return int((group / limit).read_text()) - used
