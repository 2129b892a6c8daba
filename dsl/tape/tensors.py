"""Tensors as far as memory is concerned: sizes, who holds them, and which share their bytes."""

from __future__ import annotations

from typing import Literal

Shape = tuple[int, ...]
"""A shape with the batch, all sizes known."""

Holder = Literal["weights", "buffers", "gradients", "optimizer", "activations", "temporaries"]


class Storage:
    """Bytes that are allocated and freed as one.

    Attributes:
        bytes: How many.
        refs: By how many variables, kept tensors and gradients they are held.
    """

    __slots__ = ("bytes", "refs")

    def __init__(self, bytes_: int) -> None:
        self.bytes, self.refs = bytes_, 1


class Tensor:
    """A value on its way through the model; views share the storage of what they look at.

    Attributes:
        shape: With the batch.
        size: Bytes of one element.
        storage: Where the elements lie.
        needs: Whether it gets a gradient.
        real: Whether it holds real numbers, which lower precision may make smaller.
        turned: Whether its axes are not in the order of its bytes, so that some operations copy it.
    """

    __slots__ = ("gradient", "needs", "real", "shape", "size", "storage", "turned")

    def __init__(
        self, shape: Shape, size: int, storage: Storage, needs: bool, real: bool = True
    ) -> None:
        self.shape, self.size, self.storage = shape, size, storage
        self.needs, self.real, self.turned = needs, real, False
        self.gradient: Storage | None = None

    @property
    def count(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def bytes(self) -> int:
        """Bytes of the elements that it sees."""
        return self.count * self.size


class Param:
    """A weight.

    Attributes:
        count: Number of values.
        size: Bytes of one.
        needs: Whether it is trained.
        gradient: What the backward pass has allocated for it so far.
        cast: Its copy in lower precision, made at the first use and kept until the forward pass
            ends.
    """

    __slots__ = ("cast", "count", "gradient", "needs", "size")

    def __init__(self, count: int, size: int = 4, needs: bool = True) -> None:
        self.count, self.size, self.needs = count, size, needs
        self.gradient: Storage | None = None
        self.cast: Storage | None = None

    @property
    def bytes(self) -> int:
        """Bytes of its values."""
        return self.count * self.size
