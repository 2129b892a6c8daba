"""What the zoo holds: an index beside the specs, one line for each entry.

The specs are the folder ``examples/zoo`` of a clone; an installed package has them as
``dsl/zoo/specs``. ``index.toml`` has a table for each task, and in it a line for each entry.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dsl.record import Record

if TYPE_CHECKING:
    from dsl.compilation import Compilation


class Entry(Record):
    """One architecture of the zoo.

    Attributes:
        name: What the user calls it: ``resnet50``.
        task: What it is for: ``image classification``.
        spec: Name of the spec's file, without its ending.
        model: Model or variant of that file; "" for the file's own choice.
        counts: The published counts that it is held to: ``torchvision/resnet50``.
    """

    name: str
    task: str
    spec: str
    model: str = ""
    counts: str = ""

    @property
    def path(self) -> str:
        """The spec's file."""
        return os.path.join(folder(), f"{self.spec}.msl")

    def compilation(self) -> Compilation:
        """The compilation of its spec."""
        from dsl.compilation import Compilation, Options
        from dsl.passes.modules import FileLoader
        from dsl.source import read_source

        source = read_source(self.path, self.path)
        return Compilation(source, Options(self.model), FileLoader(self.path), self.path)


def folder() -> str:
    """Where the specs are."""
    here = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(here, "specs")
    if os.path.isdir(installed):
        return installed
    return os.path.join(os.path.dirname(os.path.dirname(here)), "examples", "zoo")


def entries() -> dict[str, Entry]:
    """Every entry by name, in the order of the index."""
    import tomllib

    with open(os.path.join(folder(), "index.toml"), "rb") as file:
        tasks = tomllib.load(file)
    found = {}
    for task, lines in tasks.items():
        for name, line in lines.items():
            assert name not in found, f"{name} is listed for two tasks"
            found[name] = Entry(name, task, **line)
    return found
