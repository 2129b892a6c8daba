"""How much of a device's peaks operations reach: the one table of fitted coefficients.

`tests/bench/fit_time.py` finds `FITTED` from one device, the RTX 3090: 106 training steps and 131
forward passes of image models that timm's authors measured (automatic mixed precision, the largest
batch that fits). All else here is from data sheets or published on its own, and says where.
"""

from __future__ import annotations

from dsl.devices.device import Device

FITTED = {
    "gemm": 1.067,
    "conv": 1.057,
    "grouped": 0.234,
    "depthwise": 0.143,
    "attention": 0.62,
    "traffic gemm": 0.278,
    "traffic conv": 0.322,
    "traffic conv1x1": 0.589,
    "traffic grouped": 0.651,
    "traffic depthwise": 1.031,
    "traffic batch_norm": 0.688,
    "traffic pool": 0.257,
    "backward grouped": 4.498,
    "backward depthwise": 3.716,
    "channels first": 1.508,
}
"""Shares of the peak FLOP/s (of fp32 for depthwise convolutions, which use no tensor cores) and,
after ``traffic``, of the bandwidth; ``backward`` is how many times longer FLOPs take there.

Above 1 are products: GeForce cards run faster than the clock that their peaks are quoted at.
Traffic of products is counted once for each operand; that tiles are read several times is in the
share. ``channels first`` is how many times longer convolutions in 16 bits take in that layout."""

ALIKE = {"conv1x1": "gemm"}
"""Categories that compute as another: a convolution of single points is a matrix product."""

STREAM = 0.95
"""Share of the bandwidth of everything else: element-wise operations, copies, reductions.

A copy of large arrays reaches 0.90 on an H200; operations in place need less than is counted."""

SHARPNESS = 2.5
"""How arithmetic and traffic of one operation overlap: the exponent of a power sum. 1 would be one
after the other, infinity the longer of the two."""

LAUNCH = 3e-6
"""Seconds between two kernels on the device: what small operations do not get below."""

HOST = 1.2e-5
"""Seconds in which an eager framework sends off one operation: no step is faster than that."""

UPDATE = 0.8
"""Share of the bandwidth that a fused optimizer reaches."""

CEILINGS = {
    "volta": 0.85,
    "ampere-dc": 0.68,
    "hopper": 0.54,
    "blackwell-dc": 0.54,
    "cdna": 0.45,
    "tpu": 0.6,
    "gaudi": 0.5,
    "apple": 0.65,
    "cpu": 0.35,
}
"""What large products reach by family, against a GeForce card's share of its peak.

Data-centre parts quote a clock that they do not hold under load. Those of A100 and H100 are set so
that language models reach the utilisation that llm-foundry publishes; 0.54 of an H100 is 590
TFLOP/s, where matrix products alone reach 620 to 790. Volta: NVIDIA's ResNet-50. Apple: 0.54 of an
M1's and 0.75 of an M3 Max's peak were measured. Those not listed: 1. The others are priors."""

BUSES = {"cpu": 0.5}
"""Share of the bandwidth against the fitted device, where it differs. Both numbers for processors
are from timm's forward passes of one sample on an i9-10940X and an i7-12700H."""

CACHE = {
    "volta": 0.075e6,
    "turing": 0.08e6,
    "ampere": 0.07e6,
    "ampere-dc": 0.37e6,
    "hopper": 0.38e6,
    "ada": 0.6e6,
    "blackwell": 0.6e6,
    "blackwell-dc": 0.85e6,
}
"""Bytes of second-level cache for each unit, from the vendor's architecture whitepapers."""

CACHED = 1.5
"""How many times fewer bytes an operation fetches at best whose operands lie in the cache."""

PLAIN, LANGUAGE, DOUBTFUL, UNSEEN, HOSTED = 0.22, 0.13, 0.45, 0.06, 0.2
"""Half widths of the band of log time: of plain models on the fitted device, of language models,
what grouped and depthwise convolutions and fused attention add for their share of the time, what
another device adds, and what it adds that the host is the bound. The first holds 90 % of the fitted
training steps."""

PRIOR = 0.6
"""Half width for kinds of device that nothing was measured on: half to twice as long, nearly."""

VALIDATED = ("volta", "turing", "ampere", "ada", "hopper", "blackwell")
"""Generations whose steps predictions were compared with."""


def of_family(table: dict[str, float], device: Device, default: float) -> float:
    """What a table says about a device's family, else about its generation, else the default."""
    return table.get(device.family, table.get(device.generation, default))


def ceiling(device: Device) -> float:
    """What large products reach of the peak, against the fitted device.

    Of a peak that was measured by one product, a step's products reach 0.7: ResNet-50, LSTM and
    GPT-2 reached 0.54 to 0.78 of it on a processor.
    """
    return 0.7 / FITTED["gemm"] if device.measured else of_family(CEILINGS, device, 1.0)


def bus(device: Device) -> float:
    """What streams reach of the bandwidth, against the fitted device."""
    return 1.0 if device.measured else of_family(BUSES, device, 1.0)


def cache(device: Device) -> float:
    """Bytes of second-level cache."""
    return (device.units or 0) * of_family(CACHE, device, 0.0)
