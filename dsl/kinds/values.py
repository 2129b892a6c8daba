"""Types of arguments: each coerces an evaluated value or says what is wrong with it.

Evaluated values are int, float, bool, str, tuples of values, `Quantity`, `AUTO`, `AxisName`,
`Poly` (a size with a symbol) and kinds (``ReLU``, ``Normal(0.02)``). Numbers and strings may be
traced (`dsl.shapes.trace`); coercion keeps the trace.
"""

from __future__ import annotations

import math
from typing import Any

from dsl.record import Record
from dsl.shapes.dim import Poly
from dsl.shapes.trace import AUTO, Auto, TracedBool, formula, items, traced
from dsl.shapes.types import DTYPES


class Quantity(Record):
    """A number with a unit: ``8GiB`` (B), ``200ms`` (s), ``5epochs`` (epochs)."""

    value: int | float
    unit: str

    def __str__(self) -> str:
        return f"{self.value}{self.unit}"


class AxisName(Record):
    """An axis given by name, as in ``dim=channels``."""

    name: str

    def __str__(self) -> str:
        return self.name


class LayerPath(Record):
    """A layer by its path in the model, as in ``tie=token_embedding``."""

    path: str

    def __str__(self) -> str:
        return self.path


class BadValue(Exception):
    """A value that does not fit.

    Args:
        message: What the type wants, such as "takes an int from 1 up".
        help: What to write instead, if that is clear.
    """

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


def describe(value: Any) -> str:
    """A value as a message shows it: ``the string "x"``, ``3``, ``a list of 2``."""
    if isinstance(value, (bool, TracedBool)):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value) if type(value) in (int, float) else str(value)
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, tuple):
        return f"a list of {len(value)}"
    return f"`{value}`"


class ValueType:
    """One type of argument."""

    name = "value"

    def coerce(self, value: Any) -> Any:
        """The value as rules see it.

        Raises:
            BadValue: The value is of another type or out of bounds.
        """
        return value

    def __str__(self) -> str:
        return self.name


def is_int(value: Any) -> bool:
    """Whether a value is an integer (a truth value is not)."""
    return isinstance(value, int) and not isinstance(value, (bool, TracedBool))


class _Bounded(ValueType):
    def __init__(
        self,
        low: float | None = None,
        high: float | None = None,
        *,
        choices: tuple[Any, ...] = (),
        open_low: bool = False,
        open_high: bool = False,
    ) -> None:
        self.low, self.high, self.choices = low, high, choices
        self.open_low, self.open_high = open_low, open_high

    def _check(self, value: Any) -> Any:
        if self.choices and value not in self.choices:
            raise BadValue(f"takes one of {', '.join(map(str, self.choices))}")
        low, high = self.low, self.high
        if low is not None and (value <= low if self.open_low else value < low):
            raise BadValue(f"takes {self}")
        if high is not None and (value >= high if self.open_high else value > high):
            raise BadValue(f"takes {self}")
        return value

    def __str__(self) -> str:
        article = "an" if self.name == "int" else "a"
        low, high = self.low, self.high
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        if low is not None and high is not None:
            inside = f" from {low} to {high}"
            notes = [
                f"not {bound}"
                for bound, is_open in ((low, self.open_low), (high, self.open_high))
                if is_open
            ]
            return f"{article} {self.name}{inside}" + (f" ({', '.join(notes)})" if notes else "")
        if low is not None:
            words = "above" if self.open_low else "from"
            return f"{article} {self.name} {words} {low}" + ("" if self.open_low else " up")
        if high is not None:
            return f"{article} {self.name} up to {high}"
        return f"{article} {self.name}"


class Int(_Bounded):
    """An integer within inclusive bounds."""

    name = "int"

    def coerce(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            raise BadValue(f"takes {self}, and {describe(value)} is a float", f"write {int(value)}")
        if not is_int(value):
            raise BadValue(f"takes {self}, not {describe(value)}")
        return self._check(value)


class Float(_Bounded):
    """A number within bounds; ints are welcome."""

    name = "number"

    def coerce(self, value: Any) -> float:
        if not (is_int(value) or isinstance(value, float)):
            raise BadValue(f"takes {self}, not {describe(value)}")
        if not math.isfinite(value):
            raise BadValue(f"takes {self}, and {describe(value)} is not finite")
        self._check(value)
        return value if isinstance(value, float) else self._widen(value)

    def _widen(self, value: int) -> Any:
        return value if hasattr(value, "expr") else float(value)


class Bool(ValueType):
    """``true`` or ``false``."""

    name = "true or false"

    def coerce(self, value: Any) -> bool:
        if not isinstance(value, (bool, TracedBool)):
            raise BadValue(f"takes true or false, not {describe(value)}")
        return value


class String(ValueType):
    """A string, free or one of a few."""

    name = "string"

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def coerce(self, value: Any) -> str:
        if not isinstance(value, str):
            raise BadValue(f"takes {self}, not {describe(value)}")
        if self.choices and value not in self.choices:
            from dsl.diagnostics.suggest import nearest

            near = nearest(value, self.choices)
            raise BadValue(
                f"takes {self}, not {describe(value)}", f'did you mean "{near[0]}"?' if near else ""
            )
        return value

    def __str__(self) -> str:
        if not self.choices:
            return "a string"
        quoted = [f'"{choice}"' for choice in self.choices]
        return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


class Ints(ValueType):
    """An int, or a list of exactly `count`; always a tuple of `count` for the rules."""

    def __init__(self, count: int, low: int = 0) -> None:
        self.count, self.item = count, Int(low)
        self.name = f"{self.item}, or a list of {count}" if count > 1 else str(self.item)

    def coerce(self, value: Any) -> tuple[int, ...]:
        if not isinstance(value, tuple):
            return (self.item.coerce(value),) * self.count
        if len(value) != self.count:
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return tuple(self.item.coerce(item) for item in items(value))


class ListOf(ValueType):
    """A list of values of one type, with an optional number of them."""

    def __init__(self, item: ValueType, count: int | None = None, least: int = 0) -> None:
        self.item, self.count, self.least = item, count, least
        number = f"{count} values" if count is not None else "values"
        self.name = f"a list of {number}, each {item}"

    def coerce(self, value: Any) -> tuple[Any, ...]:
        wrong_count = isinstance(value, tuple) and (
            len(value) < self.least or self.count not in (None, len(value))
        )
        if not isinstance(value, tuple) or wrong_count:
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return traced(tuple(self.item.coerce(item) for item in value), formula(value))


class OneOf(ValueType):
    """A value of the first of several types that takes it."""

    def __init__(self, *types: ValueType) -> None:
        self.types = types
        self.name = ", or ".join(str(kind) for kind in types)

    def coerce(self, value: Any) -> Any:
        problems = []
        for kind in self.types:
            try:
                return kind.coerce(value)
            except BadValue as problem:
                problems.append(problem)
        help = next((problem.help for problem in problems if problem.help), "")
        raise BadValue(f"takes {self.name}, not {describe(value)}", help)


class Axis(ValueType):
    """A dimension, by number (the batch not counted, negative from the end) or by name."""

    name = "an axis: a number or a name such as channels"

    def coerce(self, value: Any) -> int | AxisName:
        if not (is_int(value) or isinstance(value, AxisName)):
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return value


class DType(ValueType):
    """A dtype by its name."""

    name = f"a dtype: {' '.join(DTYPES)}"

    def coerce(self, value: Any) -> str:
        if value not in DTYPES:
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return value


class Size(ValueType):
    """A size: an int from `low` up, or a formula over symbols."""

    def __init__(self, low: int = 1) -> None:
        self.item = Int(low)
        self.name = f"a size ({self.item})"

    def coerce(self, value: Any) -> int | Poly:
        return value if isinstance(value, Poly) else self.item.coerce(value)


class Span(ValueType):
    """A stretch of training: steps (an int), ``5epochs``, or a fraction of the run below 1."""

    name = "a number of steps, of epochs (5epochs), or a fraction of the run below 1"

    def coerce(self, value: Any) -> int | float | Quantity:
        if isinstance(value, Quantity) and value.unit == "epochs" and value.value >= 0:
            return value
        if is_int(value) and value >= 0:
            return value
        if isinstance(value, float) and 0 <= value < 1:
            return value
        raise BadValue(f"takes {self.name}, not {describe(value)}")


class Word(ValueType):
    """Exactly ``auto``."""

    name = "auto"

    def coerce(self, value: Any) -> Auto:
        if not isinstance(value, Auto):
            raise BadValue(f"takes auto, not {describe(value)}")
        return AUTO


class OrAuto(OneOf):
    """A value of a type, or ``auto`` where none is given."""

    def __init__(self, inner: ValueType) -> None:
        super().__init__(inner, Word())

    def coerce(self, value: Any) -> Any:
        return value if isinstance(value, Auto) else self.types[0].coerce(value)


class LayerRef(ValueType):
    """Another layer, by the dotted path its name starts: ``tie=token_embedding``."""

    name = "the name of a layer"

    def coerce(self, value: Any) -> LayerPath:
        if not isinstance(value, LayerPath):
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return value


class KindOf(ValueType):
    """A kind of a category: an initializer, an augmentation, a metric."""

    def __init__(self, category: str) -> None:
        self.category = category
        self.name = f"{'an' if category[0] in 'aeiou' else 'a'} {category}"

    def coerce(self, value: Any) -> Any:
        if getattr(value, "category", None) != self.category:
            raise BadValue(f"takes {self.name}, not {describe(value)}", self._unquoted(value))
        return value

    def _unquoted(self, value: Any) -> str:
        """What to write for a string: kinds are named without quotes."""
        from dsl.kinds.kind import REGISTRY

        if not isinstance(value, str):
            return ""
        names = (name for name in REGISTRY[self.category] if name.lower() == value.lower())
        found = next(names, "")
        return f"write `{found}`, without quotes" if found else "kinds are named without quotes"
