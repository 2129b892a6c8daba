"""One operation: as a device sees it, and as the backward pass needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsl.tape.tensors import Param, Storage, Tensor


class Work:
    """One operation as a device sees it.

    Attributes:
        category: ``gemm conv conv1x1 grouped depthwise attention norm batch_norm pool pointwise
            reduce copy lookup scan``.
        flops: Of products, 2 for each multiply-accumulate.
        bytes: Read and written.
        size: Bytes of an element, which says the precision.
        phase, path: Where it stands in the step.
        times: How many like it there are, where one stands for the rounds of a long repeat.
    """

    __slots__ = ("bytes", "category", "flops", "path", "phase", "size", "times")

    def __init__(
        self, category: str, flops: int, bytes_: int, size: int, phase: str, path: str
    ) -> None:
        self.category, self.flops, self.bytes = category, flops, bytes_
        self.size, self.phase, self.path, self.times = size, phase, path, 1


class Step:
    """What the backward pass needs of one operation; `flops` are those of its own products."""

    __slots__ = (
        "again",
        "category",
        "flops",
        "inputs",
        "kept",
        "others",
        "output",
        "params",
        "path",
        "temporary",
        "ways",
    )  # fmt: skip

    def __init__(
        self, category: str, inputs: Sequence[Tensor], output: Tensor, ways: Sequence[str],
        kept: list[Storage], params: Sequence[Param], flops: int, temporary: int, path: str,
    ) -> None:  # fmt: skip
        self.category, self.inputs, self.output, self.ways = category, inputs, output, ways
        self.kept, self.params, self.flops = kept, params, flops
        self.temporary, self.path = temporary, path
        self.others: tuple[Tensor, ...] = ()
        self.again: Callable[[], None] | None = None
