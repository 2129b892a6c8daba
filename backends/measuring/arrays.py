"""Measures with NumPy: products in its BLAS, copies by one thread for each processor."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from backends.measuring.timing import COPY_BYTES, best_products, best_rate, report, seconds_given

SIZES = (512, 1024, 2048, 4096)


def measure(seconds: float, threads: int) -> dict[str, object]:
    """What the processor does in some seconds.

    Args:
        seconds: For all measurements.
        threads: How many processors there are to copy with.
    """
    import numpy as np

    rng = np.random.default_rng(0)

    def product(size: int) -> Any:
        left, right = (rng.random((size, size), dtype=np.float32) for _ in range(2))
        out = np.empty_like(left)
        return lambda: np.matmul(left, right, out=out)

    return {
        "tool": f"numpy {np.__version__}",
        "kind": "cpu",
        "threads": threads,
        "gemm": {"fp32": best_products(product, SIZES, seconds * 0.7)},
        "copy": copy_rate(seconds * 0.3, threads),
        "copied": COPY_BYTES,
    }


def copy_rate(seconds: float, threads: int) -> float:
    """Bytes a second read and written by copying, shared among threads."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    source = np.ones(COPY_BYTES // 8)
    target = np.zeros_like(source)
    bounds = [len(source) * part // threads for part in range(threads + 1)]
    parts = [slice(*pair) for pair in pairwise(bounds)]
    with ThreadPoolExecutor(threads) as pool:

        def copy() -> None:
            for _ in pool.map(lambda part: np.copyto(target[part], source[part]), parts):
                pass

        return best_rate(copy, 2.0 * COPY_BYTES, seconds)


def main() -> None:
    """Measures and prints."""
    import os

    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    report(measure(seconds_given(), len(usable)))


if __name__ == "__main__":
    main()
