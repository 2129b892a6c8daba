"""Reading a user's file of devices: every mistake is a finding with its place and its cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from dsl.devices.catalogue import all_built_in, built_in, built_in_names
from dsl.devices.device import KINDS, PRECISIONS
from dsl.devices.families import FAMILIES
from dsl.devices.traps import Objection, objections
from dsl.diagnostics.model import Diagnostic, Edit, Fix, Reporter
from dsl.diagnostics.suggest import nearest
from dsl.record import Record
from dsl.source import Source, Span, read_source

Table = dict[str, Any]
Tables = dict[str, tuple[Table, str]]

SYNTAX, SETTING = "MSL701", "MSL702"
REQUIRED = ("kind", "memory", "bandwidth", "fp32")
_POSITIVE = ("memory", "bandwidth", "clock", "link", "tdp", "units", *PRECISIONS)
_TEXTS = ("title", "vendor", "marketed", "link_kind", "price_date", "price_source", "source",
          "check", "base")  # fmt: skip
_FLAGS = ("measured", "sparse", "dense")
KEYS = ("kind", "family", "aliases", *_POSITIVE, "price", *_TEXTS, *_FLAGS)
"""Every setting of a device."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}")
_PLACE = re.compile(r"line (\d+), column (\d+)")


class Layer(Record):
    """What one file says.

    Attributes:
        tables: Its devices, complete: what they do not say is their base's.
        errors: Findings about it; with any, the tables are not to be trusted.
    """

    tables: dict[str, Table]
    errors: tuple[Diagnostic, ...]


def read(path: str, below: Tables) -> Layer:
    """Reads a file.

    Args:
        path: The file.
        below: Devices of files that count less, by name.
    """
    try:
        return check(read_source(path, path), below)
    except OSError as error:
        return _unreadable(path, (error.strerror or str(error)).lower())
    except UnicodeDecodeError as error:
        return _unreadable(path, f"it is not UTF-8 at byte {error.start}")


def _unreadable(path: str, why: str) -> Layer:
    reporter = Reporter()
    reporter.report(
        SYNTAX,
        f"cannot read `{path}`: {why}",
        None,
        helps=("MSL_DEVICES names a file of devices; unset it to do without",),
    )
    return Layer({}, tuple(reporter.diagnostics))


def check(source: Source, below: Tables | None = None) -> Layer:
    """What a text says.

    Args:
        source: The text.
        below: Devices of files that count less, by name.
    """
    reporter = Reporter()
    try:
        data = tomllib.loads(source.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        _report_syntax(source, error, reporter)
        return Layer({}, tuple(reporter.diagnostics))
    sheet = _Sheet(source, reporter, {name: table for name, (table, _) in (below or {}).items()})
    tables: dict[str, Table] = {}
    for name, table in data.items():
        complete = sheet.device(name, table)
        if complete is not None:
            tables[name] = sheet.own[name] = complete
    return Layer(tables, tuple(reporter.diagnostics))


def _report_syntax(source: Source, error: Exception, reporter: Reporter) -> None:
    text, end = str(error), len(source.text)
    place = _PLACE.search(text)
    start = end
    if place is not None:
        start = min(source.line_starts[int(place[1]) - 1] + int(place[2]) - 1, end)
    message = re.sub(r" \(at .*\)$", "", text) or "it is nested too deeply"
    reporter.report(
        SYNTAX,
        f"this is no TOML: {message[:1].lower()}{message[1:]}",
        Span(source, start, min(start + 1, end)),
        helps=("a device is `[name]` and settings below it, such as `memory = 24`",),
    )


class _Sheet:
    """Checks the devices of one text.

    Args:
        source: The text.
        reporter: Takes the findings.
        own: Devices of users that this text may start from.
    """

    def __init__(self, source: Source, reporter: Reporter, own: dict[str, Table]) -> None:
        self.source = source
        self.reporter = reporter
        self.own = own

    def device(self, name: str, table: object) -> Table | None:
        """A device's settings, complete; None where any is wrong."""
        before = len(self.reporter.diagnostics)
        if not isinstance(table, dict):
            self._report(name, "", f"`{name}` belongs to no device",
                         "write it below the `[name]` of its device")  # fmt: skip
            return None
        if not _NAME.fullmatch(name):
            help = "names are of lower-case letters, digits and `-`, such as `lab-3090`"
            self._report(name, "", f"`{name}` is no name for a device", help)
        for key, value in table.items():
            self._setting(name, key, value)
        complete = self._complete(name, table)
        if len(self.reporter.diagnostics) > before:
            return None
        for objection in objections(complete, table, all_built_in):
            self._object(name, objection)
        return complete

    def _setting(self, name: str, key: str, value: object) -> None:
        if key not in KEYS:
            near = nearest(key, KEYS)
            help = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(KEYS)}"
            self._report(name, key, f"a device has no `{key}`", help)
            return
        wanted = next((text for test, text in _demands(key) if not test(value)), "")
        if wanted:
            self._report(
                name, key, f"`{key}` is {wanted}, not `{_shown(value)}`", _cure(key, value)
            )

    def _complete(self, name: str, table: Table) -> Table:
        """The settings with those of the base; the name itself may be one that is known."""
        asked = table.get("base", "")
        known = (*built_in_names(), *self.own)
        if asked and asked not in known:
            near = nearest(str(asked), known)
            help = f"did you mean `{near[0]}`?" if near else "`msl devices` lists them"
            self._report(name, "base", f"there is no device `{asked}`", help)
            return table
        base = asked or (name if name in known else "")
        complete = dict(self.own.get(base) or built_in(base))
        complete.pop("aliases", None)
        if "price" in table:
            complete.pop("price_date", None)
            complete.pop("price_source", None)
        if base and "source" not in table:
            rest = complete.get("source", "not said")
            complete["source"] = f"{self.source.name}; the rest is of `{base}`: {rest}"
        complete |= table
        if base:
            complete["base"] = complete.get("base", base)
        missing = [key for key in REQUIRED if key not in complete]
        if missing:
            lacks = ", ".join(f"`{key}`" for key in missing)
            help = 'write them, or `base = "rtx-3090"` to start from a known device'
            self._report(name, "", f"`{name}` lacks {lacks}", help)
        return complete

    def _object(self, name: str, objection: Objection) -> None:
        span = self._place(name, objection.key)
        fix = None
        if objection.instead is not None and "=" in span.text:
            text = f"{objection.key} = {objection.instead:.10g}"
            fix = Fix(f"write `{text}`", (Edit(span, text),), safe=False)
        self.reporter.report(
            objection.code, objection.message, span, helps=objection.helps, fix=fix
        )

    def _report(self, name: str, key: str, message: str, help: str) -> None:
        self.reporter.report(SETTING, message, self._place(name, key), helps=(help,))

    def _place(self, name: str, key: str) -> Span:
        """Where a setting stands, or the header of its device."""
        text = self.source.text
        quoted = rf"""["']?{re.escape(name)}["']?"""
        header = re.search(rf"^[ \t]*(\[[ \t]*{quoted}[ \t]*\]|{quoted}[^=\n]*=.*)", text, re.M)
        if header is None:
            return Span(self.source, 0, min(1, len(text)))
        after = re.compile(r"^[ \t]*\[", re.M).search(text, header.end())
        end = after.start() if after else len(text)
        setting = re.compile(rf"^[ \t]*({re.escape(key)}[ \t]*=[^\n#]*)", re.M)
        found = setting.search(text, header.end(), end) if key else None
        place = found or header
        return Span(self.source, place.start(1), place.start(1) + len(place[1].rstrip()))


# --- what settings may be -----------------------------------------------------------------------

_Demand = tuple[Callable[[object], bool], str]


def _demands(key: str) -> Iterator[_Demand]:
    """What a setting must be, each with its words."""
    if key == "units":
        yield lambda value: _is_number(value) and value == int(value) > 0, "a count of units"
    elif key in _POSITIVE:
        yield lambda value: _is_number(value) and value > 0, "a positive number"
    elif key == "price":
        yield _is_price, "dollars an hour, or the lowest and the highest as `[low, high]`"
    elif key == "aliases":
        yield _are_texts, "a list of other names"
    elif key == "kind":
        yield lambda value: value in KINDS, " or ".join(f'"{kind}"' for kind in KINDS)
    elif key == "family":
        yield lambda value: value in FAMILIES, f"one of {', '.join(FAMILIES)}"
    elif key in _FLAGS:
        yield lambda value: isinstance(value, bool), "true or false"
    else:
        yield lambda value: isinstance(value, str), "a text in quotes"


def _is_number(value: object) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and abs(value) < 1e15 and value == value


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and not [item for item in value if not isinstance(item, str)]


def _is_price(value: object) -> bool:
    if isinstance(value, list):
        numbers = len(value) == 2 and _is_number(value[0]) and _is_number(value[1])
        return numbers and 0 <= value[0] <= value[1]
    return _is_number(value) and value >= 0


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _cure(key: str, value: object) -> str:
    units = {"memory": "GiB", "bandwidth": "GB/s", "clock": "GHz", "link": "GB/s", "tdp": "watts"}
    unit = units.get(key, "TFLOP/s" if key in PRECISIONS else "")
    if key == "aliases":
        return 'write such as `aliases = ["my card"]`'
    if key == "price":
        return "write such as `price = 1.20` or `price = [0.80, 2.00]`"
    if key in ("kind", "family"):
        known = KINDS if key == "kind" else FAMILIES
        near = nearest(str(value), known)
        return f"did you mean `{near[0]}`?" if near else f'write such as `{key} = "{known[0]}"`'
    if unit:
        return f"`{key}` is a number of {unit}, without the unit: `{key} = 24`"
    return "`msl devices show rtx-3090` shows a whole device"
