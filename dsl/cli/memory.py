"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path

ASSUMED = 8 * 2**30
"""Bytes taken for granted where the system does not tell."""

MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup/memory.max")


def free_memory() -> int:
    """Bytes that a program may still take: Linux says so; elsewhere all that is built in counts."""
    return min(_available() or _built_in() or ASSUMED, _granted() or 2**62)


def _available() -> int:
    """What Linux calls available, 0 on other systems."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(found[0]) if found else 0


def _granted() -> int:
    """The limit of the container that this runs in, 0 without one."""
    try:
        text = GROUP.read_text(encoding="ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def _built_in() -> int:
    """The memory of the machine, 0 where it is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
