"""Records: what dataclasses give, at a twentieth of their start-up cost.

A dataclass compiles its methods when its module is imported, which for the hundred types of this
package costs more than checking a spec. Here all types share one set of methods, which also
compare trees of any depth without recursion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, dataclass_transform

MISSING: Any = object()


class _Field:
    __slots__ = ("compare", "default", "factory", "init", "kw_only")

    def __init__(
        self, default: Any, factory: Callable[[], Any] | None, init: bool, compare: bool,
        kw_only: bool,
    ) -> None:  # fmt: skip
        self.default, self.factory = default, factory
        self.init, self.compare, self.kw_only = init, compare, kw_only


def field(
    default: Any = MISSING,
    *,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    compare: bool = True,
    kw_only: bool = False,
) -> Any:
    """Declares a field as `dataclasses.field` does.

    Args:
        default: Its value where none is given.
        default_factory: Makes its value where none is given.
        init: Whether the constructor takes it; `__post_init__` sets the others.
        compare: Whether it takes part in equality.
        kw_only: Whether it is given by name only.
    """
    return _Field(default, default_factory, init, compare, kw_only)


class _RecordType(type):
    """Collects the annotated fields of a record class."""

    FIELDS: tuple[str, ...]

    def __new__(
        mcls, name: str, bases: tuple[type, ...], body: dict[str, Any], frozen: bool = True,
        eq: bool = True,
    ) -> Any:  # fmt: skip
        inherited = dict(getattr(bases[0], "_specs", {})) if bases else {}
        own = {}
        for key in body.get("__annotations__", {}):
            value = body.pop(key, MISSING)
            plain = _Field(value, None, True, True, False)
            own[key] = value if isinstance(value, _Field) else plain
        specs = inherited | own
        body["__slots__"] = tuple(key for key in own if key not in inherited)
        body["_specs"] = specs
        given = {key: spec for key, spec in specs.items() if spec.init}
        body["FIELDS"] = tuple(given)
        body["__match_args__"] = tuple(key for key, spec in given.items() if not spec.kw_only)
        body["_compared"] = tuple(key for key, spec in given.items() if spec.compare)
        if not frozen:
            body["__setattr__"], body["__delattr__"] = object.__setattr__, object.__delattr__
        if not eq:
            body["__eq__"], body["__hash__"] = object.__eq__, object.__hash__
        return super().__new__(mcls, name, bases, body)

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any], **_: bool) -> None:
        super().__init__(name, bases, body)


@dataclass_transform(field_specifiers=(field,), frozen_default=True)
class Record(metaclass=_RecordType):
    """Base of records; fields are the annotated names of a class and its bases.

    A class is frozen unless it says ``frozen=False``, and equal to another with equal fields
    unless it says ``eq=False``.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        put = object.__setattr__
        for key, value in zip(self.__match_args__, args):
            put(self, key, value)
        if named or len(args) != len(self.FIELDS):
            self._fill(args, named)
        self.__post_init__()

    def _fill(self, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Sets what is given by name, and the rest to its default."""
        cls, put = type(self), object.__setattr__
        if len(args) > len(cls.__match_args__):
            raise TypeError(f"{cls.__name__} takes {len(cls.__match_args__)} positional values")
        given = cls.__match_args__[: len(args)]
        for key in named:
            if key in given or key not in cls.FIELDS:
                raise TypeError(f"{cls.__name__} does not take {key!r}")
        for key in cls.FIELDS:
            if key in named:
                put(self, key, named[key])
            elif key not in given:
                spec = cls._specs[key]
                if spec.factory is None and spec.default is MISSING:
                    raise TypeError(f"{cls.__name__} lacks {key!r}")
                put(self, key, spec.factory() if spec.factory else spec.default)

    def __post_init__(self) -> None:
        """Called once the fields are set."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    __delattr__ = __setattr__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        stack: list[tuple[Any, Any]] = [(self, other)]
        while stack:
            left, right = stack.pop()
            if left is right:
                continue
            if type(left) is not type(right):
                if left != right or not isinstance(left, int) or not isinstance(right, int):
                    return False
            elif isinstance(left, Record) and type(left).__eq__ is Record.__eq__:
                stack.extend((getattr(left, key), getattr(right, key)) for key in left._compared)
            elif isinstance(left, tuple):
                if len(left) != len(right):
                    return False
                stack.extend(zip(left, right))
            elif left != right:
                return False
        return True

    def __hash__(self) -> int:
        """Of the plain values of the record itself: equal trees hash equal, and fast."""
        values = (getattr(self, key) for key in self._compared)
        return hash((type(self).__name__, *(v for v in values if isinstance(v, (str, int, float)))))

    def __repr__(self) -> str:
        shown = (f"{key}={getattr(self, key)!r}" for key in self._compared)
        return f"{type(self).__name__}({', '.join(shown)})"

    def replace(self, **changes: Any) -> Any:
        """A copy with some fields changed."""
        values = {key: getattr(self, key) for key in self.FIELDS}
        return type(self)(**(values | changes))

    def __reduce__(self) -> Any:
        return _restore, (type(self), {key: getattr(self, key) for key in self.FIELDS})


def _restore(cls: type[Record], values: dict[str, Any]) -> Record:
    return cls(**values)
