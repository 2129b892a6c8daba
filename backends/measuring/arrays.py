"""Measures with NumPy: products in its BLAS, copies by one thread for each processor."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from backends.measuring.timing import COPY_BYTES, best_products, best_rate, report, seconds_given

SIZES = (512, 1024, 2048, 4096)
ALONE = "--alone"


def measure(seconds: float, threads: int) -> dict[str, object]:
    """What the processor does in some seconds.

    Args:
        seconds: For all measurements.
        threads: How many processors there are to copy with.
    """
    import numpy as np

    return {
        "tool": f"numpy {np.__version__}",
        "kind": "cpu",
        "threads": threads,
        "gemm": {"fp32": best_products(product, SIZES, seconds * 0.6)},
        "alone": {"fp32": by_one_thread(seconds * 0.15)},
        "copy": copy_rate(seconds * 0.25, threads),
        "copied": COPY_BYTES,
    }


def product(size: int) -> Any:
    """The work of multiplying two square matrices."""
    import numpy as np

    rng = np.random.default_rng(0)
    left, right = (rng.random((size, size), dtype=np.float32) for _ in range(2))
    out = np.empty_like(left)
    return lambda: np.matmul(left, right, out=out)


def by_one_thread(seconds: float) -> float:
    """FLOP/s of one thread, which a BLAS is told before it is loaded: in a process of its own.

    On a busy machine, several threads wait for each other most of the time.
    """
    import os
    import subprocess
    import sys

    alone = os.environ | {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    alone["VECLIB_MAXIMUM_THREADS"] = "1"
    words = [sys.executable, "-P", "-m", "backends.measuring.arrays", str(seconds), ALONE]
    done = subprocess.run(words, capture_output=True, env=alone, check=True)
    return float(done.stdout)


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
    import sys

    if ALONE in sys.argv:
        print(max(best_products(product, SIZES[:1], seconds_given()).values()))
        return
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    report(measure(seconds_given(), len(usable)))


if __name__ == "__main__":
    main()
