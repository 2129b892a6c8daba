"""This machine as its system describes it: processor, usable cores, memory."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

from dsl.record import Record


class Machine(Record):
    """What calibration needs to know of a machine.

    Attributes:
        processor: Its name, as far as the system tells.
        threads: Hardware threads that this process may use.
        memory: Bytes that it may use: what is built in, or what its container grants.
        clock: Hz, where the system tells.
    """

    processor: str
    threads: int
    memory: int
    clock: float | None


def this_machine(root: str = "/") -> Machine:
    """The machine that runs this.

    Args:
        root: Where the files of the system are.
    """
    text = _text(root, "proc/cpuinfo")
    limits = [limit for limit in _memory_limits(root) if limit]
    return Machine(
        processor=_processor(text),
        threads=_threads(root),
        memory=min([_built_in_memory(), *limits]),
        clock=_clock(text),
    )


def _text(root: str, path: str) -> str:
    try:
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)
    except OSError:
        return ""


def _processor(cpuinfo: str) -> str:
    found = re.search(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    name = found[1] if found else _sysctl("machdep.cpu.brand_string") or _platform_name()
    return re.sub(r"[^ -~]|[\"\\]", "", " ".join(name.split())) or "unknown processor"


def _platform_name() -> str:
    import platform

    return platform.processor() or platform.machine()


def _sysctl(name: str) -> str:
    """A setting of macOS; empty elsewhere."""
    if sys.platform != "darwin":
        return ""
    import subprocess

    try:
        done = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _clock(cpuinfo: str) -> float | None:
    """The highest clock that a core runs at just now, or the nominal one."""
    found = [float(text) for text in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", cpuinfo, re.MULTILINE)]
    if found:
        return max(found) * 1e6
    hertz = _sysctl("hw.cpufrequency")
    return float(hertz) if hertz.isdigit() else None


def _threads(root: str) -> int:
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    quota = _processor_quota(root)
    return max(1, min(usable, round(quota)) if quota else usable)


def _processor_quota(root: str) -> float | None:
    """How many processors' time the container grants: versions 2 and 1 of control groups."""
    words = _text(root, "sys/fs/cgroup/cpu.max").split()
    if len(words) < 2:
        words = [
            _text(root, f"sys/fs/cgroup/cpu/cpu.cfs_{name}_us").strip()
            for name in ("quota", "period")
        ]
    numbers = [int(word) for word in words if word.isdigit()]
    return numbers[0] / numbers[1] if len(numbers) == 2 and numbers[1] else None


def _memory_limits(root: str) -> Iterator[int | None]:
    """What containers grant, of the group itself and at the top, in both versions."""
    groups = _text(root, "proc/self/cgroup")
    for match in re.finditer(r"^\d+:(memory)?:/?(.*)$", groups, re.MULTILINE):
        folder = "memory" if match[1] else ""
        name = "memory.limit_in_bytes" if match[1] else "memory.max"
        for below in (match[2], ""):
            text = _text(root, os.path.join("sys/fs/cgroup", folder, below, name)).strip()
            yield int(text) if text.isdigit() else None


def _built_in_memory() -> int:
    """Bytes of memory; 8 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _windows_memory() or 8 << 30


def _windows_memory() -> int:
    if sys.platform != "win32":
        return 0
    import ctypes

    kilobytes = ctypes.c_ulonglong()
    asked = ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
    return kilobytes.value * 1024 if asked else 0
