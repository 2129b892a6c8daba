"""Numbers that are printed on data sheets and are wrong here, each with the one to write instead.

A sheet's headline counts sparsity, which dense layers do not have, or sums in float16, which
training does not; or a number has another unit, or belongs to another device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dsl.devices.families import HALVED, dense_peak, most_per_fp32
from dsl.record import Record

Table = dict[str, Any]
Known = Callable[[], dict[str, Table]]

TENSOR = ("tf32", "bf16", "fp16", "fp8")
SPARSE, IMPLAUSIBLE = "MSL703", "MSL704"
_SLACK = 1.1
_BYTES_PER_FLOP = (0.0008, 0.6)
"""From an accelerator for inference to a slow processor with fast memory, with room to spare."""


class Objection(Record):
    """What is wrong with one setting.

    Attributes:
        code: The rule.
        key: The setting.
        message: The fact.
        helps: The cures.
        instead: What to write, where one number is right.
    """

    code: str
    key: str
    message: str
    helps: tuple[str, ...] = ()
    instead: float | None = None


def objections(table: Table, given: Iterable[str], known: Known) -> list[Objection]:
    """What speaks against a device's numbers; at most one objection for each setting.

    Args:
        table: All its settings, units as in `devices.toml`.
        given: The settings that its author wrote, which alone can be wrong.
        known: Gives the built-in devices, which most files need not be held against.
    """
    given = list(given)
    if table.get("sparse"):
        return [_declared_sparse(table)]
    found: dict[str, Objection] = {}
    checks = [_of_other_unit]
    if not table.get("measured"):
        checks += [_bandwidth_of_another, _two_in_one]
        checks += [] if table.get("dense") else [_doubled, _beyond_units, _beyond_fp32]
    for check in checks:
        for objection in check(table, known):
            if objection.key in given:
                found.setdefault(objection.key, objection)
    return list(found.values())


def short(number: float) -> str:
    """A number as a person writes it: four digits, no zeros at its end."""
    return f"{float(f'{number:.4g}'):.10g}"


def _declared_sparse(table: Table) -> Objection:
    halves = ", ".join(f"{key} = {short(table[key] / 2)}" for key in TENSOR if key in table)
    return Objection(
        SPARSE,
        "sparse",
        "peaks with sparsity say nothing of layers that are dense",
        (f"leave `sparse` out and write the dense peaks, half of these: {halves}",),
    )


# --- sparsity and accumulation ------------------------------------------------------------------


def _doubled(table: Table, known: Known) -> Iterator[Objection]:
    """Peaks that are twice or four times those of a known device that this one must be."""
    keys = [key for key in TENSOR if key in table]
    if not keys:
        return
    twins = {name: other for name, other in known().items() if _is_twin(table, other)}
    for key in keys:
        value = table[key]
        dense = {name: other[key] for name, other in twins.items() if key in other}
        if any(abs(value / peak - 1) < 0.05 for peak in dense.values()):
            continue
        for factor in (2, 4):
            for name, peak in dense.items():
                if abs(value / peak / factor - 1) < 0.03:
                    yield _multiple(key, value, name, peak, factor, twins[name])


def _is_twin(table: Table, other: Table) -> bool:
    """Whether a device has the memory or the bandwidth of a known one."""
    family = table.get("family", "other")
    same_family = family in ("other", other["family"])
    memory = table["memory"] / other["memory"]
    bandwidth = table["bandwidth"] / other["bandwidth"]
    return same_family and (0.92 < memory < 1.08 or 0.97 < bandwidth < 1.03)


def _multiple(
    key: str, value: float, name: str, peak: float, factor: int, other: Table
) -> Objection:
    halved = other["family"] in HALVED
    if halved and factor == 2 and key != "fp8":
        why = "is the rate that sums in float16, which training cannot use"
    elif halved:
        why = "counts sparsity, and sums in float16"
    else:
        why = "counts sparsity, which dense layers do not have"
    return Objection(
        SPARSE,
        key,
        f"`{key} = {short(value)}` {why}: `{name}` reaches {short(peak)} TFLOP/s",
        (f"write `{key} = {short(peak)}`", _escape(key)),
        peak,
    )


def _escape(key: str) -> str:
    return f"where `{key}` is dense and summed in float32 all the same, say so with `dense = true`"


def _beyond_units(table: Table, known: Known) -> Iterator[Objection]:
    """Peaks above what the units can do at their clock."""
    if "units" not in table or "clock" not in table:
        return
    for key in (key for key in TENSOR if key in table):
        most = dense_peak(table.get("family", "other"), key, table["units"], table["clock"])
        if most is not None and table[key] > most * _SLACK:
            yield Objection(
                SPARSE,
                key,
                f"`{key} = {short(table[key])}` is more than {table['units']} units of the family "
                f"`{table['family']}` compute at {short(table['clock'])} GHz: {short(most)} dense",
                (f"write `{key} = {short(most)}`", _escape(key)),
                float(short(most)),
            )


def _beyond_fp32(table: Table, known: Known) -> Iterator[Objection]:
    """Peaks that are too many times that of fp32."""
    for key in (key for key in TENSOR if key in table):
        family = table.get("family", "other")
        most = most_per_fp32(family, key)
        if "fp32" in table and table[key] > table["fp32"] * most * 1.25:
            yield Objection(
                SPARSE,
                key,
                f"`{key} = {short(table[key])}` is {short(table[key] / table['fp32'])} times fp32; "
                f"dense products of the family `{family}` reach at most {short(most)} times",
                (
                    "data sheets print the rate with sparsity, which is twice or four times the "
                    f"dense one: half of it is {short(table[key] / 2)}",
                    _escape(key),
                ),
            )


# --- units and mix-ups --------------------------------------------------------------------------


def _of_other_unit(table: Table, known: Known) -> Iterator[Objection]:
    """Numbers in another unit: MB or bytes of memory, TB/s, GFLOP/s."""
    if table["fp32"] > 5000:
        yield _unit("fp32", table["fp32"], "TFLOP/s", 1000 if table["fp32"] < 1e9 else 1e12)
        return
    if table["memory"] > 8192:
        yield _unit("memory", table["memory"], "GiB", 1024 if table["memory"] < 1e7 else 2**30)
    if table["bandwidth"] > 1e6:
        yield _unit("bandwidth", table["bandwidth"], "GB/s", 1e9)
    best = max(table.get("bf16", 0), table.get("fp16", 0), table["fp32"])
    ratio = table["bandwidth"] / best / 1000
    low, high = _BYTES_PER_FLOP
    if ratio < low:
        yield _unit("bandwidth", table["bandwidth"], "GB/s", 1 / 1000)
    elif ratio > high and table["bandwidth"] <= 1e6:
        yield Objection(
            IMPLAUSIBLE,
            "bandwidth",
            f"{short(ratio)} bytes for each FLOP are more than any device moves",
            ("`bandwidth` is in GB/s and peaks are in TFLOP/s",),
        )


def _unit(key: str, value: float, unit: str, divisor: float) -> Objection:
    right = float(short(value / divisor))
    return Objection(
        IMPLAUSIBLE,
        key,
        f"`{key} = {short(value)}` is no possible number of {unit}",
        (f"`{key}` is in {unit}: write `{key} = {short(right)}`",),
        right,
    )


def _bandwidth_of_another(table: Table, known: Known) -> Iterator[Objection]:
    """A bandwidth that a known device of that name cannot have."""
    other = known().get(table["base"]) if "base" in table else None
    if other and table["bandwidth"] > other["bandwidth"] * 1.5:
        yield Objection(
            IMPLAUSIBLE,
            "bandwidth",
            f"`{table['base']}` has {short(other['bandwidth'])} GB/s, "
            f"and {short(table['bandwidth'])} is another device's",
            (f"write `bandwidth = {short(other['bandwidth'])}`",),
            other["bandwidth"],
        )


def _two_in_one(table: Table, known: Known) -> Iterator[Objection]:
    """A package of two devices written as one: no framework shares their memory."""
    keys = ("memory", "bandwidth", "bf16")
    if "bf16" not in table:
        return
    for name, other in known().items():
        halves = "one of its two devices" in other["title"]
        if halves and all(1.9 < table.get(key, 0) / other[key] < 2.1 for key in keys):
            numbers = ", ".join(f"`{key} = {short(other[key])}`" for key in keys)
            yield Objection(
                IMPLAUSIBLE,
                "memory",
                "these are the numbers of two devices in one package; a framework sees them apart",
                (f"write those of one, as `{name}` has them: {numbers}",),
            )
