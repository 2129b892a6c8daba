"""What the hardware of each family can do in a cycle: how peaks are told from marketing.

The rates are FLOPs of one unit (a streaming multiprocessor) in one cycle, of dense products that
are summed in float32. NVIDIA's architecture whitepapers give them: V100, Turing, A100, GA102, Ada,
H100 and RTX Blackwell. Peaks are units times clock times these.
"""

from __future__ import annotations

RATES: dict[str, dict[str, int]] = {
    "pascal": {"fp32": 256},
    "pascal-dc": {"fp32": 128},
    "volta": {"fp32": 128, "fp16": 1024},
    "turing": {"fp32": 128, "fp16": 1024},
    "turing-geforce": {"fp32": 128, "fp16": 512},
    "ampere-dc": {"fp32": 128, "tf32": 1024, "bf16": 2048, "fp16": 2048},
    "ampere-pro": {"fp32": 256, "tf32": 512, "bf16": 1024, "fp16": 1024},
    "ampere-geforce": {"fp32": 256, "tf32": 256, "bf16": 512, "fp16": 512},
    "ada-pro": {"fp32": 256, "tf32": 512, "bf16": 1024, "fp16": 1024, "fp8": 2048},
    "ada-geforce": {"fp32": 256, "tf32": 256, "bf16": 512, "fp16": 512, "fp8": 1024},
    "hopper": {"fp32": 256, "tf32": 2048, "bf16": 4096, "fp16": 4096, "fp8": 8192},
    "blackwell-dc": {"fp32": 256, "tf32": 4096, "bf16": 8192, "fp16": 8192, "fp8": 16384},
    "blackwell-pro": {"fp32": 256, "tf32": 512, "bf16": 1024, "fp16": 1024, "fp8": 2048},
    "blackwell-geforce": {"fp32": 256, "tf32": 256, "bf16": 512, "fp16": 512, "fp8": 1024},
}
"""FLOPs of a unit in a cycle by precision, for families whose units are alike."""

OTHERS = ("cdna", "rdna", "xe", "gaudi", "tpu", "apple", "edge", "cpu", "other")
"""Families whose peaks no one formula gives."""

FAMILIES = (*RATES, *OTHERS)

HALVED = ("turing-geforce", "ampere-geforce", "ada-geforce", "blackwell-geforce")
"""Families that multiply half as fast where they sum in float32 as where they sum in float16."""


def dense_peak(family: str, precision: str, units: float, clock: float) -> float | None:
    """TFLOP/s that units at a clock can reach; None where no formula says so.

    Args:
        family: One of `FAMILIES`.
        precision: Of the operands.
        units: How many there are.
        clock: In GHz.
    """
    rate = RATES.get(family, {}).get(precision)
    return units * clock * rate / 1000 if rate else None


def most_per_fp32(family: str, precision: str) -> float:
    """How many times its own fp32 peak a family reaches in a precision, at most.

    Data-centre parts quote fp32 at a higher clock than tensor cores hold, which only lowers the
    ratio. Families without a formula get the largest ratio there is (fp8 of `blackwell-dc`).
    """
    rates = RATES.get(family, {})
    if family in RATES:
        return rates.get(precision, rates["fp32"]) / rates["fp32"]
    return 400.0 if family in ("gaudi", "tpu", "cpu") else 64.0
