"""One step of a class as code: its module's name, its construction, what it is called with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from backends.base import Emission, Emitters, Site, Unsupported
from backends.lowering.align import CallSlot, Conflict, LayerSlot, Slot, same
from backends.lowering.book import Book, ClassPlan, size_formulas
from backends.lowering.scribe import HOLE
from backends.lowering.uses import count_uses
from backends.pycode.literals import literal, python
from backends.pycode.names import constant_name, identifier
from dsl.ir import CallNode, LayerNode
from dsl.shapes.trace import Expr, Operand, traced

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
        channels_last: Whether the framework stores images so.
        reserved: Names of attributes that the framework's base class uses itself.
    """

    channels_last: ClassVar[bool] = False
    reserved: ClassVar[frozenset[str]] = frozenset()

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
        self.carried: dict[str, tuple[Operand, Operand]] = {}
        self.needed: set[str] | None = None
        self.uses: Counter[Slot] = count_uses(plan.template)

    # --- names --------------------------------------------------------------------------

    def init_name(self, name: str) -> str:
        """A name of the spec as the constructor knows it."""
        if name.startswith("@"):
            self.constants.add(name)
            return constant_name(name)
        name = self.plan.aliases.get(name, name)
        if name in self.locals:
            self.used_locals.add(name)
        else:
            self.used.add(name)
        return identifier(name)

    def forward_name(self, name: str) -> str:
        """A name of the spec as the forward pass knows it: what the constructor stored."""
        if name.startswith("@"):
            return self.init_name(name)
        name = self.plan.aliases.get(name, name)
        if name in self.loop_locals:
            return identifier(name)
        if name in self.locals:
            raise Conflict
        self.used.add(name)
        self.stored[name] = None
        return f"self.{self.attribute(name)}"

    def attribute(self, name: str) -> str:
        """A name of the spec as an attribute that the framework does not use itself."""
        return identifier(name, self.reserved)

    def code(self, value: Any) -> str:
        """A value as text valid in the constructor."""
        return python(value, self.init_name)

    def forward_code(self, value: Any) -> str:
        """A value as text valid in the forward pass."""
        return python(value, self.forward_name)

    # --- modules ------------------------------------------------------------------------

    @abstractmethod
    def target(self, path: Path) -> str:
        """The expression that reaches the module at a path."""

    def name_code(self, path: Path) -> str:
        """Code of a module's name."""
        return literal(".".join(path))

    def emit(self, slot: LayerSlot, path: Path, x: list[str | None], anchor: str = "") -> Emission:
        """The code of a layer, the same for all variants."""
        target = self.target(path)
        emissions = []
        for node in slot.variants:
            site = Site(
                tuple(x), node.types, tuple(value.type for value in node.outputs), target,
                self.name_code(path), self.code, self.forward_code, self.helper,
                self.tied(node.tied), anchor,
            )  # fmt: skip
            emissions.append(self._emission(node, site))
        return same(emissions)

    def _emission(self, node: LayerNode, site: Site) -> Emission:
        try:
            return self.emitters.emit(node.layer, site)
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
        sizes = size_formulas(call)
        args: list[str] = []
        for name in plan.takes:
            if name in sizes:
                args.append(self._operand(sizes[name]))
                continue
            default = plan.params.get(name)
            if name not in call.args and default is not None:
                continue
            value = call.args.get(name, call.instance.args.get(name))
            text = self.code(value)
            if default is not None and text == default:
                continue
            by_name = default is not None or len(args) >= 2
            args.append(f"{identifier(name)}={text}" if by_name else text)
        return args

    def _operand(self, operand: Operand) -> str:
        return self.code(traced(1, operand)) if isinstance(operand, Expr) else literal(operand)
