"""Structures inside a body: residual, parallel, repeat and when."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dsl.ir import Value
from dsl.kinds.kind import find
from dsl.kinds.values import describe, is_int
from dsl.passes.arguments import Evaluator
from dsl.passes.drafts import (
    CallDraft,
    Draft,
    GroupDraft,
    LayerDraft,
    RepeatDraft,
    RoundDraft,
    WhenDraft,
)
from dsl.passes.evaluate import Reported
from dsl.passes.flow import Flow, Frame
from dsl.passes.locals import Locals, carry
from dsl.passes.reserved import repeat_name, reserved_names
from dsl.passes.scope import Binding, Scope, Tensor
from dsl.passes.usage import Usage, mentioned
from dsl.passes.work import LAYER
from dsl.shapes.trace import Expr, Operand, Traced, formula, plain, traced
from dsl.source import Span
from dsl.syntax import ast

ROUND_LIMIT = 10_000


class Structures:
    """The part of the elaborator that handles structures; see `dsl.passes.elaborate`."""

    evaluator: Evaluator
    usage: Usage
    origins: dict[Value, Span]
    trace: bool
    locals: Locals
    piloting: bool

    if TYPE_CHECKING:

        def _statement(
            self, statement: ast.Statement, frame: Frame, outputs: list[Any]
        ) -> None: ...
        def declare(self, name: str, value: Any, span: Span, scope: Scope) -> None: ...
        def report(
            self, code: str, message: str, span: Span, label: str = "", **more: Any
        ) -> None: ...

    def structure(
        self, element: ast.Element, flow: Flow, frame: Frame, drafts: list[Draft]
    ) -> Flow:
        """Elaborates a structure on a flow; its draft joins `drafts`."""
        self.evaluator.work.spend(LAYER, element.span)
        if flow.unknown:
            self._look_inside(element, flow, frame)
            raise Reported
        return self._STRUCTURES[type(element)](self, element, flow, frame, drafts)

    def _look_inside(self, element: ast.Element, flow: Flow, frame: Frame) -> None:
        """Checks what can be checked of the bodies of a structure whose input is unknown."""
        bodies: tuple[ast.Body | None, ...] = ()
        scope = frame.scope.inner()
        if isinstance(element, ast.Residual):
            if element.condition is not None:
                self.evaluator.condition(element.condition, frame.scope)
            bodies = (element.body, element.shortcut)
        elif isinstance(element, ast.Parallel):
            bodies = element.branches
        elif isinstance(element, ast.Repeat):
            bodies = (element.body,)
            for name in element.names:
                scope.names[name] = Binding(None, element.span, used=True)
        elif isinstance(element, ast.When):
            condition = self.evaluator.condition(element.condition, frame.scope)
            bodies = (element.then if condition else element.otherwise,)
        for body in bodies:
            if body is not None:
                try:
                    self._inside(body, flow, scope.inner())
                except Reported:
                    continue

    def _inside(
        self, body: ast.Body, flow: Flow, scope: Scope, gives_input: bool = True
    ) -> tuple[Flow, list[Draft]]:
        """Elaborates an inner body on a flow; it yields its last statement's value."""
        if gives_input and (flow.values or flow.unknown):
            value = None if flow.unknown else flow.values[0]
            scope.names["input"] = Binding(Tensor(value), None, used=True)
        frame = Frame(scope, flow)
        for statement in body.statements:
            if isinstance(statement, (ast.InputDecl, ast.OutputDecl)):
                word = "input" if isinstance(statement, ast.InputDecl) else "output"
                self.report(
                    "MSL125", f"`{word}` belongs to a block or model, not to an inner body",
                    statement.span,
                )  # fmt: skip
                continue
            self._statement(statement, frame, [])
        assert frame.current is not None
        if frame.current.unknown:
            raise Reported
        return frame.current, frame.drafts

    # --- residual and parallel ----------------------------------------------------------

    def _residual(
        self, element: ast.Residual, flow: Flow, frame: Frame, drafts: list[Draft]
    ) -> Flow:
        if len(flow.values) != 1:
            raise self.evaluator.fail(
                "MSL312", f"`residual` takes 1 value, and gets {len(flow.values)}", element.span
            )
        body, inner = self._inside(element.body, flow, frame.scope.inner())
        if element.condition is None:
            output, steps = self._skip(element, flow, body, inner, frame)
            inner.extend(steps)
        else:
            output, step = self._skip_if(element, element.condition, flow, body, inner, frame)
            inner.append(step)
        group = self._group(element.span, "residual", inner, flow, output)
        group.base = ""
        drafts.append(group)
        return output

    def _skip(
        self, element: ast.Residual, flow: Flow, body: Flow, before: list[Draft], frame: Frame
    ) -> tuple[Flow, list[Draft]]:
        """The sum of a body's result and the input, which comes through the shortcut.

        It belongs on the line of the last step before it.
        """
        drafts: list[Draft] = []
        skip = flow
        if element.shortcut is not None:
            skip, steps = self._inside(element.shortcut, flow, frame.scope.inner())
            if steps:
                drafts.append(self._group(element.shortcut.span, "shortcut", steps, flow, skip))
        steps = [*before, *drafts]
        place = steps[-1].span if steps else element.span
        return self._sum(element, body, skip, drafts, place), drafts

    def _skip_if(
        self, element: ast.Residual, test: ast.Expr, flow: Flow, body: Flow, before: list[Draft],
        frame: Frame,
    ) -> tuple[Flow, Draft]:  # fmt: skip
        """The sum as a choice, whose other way is the body's result alone."""
        condition = self.evaluator.condition(test, frame.scope)
        output, steps, reserved = body, [], Counter[str]()
        if condition:
            output, steps = self._skip(element, flow, body, before, frame)
        else:
            self.usage.mention(element.shortcut, frame.scope)
            reserved = Counter(["shortcut", "add"] if element.shortcut else ["add"])
        return self._chosen(element, condition, body, output, steps, reserved)

    def _group(
        self, span: Span, kind: str, steps: list[Draft], flow: Flow, output: Flow
    ) -> GroupDraft:
        weighted = any(step.weighted for step in steps)
        return GroupDraft(
            span, base=kind, kind=kind, drafts=steps, inputs=flow.values, outputs=output.values,
            weighted=weighted,
        )  # fmt: skip

    def _sum(
        self, element: ast.Residual, body: Flow, skip: Flow, drafts: list[Draft], place: Span
    ) -> Flow:
        values = (*skip.values, *body.values)
        types = [value.type for value in values]
        shapes = [plain(type_.shape) for type_ in types]
        if len(values) != 2 or shapes[0] != shapes[1] or types[0].dtype != types[1].dtype:
            self._no_sum(element, values)
        add = find("layer", "Add")
        assert add is not None
        layer: Any = add()
        made = layer.infer(*reversed(types))  # sizes go by what the body made them, names do not
        output = Value(made.replace(axes=layer.infer(*types).axes))
        self.origins[output] = element.span
        self.usage.use(values)
        drafts.append(LayerDraft(place, "add", layer=layer, inputs=values, outputs=(output,)))
        return Flow((output,))

    def _no_sum(self, element: ast.Residual, values: tuple[Value, ...]) -> None:
        shown = " and ".join(str(value.type) for value in values)
        others = tuple(
            (self.origins[value], f"this makes {value.type.named()}")
            for value in dict.fromkeys(values)
            if value in self.origins
        )
        way = "the shortcut" if element.shortcut else "a `shortcut { ... }`"
        self.report(
            "MSL306", f"a residual adds values of one shape, not {shown}",
            Span(element.span.source, element.span.start, element.span.start + len("residual")),
            others=others, helps=(f"bring the input to the same shape in {way}",),
        )  # fmt: skip
        raise Reported

    def _parallel(
        self, element: ast.Parallel, flow: Flow, frame: Frame, drafts: list[Draft]
    ) -> Flow:
        inner: list[Draft] = []
        values: list[Value] = []
        for index, branch in enumerate(element.branches):
            result, steps = self._inside(branch, flow, frame.scope.inner())
            values.extend(result.values)
            if only_layer(branch, steps) is None and steps:
                group = self._group(branch.span, "branch", steps, flow, result)
                group.base = str(index)
                steps = [group]
            inner.extend(steps)
        output = Flow(tuple(values))
        drafts.append(self._group(element.span, "parallel", inner, flow, output))
        return output

    # --- when ---------------------------------------------------------------------------

    def _when(self, element: ast.When, flow: Flow, frame: Frame, drafts: list[Draft]) -> Flow:
        condition = self.evaluator.condition(element.condition, frame.scope)
        taken, other = element.then, element.otherwise
        if not condition:
            taken, other = other, taken
        self.usage.mention(other, frame.scope)
        output, steps = flow, []
        if taken is not None:
            output, steps = self._inside(taken, flow, frame.scope.inner(), gives_input=False)
        reserved = reserved_names(other, frame.scope)
        fresh, draft = self._chosen(element, condition, flow, output, steps, reserved)
        drafts.append(draft)
        return fresh

    def _chosen(
        self, element: ast.When | ast.Residual, condition: Any, flow: Flow, output: Flow,
        steps: list[Draft], reserved: Counter[str],
    ) -> tuple[Flow, Draft]:  # fmt: skip
        """A choice that was made: its values behind it, and its draft."""
        fresh = self._fresh(output)
        if self.trace and isinstance(condition, Traced):
            fresh = self._merged(element, fresh)
        draft = WhenDraft(
            element.span, "when", condition=formula(condition), reserved=reserved,
            taken=bool(condition), drafts=steps, inputs=flow.values, results=output.values,
            outputs=fresh.values, weighted=any(step.weighted for step in steps),
        )  # fmt: skip
        return fresh, draft

    def _fresh(self, flow: Flow) -> Flow:
        """The same values under identities of their own; what makes them counts as used."""
        values = []
        for value in flow.values:
            copy = Value(value.type)
            if value in self.origins:
                self.origins[copy] = self.origins[value]
            values.append(copy)
        self.usage.use(flow.values)
        return Flow(tuple(values), flow.named)

    def _merged(self, element: ast.Node, flow: Flow) -> Flow:
        """The flow behind a choice, its sizes under names that do not tell the way taken."""
        values = []
        for index, value in enumerate(flow.values):
            shape = tuple(
                self.locals.merge((element.span.start, index, axis), dim)
                for axis, dim in enumerate(value.type.shape)
            )
            changed = Value(value.type.with_shape(shape, value.type.axes), value.hint)
            if value in self.origins:
                self.origins[changed] = self.origins[value]
            values.append(changed)
        return Flow(tuple(values), flow.named)

    # --- repeat -------------------------------------------------------------------------

    def _repeat(self, element: ast.Repeat, flow: Flow, frame: Frame, drafts: list[Draft]) -> Flow:
        times, rows = self._times(element, frame.scope)
        uses_names = bool(set(element.names) & mentioned(element.body))
        draft = RepeatDraft(
            element.span, "repeat", times=times, rows=rows, names=element.names,
            indexed=element.indexed, inputs=flow.values,
        )  # fmt: skip
        names = self._carried(element, flow, frame.scope, rows) if self.trace else {}
        if not times:
            self.usage.mention(element.body, frame.scope)
        current = carry(flow, names, self.origins)
        index = 0
        while index < times:
            part, after = self._round(element, index, current, frame.scope, rows)
            part.carried = self._next_sizes(names, after)
            same = list(map(plain_key, current.values)) == list(map(plain_key, after.values))
            part.count = int(times) - index if same and not uses_names else 1
            draft.rounds.append(part)
            index += part.count
            current = carry(after, names, self.origins)
            if len(draft.rounds) > ROUND_LIMIT:
                raise self.evaluator.fail(
                    "MSL126", f"more than {ROUND_LIMIT} rounds differ from one another",
                    element.count.span,
                )  # fmt: skip
        self._note_exits(draft, flow, names)
        self._name_repeat(element, draft, frame.scope)
        self.usage.use(flow.values)
        output = self._fresh(current)
        draft.outputs = output.values
        draft.weighted = any(step.weighted for part in draft.rounds for step in part.drafts)
        drafts.append(draft)
        return output

    def _next_sizes(
        self, names: dict[tuple[int, int], str], after: Flow
    ) -> dict[tuple[int, int], tuple[str, Operand]]:
        """The formulas by which carried sizes go on, in terms of the loop's own names."""
        return {
            (index, axis): (name, self.locals.outside(after.values[index].type.shape[axis], name))
            for (index, axis), name in names.items()
        }

    def _note_exits(
        self, draft: RepeatDraft, flow: Flow, names: dict[tuple[int, int], str]
    ) -> None:
        """Remembers what carried sizes are after the loop, for whom its locals are out of sight."""
        for (index, axis), name in names.items():
            steps = {part.carried[index, axis][1] for part in draft.rounds}
            first = formula(flow.values[index].type.shape[axis])
            indices = draft.names[:1] if draft.rows is None or draft.indexed else ()
            step = steps.pop() if len(steps) == 1 else None
            self.locals.note(name, first, step, formula(draft.times), indices, set(draft.names))
            draft.exits[name] = self.locals.exit(name)

    def _times(self, element: ast.Repeat, scope: Scope) -> tuple[Any, Any]:
        """The number of rounds, and the rows where the repeat is over a list."""
        value = self.evaluator.evaluate(element.count, scope)
        if isinstance(value, tuple):
            times: Any = len(value)
            return times, value
        if not is_int(value) or value < 0:
            raise self.evaluator.fail(
                "MSL127", f"`repeat` takes an int from 0 up or a list, not {describe(value)}",
                element.count.span,
            )  # fmt: skip
        if len(element.names) > 1:
            raise self.evaluator.fail(
                "MSL128", "`repeat` over a number has one index", element.name_spans[1],
                helps=("for several names, repeat over a list of rows",),
            )  # fmt: skip
        return value, None

    def _round(
        self, element: ast.Repeat, index: int, flow: Flow, around: Scope, rows: Any
    ) -> tuple[RoundDraft, Flow]:
        self.evaluator.work.spend(LAYER // 2, element.span)
        scope = around.inner()
        bindings = self._bind_round(element, index, scope, rows)
        given = Flow(tuple(Value(value.type) for value in flow.values))
        for value, old in zip(given.values, flow.values):
            if old in self.origins:
                self.origins[value] = self.origins[old]
        output, steps = self._inside(element.body, given, scope)
        self.usage.use(output.values)
        single = only_layer(element.body, steps)
        part = RoundDraft(index, 1, bindings, given.values, steps, output.values, {}, single)
        return part, output

    def _bind_round(
        self, element: ast.Repeat, index: int, scope: Scope, rows: Any
    ) -> dict[str, Any]:
        values: tuple[Any, ...] = (index,)
        if rows is not None:
            values = self._row(element, index, rows[index])
        bindings = dict(zip(element.names, (plain(value) for value in values)))
        for name, place in zip(element.names, element.name_spans):
            value = bindings[name]
            known = scope.lookup(name)
            if known is not None and not known.hideable and name != "_":
                self.declare(name, value, place, scope)
                raise Reported
            shown = traced(value, Expr("name", name)) if self.trace else value
            scope.names[name] = Binding(shown, place, used=True)
        return bindings

    def _row(self, element: ast.Repeat, index: int, row: Any) -> tuple[Any, ...]:
        """The values of a row for the names of a repeat, the index first where it has a name."""
        names = element.names[1:] if element.indexed else element.names
        values = row if len(names) > 1 and isinstance(row, tuple) else (row,)
        if names and len(values) != len(names):
            raise self._wrong_row(element, index, values, names)
        return (index, *values) if element.indexed else values

    def _wrong_row(
        self, element: ast.Repeat, index: int, values: tuple[Any, ...], names: tuple[str, ...]
    ) -> Reported:
        nouns = "value" if len(values) == 1 else "values", "name" if len(names) == 1 else "names"
        helps = ()
        if len(names) == len(values) + 1 and not element.indexed:
            inner = ", ".join(names[1:])
            helps = (f"for the number of the round: `as {names[0]}, ({inner})`",)
        return self.evaluator.fail(
            "MSL128", f"row {index} has {len(values)} {nouns[0]} for {len(names)} {nouns[1]}",
            element.count.span, helps=helps,
        )  # fmt: skip

    def _name_repeat(self, element: ast.Repeat, draft: RepeatDraft, scope: Scope) -> None:
        """A repeat of one unnamed layer is called after it, also where there is no round."""
        if not draft.rounds:
            draft.base = repeat_name(element, scope)
        if draft.rounds and all(part.single is not None for part in draft.rounds):
            bases = {part.single.base for part in draft.rounds if part.single}
            if len(bases) == 1:
                draft.base = bases.pop()
                return
        for part in draft.rounds:
            part.single = None

    def _carried(
        self, element: ast.Repeat, flow: Flow, scope: Scope, rows: Any
    ) -> dict[tuple[int, int], str]:
        """Sizes whose formula changes from round to round, with the local that carries each."""
        if self.piloting or (rows is not None and not rows):
            return {}
        before = len(self.evaluator.reporter.diagnostics)
        mark = self.locals.mark()
        self.piloting = True  # repeats inside are not tried out in turn: that would take 2**depth
        try:
            _, after = self._round(element, 0, flow, scope, rows)
        except Reported:
            return {}
        finally:
            self.piloting = False
            del self.evaluator.reporter.diagnostics[before:]
            self.locals.forget(mark)
        names: dict[tuple[int, int], str] = {}
        taken = {*scope.visible(), *element.names, *mentioned(element.body)}
        for index, (old, new) in enumerate(zip(flow.values, after.values)):
            for axis, (left, right) in enumerate(zip(old.type.shape, new.type.shape)):
                both = isinstance(left, int) and isinstance(right, int)
                if both and formula(left) != formula(right):
                    base = f"in_{old.type.axes[axis] or 'size'}"
                    place = (element.span.start, index, axis)
                    names[index, axis] = self.locals.name(place, base, taken)
        return names

    _STRUCTURES: dict[type, Any] = {
        ast.Residual: _residual,
        ast.Parallel: _parallel,
        ast.When: _when,
        ast.Repeat: _repeat,
    }


def only_layer(body: ast.Body, steps: list[Draft]) -> Draft | None:
    """The one unnamed layer or block that a body consists of, `let` apart, if it does."""
    is_one = len(steps) == 1 and isinstance(steps[0], (LayerDraft, CallDraft))
    statements = [item for item in body.statements if not isinstance(item, ast.Let)]
    if not is_one or len(statements) != 1 or steps[0].name:
        return None
    return steps[0] if isinstance(statements[0], ast.Step) else None


def plain_key(value: Value) -> tuple[Any, ...]:
    """What tells types of values apart, without traces."""
    type_ = value.type
    return plain(type_.shape), type_.dtype, type_.axes, type_.batched
