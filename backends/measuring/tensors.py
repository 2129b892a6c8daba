"""Measures with PyTorch: a GPU where it sees one, else the processor."""

from __future__ import annotations

import sys
from typing import Any

from backends.measuring.timing import COPY_BYTES, best_products, best_rate, report, seconds_given

SIZES = {
    "cpu": (512, 1024, 2048, 4096),
    "mps": (512, 1024, 2048, 4096),
    "cuda": (1024, 2048, 4096, 8192, 16384),
}


def measure(seconds: float, only_cpu: bool) -> dict[str, object]:
    """What the fastest device does in some seconds.

    Args:
        seconds: For all measurements.
        only_cpu: Whether the processor is meant even beside a GPU.
    """
    import torch

    place = "cpu" if only_cpu else fastest(torch)
    settle = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(place, _nothing)
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if place == "cpu":
        del dtypes["fp16"]  # frameworks train in bfloat16 there
    gemm: dict[str, dict[str, float]] = {}
    alone: dict[str, float] = {}
    for name, dtype in dtypes.items():

        def product(size: int, dtype: Any = dtype) -> Any:
            left, right = (torch.rand(size, size, device=place, dtype=dtype) for _ in range(2))
            out = torch.empty_like(left)
            return lambda: (torch.mm(left, right, out=out), settle())

        try:
            gemm[name] = best_products(product, SIZES[place], seconds * 0.6 / len(dtypes))
            if place == "cpu":
                alone[name] = by_one_thread(torch, product, seconds * 0.15 / len(dtypes))
        except (RuntimeError, TypeError):
            continue  # the device lacks this arithmetic
    return {
        "tool": f"torch {torch.__version__}",
        "kind": "gpu" if place == "cuda" else place,
        "threads": torch.get_num_threads(),
        "gemm": gemm,
        "alone": alone,
        "copy": copy_rate(torch, place, settle, seconds * 0.25),
        "copied": COPY_BYTES,
        **about(torch, place),
    }


def fastest(torch: Any) -> str:
    """The device that PyTorch would train on."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def by_one_thread(torch: Any, product: Any, seconds: float) -> float:
    """FLOP/s of one thread: on a busy machine, several wait for each other most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return max(best_products(product, SIZES["cpu"][:1], seconds).values())
    finally:
        torch.set_num_threads(threads)


def copy_rate(torch: Any, place: str, settle: Any, seconds: float) -> float:
    """Bytes a second read and written by copying within the device's memory."""
    source = torch.ones(COPY_BYTES // 4, device=place)
    target = torch.zeros_like(source)
    return best_rate(lambda: (target.copy_(source), settle()), 2.0 * COPY_BYTES, seconds)


def about(torch: Any, place: str) -> dict[str, object]:
    """A GPU's name, memory in bytes and units."""
    if place == "cuda":
        found = torch.cuda.get_device_properties(0)
        units = found.multi_processor_count
        return {"name": found.name, "memory": found.total_memory, "units": units}
    if place == "mps":
        return {"memory": torch.mps.recommended_max_memory()}
    return {}


def _nothing() -> None:
    """The processor is done when a call returns."""


def main() -> None:
    """Measures and prints."""
    report(measure(seconds_given(), "--cpu" in sys.argv))


if __name__ == "__main__":
    main()
