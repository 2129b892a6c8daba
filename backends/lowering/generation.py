"""Which models continue a sequence, and which of their layers can do so step by step.

A model continues its tokens where one input holds integers along a symbol, the one output holds a
score for every token at each of the same positions, and no position of any value in between hears
of a later one. What follows is then drawn token by token. `positions.RULES` says how kinds treat
positions; a kind that is not listed there makes a model that is no language model in this sense,
and one without a cached form makes every step run over the whole context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from backends.base import Generation
from backends.lowering.positions import ATTENTIONS, BACK, CACHED, PAIRS, rule_of, shift
from dsl.ir import Body, CallNode, Group, LayerNode, Model, Node, RepeatNode, Value, WhenNode
from dsl.kinds.kind import Kind
from dsl.layers.activation import Sigmoid, Softmax, Softmin
from dsl.layers.attention_bias import RelativePositionBias
from dsl.layers.embedding import Embedding, PositionEmbedding
from dsl.layers.recurrent import Recurrent
from dsl.shapes.dim import evaluate, symbols
from dsl.shapes.types import TensorType


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
        self.lags: dict[Value, int] = {tokens: 0}  # place i hears of tokens up to i - lag
        self.pairs: set[Value] = set()  # biases by distance
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
        if self.lags.get(output, -1) < 0 or self.sizes != {vocabulary}:
            raise _Unfit
        if isinstance(self.makers.get(output), (Softmax, Softmin, Sigmoid)):
            raise _Unfit  # probabilities, and what is drawn from are logits
        given = tuple(name for name in self.model.body.names if name != self.name)
        return Generation(
            self.name,
            self.model.body.names.index(self.name),
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

    def _bind(self, inner: Value, outer: Value) -> None:
        for table in (self.lags, self.makers):
            table.pop(inner, None)
            if outer in table:
                table[inner] = table[outer]  # type: ignore[assignment]
        (self.pairs.add if outer in self.pairs else self.pairs.discard)(inner)

    def _layer(self, node: LayerNode, shared: bool) -> None:
        places = tuple(self._place(value) for value in node.inputs)
        lags = [self.lags[value] for value in node.inputs if value in self.lags]
        for value in node.outputs:
            self.lags.pop(value, None)
            self.makers[value] = node.layer
        if not lags:
            self._leave_alone(node)
            return
        if isinstance(node.layer, RelativePositionBias) and not any(node.inputs[1:]):
            self.pairs.update(node.outputs)
            self.recomputed[node.layer.name] = None
            return
        how = rule_of(node.layer)(node, places)
        if how is None or (PAIRS in places and not isinstance(node.layer, ATTENTIONS)):
            raise _Unfit
        lag = min(lags) + shift(node, places)
        self.lags.update(dict.fromkeys(node.outputs, lag))
        if any(self._place(value) is None for value in node.outputs):
            raise _Unfit
        if how == BACK or (how == CACHED and shared):
            self.recomputed[node.layer.name] = None
        self._note(node)

    def _leave_alone(self, node: LayerNode) -> None:
        """A layer on what does not depend on the tokens must not mistake it for further ones."""
        layer: Any = node.layer
        if isinstance(layer, (Recurrent, PositionEmbedding, *ATTENTIONS)):
            self.recomputed[layer.name] = None

    def _place(self, value: Value | None) -> int | None:
        """The axis of positions.

        Raises:
            _Unfit: There is none, or more than one.
        """
        if value in self.pairs:
            return PAIRS
        if value is None or value not in self.lags:
            return None
        shape = value.type.shape
        places = [axis for axis, dim in enumerate(shape) if self.symbol in symbols(dim)]
        if len(places) != 1:
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
        """Whether attention has a rule for any distance, or meets none that training did not."""
        if getattr(layer, "alibi", False):
            return True
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
    """The rounds one after the other."""
    steps: list[Any] = []
    current = node.inputs
    for part in node.rounds:
        for _ in range(part.count):
            steps += [list(zip(part.inputs, current)), *part.nodes]
            current = part.outputs
    return [*steps, list(zip(node.outputs, current))]
