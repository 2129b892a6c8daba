"""Finding devices by name: built-in ones, and those that users' files add or change."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from dsl.devices.device import Device, device_of

if TYPE_CHECKING:
    from dsl.devices.files import Layer
    from dsl.diagnostics.model import Diagnostic

Tables = dict[str, tuple[dict[str, Any], str]]
"""Settings by name, each with the file that they are from."""

_PATH = os.path.join(os.path.dirname(__file__), "devices.toml")
_HEADER = re.compile(r"^\[([^\]\n]+)\]$", re.MULTILINE)
_ALIASES = re.compile(r"^aliases = \[(.*)\]$", re.MULTILINE)
_MAKERS = re.compile(r"nvidia|geforce|tesla|quadro|amd|instinct|radeon|intel|apple|google|gpu")


class UnknownDevice(LookupError):
    """No device has the name that was asked for.

    Attributes:
        name: As it was written.
        near: Names that may have been meant, nearest first.
    """

    def __init__(self, name: str, near: list[str]) -> None:
        self.name = name
        self.near = near
        known = ", ".join(f"`{other}`" for other in near)
        help = f"did you mean {known}?" if near else "`msl devices` lists them"
        super().__init__(f"there is no device `{name}`; {help}")


class BadDeviceFile(ValueError):
    """A user's file of devices has mistakes.

    Attributes:
        diagnostics: The findings about it.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__(diagnostics[0].message)


def find(name: str) -> Device:
    """The device of a name, as it is listed or nearly so: `RTX 3090` and `rtx3090` are one.

    Raises:
        UnknownDevice: There is none; with the names that may have been meant.
        BadDeviceFile: A user's file has mistakes.
    """
    own = _own_tables()
    for key in dict.fromkeys((name, _listed(name, own))):
        if key in own:
            table, origin = own[key]
            return device_of(key, table, origin)
        if key and (table := built_in(key)):
            return device_of(key, table)
    raise UnknownDevice(name, _near(name, own))


def names() -> tuple[str, ...]:
    """The names of all devices, users' own last.

    Raises:
        BadDeviceFile: A user's file has mistakes.
    """
    return tuple(dict.fromkeys((*_sections(), *_own_tables())))


def all() -> tuple[Device, ...]:
    """Every device, in the order of `names`.

    Raises:
        BadDeviceFile: A user's file has mistakes.
    """
    tables = {name: (table, "") for name, table in all_built_in().items()} | _own_tables()
    return tuple(device_of(name, *tables[name]) for name in names())


# --- what is built in -------------------------------------------------------------------------


def built_in(name: str) -> dict[str, Any]:
    """The built-in table of a name, read alone; empty where there is none.

    Our own file has one plain setting a line. To read one table of it so takes a tenth of the time
    that loading `tomllib` takes.
    """
    start, end = _sections().get(name, (0, 0))
    lines = [line for line in _text()[start:end].splitlines() if line and line[0] != "#"]
    return {key: _value(text) for key, _, text in (line.partition(" = ") for line in lines)}


def _value(text: str) -> Any:
    """A text, a number or a list of them, as our own file writes it."""
    if text[0] == '"':
        return text[1:-1]
    if text[0] == "[":
        return [_value(item) for item in text[1:-1].split(", ")]
    return float(text) if "." in text else int(text)


def built_in_names() -> tuple[str, ...]:
    """The names of all built-in devices."""
    return tuple(_sections())


@cache
def all_built_in() -> dict[str, dict[str, Any]]:
    """Every built-in table by name."""
    import tomllib

    return tomllib.loads(_text())


@cache
def _text() -> str:
    with open(_PATH, encoding="utf-8") as file:
        return file.read()


@cache
def _sections() -> dict[str, tuple[int, int]]:
    """Where the settings of each built-in device stand in the text."""
    headers = list(_HEADER.finditer(_text()))
    ends = [header.start() for header in headers[1:]] + [len(_text())]
    return {header[1]: (header.end(), end) for header, end in zip(headers, ends)}


# --- names ------------------------------------------------------------------------------------


def _own_tables() -> Tables:
    """What users' files say, complete, each with its file."""
    from dsl.devices.places import paths

    found = paths()
    if not found:
        return {}
    from dsl.devices.files import read

    tables: Tables = {}
    for path in found:
        layer: Layer = read(path, tables)
        if layer.errors:
            raise BadDeviceFile(layer.errors)
        tables |= {name: (table, path) for name, table in layer.tables.items()}
    return tables


def squeezed(name: str) -> str:
    """What of a name tells devices apart: `NVIDIA GeForce RTX 3090` is `rtx3090`."""
    return re.sub(r"[^a-z0-9+]", "", _MAKERS.sub("", name.lower()))


def _listed(name: str, own: Tables) -> str:
    """The name of the list that one is another spelling of, or an alias; empty without one."""
    wanted = squeezed(name)
    aliases = dict(_aliases())
    for other, (table, _) in own.items():
        aliases |= dict.fromkeys(table.get("aliases", ()), other)
    spelt = {squeezed(alias): other for alias, other in aliases.items()}
    spelt |= {squeezed(other): other for other in (*_sections(), *own)}
    return spelt.get(wanted, "") if wanted else ""


@cache
def _aliases() -> dict[str, str]:
    """Other names of built-in devices."""
    found = {}
    for name, (start, end) in _sections().items():
        match = _ALIASES.search(_text(), start, end)
        if match:
            found |= dict.fromkeys(re.findall(r'"([^"]+)"', match[1]), name)
    return found


def _near(name: str, own: Iterable[str]) -> list[str]:
    """Names that may have been meant: that begin with or hold this one, else a slip away."""
    from dsl.diagnostics.suggest import nearest

    wanted, known = squeezed(name), list(dict.fromkeys((*_sections(), *own)))
    parts = [other for other in known if len(wanted) > 1 and wanted in squeezed(other)]
    parts.sort(key=lambda other: not squeezed(other).startswith(wanted))
    if parts:
        return parts[:5]
    aliases = _aliases()
    slips = nearest(name, [*known, *aliases]) or nearest(wanted, known)
    return list(dict.fromkeys(aliases.get(other, other) for other in slips))
