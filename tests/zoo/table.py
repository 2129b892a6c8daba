"""Published architectures, their sizes, and the spec under ``examples/zoo`` that is each of them.

Counts are those of torchvision 0.29, timm 1.0.31, transformers 5.23 and keras.applications 3.15
(trainable values), FLOPs those of PyTorch's `FlopCounterMode`, two for each multiply-add, batch 1.
"""

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
    """

    name: str
    file: str
    params: int
    flops: int | None = None
    model: str = ""
    define: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    symbols: Mapping[str, int] = field(default_factory=dict)


CONVOLUTIONAL: list[Row] = [
    Row("torchvision/alexnet", "alexnet", 61_100_840, 1_428_376_960),
]

TRANSFORMERS: list[Row] = []

ROWS: list[Row] = [*CONVOLUTIONAL, *TRANSFORMERS]
