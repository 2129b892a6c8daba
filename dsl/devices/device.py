"""A device as data: memory, bandwidth and peaks in bytes, seconds and FLOPs."""

from __future__ import annotations

from typing import Any

from dsl.record import Record

GIB, GIGA, TERA = 2**30, 10**9, 10**12

PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "fp8")
"""The arithmetic of a peak: the type of the operands; products are summed in float32."""

KINDS = ("gpu", "mps", "tpu", "cpu")

_SPELT = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "float8": "fp8"}
_RUNS_AS = {"tf32": "fp32", "bf16": "fp32", "fp16": "fp32", "fp8": "bf16"}


class Price(Record):
    """What an hour of one device costs, in US dollars.

    Attributes:
        low: The lowest found.
        high: The highest found.
        date: When, as year and month or day; empty for a user's own price.
        source: Who says so.
    """

    low: float
    high: float
    date: str
    source: str


class Device(Record):
    """One device, as a framework sees it: an MI250X is two of them.

    Attributes:
        name: As it is written after ``--on``.
        title: Its full name.
        vendor: Who makes it.
        kind: ``gpu``, ``mps`` (Apple), ``tpu`` or ``cpu``.
        family: Architecture and class, such as ``ampere-geforce``: what efficiency goes by.
        memory: Bytes that a framework can see, less than what is marketed.
        marketed: The memory as it is sold, such as ``80 GB HBM3``.
        bandwidth: Bytes a second of the memory, reads and writes together.
        peaks: FLOP/s of dense matrix products by precision, summed in float32; of a multiply and
            an add both are counted. `peak` knows what the missing ones run as.
        units: Streaming multiprocessors, compute units or cores.
        clock: Hz at which the peaks hold.
        link: Bytes a second to other devices, both directions together.
        link_kind: What that connection is.
        tdp: Watts.
        price: What an hour costs, where that was found.
        source: Where the numbers are from.
        check: What of them is doubtful or worth knowing.
        measured: Whether peaks and bandwidth are what this machine reached, and no data sheet's.
        origin: The file that the device is from; empty for a built-in one.
    """

    name: str
    title: str
    vendor: str
    kind: str
    family: str
    memory: int
    marketed: str
    bandwidth: float
    peaks: dict[str, float]
    units: int | None
    clock: float | None
    link: float | None
    link_kind: str
    tdp: float | None
    price: Price | None
    source: str
    check: str
    measured: bool
    origin: str

    @property
    def generation(self) -> str:
        """The family without its class: ``ampere`` of ``ampere-geforce``."""
        return self.family.partition("-")[0]

    def native(self, precision: str) -> bool:
        """Whether the device has arithmetic of that precision, or one that is written so."""
        return _SPELT.get(precision, precision) in self.peaks

    def peak(self, precision: str) -> float:
        """FLOP/s of dense matrix products in a precision.

        What a device lacks it computes in the next wider type that it has: bfloat16 on a V100
        runs at the rate of float32.

        Args:
            precision: One of `PRECISIONS`, or as frameworks write it: ``bfloat16``.

        Raises:
            ValueError: There is no such precision.
        """
        name = _SPELT.get(precision, precision)
        if name not in PRECISIONS:
            raise ValueError(f"there is no precision `{precision}`: {', '.join(PRECISIONS)}")
        while name not in self.peaks:
            name = _RUNS_AS[name]
        return self.peaks[name]


def device_of(name: str, table: dict[str, Any], origin: str = "") -> Device:
    """The device that a table describes, which has what `files` asks of one.

    Args:
        name: Its name.
        table: As in `devices.toml`: GiB, GB/s, TFLOP/s, GHz.
        origin: The file of a user's own device.
    """
    return Device(
        name=name,
        title=table.get("title", name),
        vendor=table.get("vendor", ""),
        kind=table["kind"],
        family=table.get("family", "cpu" if table["kind"] == "cpu" else "other"),
        memory=round(table["memory"] * GIB),
        marketed=table.get("marketed", ""),
        bandwidth=float(table["bandwidth"] * GIGA),
        peaks={key: float(table[key] * TERA) for key in PRECISIONS if key in table},
        units=table.get("units"),
        clock=table["clock"] * GIGA if "clock" in table else None,
        link=table["link"] * GIGA if "link" in table else None,
        link_kind=table.get("link_kind", ""),
        tdp=table.get("tdp"),
        price=_price(table),
        source=table.get("source", ""),
        check=table.get("check", ""),
        measured=table.get("measured", False),
        origin=origin,
    )


def _price(table: dict[str, Any]) -> Price | None:
    if "price" not in table:
        return None
    price = table["price"]
    low, high = price if isinstance(price, list) else (price, price)
    return Price(low, high, table.get("price_date", ""), table.get("price_source", "your own"))
