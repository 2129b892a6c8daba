"""What backends share: how a layer states the code it becomes.

A backend's family file (`backends/torch/layers/conv.py`) registers one emitter for each kind with
`Emitters.emits`, or declares it unsupported with a reason. An emitter builds text and imports no
framework. It is handed a `Site` and gives an `Emission`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dsl.kinds.kind import Kind
from dsl.shapes.trace import Traced, formula, whole
from dsl.shapes.types import TensorType


@dataclass(frozen=True, slots=True)
class KerasWeight:
    """How one variable of a Keras layer follows from MSL weights (PyTorch's layout).

    Each role's array has its gate blocks (along axis 0) put in the order `gates`, then its axes
    permuted by `permute`; several roles are stacked on a new first axis; the result is reshaped to
    the variable's shape.

    Attributes:
        variable: Path of the variable below the layer: ``kernel``, ``query/kernel``.
        roles: The MSL roles it holds.
        permute: Order of axes, or () to leave them.
        gates: Order of gate blocks, or () to leave them.
    """

    variable: str
    roles: tuple[str, ...]
    permute: tuple[int, ...] = ()
    gates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Emission:
    """The code of one layer.

    Attributes:
        call: A Python expression of the result (of a tuple, where the kind has several results),
            over the inputs' names and, for a module, ``site.self``.
        module: A Python expression that constructs the module or Keras layer, or None where the
            call is a plain function.
        weights: Keras only: its variables; empty where there are none.
    """

    call: str
    module: str | None = None
    weights: tuple[KerasWeight, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """How a model continues a sequence: `backends.lowering.generation` finds out.

    Attributes:
        tokens: The input that is continued.
        place: Its place among the inputs.
        given: The other inputs, which stay as they are: what an encoder reads.
        vocabulary: How many tokens there are.
        context: The most positions that the model looks at, None for any number.
        cached: Whether each step takes in the new token alone.
        attends: Whether attention looks back.
        recurrent: Whether a state is carried along.
        recomputed: Names of the kinds that need all positions in every step.
    """

    tokens: str
    place: int
    given: tuple[str, ...]
    vocabulary: int
    context: int | None
    cached: bool
    attends: bool = False
    recurrent: bool = False
    recomputed: tuple[str, ...] = ()


@dataclass
class Site:
    """Where a layer is emitted.

    Attributes:
        x: Python expressions of the inputs, a port each, None where not given. They are atoms
            (names, calls, subscripts), safe to put anywhere.
        types: Types of the inputs; sizes may be traced.
        outputs: Types of the results.
        self: The expression by which the call reaches the module: ``self.conv1``.
        name: Python code of the layer's name, for Keras' ``name=``.
        code: Turns a value (number, string, tuple, traced) into Python text valid in ``__init__``.
        forward: The same, valid in ``forward`` or ``call`` (a parameter becomes ``self.width``).
        helper: Asks for a helper class or function of the backend's templates by its name, with
            the features it needs; gives the name to use.
        tied: Python code of another layer's weight that this one uses, in MSL's layout; empty
            unless the layer is tied.
        anchor: Keras only: a value with a batch that is in scope, by which a layer that takes no
            input finds its way into the graph.
    """

    x: tuple[str | None, ...]
    types: tuple[TensorType | None, ...]
    outputs: tuple[TensorType, ...]
    self: str
    name: str
    code: Callable[[Any], str]
    forward: Callable[[Any], str]
    helper: Callable[..., str]
    tied: str = ""
    anchor: str = ""

    @property
    def type(self) -> TensorType:
        """The type of the first input."""
        return self.types[0]  # type: ignore[return-value]

    def call(self, function: str, *args: Any, **named: Any) -> str:
        """``function(args, name=value)`` in ``__init__``; None values are left out.

        Values are rendered by `code`; wrap ready Python text in `Raw`.
        """
        return write_call(self.code, function, args, named)

    def call_forward(self, function: str, *args: Any, **named: Any) -> str:
        """``function(args, name=value)`` in ``forward``; None values are left out."""
        return write_call(self.forward, function, args, named)


def asked(site: Site, helper: str) -> dict[str, Any]:
    """What all uses in the file ask of a helper, or nothing while that is not known yet.

    A file is written a second time where an emitter wants to know.
    """
    known = getattr(site.helper, "known", None)
    return known(helper) if known else {}


class Raw(str):
    """Python text, to be written as it stands."""


def write_call(
    code: Callable[[Any], str], function: str, args: tuple[Any, ...], named: dict[str, Any]
) -> str:
    """A call expression; arguments that are None are left out."""
    parts = [code(arg) for arg in args if arg is not None]
    parts.extend(f"{key}={code(value)}" for key, value in named.items() if value is not None)
    return f"{function}({', '.join(parts)})"


def unless(default: Any, value: Any) -> Any:
    """None where the value is the default itself, so that it need not be written.

    A value with a formula is always written: it may differ elsewhere.
    """
    return None if not is_traced(value) and value == default else value


def short(values: tuple[Any, ...]) -> Any:
    """The one value of a tuple whose items all are the same, else the list that has these items."""
    first = values[0]
    same = all(value == first and formula(value) == formula(first) for value in values[1:])
    return first if same else whole(values)


def is_traced(value: Any) -> bool:
    """Whether a value, or an item of a tuple, carries a formula."""
    items = value if isinstance(value, tuple) else ()
    return isinstance(value, Traced) or any(isinstance(item, Traced) for item in items)


def require_fixed(*values: Any) -> None:
    """Refuses values with a formula where the code takes another form for each of them.

    Raises:
        Unsupported: A value carries a formula.
    """
    if any(is_traced(value) for value in values):
        raise Unsupported(
            "the code takes another form for each value, so this cannot be an argument of a block",
            "write the value itself, or choose between layers with `when`",
        )


class Unsupported(Exception):
    """Raised by an emitter for arguments or sizes that its backend cannot express.

    Args:
        reason: What the backend lacks, as the user reads it.
        help: The cure.
    """

    def __init__(self, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.reason, self.help = reason, help


Emitter = Callable[[Any, Site], Emission]


@dataclass
class Emitters:
    """The emitters of a backend, by kind.

    Every kind is native, or unsupported with a reason that the user reads; nothing is dropped.
    """

    backend: str
    native: dict[type[Kind], Emitter] = field(default_factory=dict)
    reasons: dict[type[Kind], str] = field(default_factory=dict)

    def emits(self, *kinds: type[Kind]) -> Callable[[Emitter], Emitter]:
        """Registers the decorated function as the emitter of some kinds."""

        def register(emitter: Emitter) -> Emitter:
            for kind in kinds:
                self.native[kind] = emitter
            return emitter

        return register

    def emit(self, layer: Any, site: Site) -> Emission:
        """The code of a layer.

        Raises:
            Unsupported: The backend cannot express it.
        """
        emitter = self.native.get(type(layer))
        if emitter is None:
            reason = self.reasons.get(type(layer), f"{self.backend} has no `{layer.name}`")
            raise Unsupported(reason)
        return emitter(layer, site)

    def unsupported(self, kind: type[Kind], reason: str) -> None:
        """Declares that the backend cannot express a kind, and why."""
        self.reasons[kind] = reason
