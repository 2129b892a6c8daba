"""Which blocks become which classes, and what each class is called with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from backends.lowering.align import Conflict, Slot, Template, align
from backends.lowering.comments import comments_above
from backends.lowering.merging import Sizes, unmerged
from backends.lowering.rewrite import pool_first
from backends.pycode.literals import literal
from backends.pycode.names import free_class
from dsl.ir import CallNode, Instance, Model, Node, children
from dsl.passes.applying import caller_formulas
from dsl.passes.scope import LayerClosure, Scope
from dsl.shapes.trace import Expr, Operand, formula, names_in, substitute
from dsl.syntax import ast


@dataclass(eq=False)
class ClassPlan:
    """A class of the generated file.

    Attributes:
        name: Its name.
        template: The graph of its forward pass.
        sizes: Names of input sizes that it may be constructed with, in order.
        params: Names of the block's parameters, in order, with the code of a literal default, a
            layer that is the default, or None.
        aliases: Sizes that always equal a parameter, and so go by its name.
        settled: Names of the model's parameters that the code does not leave open, with their code.
        takes: The names its constructor takes, in order; known once it is written.
        optional: Those that need not be given, with the code of their defaults.
        text: Its code, once it is written.
        comments: Comments of the spec above it.
        inner: Classes that only this one uses.
        unrolled: Whether rounds that differ are written out one by one.
    """

    name: str
    template: Template
    sizes: tuple[str, ...] = ()
    params: dict[str, str | LayerClosure | None] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    optional: dict[str, str] = field(default_factory=dict)
    text: str = ""
    comments: tuple[str, ...] = ()
    inner: list[ClassPlan] = field(default_factory=list)
    unrolled: bool = False


Write = Callable[[ClassPlan], None]


class Book:
    """The classes of a model's blocks.

    Args:
        model: With traced sizes.
        write: Writes a class, setting `takes` and `text`; raises `Conflict` where its variants
            do not come out as one text.
        taken: Names that no class may have.
        constants: The file's constants by what the spec calls them.
    """

    def __init__(
        self, model: Model, write: Write, taken: set[str], constants: dict[str, str]
    ) -> None:
        self.constants = constants
        self._write = write
        self._taken = taken
        self._model = model
        self._calls = _calls(model)
        self._plans: dict[Instance, ClassPlan] = {}
        self._members: dict[int, list[Instance]] = {}
        self.classes: list[ClassPlan] = []

    def fill(self) -> None:
        """Writes all classes of blocks, each after those that it uses."""
        for unit in _units(_callees_first(self._model)):
            self._add(unit)

    def names(self) -> dict[str, tuple[str, ...]]:
        """For each block, the names of the classes that it became."""
        found: dict[str, dict[str, None]] = {}
        for instance, plan in self._plans.items():
            found.setdefault(instance.block, {})[plan.name] = None
        return {block: tuple(names) for block, names in found.items()}

    def plan_of(self, calls: list[CallNode]) -> ClassPlan:
        """The class that some calls, variants of one another, construct.

        Raises:
            Conflict: Not one class.
        """
        plans = {id(plan): plan for plan in (self._plans[call.instance] for call in calls)}
        if len(plans) != 1:
            raise Conflict
        return next(iter(plans.values()))

    def results(self, calls: list[CallNode]) -> Sizes:
        """The sizes of what some calls give, by one formula for all of them.

        Args:
            calls: Variants of one another, of blocks that have their class.
        """
        found = [self._results(call) for call in calls]
        first = found[0]
        return [
            [
                size if all(other[index][axis : axis + 1] == [size] for other in found) else None
                for axis, size in enumerate(sizes)
            ]
            for index, sizes in enumerate(first)
        ]

    def _results(self, call: CallNode) -> Sizes:
        """The sizes that a call gives, by the formulas that all variants of its block share."""
        formulas = caller_formulas(call.instance, call.args, call.inputs)
        plan = self._plans.get(call.instance)
        if plan is None:
            types = (item.value.type for item in call.instance.body.outputs)
            return [[None] * type_.rank for type_ in types]
        return [
            [_in_terms_of(plan, slot, axis, formulas) for axis in range(item.value.type.rank)]
            for slot, item in zip(plan.template.outputs, call.instance.body.outputs)
        ]

    def name(self, wanted: str) -> str:
        """A name for a class that none has yet."""
        name = free_class(wanted, self._taken)
        self._taken.add(name)
        return name

    @contextmanager
    def trial(self, plan: ClassPlan) -> Iterator[None]:
        """Writing a class, whose inner classes are named anew; names go back on a conflict."""
        self._taken -= {inner.name for inner in _inner_plans(plan)}
        plan.inner.clear()
        before = set(self._taken)
        try:
            yield
        except Conflict:
            self._taken = before
            raise

    def _add(self, group: list[Instance]) -> None:
        """One class for a group of instances, or as few as their differences ask for."""
        try:
            self._make(group)
        except Conflict:
            if len(group) == 1:
                raise Conflict(self._calls[group[0]][0]) from None
            classes: list[list[Instance]] = []
            for instance in group:
                self._place(instance, classes)
            for members in classes:
                self._add(members)

    def _place(self, instance: Instance, classes: list[list[Instance]]) -> None:
        for members in classes:
            try:
                self._try([*members, instance])
            except Conflict:
                continue
            members.append(instance)
            return
        classes.append([instance])

    def _try(self, group: list[Instance]) -> ClassPlan:
        """The class of a group, with repeats written out where it is one instance's last resort."""
        try:
            return self._written(group, unroll=False)
        except Conflict:
            if len(group) > 1:
                raise
            return self._written(group, unroll=True)

    def _written(self, group: list[Instance], unroll: bool) -> ClassPlan:
        decl = group[0].decl
        template = align([instance.body for instance in group], self.results, unroll)
        pool_first(template)
        sizes = tuple(group[0].sizes)
        plan = ClassPlan(decl.name, template, sizes, block_params(decl, group[0].scope))
        plan.comments = comments_above(decl)
        plan.unrolled = unroll
        plan.aliases = self._aliases(group)
        self._write(plan)
        return plan

    def _make(self, group: list[Instance]) -> None:
        plan = self._try(group)
        known = self._equal(plan)
        if known is not None:
            self._join(known, group)
            return
        self._members[id(plan)] = group
        name = self.name(plan.name)
        if name != plan.name:
            plan.name = name
            self._write(plan)
        self.classes.append(plan)
        for instance in group:
            self._plans[instance] = plan

    def _equal(self, plan: ClassPlan) -> ClassPlan | None:
        """A class that does the same, written for other instances of the same block."""
        text = _bare(plan)
        return next((item for item in self.classes if _bare(item) == text), None)

    def _join(self, known: ClassPlan, group: list[Instance]) -> None:
        """Lets a class serve more instances; its comments then tell what they have in common."""
        members = [*self._members[id(known)], *group]
        for instance in group:
            self._plans[instance] = known
        try:
            merged = self._try(members)
        except Conflict:
            known.text = _unshaped(known.text)
            return
        known.template, known.text = merged.template, _renamed(merged, known.name)
        self._members[id(known)] = members

    def _aliases(self, group: list[Instance]) -> dict[str, str]:
        """Sizes that equal a parameter at every call."""
        calls = [call for instance in group for call in self._calls[instance]]
        sizes = [size_formulas(call) for call in calls]
        aliases: dict[str, str] = {}
        for size in group[0].sizes:
            for param in group[0].args:
                if calls and all(
                    param in call.args
                    and _is_size(call.args[param])
                    and formula(call.args[param]) == formulas[size]
                    for call, formulas in zip(calls, sizes)
                ):
                    aliases[size] = param
                    break
        return aliases


def _in_terms_of(plan: ClassPlan, slot: Slot, axis: int, formulas: dict[str, Any]) -> Operand:
    """The formula of a class's result at a call; None where its variants have none in common."""
    if any(value.type.rank <= axis for value in slot.variants):
        return None
    sizes = {
        unmerged(formula(value.type.shape[axis]), plan.template.merged) for value in slot.variants
    }
    size = sizes.pop()
    return None if sizes or names_in(size) - formulas.keys() else substitute(size, formulas)


def _inner_plans(plan: ClassPlan) -> Iterator[ClassPlan]:
    """The classes that only this one uses, theirs included."""
    for inner in plan.inner:
        yield inner
        yield from _inner_plans(inner)


def _bare(plan: ClassPlan) -> str:
    """The code of a class without its own name and without comments."""
    text = re.sub(r"^class \w+", "class", re.sub(r" *#.*", "", plan.text), flags=re.MULTILINE)
    return text.strip()


def _unshaped(text: str) -> str:
    """The code of a class without shapes at the line ends, which are not those of all its uses."""
    return re.sub(r"  # \[.*$", "", text, flags=re.MULTILINE)


def _renamed(plan: ClassPlan, name: str) -> str:
    return re.sub(rf"^class {plan.name}\b", f"class {name}", plan.text, flags=re.MULTILINE)


def call_sizes(call: CallNode) -> dict[str, Any]:
    """For each named size of a block's inputs, what it is at a call, traced by the caller."""
    dims = (dim for value in call.inputs for dim in value.type.shape if isinstance(dim, int))
    return dict(zip(call.instance.sizes, dims))


def size_formulas(call: CallNode) -> dict[str, Operand]:
    """The formulas of `call_sizes`."""
    return {name: formula(dim) for name, dim in call_sizes(call).items()}


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def block_params(decl: ast.BlockDecl, scope: Scope) -> dict[str, str | LayerClosure | None]:
    """Parameters with their defaults, where these are plain constants or layers.

    Args:
        decl: The block.
        scope: The names of its file.
    """
    return {param.name: _default(param.default, scope) for param in decl.params}


def _default(expr: ast.Expr | None, scope: Scope) -> str | LayerClosure | None:
    if isinstance(expr, ast.KindCall):
        return LayerClosure(expr, scope)
    constant = None if expr is None else _constant(expr)
    return None if constant is None else literal(constant[0])


def _constant(expr: ast.Expr) -> tuple[Any] | None:
    """The value of a plain constant, or of a list of such, in a tuple of its own."""
    if isinstance(expr, ast.Auto):
        return (None,)
    if isinstance(expr, ast.List):
        found = [_constant(item) for item in expr.items]
        return None if None in found else (tuple(item[0] for item in found if item),)
    if not isinstance(expr, (ast.Number, ast.String, ast.Bool)) or getattr(expr, "unit", ""):
        return None
    return (expr.value,)


def _inner_calls(nodes: tuple[Node, ...]) -> Iterator[CallNode]:
    """Calls in some nodes, those inside called blocks left out."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, CallNode):
            yield node
        else:
            stack.extend(child for _, inner, _ in children(node) for child in inner)


def _calls(model: Model) -> dict[Instance, list[CallNode]]:
    """Every call of each instance."""
    found: dict[Instance, list[CallNode]] = defaultdict(list)
    stack = [model.body.nodes]
    while stack:
        for call in _inner_calls(stack.pop()):
            if call.instance not in found:
                stack.append(call.instance.body.nodes)
            found[call.instance].append(call)
    return found


def _callees_first(model: Model) -> list[Instance]:
    """Instances of blocks, each after those that it calls."""
    order: list[Instance] = []
    seen: set[Instance] = set()
    stack: list[tuple[Instance, bool]] = [
        (call.instance, False) for call in _inner_calls(model.body.nodes)
    ]
    while stack:
        instance, done = stack.pop()
        if done:
            order.append(instance)
        elif instance not in seen:
            seen.add(instance)
            stack.append((instance, True))
            calls = _inner_calls(instance.body.nodes)
            stack.extend((call.instance, False) for call in calls)
    return order


def _units(order: list[Instance]) -> list[list[Instance]]:
    """Instances grouped by declaration, groups after those that they call.

    Blocks that apply themselves admit no such order: then each instance stands alone.
    """
    groups: dict[int, list[Instance]] = defaultdict(list)
    for instance in order:
        groups[id(instance.decl)].append(instance)
    callees = {
        key: {
            id(call.instance.decl)
            for instance in group
            for call in _inner_calls(instance.body.nodes)
        }
        for key, group in groups.items()
    }
    sorted_keys: list[int] = []
    waiting = dict(callees)
    while waiting:
        ready = [key for key, needs in waiting.items() if not needs & waiting.keys()]
        if not ready:
            return [[instance] for instance in order]
        sorted_keys.extend(ready)
        for key in ready:
            del waiting[key]
    return [groups[key] for key in sorted_keys]


__all__ = ["Book", "ClassPlan", "Expr", "size_formulas"]
