"""Measuring with PyTorch, on the processor and on a GPU that only pretends."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from backends.measuring import tensors
from backends.measuring.timing import best_products, best_rate
from dsl.devices.calibration import Reading


def test_the_processor_is_measured_in_both_precisions() -> None:
    reading = Reading(**tensors.measure(0.2, only_cpu=True))
    assert reading.tool == f"torch {torch.__version__}" and reading.kind == "cpu"
    assert set(reading.gemm) == {"fp32", "bf16"} and reading.copy > 1e8
    assert all(max(rates.values()) > 1e8 for rates in reading.gemm.values())


def test_a_gpu_says_what_it_is() -> None:
    found = SimpleNamespace(name="NVIDIA L4", total_memory=23, multi_processor_count=58)
    cuda = SimpleNamespace(is_available=lambda: True, get_device_properties=lambda _: found)
    fake = SimpleNamespace(cuda=cuda)
    assert tensors.fastest(fake) == "cuda"
    assert tensors.about(fake, "cuda") == {"name": "NVIDIA L4", "memory": 23, "units": 58}


def test_large_sizes_are_left_out_where_time_is_short() -> None:
    made = []

    def product(size: int) -> object:
        made.append(size)
        return lambda: None

    assert set(best_products(product, (512, 1024), 0)) == {"512", "1024"}
    assert made == [512, 1024]
    slow = best_products(lambda size: lambda: sum(range(10**5)), (512, 1024, 1 << 20), 0.05)
    assert set(slow) == {"512", "1024"}


def test_the_best_try_counts() -> None:
    assert best_rate(lambda: None, 10.0, 0.0) > 1e5
