"""Taking the best of several tries within a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from time import perf_counter

COPY_BYTES = 1 << 28
"""Far more than any cache holds."""

ALWAYS = 1024
"""Products up to this size are always made: 2 GFLOPs, which no machine takes long for."""

Work = Callable[[], object]


def best_rate(work: Work, amount: float, seconds: float, least: int = 3) -> float:
    """The highest rate of some tries, after one that is not counted.

    Args:
        work: What is done; it returns when all is done.
        amount: How much it does: FLOPs or bytes.
        seconds: How long to go on trying.
        least: How many tries there are whatever they take.
    """
    work()
    end, best, tries = perf_counter() + seconds, float("inf"), 0
    while tries < least or perf_counter() < end:
        start = perf_counter()
        work()
        best = min(best, perf_counter() - start)
        tries += 1
    return amount / max(best, 1e-9)


def best_products(
    product: Callable[[int], Work], sizes: Iterable[int], seconds: float
) -> dict[str, float]:
    """FLOP/s of square matrix products by size: 2n^3 FLOPs, a multiply and an add each.

    Large sizes that would take more than the time left, going by the best rate so far, are left
    out; what a busy machine made of the small ones says too little for that.

    Args:
        product: Makes the work of a size.
        sizes: In rising order.
        seconds: For all of them.
    """
    end, rates = perf_counter() + seconds, {}
    for size in sizes:
        flops, left = 2.0 * size**3, end - perf_counter()
        expected = flops / max(rates.values(), default=float("inf"))
        if size > ALWAYS and expected * 3 > left:
            break
        rates[str(size)] = best_rate(product(size), flops, left / 3, least=2)
    return rates


def seconds_given() -> float:
    """The time that the command line grants."""
    return float(sys.argv[1]) if len(sys.argv) > 1 else 4.0


def report(reading: dict[str, object]) -> None:
    """Prints what was measured."""
    print(json.dumps(reading), flush=True)
