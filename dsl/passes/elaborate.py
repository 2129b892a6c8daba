"""From the syntax tree to the model: names, sizes and shapes in one walk.

Sizes may depend on shapes (``input.channels // 2``), so elaboration and shape inference go
together. With ``trace`` on, sizes inside a block remember how they follow from the block's own
parameters (`dsl.shapes.trace`), which is what code is written from; without, they are plain.
"""

from __future__ import annotations

from typing import Any

from dsl.diagnostics.model import Reporter
from dsl.ir import Body, Instance, Model, Output, SharedNode, Value
from dsl.kinds.kind import REGISTRY
from dsl.passes.applying import Applying, count, plain_shape
from dsl.passes.arguments import Evaluator
from dsl.passes.drafts import Draft, LayerDraft, SharedDraft, finish, settle
from dsl.passes.evaluate import Reported
from dsl.passes.flow import UNKNOWN_FLOW, Flow, Frame
from dsl.passes.locals import Locals
from dsl.passes.parameters import default_value, signature
from dsl.passes.scope import Binding, LayerClosure, Module, Scope, SharedUse, Tensor
from dsl.passes.statements import add_comments, comments_of, declared_names
from dsl.passes.structures import Structures
from dsl.passes.usage import Usage, unused_advice
from dsl.passes.work import Work
from dsl.shapes.dim import Poly, symbol
from dsl.shapes.trace import Auto, Expr, plain, traced
from dsl.shapes.types import DTYPES, TensorType
from dsl.source import Span
from dsl.syntax import ast

MOST_DIMS = 64


class Elaborator(Applying, Structures):
    """Elaborates models of one compilation; instances of blocks are shared between uses."""

    def __init__(self, reporter: Reporter, work: Work, trace: bool = False) -> None:
        self.reporter = reporter
        self.trace = trace
        self.evaluator = Evaluator(reporter, work)
        self.usage = Usage()
        self.origins: dict[Value, Span] = {}
        self.symbols: dict[str, int] = {}
        self.locals = Locals()
        self.piloting = False
        self.last_axes: dict[tuple[int, int], str] = {}
        self.instances: dict[Any, Instance | None] = {}
        self.weighted: dict[Instance, bool] = {}
        self.signatures: dict[Any, dict[str, Any]] = {}
        self.applications: list[Span] = []

    # --- models and blocks --------------------------------------------------------------

    def model(
        self, decl: ast.ModelDecl, module: Module, args: dict[str, Any], name: str
    ) -> Model | None:
        """Elaborates a model with coerced arguments; None where mistakes leave no graph."""
        scope = module.scope.inner()
        try:
            values = self._bind_params(decl, args, scope)
        except Reported:
            return None
        body = self._body(decl, scope, ())
        if body is None:
            return None
        return Model(name, decl.name, decl, values, body, dict(self.symbols))

    def signature_of(self, decl: Any, module: Module) -> dict[str, Any]:
        """The parameters of a block, model or extern layer, as arguments."""
        if id(decl) not in self.signatures:
            self.signatures[id(decl)] = signature(decl.params, self.evaluator, module.scope)
        return self.signatures[id(decl)]

    def _bind_params(self, decl: Any, given: dict[str, Any], scope: Scope) -> dict[str, Any]:
        """Declares parameters in the scope of a body and returns their plain values."""
        arguments = self.signature_of(decl, scope.module)
        values: dict[str, Any] = {}
        for param in decl.params:
            value = given.get(param.name)
            if value is None:
                value = default_value(param, arguments[param.name].type, self.evaluator, scope)
            values[param.name] = plain(value)
            if self.trace:
                value = traced(values[param.name], Expr("name", param.name))
            scope.names[param.name] = Binding(value, param.name_span)
        return values

    def look_over(self, decl: ast.BlockDecl, module: Module) -> None:
        """Checks what can be checked of a block that nothing applies: names, kinds, arguments."""
        scope = module.scope.inner()
        for param in decl.params:
            scope.names[param.name] = Binding(None, param.name_span, used=True)
        for item in decl.body.statements:
            if isinstance(item, ast.InputDecl):
                scope.names[item.name] = Binding(Tensor(None), item.span, used=True)
        scope.names.setdefault("input", Binding(Tensor(None), None, used=True))
        frame = Frame(scope, UNKNOWN_FLOW)
        for statement in decl.body.statements:
            self._statement(statement, frame, [])

    def _body(
        self, decl: ast.BlockDecl | ast.ModelDecl, scope: Scope, given: tuple[Value, ...]
    ) -> Body | None:
        """The graph of a block on given inputs, or of a model; None where it has no result."""
        before = len(self.reporter.diagnostics)
        declared = [item for item in decl.body.statements if isinstance(item, ast.InputDecl)]
        names = tuple(item.name for item in declared) or ("input",) * len(given)
        frame = Frame(scope, None)
        if not declared and given:
            frame.current = Flow(given)
            scope.names["input"] = Binding(Tensor(given[0]), None, used=True)
        inputs = self._declare_inputs(declared, given, frame)
        outputs: list[Output] = []
        for statement in decl.body.statements:
            self._statement(statement, frame, outputs)
        nodes = finish(frame.drafts)
        if len(self.reporter.diagnostics) == before:
            self._check_ties(frame.drafts, nodes)
            self._check_shared(frame.drafts)
        if not outputs:
            outputs = self._implied_output(decl, frame)
        if (frame.current is not None and frame.current.unknown) or not outputs:
            return None
        self.usage.use(output.value for output in outputs)
        if len(self.reporter.diagnostics) == before:
            self._check_used(inputs, names, declared, decl, frame)
        return Body(inputs or given, names, nodes, tuple(outputs))

    def _implied_output(self, decl: Any, frame: Frame) -> list[Output]:
        if any(isinstance(item, (ast.OutputDecl, ast.Broken)) for item in decl.body.statements):
            return []
        if isinstance(decl, ast.ModelDecl):
            self.reporter.report(
                "MSL110", f"model `{decl.name}` has no output", decl.name_span,
                helps=("end it with a line such as `output logits = Linear(10)`",),
            )  # fmt: skip
            return []
        flow = frame.current
        if flow is None:
            self.reporter.report("MSL111", f"block `{decl.name}` yields no value", decl.name_span)
            return []
        return [Output("output", value, decl.name_span) for value in flow.values]

    def _declare_inputs(
        self, declared: list[ast.InputDecl], given: tuple[Value, ...], frame: Frame
    ) -> tuple[Value, ...]:
        values: list[Value] = []
        for index, item in enumerate(declared):
            value = given[index] if index < len(given) else None
            try:
                value = self._input(item, value, frame.scope)
            except Reported:
                value = None
            self.declare(item.name, Tensor(value), item.name_span, frame.scope)
            if value is not None:
                values.append(value)
                self.origins.setdefault(value, item.span)
        if len(declared) == 1:
            flow = Flow((values[0],)) if values else UNKNOWN_FLOW
            frame.current = flow
            binding = Binding(Tensor(values[0] if values else None), None, used=True)
            frame.scope.names.setdefault("input", binding)
        return tuple(values)

    def _input(self, item: ast.InputDecl, given: Value | None, scope: Scope) -> Value:
        if item.type is None:
            if given is None:
                raise self.evaluator.fail(
                    "MSL112", f"input `{item.name}` of a model needs a type", item.span,
                    helps=(f"write `input {item.name}: float32[3, 32, 32]`",),
                )  # fmt: skip
            return given
        type_ = self.type_of(item.type, scope, declare=given is None)
        if given is None:
            return Value(type_, item.name)
        self._assert_type(type_, given, item.type, f"input `{item.name}`")
        return given

    def type_of(self, expr: ast.TypeExpr, scope: Scope, declare: bool = False) -> TensorType:
        """The type that a type expression means; `declare` lets it declare symbols."""
        if expr.dtype not in DTYPES:
            raise self.evaluator.fail(
                "MSL113", f"there is no dtype `{expr.dtype}`", expr.span,
                helps=(f"there are {', '.join(DTYPES)}",),
            )  # fmt: skip
        if expr.dims is None:
            raise self.evaluator.fail(
                "MSL114", "the type has no shape", expr.span,
                helps=(f"write `{expr.dtype}[3, 32, 32]`, or `{expr.dtype}[]` for one number",),
            )  # fmt: skip
        if len(expr.dims) > MOST_DIMS:
            raise self.evaluator.fail(
                "MSL145", f"a shape has at most {MOST_DIMS} sizes", expr.span,
                helps=("write sizes that go together as one",),
            )  # fmt: skip
        shape = tuple(self._dim(dim, scope, declare) for dim in expr.dims)
        return TensorType(shape, expr.dtype)

    def _dim(self, dim: ast.DimDecl, scope: Scope, declare: bool) -> Any:
        size = self.evaluator.evaluate(dim.size, scope)
        is_size = isinstance(size, Poly) or (isinstance(size, int) and size >= 1)
        if not is_size or isinstance(size, bool):
            raise self.evaluator.fail(
                "MSL115", "a size is an int from 1 up", dim.span,
                f"this is {size}" if isinstance(size, (int, float)) else "",
            )  # fmt: skip
        if dim.symbol is None:
            return size
        if not declare:
            raise self.evaluator.fail(
                "MSL116", "only inputs of a model declare symbols", dim.span,
                helps=(f"write `{dim.symbol}` alone to use it",),
            )  # fmt: skip
        return self._declare_symbol(dim, plain(size), scope)

    def _declare_symbol(self, dim: ast.DimDecl, size: int, scope: Scope) -> Any:
        name = dim.symbol or ""
        known = self.symbols.get(name)
        if known is not None and known != size:
            raise self.evaluator.fail(
                "MSL117", f"`{name}` is {known} already, and {size} here", dim.span
            )
        if known is None:
            self.declare(name, symbol(name), dim.span, scope)
            scope.names[name].used = True
            self.symbols[name] = size
        return symbol(name)

    def _assert_type(self, wanted: TensorType, value: Value, expr: ast.TypeExpr, what: str) -> None:
        got = value.type
        if plain_shape(got) == plain_shape(wanted) and got.dtype == wanted.dtype:
            return
        origin = self.origins.get(value)
        others = ((origin, f"this makes {got}"),) if origin is not None else ()
        self.report(
            "MSL316", f"{what} is declared {wanted}, and the value is {got}", expr.span,
            f"not {got}", others=others,
        )  # fmt: skip
        raise Reported

    def _check_used(
        self, inputs: tuple[Value, ...], names: tuple[str, ...], declared: Any, decl: Any,
        frame: Frame,
    ) -> None:  # fmt: skip
        for item, value in zip(declared, inputs):
            if not self.usage.is_used(value) and not frame.scope.names[item.name].used:
                self.report("MSL105", f"nothing uses input `{item.name}`", item.name_span)
        for name, binding in frame.scope.names.items():
            if isinstance(binding.value, SharedUse) and not binding.used and name[0] != "_":
                self.report("MSL106", f"nothing applies `{name}`", binding.span)
        for value, span in self.usage.unused(frame.drafts):
            hint = f"`{value.hint}`" if value.hint else "this result"
            label, cure = unused_advice(span)
            self.report("MSL106", f"nothing uses {hint}", span, label, helps=(cure,))

    # --- statements ---------------------------------------------------------------------

    def _statement(self, statement: ast.Statement, frame: Frame, outputs: list[Output]) -> None:
        self.evaluator.work.spend(1, statement.span)
        try:
            if isinstance(statement, ast.Step):
                self._step(statement, frame)
            elif isinstance(statement, ast.OutputDecl):
                outputs.append(self._output(statement, frame))
            elif isinstance(statement, ast.Let):
                value = self.evaluator.evaluate(statement.value, frame.scope)
                self.declare(statement.name, value, statement.name_span, frame.scope)
            elif isinstance(statement, ast.SharedDecl):
                self._shared(statement, frame)
            elif isinstance(statement, ast.Broken):
                self._give_up(statement, frame)
        except Reported:
            self._give_up(statement, frame)

    def _give_up(self, statement: ast.Statement, frame: Frame) -> None:
        """Leaves unknown what a broken statement would have made."""
        for name in declared_names(statement):
            frame.scope.names.setdefault(name, Binding(Tensor(None), statement.span, used=True))
        if isinstance(statement, ast.Let):
            frame.scope.names[statement.name] = Binding(None, statement.span, used=True)
        elif isinstance(statement, (ast.Step, ast.OutputDecl, ast.Broken)):
            frame.current = UNKNOWN_FLOW

    def declare(self, name: str, value: Any, span: Span, scope: Scope) -> None:
        """Gives a name to a value; a visible one may not be used again."""
        known = scope.lookup(name)
        if known is not None and not known.hideable:
            others = ((known.span, "declared here"),) if known.span is not None else ()
            self.report(
                "MSL107", f"the name `{name}` is taken", span, others=others,
                helps=("names are not used again where they can be seen; choose another",),
            )  # fmt: skip
            if isinstance(known.value, Tensor):
                known.value = Tensor(None)  # which of the two is meant from here on, is open
            return
        scope.names[name] = Binding(value, span)

    def _step(self, step: ast.Step, frame: Frame) -> None:
        flow, drafts = self.chain(step.chain, frame)
        if flow.unknown:
            raise Reported
        add_comments(drafts, step)
        if step.names and len(flow.values) != len(step.names):
            raise self.evaluator.fail(
                "MSL118",
                f"{count(len(step.names), 'name')} for {count(len(flow.values), 'result')}",
                step.span,
            )
        name = "_".join(name for name in step.names if name != "_")
        steps = settle(name, drafts, step.span) if name else drafts
        frame.drafts.extend(steps)
        self._name_results(step, flow, steps, frame)
        frame.current = flow

    def _name_results(self, step: ast.Step, flow: Flow, steps: list[Draft], frame: Frame) -> None:
        bearer = next((draft for draft in steps if draft.name), None)
        for index, name in enumerate(step.names):
            value = None if flow.unknown else flow.values[index]
            span = step.name_spans[index] if step.name_spans else step.span
            if value is not None:
                self.usage.name(value, name)
            if name != "_":
                self.declare(name, Tensor(value, bearer), span, frame.scope)

    def _output(self, statement: ast.OutputDecl, frame: Frame) -> Output:
        known = frame.scope.names.get(statement.name)
        if statement.chain is not None:
            flow, drafts = self.chain(statement.chain, frame)
            add_comments(drafts, statement)
            steps = settle(statement.name, drafts, statement.span)
            frame.drafts.extend(steps)
            frame.current = flow
        elif known is not None and isinstance(known.value, Tensor):
            known.used = True
            flow = UNKNOWN_FLOW if known.value.value is None else Flow((known.value.value,))
            steps = []
        else:
            flow, steps = self.take(frame, statement.span), []
        if flow.unknown:
            raise Reported
        if len(flow.values) != 1:
            raise self.evaluator.fail(
                "MSL118", f"an output is one value, not {len(flow.values)}", statement.span
            )
        value = flow.values[0]
        if not statement.name.startswith("_"):
            self.usage.name(value, statement.name)
        if known is None or statement.chain is not None:
            bearer = next((draft for draft in steps if draft.name), None)
            self.declare(statement.name, Tensor(value, bearer), statement.name_span, frame.scope)
            frame.scope.names[statement.name].used = True
        if statement.type is not None:
            wanted = self.type_of(statement.type, frame.scope)
            self._assert_type(wanted, value, statement.type, f"output `{statement.name}`")
        return Output(statement.name, value, statement.name_span)

    def _shared(self, statement: ast.SharedDecl, frame: Frame) -> None:
        node = SharedNode(statement.name, statement.span, comments=comments_of(statement))
        draft = SharedDraft(statement.span, name=statement.name, node=node, weighted=True)
        frame.drafts.append(draft)
        use = SharedUse(statement.kind, frame.scope, draft)
        self.declare(statement.name, use, statement.name_span, frame.scope)

    # --- chains -------------------------------------------------------------------------

    def take(self, frame: Frame, span: Span) -> Flow:
        """The current value.

        Raises:
            Reported: There is none.
        """
        if frame.current is None:
            raise self.evaluator.fail(
                "MSL108", "there is no current value yet", span, "takes the value before it",
                helps=("start the statement with a named value: `x -> Linear(10)`",),
            )  # fmt: skip
        return frame.current

    def chain(self, chain: ast.Chain, frame: Frame) -> tuple[Flow, list[Draft]]:
        """The value of a chain, and the drafts of its steps.

        After a mistake the value is unknown, and the arguments of later steps are still checked.
        """
        drafts: list[Draft] = []
        flow: Flow | None = None
        for element in chain.elements:
            try:
                flow = self._element(element, flow, frame, drafts)
            except Reported:
                flow = UNKNOWN_FLOW
        assert flow is not None
        return flow, drafts

    def _element(
        self, element: ast.Element, flow: Flow | None, frame: Frame, drafts: list[Draft]
    ) -> Flow:
        self.evaluator.work.spend(1, element.span)
        if isinstance(element, ast.Name):
            return self._name_element(element, flow, frame, drafts)
        if isinstance(element, ast.TupleElement):
            return self._tuple(element, flow, frame, drafts)
        if isinstance(element, ast.KindCall):
            return self._kind_element(element, flow, frame, drafts)
        if flow is None:
            flow = self.take(frame, element.span)
        return self.structure(element, flow, frame, drafts)

    def _name_element(
        self, element: ast.Name, flow: Flow | None, frame: Frame, drafts: list[Draft]
    ) -> Flow:
        binding = frame.scope.lookup(element.id)
        if binding is None:
            raise self._no_value(element, frame)
        binding.used = True
        value = binding.value
        if value is None:
            return UNKNOWN_FLOW
        if isinstance(value, Tensor):
            if value.value is not None and flow is not None:
                raise self.evaluator.fail(
                    "MSL119", f"`{element.id}` is a value, and cannot take one", element.span,
                    helps=(f"to bring two values together: `(x, {element.id}) -> Add`",),
                )  # fmt: skip
            return UNKNOWN_FLOW if value.value is None else Flow((value.value,))
        if isinstance(value, (SharedUse, LayerClosure)):
            incoming = self.take(frame, element.span) if flow is None else flow
            shared = value.draft if isinstance(value, SharedUse) else None
            after = self.apply(value.call, incoming, value.scope, drafts, element.span, shared)
            if isinstance(value, LayerClosure) and isinstance(drafts[-1], LayerDraft):
                drafts[-1].given = element.id
            return after
        if isinstance(value, Auto):
            raise self.evaluator.fail(
                "MSL120", f"`{element.id}` is not given, and so no layer", element.span,
                helps=(f"apply it where it is: `when {element.id} != auto {{ {element.id} }}`",),
            )  # fmt: skip
        raise self.evaluator.fail(
            "MSL120", f"`{element.id}` is a number, not a value of the model", element.span
        )

    def _no_value(self, element: ast.Name, frame: Frame) -> Reported:
        if element.id == "input":
            return self.evaluator.fail(
                "MSL121", "there is no one `input` here, since several are declared",
                element.span, helps=("use the inputs by their names",),
            )  # fmt: skip
        kinds = [*frame.scope.module.blocks, *REGISTRY["layer"]]
        spelt = element.id.replace("_", "").lower()
        kind = next((name for name in kinds if name.lower() == spelt), None)
        helps = (f"the layer is capitalized: `{kind}`",) if kind is not None else ()
        return self.evaluator.unknown_name(element.id, element.span, frame.scope, helps)

    def _tuple(
        self, element: ast.TupleElement, flow: Flow | None, frame: Frame, drafts: list[Draft]
    ) -> Flow:
        values: list[Value] = []
        named: dict[str, Value] = {}
        unknown = False
        inner = Frame(frame.scope, frame.current if flow is None else flow, drafts)
        for item in element.items:
            part, steps = self.chain(item.chain, inner)
            drafts.extend(steps)
            unknown |= part.unknown
            if item.name is None:
                values.extend(part.values)
            elif not part.unknown:
                self._one(part, item)
                named[item.name] = part.values[0]
        return UNKNOWN_FLOW if unknown else Flow(tuple(values), named)

    def _one(self, part: Flow, item: ast.TupleItem) -> None:
        if len(part.values) != 1:
            raise self.evaluator.fail(
                "MSL118", f"`{item.name}` is one value, not {len(part.values)}", item.span
            )

    def _kind_element(
        self, element: ast.KindCall, flow: Flow | None, frame: Frame, drafts: list[Draft]
    ) -> Flow:
        if flow is None:
            kind = self._layer_kind(element, frame.scope)
            takes_none = isinstance(kind, type) and not kind.ports and not kind.variadic
            flow = Flow() if takes_none else self.take(frame, element.name_span)
        return self.apply(element, flow, frame.scope, drafts, element.span)
