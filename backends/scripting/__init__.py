"""Training scripts as far as frameworks agree: data in NumPy, schedules, flags, the header.

Backends add the rest. The templates that go with this lie in ``backends/templates``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from backends.base import Generation

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
"""The folder of the templates that backends share."""


@dataclass(frozen=True, slots=True)
class ModelCode:
    """The model's part of a file.

    Attributes:
        code: Classes and ``build_model``, without imports.
        class_name: The class that ``build_model`` makes.
        imports: Import statements that the code needs.
        keys: For each MSL key that differs from it, the name of the parameter in the module.
        generation: How it continues a sequence, if it does.
        remembers: Classes of layers that take a cache while it does so.
        cache: The name for the cache's class.
        blocks: For each block of the spec, the classes that it became.
    """

    code: str
    class_name: str
    imports: tuple[str, ...] = ()
    keys: dict[str, str] = field(default_factory=dict)
    generation: Generation | None = None
    remembers: tuple[str, ...] = ()
    cache: str = "KVCache"
    blocks: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file's header says about where it comes from.

    Attributes:
        spec: File name of the spec.
        version: MSL's version.
        summary: One line about the model; "" for none.
        stem: The script's file name without its ending.
        data_path: The data as seen from the script's folder; None for the spec's own words.
    """

    spec: str
    version: str
    summary: str = ""
    stem: str = ""
    data_path: str | None = None
