"""Layers and blocks put to work: ports, shapes, instances of blocks, ties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.diagnostics.model import Edit, Fix, Reporter
from dsl.ir import Body, CallNode, Instance, LayerNode, Node, Value, walk, weight_keys
from dsl.kinds.kind import Kind, find
from dsl.layers.base import Layer, LayerError
from dsl.passes.arguments import Evaluator, argument_span
from dsl.passes.drafts import CallDraft, Draft, LayerDraft, SharedDraft, snake_case
from dsl.passes.evaluate import Reported
from dsl.passes.extern import extern_layer
from dsl.passes.flow import Flow
from dsl.passes.locals import Locals, is_merged
from dsl.passes.scope import Module, Scope, SharedUse, Tensor
from dsl.passes.usage import Usage, every, owns_weights
from dsl.passes.work import LAYER
from dsl.shapes.dim import Poly
from dsl.shapes.trace import Expr, TracedInt, formula, plain, substitute, traced
from dsl.shapes.types import TensorType
from dsl.source import Span
from dsl.syntax import ast

DEPTH_LIMIT = 256
_UNFINISHED: Any = object()  # marks an instance of a block that is being elaborated


class Applying:
    """The part of the elaborator that applies kinds; see `dsl.passes.elaborate`."""

    reporter: Reporter
    evaluator: Evaluator
    usage: Usage
    origins: dict[Value, Span]
    trace: bool
    instances: dict[Any, Instance | None]
    weighted: dict[Instance, bool]
    applications: list[Span]
    locals: Locals
    piloting: bool
    last_axes: dict[tuple[int, int], str]

    if TYPE_CHECKING:

        def signature_of(self, decl: Any, module: Module) -> dict[str, Any]: ...
        def _bind_params(self, decl: Any, given: Any, scope: Scope) -> dict[str, Any]: ...
        def _body(self, decl: Any, scope: Scope, given: tuple[Value, ...]) -> Body | None: ...

    def _layer_kind(self, call: ast.KindCall, scope: Scope) -> Any:
        """A kind of layer, or the declaration of a block or extern layer, or None."""
        module = scope.module
        if call.kind in module.blocks:
            return module.blocks[call.kind]
        if call.kind in module.externs:
            return module.externs[call.kind]
        return find("layer", call.kind)

    # --- applying -----------------------------------------------------------------------

    def apply(
        self,
        call: ast.KindCall,
        flow: Flow,
        scope: Scope,
        drafts: list[Draft],
        place: Span,
        shared: SharedDraft | None = None,
    ) -> Flow:
        """Applies a layer or block; its draft joins `drafts`."""
        self.evaluator.work.spend(LAYER, place)
        if call.kind in scope.module.broken:
            raise Reported
        kind = self._layer_kind(call, scope)
        if kind is None:
            others = (*scope.module.blocks, *scope.module.externs)
            if scope.module.has_broken_import:
                raise Reported
            raise self.evaluator.unknown_kind(call, "layer", others)
        if isinstance(kind, tuple):
            return self._apply_block(call, kind, flow, scope, drafts, place, shared)
        if isinstance(kind, ast.ExternDecl):
            arguments = self.signature_of(kind, scope.module)
            bound = self.evaluator.bind_call(arguments, call, scope)
            if flow.unknown:
                raise Reported
            layer: Kind = extern_layer(self, kind, bound, flow, scope.module)
        else:
            arguments = kind.arguments
            layer = self.evaluator.instance(kind, call, scope)
        if flow.unknown:
            raise Reported
        return self._apply_layer(call, layer, arguments, flow, scope, drafts, place, shared)

    def _apply_layer(
        self, call: ast.KindCall, layer: Any, arguments: dict[str, Any], flow: Flow, scope: Scope,
        drafts: list[Draft], place: Span, shared: SharedDraft | None,
    ) -> Flow:  # fmt: skip
        at = call.span if shared is None else place
        inputs = self._ports(call, layer, flow, at)
        types = tuple(value and value.type for value in inputs)
        try:
            results = layer.infer(*types)
            weighted = bool(layer.weights(*types))
        except LayerError as problem:
            use = None if shared is None else place
            raise self._layer_error(problem, call, arguments, inputs, use) from None
        results = results if isinstance(results, tuple) else (results,)
        self._hold_sizes(results, at)
        outputs = tuple(Value(type_) for type_ in results)
        for value in outputs:
            self.origins[value] = place
        self.usage.use(inputs)
        tie = self._tie_target(call, layer, scope)
        drafts.append(
            LayerDraft(
                place, snake_case(call.kind), layer=layer, inputs=inputs, outputs=outputs,
                weighted=weighted and shared is None, shared=shared, tie=tie,
            )  # fmt: skip
        )
        return Flow(outputs)

    def _hold_sizes(self, results: tuple[TensorType, ...], at: Span) -> None:
        """Holds each size of some results against the limits, and the formulas of their shapes."""
        for type_ in results:
            terms = 1
            for dim in type_.shape:
                self.evaluator.size(dim, at)
                terms *= len(dim.terms) if isinstance(dim, Poly) else 1
            self.evaluator.work.spend(terms if terms > 1 else 0, at)

    def _ports(
        self, call: ast.KindCall, layer: Layer, flow: Flow, at: Span
    ) -> tuple[Value | None, ...]:
        """The flow matched to the ports of a layer that is applied at a place."""
        number = len(flow.values)
        if layer.variadic:
            if number < 2:
                raise self._needs_several(call, "several values", number, "(a, b)", at)
            self._no_such_port(call, flow, (), at)
            return flow.values
        required = [port.name for port in layer.ports if not port.optional]
        if not len(required) <= number <= len(layer.ports):
            form = f"({', '.join(required)})" if len(required) != 1 else "x"
            raise self._needs_several(call, count(len(required), "value"), number, form, at)
        free = [port.name for port in layer.ports[number:]]
        self._no_such_port(call, flow, tuple(free), at)
        return (*flow.values, *(flow.named.get(name) for name in free))

    def _needs_several(
        self, call: ast.KindCall, wants: str, got: int, form: str, at: Span
    ) -> Reported:
        word = call.kind if at is call.span else at.text
        return self.evaluator.fail(
            "MSL312", f"`{call.kind}` takes {wants}, and gets {got}", at,
            helps=(f"hand them over together: `{form} -> {word}`",),
        )  # fmt: skip

    def _no_such_port(
        self, call: ast.KindCall, flow: Flow, known: tuple[str, ...], at: Span
    ) -> None:
        for name in flow.named:
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none by name"
                raise self.evaluator.fail(
                    "MSL122", f"`{call.kind}` has no input `{name}`", at, helps=(takes,)
                )

    def _layer_error(
        self, problem: LayerError, call: ast.KindCall, arguments: dict[str, Any],
        inputs: tuple[Value | None, ...], use: Span | None = None,
    ) -> Reported:  # fmt: skip
        """Reports what a layer's rules say; `use` is where a shared layer is applied."""
        span = argument_span(arguments, call, problem.arg) if problem.arg else call.name_span
        culprits = inputs if problem.input is None else inputs[problem.input : problem.input + 1]
        others = tuple(
            (self.origins[value], f"this makes {value.type.named()}")
            for value in dict.fromkeys(culprits)
            if value is not None and value in self.origins
        )
        fix = None
        if problem.insert:
            start = Span(call.span.source, (use or call.span).start, (use or call.span).start)
            fix = Fix(problem.help or "insert it", (Edit(start, problem.insert),), safe=False)
        helps = (problem.help,) if problem.help else ()
        if use is not None:
            others, span = (*others, (span, "declared here")), use
        self.report(
            problem.code, problem.message, span, problem.label,
            others=others, notes=problem.notes, helps=helps, fix=fix,
        )  # fmt: skip
        return Reported()

    def _tie_target(self, call: ast.KindCall, layer: Layer, scope: Scope) -> Any:
        """The draft that ``tie=name`` means, with the rest of the path."""
        path = getattr(layer, "tie", None)
        if path is None:
            return None
        first, _, rest = path.path.partition(".")
        span = argument_span(layer.arguments, call, "tie")
        binding = scope.lookup(first)
        if binding is None:
            raise self.evaluator.unknown_name(first, span, scope)
        binding.used = True
        if scope.is_mistake(first):
            raise Reported
        if isinstance(binding.value, SharedUse):
            return binding.value.draft, rest, span
        draft = binding.value.draft if isinstance(binding.value, Tensor) else None
        if draft is None:
            raise self.evaluator.fail("MSL123", f"`{first}` names no layer with weights", span)
        return draft, rest, span

    def _check_shared(self, drafts: list[Draft]) -> None:
        """Holds the weights of every use of a shared declaration against those of the first."""
        for draft in every(drafts):
            if not isinstance(draft, SharedDraft) or draft.node is None or not draft.node.uses:
                continue
            first, *others = draft.node.uses
            wanted = _weights_of(first) if others else []
            for use in others:
                if _weights_of(use) != wanted:
                    self.report(
                        "MSL317", f"shared `{draft.node.name}` has other weights here, since the "
                        "value it takes has another shape", use.span,
                        others=((first.span, "first applied here"),),
                    )  # fmt: skip

    def _check_ties(self, drafts: list[Draft], nodes: tuple[Node, ...]) -> None:
        """Holds every tied weight of a finished body against the weight it borrows."""
        tied = self.usage.ties(drafts)
        if not tied:
            return
        owned = {_first_round(visit.path): visit.node for visit in walk(nodes)}
        for draft, path, span in tied:
            target = owned.get(path)
            shapes = {weight.role: weight.shape for weight in target.weights} if target else {}
            if "weight" not in shapes:
                self.report("MSL123", f"`{path}` names no layer with a weight", span)
            elif shapes["weight"] != draft.layer.tied_shape(*(v and v.type for v in draft.inputs)):
                wanted = draft.layer.tied_shape(*(v and v.type for v in draft.inputs))
                self.report(
                    "MSL317", f"the weight of `{path}` is {list(map(plain, shapes['weight']))}, "
                    f"and {list(map(plain, wanted))} is needed here", span,
                )  # fmt: skip

    def _apply_block(
        self, call: ast.KindCall, found: tuple[Any, Module], flow: Flow, scope: Scope,
        drafts: list[Draft], place: Span, shared: SharedDraft | None,
    ) -> Flow:  # fmt: skip
        decl, module = found
        args = self.evaluator.bind_call(self.signature_of(decl, module), call, scope)
        if flow.unknown:
            raise Reported
        at = call.span if shared is None else place
        inputs = self._block_inputs(call, decl, flow, at)
        self.applications.append(place)
        try:
            instance = self._instance(decl, module, args, inputs, call)
        finally:
            self.applications.pop()
        if instance is None:
            raise Reported
        self.usage.use(inputs)
        full = self._caller_args(decl, instance, args)
        outputs = self._caller_outputs(instance, full, inputs, call)
        for value in outputs:
            self.origins[value] = place
        drafts.append(
            CallDraft(
                place, snake_case(call.kind), instance=instance, args=full, inputs=inputs,
                outputs=outputs, shared=shared,
                weighted=shared is None and self._is_weighted(instance),
            )  # fmt: skip
        )
        return Flow(outputs)

    def _is_weighted(self, instance: Instance) -> bool:
        if instance not in self.weighted:
            self.weighted[instance] = owns_weights(instance.body.nodes, self._is_weighted)
        return self.weighted[instance]

    def _block_inputs(
        self, call: ast.KindCall, decl: Any, flow: Flow, at: Span
    ) -> tuple[Value, ...]:
        declared = [item for item in decl.body.statements if isinstance(item, ast.InputDecl)]
        names = [item.name for item in declared]
        for name in flow.named:
            if name not in names:
                raise self.evaluator.fail("MSL122", f"`{call.kind}` has no input `{name}`", at)
        positional = list(flow.values)
        if not declared:
            if len(positional) > 1:
                raise self._needs_several(call, "1 value", len(positional), "x", at)
            return flow.values
        values = [flow.named.get(name) for name in names]
        for index, value in enumerate(values):
            if value is None and positional:
                values[index] = positional.pop(0)
        if positional or None in values:
            form = f"({', '.join(names)})" if len(names) > 1 else "x"
            wants, got = count(len(names), "value"), len(flow.values) + len(flow.named)
            raise self._needs_several(call, wants, got, form, at)
        return tuple(values)  # type: ignore[arg-type]

    def _instance(
        self, decl: Any, module: Module, args: dict[str, Any], inputs: tuple[Value, ...],
        call: ast.KindCall,
    ) -> Instance | None:  # fmt: skip
        if len(self.applications) > DEPTH_LIMIT:
            raise self.evaluator.fail(
                "MSL124", f"blocks apply one another more than {DEPTH_LIMIT} deep", call.span,
                helps=("a block that applies itself needs a `when` that ends it",),
            )  # fmt: skip
        values = {key: plain(value) for key, value in args.items() if value is not None}
        types = tuple(plain_type(value.type) for value in inputs)
        key = (id(decl), tuple(sorted(values.items(), key=lambda item: item[0])), types)
        if key not in self.instances:
            self.instances[key] = _UNFINISHED
            try:
                self.instances[key] = self._elaborate_instance(decl, module, values, types)
            except Reported:
                self.instances[key] = None
        if self.instances[key] is _UNFINISHED:
            raise self.evaluator.fail(
                "MSL124", f"block `{decl.name}` applies itself with the same arguments, and so "
                "without end", call.span, helps=("let a `when` end it that looks at an argument",),
            )  # fmt: skip
        return self.instances[key]

    def _elaborate_instance(
        self, decl: Any, module: Module, values: dict[str, Any], types: tuple[TensorType, ...]
    ) -> Instance | None:
        scope = module.scope.inner()
        bound = self._bind_params(decl, values, scope)
        declared = [item for item in decl.body.statements if isinstance(item, ast.InputDecl)]
        names = [item.name for item in declared] or ["input"]
        sizes: dict[str, int] = {}
        given = tuple(
            Value(self._named_sizes(type_, name, (id(decl), index), len(types), sizes, bound), name)
            for index, (type_, name) in enumerate(zip(types, names))
        )
        around, self.locals = (self.locals, self.piloting), Locals(sizes)
        self.piloting = False
        try:
            body = self._body(decl, scope, given)
            if body is None:
                return None
            results = tuple(self._leaving(output.value.type) for output in body.outputs)
        finally:
            self.locals, self.piloting = around
        return Instance(decl.name, decl, bound, body, sizes, results, module.scope)

    def _leaving(self, type_: TensorType) -> TensorType:
        """The type of a result, in terms that its block's callers know."""
        shape = tuple(self.locals.leave(dim) for dim in type_.shape)
        return type_.with_shape(shape, type_.axes)

    def _named_sizes(
        self, type_: TensorType, name: str, place: tuple[int, int], inputs: int,
        sizes: dict[str, int], taken: Any,
    ) -> TensorType:  # fmt: skip
        """The type of a block's input, its sizes traced under names of their own.

        The last size is called as where the block was first applied, whatever its axis is called
        here, so that one class serves images and sequences.
        """
        if not self.trace:
            return type_
        shape = []
        for position, (dim, axis) in enumerate(zip(type_.shape, type_.axes)):
            if isinstance(dim, int):
                prefix = "in" if inputs == 1 else name
                axis = axis or f"size{position}"
                if position == type_.rank - 1:
                    axis = self.last_axes.setdefault(place, axis)
                base = f"{prefix}_{axis}"
                while base in taken or base in sizes:
                    base += "_"
                sizes[base] = dim
                dim = TracedInt(dim, Expr("name", base))
            shape.append(dim)
        return type_.with_shape(tuple(shape), type_.axes)

    def _caller_args(self, decl: Any, instance: Instance, args: dict[str, Any]) -> dict[str, Any]:
        """The arguments in the caller's terms, defaults left out."""
        return {key: value for key, value in args.items() if value is not None}

    def _caller_outputs(
        self,
        instance: Instance,
        args: dict[str, Any],
        inputs: tuple[Value, ...],
        call: ast.KindCall,
    ) -> tuple[Value, ...]:
        """Values of the caller for the results of a block, their sizes in the caller's terms.

        Sizes that hang on a choice in the block go under names, until its instances are together.
        """
        types: list[TensorType] = list(instance.results)
        if self.trace:
            formulas = caller_formulas(instance, args, inputs)
            types = [_in_terms_of(type_, formulas) for type_ in types]
            for index, output in enumerate(instance.body.outputs):
                shape = tuple(
                    (
                        self.locals.merge((call.span.start, index, axis), dim)
                        if is_merged(raw)
                        else dim
                    )
                    for axis, (dim, raw) in enumerate(
                        zip(types[index].shape, output.value.type.shape)
                    )
                )
                types[index] = types[index].with_shape(shape, types[index].axes)
        return tuple(Value(type_) for type_ in types)

    # --- reporting ----------------------------------------------------------------------

    def report(self, code: str, message: str, span: Span, label: str = "", **more: Any) -> None:
        """Reports a mistake, with the application of the block it lies in."""
        others = more.pop("others", ())
        if self.applications and self.applications[0].source is span.source:
            place = self.applications[0]
            if not place.start <= span.start < place.end:
                others = (*others, (place, "in the block applied here"))
        elif self.applications:
            others = (*others, (self.applications[0], "in the block applied here"))
        self.reporter.report(code, message, span, label, others=others, **more)
        self.evaluator.work.failed(code, span)


def _weights_of(use: LayerNode | CallNode) -> list[tuple[str, Any]]:
    """Keys and plain shapes of the weights that a use of a shared declaration applies."""
    if isinstance(use, CallNode):
        keys = weight_keys(use.instance.body.nodes)
        return [(item.key, plain(item.weight.shape)) for item in keys]
    return [(weight.role, plain(weight.shape)) for weight in use.weights]


def _first_round(path: str) -> str:
    """A path with folded rounds as that of the first: ``layer.0..5.norm`` as ``layer.0.norm``."""
    before, mark, behind = path.partition("..")
    while mark:
        path = before + behind.lstrip("0123456789")
        before, mark, behind = path.partition("..")
    return path


def caller_formulas(
    instance: Instance, args: dict[str, Any], inputs: tuple[Value, ...]
) -> dict[str, Any]:
    """What the names of a block's parameters and sizes are at a call, by the caller's formulas."""
    formulas = {**instance.args, **{key: formula(value) for key, value in args.items()}}
    dims = (dim for value in inputs for dim in value.type.shape if isinstance(dim, int))
    formulas.update(zip(instance.sizes, map(formula, dims)))
    return formulas


def _in_terms_of(type_: TensorType, formulas: dict[str, Any]) -> TensorType:
    shape = tuple(
        traced(int(dim), substitute(dim.expr, formulas)) if isinstance(dim, TracedInt) else dim
        for dim in type_.shape
    )
    return type_.with_shape(shape, type_.axes)


def plain_shape(type_: TensorType) -> tuple[Any, ...]:
    """The shape without traces."""
    return tuple(plain(dim) for dim in type_.shape)


def plain_type(type_: TensorType) -> TensorType:
    """The type without traces."""
    return type_.with_shape(plain_shape(type_), type_.axes)


def count(number: int, noun: str) -> str:
    """``1 value``, ``2 values``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
