"""Devices by name, and what runs in a precision that a device lacks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dsl import devices
from dsl.devices import UnknownDevice
from dsl.devices.catalogue import all_built_in, built_in
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("h100-sxm", "h100-sxm"),
        ("RTX 3090", "rtx-3090"),
        ("rtx3090", "rtx-3090"),
        ("NVIDIA GeForce RTX 4090", "rtx-4090"),
        ("NVIDIA A100-SXM4-80GB", "a100-80gb"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("Tesla T4", "t4"),
        ("apple-m3-max", "m3-max"),
        ("Apple M1", "m1"),
        ("mi250x", "mi250x-gcd"),
        ("A6000", "rtx-a6000"),
        ("cpu", "cpu"),
    ],
)
def test_names_may_be_written_as_people_and_drivers_do(written: str, name: str) -> None:
    assert devices.find(written).name == name


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("a100", "a100-40gb"),
        ("h100", "h100-sxm"),
        ("rtx-3091", "rtx-3090"),
        ("h200-smx", "h200"),
        ("m3max2", "m3-max"),
    ],
)
def test_an_unknown_name_gets_the_nearest(written: str, near: str) -> None:
    with pytest.raises(UnknownDevice) as caught:
        devices.find(written)
    assert caught.value.name == written and near in caught.value.near
    assert near in str(caught.value)


@pytest.mark.parametrize("written", ["", "   ", "nvidia", "abacus", "t4]\n[x", "é" * 999])
def test_what_is_no_name_is_said_so(written: str) -> None:
    with pytest.raises(UnknownDevice):
        devices.find(written)


def test_one_device_is_read_as_the_whole_file_says() -> None:
    assert devices.names() == tuple(all_built_in())
    for name in devices.names():
        assert built_in(name) == all_built_in()[name]


def test_no_two_names_are_spelt_alike() -> None:
    for device in devices.all():
        assert devices.find(device.name) == device
        assert devices.find(device.name.replace("-", " ").upper()).name == device.name
        for alias in all_built_in()[device.name].get("aliases", ()):
            assert devices.find(alias).name == device.name


def test_a_precision_that_is_missing_runs_in_the_next_wider() -> None:
    v100 = devices.find("v100-16gb")
    assert not v100.native("bf16") and v100.native("float16")
    assert v100.peak("bf16") == v100.peak("bfloat16") == v100.peak("float32")
    assert v100.peak("fp16") > 7 * v100.peak("fp32")
    a100 = devices.find("a100-80gb")
    assert a100.peak("fp8") == a100.peak("bf16") > 15 * a100.peak("fp32")
    assert a100.peak("tf32") == pytest.approx(a100.peak("bf16") / 2, rel=1e-3)
    with pytest.raises(ValueError, match="int8"):
        a100.peak("int8")


def test_the_family_names_the_generation() -> None:
    assert devices.find("rtx-3090").generation == devices.find("a100-80gb").generation == "ampere"


def test_finding_one_stays_light() -> None:
    code = (
        "import sys; from dsl import devices; devices.find('h100-sxm'); "
        "heavy = {'numpy', 'lark', 'click', 'dsl.devices.files', 'json', 'tomllib'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr
