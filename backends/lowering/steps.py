"""One step of a class as code: its module's name, its construction, what it is called with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from backends.base import Emission, Emitters, Raw, Site, Unsupported
from backends.lowering.align import CallSlot, Conflict, LayerSlot, SharedSlot, Slot, same
from backends.lowering.book import Book, ClassPlan, call_sizes
from backends.lowering.functions import function_text
from backends.lowering.loops import Varied
from backends.lowering.merging import unmerged
from backends.lowering.scribe import HOLE
from backends.lowering.uses import count_uses
from backends.pycode.literals import literal, python
from backends.pycode.names import RESERVED, identifier, member
from dsl.ir import CallNode, LayerNode
from dsl.layers.base import Layer
from dsl.layers.extern import ExternLayer
from dsl.passes.scope import LayerClosure
from dsl.shapes.trace import (
    Expr,
    Operand,
    Traced,
    TracedBool,
    knowing,
    names_in,
    plain,
    substitute,
    traced,
)
from dsl.shapes.types import TensorType

Path = tuple[str, ...]
Helper = Callable[..., str]


class Refused(Exception):
    """A layer that a backend cannot express.

    Args:
        reason: What the backend lacks.
        help: The cure.
        node: The layer.
    """

    def __init__(self, reason: str, help: str, node: LayerNode | CallNode) -> None:
        super().__init__(reason)
        self.reason, self.help, self.node = reason, help, node


class StepWriter(ABC):
    """Writes single steps of a class.

    Args:
        plan: The class.
        book: Classes of blocks, already written.
        emitters: The backend's.
        helper: Asks for a helper of the generated file.
        constants: Receives names of file-level constants that the code mentions.

    Attributes:
        options: Parameters that the base class's constructor has already.
        channels_last: Whether the framework stores images so.
        identity: The function that hands its value on.
        reserved: Names of attributes that the framework's base class uses itself.
    """

    channels_last: ClassVar[bool] = False
    reserved: ClassVar[frozenset[str]] = frozenset()
    options: ClassVar[frozenset[str]] = frozenset()
    identity: ClassVar[str]

    def __init__(
        self, plan: ClassPlan, book: Book, emitters: Emitters, helper: Helper, constants: set[str]
    ) -> None:
        self.plan = plan
        self.book = book
        self.emitters = emitters
        self.helper = helper
        self.constants = constants
        self.used: set[str] = set()
        self.stored: dict[str, None] = {}
        self.locals: set[str] = set()
        self.used_locals: set[str] = set()
        self.rounds: dict[int, ClassPlan] = {}
        self.loop_locals: set[str] = set()
        self.carried: dict[str, tuple[Any, Any]] = {}
        self.flags: dict[int, tuple[str, str]] = {}
        self.places: dict[SharedSlot, Path] = {}
        self.nested: dict[Path, str] = {}
        self.needed: set[str] | None = None
        self.uses: Counter[Slot] = count_uses(plan.template)

    # --- names --------------------------------------------------------------------------

    def init_name(self, name: str) -> str:
        """A name of the spec as the constructor knows it."""
        if name.startswith("@"):
            self.constants.add(name)
            return self.book.constants[name]
        name = self.plan.aliases.get(name, name)
        if name in self.plan.settled:
            return self.plan.settled[name]
        if name in self.locals:
            self.used_locals.add(name)
        else:
            self.used.add(name)
        return self.variable(name)

    def variable(self, name: str) -> str:
        """A name of the spec as a parameter or variable of the constructor."""
        return identifier(name, RESERVED | self.options)

    def forward_name(self, name: str) -> str:
        """A name of the spec as the forward pass knows it: what the constructor stored."""
        if name.startswith("@"):
            return self.init_name(name)
        name = self.plan.aliases.get(name, name)
        if name in self.plan.settled:
            return self.plan.settled[name]
        if name in self.loop_locals:
            return self.variable(name)
        if name in self.locals:
            raise Conflict
        self.used.add(name)
        self.stored[name] = None
        return f"self.{self.attribute(name)}"

    def attribute(self, name: str) -> str:
        """A name of the spec as an attribute that the framework does not use itself."""
        return member(name, self.reserved)

    def code(self, value: Any) -> str:
        """A value as text valid in the constructor."""
        return python(self._in_sight(value), self.init_name)

    def forward_code(self, value: Any) -> str:
        """A value as text valid in the forward pass."""
        return python(self._in_sight(value), self.forward_name)

    def _in_sight(self, value: Any) -> Any:
        """A value without formulas of names that mean nothing in this class.

        Names of a loop are such, where its rounds are written out one by one.
        """
        if isinstance(value, Varied):
            return self._by_formula(value)
        if isinstance(value, Traced):
            value = traced(plain(value), self._settled(value.expr))
        if isinstance(value, Traced):
            seen = all(map(self.sees, names_in(value.expr)))
            return value if seen else self._in_sight(plain(value))
        if isinstance(value, LayerClosure):
            return Raw(self.function(value))
        if isinstance(value, tuple):
            return tuple(map(self._in_sight, value))
        return value

    def _settled(self, operand: Operand) -> Operand:
        """A formula less what choices, and the parameters that the code settles, decide in it."""
        codes = self.plan.settled
        numbers = {name: int(code) for name, code in codes.items() if code.isdecimal()}
        given = {name: code != "None" for name, code in codes.items()}
        return knowing(substitute(self.unmerged(operand), numbers), given)

    def _by_formula(self, value: Varied) -> Any:
        """A value that has to be told by its formula.

        Raises:
            Conflict: The formula names what means nothing in this class.
        """
        operand = self._settled(value.expr)
        if not all(map(self.sees, names_in(operand))):
            raise Conflict
        return Varied(operand) if isinstance(operand, Expr) else operand

    def function(self, closure: LayerClosure) -> str:
        """A ``layer`` argument as a function of one value: by its name in this class, or spelt.

        Raises:
            Conflict: It has weights, or acts on several values.
        """
        if closure.name and self.sees(closure.name):
            return self.init_name(closure.name)
        return function_text(closure, self.emit_alone, self.identity)

    def emit_alone(self, layer: Layer, type_: TensorType) -> Emission:
        """The code of a layer without weights on a value of a type."""
        site = Site(
            (HOLE.format(0),), (type_,), (type_,), "", "", self.code, self.code, self.helper
        )
        return self.emitters.emit(layer, site)

    def unmerged(self, operand: Operand) -> Operand:
        """A formula with sizes behind choices as what the choices make of them."""
        return unmerged(operand, self.plan.template.merged)

    def sees(self, name: str) -> bool:
        """Whether a name of the spec means something at this place of the class."""
        name = self.plan.aliases.get(name, name)
        known = (self.locals, self.loop_locals, self.plan.sizes, self.plan.params)
        return name.startswith("@") or any(name in names for names in known)

    # --- modules ------------------------------------------------------------------------

    @abstractmethod
    def target(self, path: Path) -> str:
        """The expression that reaches the module at a path."""

    def innermost(self, path: Path) -> tuple[str, Path]:
        """The variable of the loop that a path lies in, "" for none, and the path below it.

        A tie names its round by number; all rounds at work are the one of the loop's variable.
        """
        for place, variable in reversed(self.nested.items()):
            if path[: len(place)] == place:
                rest = path[len(place) :]
                return variable, rest[1:] if rest and rest[0].isdigit() else rest
        return "", path

    def name_code(self, path: Path) -> str:
        """Code of a module's name."""
        return literal(".".join(path))

    def emit(self, slot: LayerSlot, path: Path, x: list[str | None], anchor: str = "") -> Emission:
        """The code of a layer, the same for all variants."""
        return same([self._emission(node, path, x, anchor) for node in slot.variants])

    def emit_first(self, slot: LayerSlot, path: Path) -> Emission:
        """The code of a layer's first variant, to see its form where names are not in sight."""
        return self._emission(slot.variants[0], path, self.holes(slot), HOLE.format(0))

    def _emission(self, node: LayerNode, path: Path, x: list[str | None], anchor: str) -> Emission:
        """The code of one variant; where its form hangs on values, these are written as they are.

        Variants with other values then come out as other text, and become another class.
        """
        site = Site(
            tuple(x), node.types, tuple(value.type for value in node.outputs), self.target(path),
            self.name_code(path), self.code, self.forward_code, self.helper,
            self.tied(node.tied), anchor,
        )  # fmt: skip
        for kinds in ((), (str, TracedBool)):
            try:
                layer = without_formulas(node.layer, kinds) if kinds else node.layer
                return self.emitters.emit(layer, site)
            except Unsupported:
                continue
        try:
            return self.emitters.emit(without_formulas(node.layer, (object,)), site)
        except Unsupported as problem:
            raise Refused(problem.reason, problem.help, node) from None

    def tied(self, path: str | None) -> str:
        """Code of the weight that a tied layer uses."""
        return f"{self.target(tuple(path.split('.')))}.weight" if path else ""

    def module(self, slot: LayerSlot | CallSlot, path: Path) -> str | None:
        """The code that constructs the module of a step, None where it is a plain function."""
        if isinstance(slot, CallSlot):
            return self.construct(slot, path)
        return self.emit(slot, path, self.holes(slot), HOLE.format(0)).module

    def holes(self, slot: LayerSlot) -> list[str | None]:
        """Stand-ins for the inputs of a step."""
        return [None if value is None else HOLE.format(i) for i, value in enumerate(slot.inputs)]

    def construct(self, slot: CallSlot, path: Path) -> str:
        """The code that constructs the class of a block."""
        plan = self.book.plan_of(slot.variants)
        args = same([self._arguments(plan, call) for call in slot.variants])
        return f"{plan.name}({', '.join([*args, *self.name_argument(path)])})"

    def name_argument(self, path: Path) -> list[str]:
        """What a constructor is told of the module's name."""
        return []

    def _arguments(self, plan: ClassPlan, call: Any) -> list[str]:
        sizes = call_sizes(call)
        args: list[str] = []
        for name in plan.takes:
            if name in sizes:
                args.append(self.code(sizes[name]))
                continue
            default = plan.optional.get(name)
            if name not in call.args and default is not None:
                continue
            value = call.args.get(name, call.instance.args.get(name))
            text = self.code(value)
            if default is not None and text == default:
                continue
            by_name = default is not None or len(args) >= 2
            args.append(f"{self.variable(name)}={text}" if by_name else text)
        return args

    def condition(self, operand: Operand, code: Callable[[Any], str]) -> str:
        """The condition of a choice as text.

        Raises:
            Conflict: It names what means nothing in this class.
        """
        operand = self.unmerged(operand)
        if not isinstance(operand, Expr):
            return literal(operand)
        if not all(map(self.sees, names_in(operand))):
            raise Conflict
        return code(traced(1, operand))


def without_formulas(layer: Layer, kinds: tuple[type, ...]) -> Layer:
    """The layer with plain arguments in place of those of some types."""
    if isinstance(layer, ExternLayer):
        return layer
    values = {key: layer.values[key] for key in layer.given}
    return type(layer)(**{k: plain(v) if isinstance(v, kinds) else v for k, v in values.items()})
