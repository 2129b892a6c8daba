"""What the entries cost, by the cost pass; kept until a spec or the program changes.

Elaborating ninety architectures takes seconds. What was counted is kept in the user's cache
directory under a key of all that it follows from: the text of every spec, and the size and time of
every file of the program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dsl.record import Record
from dsl.shapes.types import TensorType
from dsl.syntax.tables import cache_directory, read_cache, write_cache
from dsl.version import VERSION
from dsl.zoo.index import Entry, folder


class Counts(Record):
    """What one sample of an entry costs.

    Attributes:
        params: Trainable values.
        macs: Multiply-accumulates of the forward pass, at the sizes that the spec quotes.
        inputs: Each input with its sizes: ``image [3, 224, 224]``, ``tokens [time=1024]``.
    """

    params: int
    macs: int
    inputs: tuple[str, ...]


class Broken(Exception):
    """A spec of the zoo that has mistakes; the argument is its file."""


def counts(
    entries: Sequence[Entry], notice: Callable[[int], None] | None = None
) -> dict[str, Counts]:
    """Counts by the entry's name.

    Args:
        entries: What to count.
        notice: Is told how many are not counted yet, before they are.

    Raises:
        Broken: A spec has mistakes.
    """
    key = _key()
    path = os.path.join(cache_directory(), "zoo.bin")
    kept = _kept(read_cache(path, key))
    lacking = [entry for entry in entries if entry.name not in kept]
    if notice is not None:
        notice(len(lacking))
    kept |= {entry.name: _counted(entry) for entry in lacking}
    if lacking:
        write_cache(path, key, {name: _fields(item) for name, item in kept.items()})
    return {entry.name: kept[entry.name] for entry in entries}


def _kept(data: Any) -> dict[str, Counts]:
    """The counts that a cache file holds; none where it holds anything else."""
    try:
        return {
            name: Counts(params, macs, tuple(inputs))
            for name, (params, macs, inputs) in data.items()
        }
    except (AttributeError, TypeError, ValueError):
        return {}


def _fields(item: Counts) -> tuple[int, int, tuple[str, ...]]:
    return item.params, item.macs, item.inputs


def _counted(entry: Entry) -> Counts:
    from dsl.cost.report import estimate

    model = entry.compilation().model
    if model is None:
        raise Broken(entry.path)
    report = estimate(model)
    return Counts(report.params, report.macs, tuple(_inputs(report.inputs, report.symbols)))


def _inputs(types: Mapping[str, TensorType], symbols: Mapping[str, int]) -> Iterator[str]:
    """Each input with its sizes; a symbol is shown with the size it is quoted at, once."""
    shown: set[str] = set()
    for name, type in types.items():
        sizes = [str(size) for size in type.shape]
        full = [f"{s}={symbols[s]}" if s in symbols and s not in shown else s for s in sizes]
        shown |= set(sizes)
        yield f"{name} [{', '.join(full)}]"


def _key() -> str:
    """What counts follow from: the specs, and the program that reads and counts them."""
    from hashlib import sha256

    specs = sorted(_files(folder(), (".msl", ".toml")))
    texts = []
    for path in specs:
        with open(path, encoding="utf-8") as file:
            texts.append(f"{path}\n{file.read()}")
    program = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    whole = "\n".join([VERSION, *sorted(_stamps(program)), *texts])
    return sha256(whole.encode("utf-8")).hexdigest()


def _stamps(program: str) -> Iterator[str]:
    """Size and time of each file of the program."""
    for root in (program, os.path.join(os.path.dirname(program), "grammar")):
        for path in _files(root, (".py", ".lark")):
            status = os.stat(path)
            yield f"{path} {status.st_size} {status.st_mtime_ns}"


def _files(root: str, endings: tuple[str, ...]) -> Iterator[str]:
    """The files below a folder that end so."""
    for parent, _, names in os.walk(root):
        yield from (os.path.join(parent, name) for name in names if name.endswith(endings))
