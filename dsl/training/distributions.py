"""Distributions: what ``search`` may draw a parameter or setting from."""

from __future__ import annotations

from typing import Any, ClassVar

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import Float, Int, ListOf, ValueType


class Distribution(Kind, abstract=True):
    """Base of distributions."""

    category: ClassVar[str] = "distribution"

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that must all be allowed for whatever is drawn: the ends, or all choices."""
        return (self.low, self.high)


def _require_order(kind: Any) -> None:
    if kind.low >= kind.high:
        raise KindError(
            f"`low` is {kind.low:g} and `high` {kind.high:g}: there is nothing between them",
            "high",
            "give the lower end first",
        )


class Uniform(Distribution):
    """A number between two ends, all equally likely.

    Formula: density ``1 / (high - low)`` on ``[low, high]``.
    Source: Bergstra and Bengio 2012, jmlr.org/papers/v13/bergstra12a.
    """

    low: float = arg(Float(), "The lower end.", keras=("min_value",))
    high: float = arg(Float(), "The upper end.", keras=("max_value",))

    def check(self) -> None:
        _require_order(self)


class LogUniform(Distribution):
    """A number between two ends whose logarithm is uniform, for rates and the like.

    Formula: density ``1 / (x * log(high / low))`` on ``[low, high]``.
    Source: Bergstra and Bengio 2012, jmlr.org/papers/v13/bergstra12a.
    """

    low: float = arg(Float(0, open_low=True), "The lower end.", keras=("min_value",))
    high: float = arg(Float(0, open_low=True), "The upper end.", keras=("max_value",))

    def check(self) -> None:
        _require_order(self)


class IntUniform(Distribution):
    """A whole number from `low` to `high`, both included, all equally likely.

    Formula: probability ``1 / (high - low + 1)`` each.
    Source: Bergstra and Bengio 2012, jmlr.org/papers/v13/bergstra12a.
    """

    low: int = arg(Int(), "The lowest number.", keras=("min_value",))
    high: int = arg(Int(), "The highest number.", keras=("max_value",))

    def check(self) -> None:
        _require_order(self)


class Choice(Distribution):
    """One of a few values, all equally likely.

    Formula: probability ``1 / n`` each, for ``n`` values.
    Source: Bergstra and Bengio 2012, jmlr.org/papers/v13/bergstra12a.
    """

    values_: tuple[Any, ...] = arg(
        ListOf(ValueType(), least=2), "The values to choose among.", rest=True
    )

    @property
    def ends(self) -> tuple[Any, ...]:
        return self.values_
