"""From a reading to a device, and the user's file kept whole."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from dsl.devices.calibration import Reading, merged, prior, section, table_of
from dsl.devices.device import device_of
from dsl.devices.files import check
from dsl.devices.machine import Machine, this_machine
from dsl.source import Source

MACHINE = Machine("AMD Ryzen", 8, 32 << 30, 3e9)
RATES = {"fp32": {"512": 4e11, "1024": 6e11, "2048": 5e11}, "bf16": {"512": 1e12}}
ON_CPU = Reading("torch 2.13", "cpu", 8, RATES, 30e9, 1 << 28)
ON_GPU = Reading("torch 2.13", "gpu", 8, {"fp32": {"4096": 3.2e13}, "bf16": {"8192": 6.5e13}},
                 8.4e11, 1 << 28, "NVIDIA GeForce RTX 3090", 25434062848, 82)  # fmt: skip


def test_the_best_of_all_sizes_counts() -> None:
    table = table_of(ON_CPU, MACHINE, "2026-01-31", 0.1)
    assert table["fp32"] == 0.6 and table["bf16"] == 1 and table["bandwidth"] == 30
    assert table["memory"] == 32 and table["units"] == 8 and table["measured"] is True
    assert "fp32 1024, bf16 512" in table["check"] and "busy" not in table["check"]
    assert table["source"] == "msl calibrate on 2026-01-31, with torch 2.13, 8 threads"


def test_a_busy_machine_is_said_to_be() -> None:
    assert "load 3.0" in table_of(ON_CPU, MACHINE, "2026-01-31", 3.0)["check"]


def test_on_a_busy_machine_one_thread_says_more_than_all() -> None:
    held_up = ON_CPU.replace(alone={"fp32": 2e11, "bf16": 2e11})
    table = table_of(held_up, MACHINE, "2026-01-31", 9.0)
    assert table["fp32"] == pytest.approx(0.8 * 8 * 0.2) and table["bf16"] == 1
    assert "fp32 scaled from" in table["check"]
    assert table_of(held_up, MACHINE, "2026-01-31", 0.1)["fp32"] == 0.6


def test_a_gpu_that_is_known_keeps_its_family() -> None:
    device = device_of("this-machine", table_of(ON_GPU, MACHINE, "2026-01-31", None))
    assert (device.kind, device.family, device.units) == ("gpu", "ampere-geforce", 82)
    assert device.title == "NVIDIA GeForce RTX 3090" and device.measured
    assert device.memory == pytest.approx(25434062848, rel=1e-3)
    assert device.peak("bf16") == 6.5e13


def test_an_unknown_gpu_has_no_family() -> None:
    table = table_of(ON_GPU.replace(name="NVIDIA A100"), MACHINE, "2026-01-31", None)
    assert table["family"] == "other"


def test_without_numpy_products_are_guessed_and_called_so() -> None:
    reading = prior(MACHINE, seconds=0.01)
    table = table_of(reading, MACHINE, "2026-01-31", None)
    assert table["fp32"] == pytest.approx(8 * 3e9 * 16 / 1e12)
    assert table["measured"] is False and "guess" in table["check"]
    assert 0.2 < table["bandwidth"] < 1000
    assert prior(MACHINE.replace(clock=None), 0.01).gemm["fp32"]["prior"] == 8 * 2.5e9 * 16


@pytest.mark.parametrize("reading", [ON_CPU, ON_GPU])
def test_what_is_kept_is_a_file_without_a_mistake(reading: Reading) -> None:
    table = table_of(reading, MACHINE, "2026-01-31", 2.0)
    layer = check(Source("devices.toml", section("this-machine", table)))
    assert layer.errors == () and layer.tables["this-machine"] == table


@pytest.mark.parametrize("name", ['a "quoted" \\ name', "naïve ☕ 𝔊", "line\nend"])
def test_names_of_processors_cannot_break_the_file(name: str) -> None:
    text = section("this-machine", table_of(ON_CPU, MACHINE.replace(processor=name), "d", None))
    assert tomllib.loads(text)["this-machine"]["fp32"] == 0.6


OTHERS = '[lab]\nbase = "t4" # the old one\n\n# mine\n[this-machine]\nkind = "cpu"\nfp32 = 1\n\n'
AFTER = "# the fast one\n[other]\nbase = 'rtx-3090'\n"


def test_only_the_device_of_that_name_is_replaced() -> None:
    table = {"kind": "cpu", "memory": 8, "bandwidth": 20, "fp32": 0.5}
    once = merged(OTHERS + AFTER, "this-machine", table)
    assert once.startswith(OTHERS.partition("[this")[0]) and once.endswith("\n\n" + AFTER)
    assert tomllib.loads(once)["this-machine"] == table
    assert merged(once, "this-machine", table) == once
    added = merged("[lab]\nbase = 't4'", "this-machine", table)
    assert list(tomllib.loads(added)) == ["lab", "this-machine"]
    assert merged("", "this-machine", table) == section("this-machine", table)
    assert merged('["this-machine"]\nfp32 = 1\n', "this-machine", table).count("fp32") == 1


def test_this_machine_has_threads_and_memory() -> None:
    machine = this_machine()
    assert machine.threads >= 1 and machine.memory > 1 << 28 and machine.processor


def files(root: Path, **texts: str) -> str:
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def test_containers_limit_memory_and_threads(tmp_path: Path) -> None:
    root = files(
        tmp_path,
        proc__self__cgroup="0::/box\n",
        sys__fs__cgroup__box__memory_dot_max="1073741824\n",
        sys__fs__cgroup__cpu_dot_max="100000 100000\n",
        proc__cpuinfo="model name\t: Some CPU\u2122  9\ncpu MHz\t\t: 1500.5\ncpu MHz : 2500\n",
    )
    machine = this_machine(root)
    assert machine.memory == 1 << 30 and machine.threads == 1
    assert machine.processor == "Some CPU 9" and machine.clock == 2.5e9


def test_containers_of_the_first_version_too(tmp_path: Path) -> None:
    root = files(
        tmp_path,
        proc__self__cgroup="4:memory:/docker/1\n3:cpuset:/\n",
        sys__fs__cgroup__memory__memory_dot_limit_in_bytes="536870912\n",
        sys__fs__cgroup__cpu__cpu_dot_cfs_quota_us="-1\n",
        sys__fs__cgroup__cpu__cpu_dot_cfs_period_us="100000\n",
    )
    assert this_machine(root).memory == 1 << 29
    assert this_machine(root).threads == this_machine(str(tmp_path / "none")).threads


def test_an_unlimited_container_limits_nothing(tmp_path: Path) -> None:
    root = files(tmp_path, proc__self__cgroup="0::/\n", sys__fs__cgroup__memory_dot_max="max\n")
    assert this_machine(root).memory == this_machine(str(tmp_path / "none")).memory


def test_a_mac_is_asked_for_its_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"machdep.cpu.brand_string": b"Apple M3 Max\n", "hw.cpufrequency": b"2400000000\n"}
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(
        subprocess, "run", lambda words, **_: SimpleNamespace(stdout=answers[words[-1]])
    )
    machine = this_machine(str(tmp_path))
    assert machine.processor == "Apple M3 Max" and machine.clock == 2.4e9


def test_a_mac_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("sysctl", 5)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", refuse)
    assert this_machine(str(tmp_path)).clock is None


def test_windows_is_asked_for_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(place: object) -> int:
        place._obj.value = 16 << 20
        return 1

    kernel = SimpleNamespace(GetPhysicallyInstalledSystemMemory=answer)
    monkeypatch.delattr(os, "sysconf")
    assert this_machine(str(tmp_path)).memory == 8 << 30  # where nothing tells
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    machine = this_machine(str(tmp_path))
    assert machine.memory == 16 << 30 and machine.threads == (os.cpu_count() or 1)
