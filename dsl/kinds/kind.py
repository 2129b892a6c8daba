"""Kinds: everything a spec can name with a capital letter, each a class in a registry.

A kind declares its arguments once, as typed fields; the constructor, validation, did-you-mean,
``msl explain``, the reference pages and completion all read them from here.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dsl.kinds.values import AUTO, BadValue, KindOf, ValueType
from dsl.record import Record
from dsl.shapes.trace import TracedAuto


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()
MUST_BE_GIVEN = "`auto` means not given, and this must be: `n if n != auto else 64`"
"""The cure where ``auto`` stands for an argument without a default."""


class Arg(Record):
    """One argument of a kind.

    Attributes:
        type: What it takes.
        doc: One sentence.
        default: The value where none is given, or `REQUIRED`.
        keyword: Whether it can only be given by name.
        rest: Whether it takes all further positional values, as a tuple.
        keras: Spellings that Keras uses; naming one is an error whose help names the MSL word.
    """

    type: ValueType
    doc: str
    default: Any = REQUIRED
    keyword: bool = False
    rest: bool = False
    keras: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is REQUIRED


def arg(
    type: ValueType,
    doc: str,
    default: Any = REQUIRED,
    *,
    keyword: bool = False,
    rest: bool = False,
    keras: tuple[str, ...] = (),
) -> Any:
    """Declares an argument of a kind as a class attribute; see `Arg`.

    A default is given in the form that the rules see (``(1, 1)`` for a pair), and None where the
    argument may be left out for good.
    """
    return Arg(type, doc, default, keyword, rest, keras)


REGISTRY: dict[str, dict[str, type[Kind]]] = {}


class KindError(Exception):
    """Arguments that are right one by one and wrong together.

    Args:
        message: The fact.
        arg: The name of the argument at fault.
        help: The cure.
        code: A code of the catalogue.
    """

    def __init__(self, message: str, arg: str = "", help: str = "", code: str = "MSL207") -> None:
        super().__init__(message)
        self.message, self.arg, self.help, self.code = message, arg, help, code


class Kind:
    """Base of all kinds. A subclass is registered unless declared with ``abstract=True``.

    Class attributes:
        category: ``layer loss optimizer schedule regularizer initializer parametrization metric
            data augmentation distribution``; the registry is keyed by category, then name.
        name: The word in a spec; the class name unless set.
        keras: Keras' words for the kind; naming one is an error whose help gives ours.
        pytorch: PyTorch's words for it where they differ from ours, treated alike.
    """

    category: ClassVar[str] = ""
    name: ClassVar[str] = ""
    keras: ClassVar[tuple[str, ...]] = ()
    pytorch: ClassVar[tuple[str, ...]] = ()
    arguments: ClassVar[dict[str, Arg]] = {}

    def __init_subclass__(cls, abstract: bool = False, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        arguments = dict(cls.arguments)
        for key, value in list(vars(cls).items()):
            if isinstance(value, Arg):
                arguments[key] = value
                delattr(cls, key)
        cls.arguments = arguments
        if not abstract:
            cls.name = vars(cls).get("name", cls.__name__)
            REGISTRY.setdefault(cls.category, {})[cls.name] = cls

    def __init__(self, **values: Any) -> None:
        """Sets each argument, defaults where none is given; values are already coerced.

        `left_out` has the formulas of those that are `auto` here, and may be given elsewhere.
        """
        self.left_out: dict[str, TracedAuto] = {}
        for key, argument in self.arguments.items():
            value = values.get(key, argument.default)
            if isinstance(value, TracedAuto):
                self.left_out[key] = value
                value = argument.default
            object.__setattr__(self, key, value)
        self.given: tuple[str, ...] = tuple(values)

    def check(self) -> None:
        """Holds arguments against each other.

        Raises:
            KindError: They do not go together.
        """

    @property
    def values(self) -> dict[str, Any]:
        """Argument values by name."""
        return {key: getattr(self, key) for key in self.arguments}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.values == other.values  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), tuple(self.values.values())))

    def __repr__(self) -> str:
        shown = (f"{key}={getattr(self, key)!r}" for key in self.given)
        return f"{self.name}({', '.join(shown)})"

    __str__ = __repr__

    @classmethod
    def make(cls, *positional: Any, **named: Any) -> Any:
        """An instance from raw values, for tests and defaults.

        Raises:
            BadValue, KindError: As the values deserve.
        """
        bound, problems = bind(cls.arguments, positional, named)
        if problems:
            raise BadValue(f"{cls.name}: {problems[0].message}", problems[0].help)
        instance = cls(**bound)
        instance.check()
        return instance


class ArgProblem(Record):
    """What is wrong with one argument.

    Attributes:
        code: A code of the catalogue (MSL2xx).
        message: The fact, about "`name`".
        key: The position (int) or name (str) of the given value; None where one is missing.
        help: The cure.
    """

    code: str
    message: str
    key: int | str | None
    help: str = ""


def bind(
    arguments: dict[str, Arg], positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[dict[str, Any], list[ArgProblem]]:
    """Matches given values to arguments and coerces them.

    One given as ``auto`` counts as left out where it may be, unless its type takes the word.

    Returns:
        The values given, by argument name, and every problem found.
    """
    bound: dict[str, Any] = {}
    problems: list[ArgProblem] = []
    slots = [key for key, argument in arguments.items() if not argument.keyword]
    given: list[tuple[int | str, str, Any]] = []
    for index, value in enumerate(positional):
        if slots and arguments[slots[min(index, len(slots) - 1)]].rest and index >= len(slots) - 1:
            if index == len(slots) - 1:
                given.append((index, slots[-1], tuple(positional[index:])))
        elif index < len(slots):
            given.append((index, slots[index], value))
        else:
            takes = f"at most {len(slots)}" if slots else "no"
            problems.append(ArgProblem("MSL202", f"takes {takes} positional values", index))
            break
    for key, value in named.items():
        if key in arguments:
            given.append((key, key, value))
        else:
            problems.append(_unknown(arguments, key))
    seen: set[str] = set()
    for key, name, value in given:
        if name in seen:
            problems.append(ArgProblem("MSL203", f"`{name}` is given twice", key))
            continue
        seen.add(name)
        if value == AUTO and _may_be_left_out(arguments[name]):
            continue
        bound[name], problem = _coerce(arguments[name], name, key, value)
        if problem:
            problems.append(problem)
    if any(problem.code == "MSL201" for problem in problems):
        return bound, problems  # what seems to be missing was probably misspelt
    for name, argument in arguments.items():
        if argument.required and name not in bound and not any(p.key == name for p in problems):
            problems.append(
                ArgProblem("MSL204", f"`{name}` is missing: {argument.doc.rstrip('.')}", None)
            )
    return bound, problems


def _may_be_left_out(argument: Arg) -> bool:
    """Whether ``auto`` in the place of an argument means its default."""
    if argument.required:
        return False
    try:
        argument.type.coerce(AUTO)
    except BadValue:
        return True
    return False


def _coerce(argument: Arg, name: str, key: int | str, value: Any) -> tuple[Any, ArgProblem | None]:
    try:
        if value is None and argument.default is None:
            return None, None
        return argument.type.coerce(value), None
    except BadValue as problem:
        help = problem.help
        if value == AUTO:
            help = MUST_BE_GIVEN
        return value, ArgProblem("MSL205", f"`{name}` {problem.message}", key, help)


def _unknown(arguments: dict[str, Arg], key: str) -> ArgProblem:
    from dsl.diagnostics.suggest import nearest

    for name, argument in arguments.items():
        if key in argument.keras:
            return ArgProblem(
                "MSL201", f"`{key}` is what Keras calls `{name}`", key, f"write `{name}`"
            )
    near = nearest(key, arguments)
    takes = f"it takes {', '.join(arguments)}" if arguments else "it takes none"
    return ArgProblem(
        "MSL201",
        f"no argument is called `{key}`",
        key,
        f"did you mean `{near[0]}`?" if near else takes,
    )


def find(category: str, name: str) -> type[Kind] | None:
    """The kind of that category and name."""
    return REGISTRY.get(category, {}).get(name)


def keras_word(category: str, name: str) -> str | None:
    """The MSL name of a kind that Keras calls `name`."""
    for kind in REGISTRY.get(category, {}).values():
        if name in kind.keras:
            return kind.name
    return None


def pytorch_word(category: str, name: str) -> str | None:
    """The MSL name of a kind that PyTorch calls `name`, where the two differ."""
    for kind in REGISTRY.get(category, {}).values():
        if name in kind.pytorch:
            return kind.name
    return None


def categories_of(name: str) -> list[str]:
    """The categories that have a kind of this name."""
    return [category for category, kinds in REGISTRY.items() if name in kinds]


__all__ = [
    "REGISTRY",
    "REQUIRED",
    "Arg",
    "ArgProblem",
    "Kind",
    "KindError",
    "KindOf",
    "arg",
    "bind",
    "categories_of",
    "find",
    "keras_word",
    "pytorch_word",
]
