"""One line of the table of published architectures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One published architecture.

    Attributes:
        name: As the source calls it.
        file: Name of the spec in ``examples/zoo``, without its ending.
        params: Trainable values.
        flops: Of one sample's forward pass; None where none are published.
        model: Model or variant; "" for the file's own choice.
        define: Parameters by name, as on the command line.
        shapes: Output shapes by layer path, at the ends of blocks.
        symbols: Sizes to quote symbols at, by name; those of the spec where not given.
        active: Trainable values that one position meets; all of them where not given.
    """

    name: str
    file: str
    params: int
    flops: int | None = None
    model: str = ""
    define: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    symbols: Mapping[str, int] = field(default_factory=dict)
    active: int | None = None
