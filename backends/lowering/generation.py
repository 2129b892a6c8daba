"""Which models continue a sequence, and which of their layers can do so step by step.

A model continues its tokens where one input holds integers along a symbol, the one output holds a
score for every token at each of the same positions, and no position of any value in between hears
of a later one. What follows is then drawn token by token. `RULES` is the one place that says how
kinds treat positions; a kind that is not listed there makes a model that is no language model in
this sense, and one without a cached form makes every step run over the whole context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from backends.base import Generation
from dsl.ir import Body, CallNode, Group, LayerNode, Model, Node, RepeatNode, Value, WhenNode
from dsl.kinds.kind import Kind
from dsl.layers.activation import Activation, AlongAxis, Sigmoid, Softmax, Softmin
from dsl.layers.attention import Attention, CrossAttention, DotProductAttention, SelfAttention
from dsl.layers.axes import class_axis
from dsl.layers.base import resolve_axis
from dsl.layers.dropout import AlphaDropout, Dropout, StochasticDepth
from dsl.layers.embedding import Embedding, PositionEmbedding, SinusoidalPosition
from dsl.layers.linear import Linear
from dsl.layers.merge import Arithmetic, Concat, Identity, Scale
from dsl.layers.normalization import LayerNorm, RMSNorm
from dsl.layers.recurrent import Recurrent
from dsl.layers.slicing import Select, Slice, Split
from dsl.shapes.dim import evaluate, symbols
from dsl.shapes.types import TensorType

EACH = "each"
"""The layer treats each position by itself."""
CACHED = "cached"
"""It looks back, and generated code can remember what it needs of earlier positions."""
BACK = "back"
"""It looks back, and runs over all positions in every step."""

ATTENTIONS = (SelfAttention, CrossAttention, Attention, DotProductAttention)

Places = tuple[int | None, ...]
"""For each input the axis of positions; None where the value does not depend on the tokens."""


class _Unfit(Exception):
    """Raised where a position would hear of later ones, or may do so."""


def generation(model: Model) -> Generation | None:
    """How a model continues one of its inputs, or None where it does not."""
    if len(model.body.outputs) != 1:
        return None
    for name, value in zip(model.body.names, model.body.inputs):
        symbol = _symbol(value.type)
        if symbol and _is_text(model, value, symbol):
            try:
                return _Reading(model, name, value, symbol).result()
            except _Unfit:
                return None
    return None


def _symbol(type_: TensorType) -> str:
    """The symbol that a sequence of integers has as its length; "" for any other type."""
    if type_.rank != 1 or type_.dtype not in ("int64", "int32"):
        return ""
    symbol, *more = symbols(type_.shape[0]) or {""}
    return symbol if not more and str(type_.shape[0]) == symbol else ""


def _is_text(model: Model, tokens: Value, symbol: str) -> bool:
    """Whether the output has scores at the tokens' positions, and no other input has those."""
    output = model.body.outputs[0].value.type
    others = (value for value in model.body.inputs if value is not tokens)
    return (
        output.is_float
        and output.rank == 2
        and output.shape[0] == tokens.type.shape[0]
        and not symbols(output.shape[1])
        and not any(symbol in symbols(dim) for value in others for dim in value.type.shape)
    )


class _Reading:
    """One walk along the graph that follows what depends on the tokens."""

    def __init__(self, model: Model, name: str, tokens: Value, symbol: str) -> None:
        self.model, self.name, self.tokens, self.symbol = model, name, tokens, symbol
        self.reached: dict[Value, bool] = {tokens: True}
        self.sizes: set[int] = set()  # rows of the tables that tokens are looked up in
        self.limits: set[int] = set()  # positions that some layers have at most
        self.recomputed: dict[str, None] = {}
        self.makers: dict[Value, Kind] = {}
        self.attends = self.recurrent = False

    def result(self) -> Generation:
        """The finding.

        Raises:
            _Unfit: The model does not continue these tokens.
        """
        for node, shared in _in_order(self.model.body, self._bind):
            self._layer(node, shared)
        output = self.model.body.outputs[0].value
        vocabulary = int(evaluate(output.type.shape[1], self.model.symbols))
        if not self._is_reached(output) or self.sizes != {vocabulary}:
            raise _Unfit
        if isinstance(self.makers.get(output), (Softmax, Softmin, Sigmoid)):
            raise _Unfit  # probabilities, and what is drawn from are logits
        given = tuple(name for name in self.model.body.names if name != self.name)
        return Generation(
            self.name,
            given,
            vocabulary,
            min(self.limits, default=None) if self.recomputed or self._looks_back else 1,
            self._looks_back and not self.recomputed and not given,
            self.attends,
            self.recurrent,
            tuple(self.recomputed),
        )

    @property
    def _looks_back(self) -> bool:
        return self.attends or self.recurrent

    def _is_reached(self, value: Value | None) -> bool:
        return value is not None and self.reached.get(value, False)

    def _bind(self, inner: Value, outer: Value) -> None:
        self.reached[inner] = self.reached.get(outer, False)
        if outer in self.makers:
            self.makers[inner] = self.makers[outer]

    def _layer(self, node: LayerNode, shared: bool) -> None:
        places = tuple(self._place(value) for value in node.inputs)
        reached = any(place is not None for place in places)
        for value in node.outputs:
            self.reached[value], self.makers[value] = reached, node.layer
        if not reached:
            self._leave_alone(node)
            return
        how = _rule(node.layer)(node, places)
        if how is None or any(self._place(value) is None for value in node.outputs):
            raise _Unfit
        if how == BACK or (how == CACHED and shared):
            self.recomputed[node.layer.name] = None
        self._note(node)

    def _leave_alone(self, node: LayerNode) -> None:
        """A layer on what does not depend on the tokens must not mistake it for further ones."""
        layer: Any = node.layer
        if isinstance(layer, (Recurrent, PositionEmbedding)) or getattr(layer, "causal", False):
            self.recomputed[layer.name] = None

    def _place(self, value: Value | None) -> int | None:
        """The axis of positions.

        Raises:
            _Unfit: There is none, or more than one.
        """
        if not self._is_reached(value):
            return None
        assert value is not None
        shape = value.type.shape
        places = [axis for axis, dim in enumerate(shape) if self.symbol in symbols(dim)]
        if len(places) != 1 or shape[places[0]] != self.tokens.type.shape[0]:
            raise _Unfit
        return places[0]

    def _note(self, node: LayerNode) -> None:
        """What a layer says about the number of tokens and of positions."""
        layer: Any = node.layer
        if isinstance(layer, Embedding):
            self.sizes.add(int(layer.num_embeddings))
        elif isinstance(layer, PositionEmbedding):
            self.limits.add(int(layer.length))
        self.recurrent |= isinstance(layer, Recurrent)
        self.attends |= bool(getattr(layer, "causal", False))
        if getattr(layer, "causal", False) and not self._is_near(layer):
            self.limits.add(int(self.model.symbols[self.symbol]))

    def _is_near(self, layer: Any) -> bool:
        """Whether attention never meets a distance that the declared length does not show."""
        return layer.window is not None and layer.window <= self.model.symbols[self.symbol]


def _in_order(body: Body, bind: Callable[[Value, Value], None]) -> Iterator[tuple[LayerNode, bool]]:
    """Every layer in order of computation, and whether its weights are applied at other places too.

    Args:
        body: The model's.
        bind: Is told that a value is another one, seen from inside or outside a structure.
    """
    stack: list[tuple[Node | list[tuple[Value, Value]] | RepeatNode, bool]] = []
    stack.extend((node, False) for node in reversed(body.nodes))
    while stack:
        item, shared = stack.pop()
        if isinstance(item, list):
            for inner, outer in item:
                bind(inner, outer)
            continue
        shared = shared or getattr(item, "shared", None) is not None
        if isinstance(item, LayerNode):
            yield item, shared
        else:
            stack.extend((step, shared) for step in reversed(_inside(item)))


def _inside(node: Any) -> list[Any]:
    """What happens in a structure: nodes, and lists of values that are bound to others."""
    if isinstance(node, Group):
        return list(node.nodes)
    if isinstance(node, WhenNode):
        return [*node.nodes, list(zip(node.outputs, node.results))]
    if isinstance(node, CallNode):
        body = node.instance.body
        results = [output.value for output in body.outputs]
        return [list(zip(body.inputs, node.inputs)), *body.nodes, list(zip(node.outputs, results))]
    if isinstance(node, RepeatNode):
        return _rounds(node)
    return []


def _rounds(node: RepeatNode) -> list[Any]:
    """The rounds one after the other, equal ones twice: what a second one is given, all are."""
    steps: list[Any] = []
    current = node.inputs
    for part in node.rounds:
        for _ in range(min(part.count, 2)):
            steps += [list(zip(part.inputs, current)), *part.nodes]
            current = part.outputs
    return [*steps, list(zip(node.outputs, current))]


# --- what kinds do to positions ---------------------------------------------------------

Rule = Callable[[LayerNode, Places], "str | None"]


def _each(node: LayerNode, places: Places) -> str | None:
    """Element by element; values that broadcast must have their positions on the same axis."""
    from_end = {x.rank - place for x, place in zip(node.types, places) if x and place is not None}
    return EACH if len(from_end) == 1 else None


def _last(node: LayerNode, places: Places) -> str | None:
    """Along the last dimensions, which must be others than the positions."""
    x = node.types[0]
    assert x is not None
    dims = getattr(node.layer, "dims", 1)
    return EACH if places[0] is not None and places[0] < x.rank - dims else None


def _along(node: LayerNode, places: Places) -> str | None:
    """Along one axis, which must be another than the positions."""
    layer: Any = node.layer
    x = next(type_ for type_, place in zip(node.types, places) if place is not None)
    assert x is not None
    if isinstance(layer, Concat):
        axis = layer.position(tuple(type_ for type_ in node.types if type_))
    elif isinstance(layer, AlongAxis):
        axis = class_axis(layer.dim, x)
    else:
        axis = resolve_axis(layer.dim, x)
    return EACH if axis not in places and len({*places} - {None}) == 1 else None


def _position(node: LayerNode, places: Places) -> str | None:
    """Adds something to each position that depends on its number."""
    x = node.types[0]
    if x is None or places[0] != x.rank - 2:
        return None
    return CACHED if isinstance(node.layer, PositionEmbedding) else BACK


def _attention(node: LayerNode, places: Places) -> str | None:
    """To a value that is given, position by position; to the sequence itself only causal ones."""
    layer: Any = node.layer
    slots = getattr(layer, "slots", range(len(layer.ports)))
    operands = [places[slot] if slot < len(places) else None for slot in slots]
    types = [node.types[slot] if slot < len(places) else None for slot in slots]
    query, key, value, *scored = operands
    if any(p is not None and t and p != t.rank - 2 for p, t in zip(operands[:3], types)):
        return None
    if key is None and value is None and query is not None:
        if layer.causal or scored != [None] * len(scored):
            return None
        return BACK
    if not layer.causal or None in (query, key, value):
        return None
    if any(types[3:]):
        return None
    return BACK if isinstance(layer, DotProductAttention) else CACHED


def _recurrent(node: LayerNode, places: Places) -> str | None:
    """From the first position to the last, every one with its result."""
    layer: Any = node.layer
    x = node.types[0]
    assert x is not None
    if layer.bidirectional or not layer.return_sequences or layer.return_state:
        return None
    if places[0] != x.rank - 2 or places[1:] != (None,) * len(places[1:]):
        return None
    return BACK if any(node.types[1:]) else CACHED


def _never(node: LayerNode, places: Places) -> str | None:
    """May tell a position of later ones."""
    return None


RULES: dict[type[Kind], Rule] = {
    **dict.fromkeys((Activation, Arithmetic, Identity, Scale), _each),
    **dict.fromkeys((Dropout, AlphaDropout, StochasticDepth), _each),
    **dict.fromkeys((Linear, LayerNorm, RMSNorm), _last),
    Embedding: _each,
    **dict.fromkeys((AlongAxis, Concat, Select, Slice, Split), _along),
    **dict.fromkeys((PositionEmbedding, SinusoidalPosition), _position),
    **dict.fromkeys(ATTENTIONS, _attention),
    Recurrent: _recurrent,
}
"""How each kind, or family of kinds, treats positions."""


def _rule(layer: Any) -> Rule:
    """The rule of a kind, or of the nearest family that it belongs to."""
    return next((RULES[kind] for kind in type(layer).__mro__ if kind in RULES), _never)
