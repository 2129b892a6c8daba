"""What each kind does to positions: `RULES` is the one place that says it.

A rule reads along which axis of each input the positions lie, and says whether the layer treats
each by itself, looks back in a way that generated code can remember, or looks back at all. A kind
that is not listed may look ahead, as far as this knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsl.ir import LayerNode
from dsl.kinds.kind import Kind
from dsl.layers.activation import Activation, AlongAxis
from dsl.layers.attention import Attention, CrossAttention, DotProductAttention, SelfAttention
from dsl.layers.axes import class_axis
from dsl.layers.base import resolve_axis
from dsl.layers.blend import LayerScale
from dsl.layers.conv import Conv1d
from dsl.layers.dropout import AlphaDropout, Dropout, SpatialDropout, StochasticDepth
from dsl.layers.embedding import Embedding, PositionEmbedding, SinusoidalPosition
from dsl.layers.linear import Linear
from dsl.layers.merge import Arithmetic, Concat, Identity, Scale
from dsl.layers.mixture import MixtureOfExperts
from dsl.layers.normalization import L2Normalize, LayerNorm, RMSNorm
from dsl.layers.pointwise import Elementary
from dsl.layers.recurrent import Recurrent
from dsl.layers.reduce import Max, Mean, Min, Sum
from dsl.layers.reshape import Permute, Squeeze, ToSequence, Transpose, Unsqueeze
from dsl.layers.resize import Pad
from dsl.layers.scan import LinearRecurrence, SelectiveScan
from dsl.layers.slicing import Select, Slice, Split

EACH = "each"
"""The layer treats each position by itself."""
CACHED = "cached"
"""It looks back, and generated code can remember what it needs of earlier positions."""
BACK = "back"
"""It looks back, and runs over all positions in every step."""

PAIRS = -1
"""In place of an axis: the value has a number for each two positions, whatever the tokens are."""

Places = tuple[int | None, ...]
"""For each input the axis of positions; None where the value does not depend on the tokens."""

Rule = Callable[[LayerNode, Places], "str | None"]
ATTENTIONS = (SelfAttention, CrossAttention, Attention, DotProductAttention)


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


def _turned(node: LayerNode, places: Places) -> str | None:
    """Axes in another order, or with some of size 1 more or less."""
    return EACH


def _reduced(node: LayerNode, places: Places) -> str | None:
    """Some axes brought down to one value, the positions not among them."""
    layer: Any = node.layer
    return EACH if places[0] not in layer.positions(node.types[0]) else None


def _as_sequence(node: LayerNode, places: Places) -> str | None:
    """Channels to the end; of several spatial dimensions one sequence."""
    x = node.types[0]
    return EACH if x is not None and x.rank == 2 else None


def _moving(node: LayerNode, places: Places) -> str | None:
    """A kernel along the positions; `shift` says how far it looks back or ahead."""
    layer: Any = node.layer
    x = node.types[0]
    return BACK if x is not None and places[0] == x.rank - 1 and layer.stride == (1,) else None


def _padded(node: LayerNode, places: Places) -> str | None:
    """Cells around the positions that hold nothing of theirs."""
    layer: Any = node.layer
    if places[0] not in layer.pads(node.types[0]):
        return EACH
    return BACK if layer.mode in ("zeros", "constant") else None


def _sliced(node: LayerNode, places: Places) -> str | None:
    """A stretch along some axis, of positions from a start on."""
    layer: Any = node.layer
    along = resolve_axis(layer.dim, node.types[0]) == places[0]  # type: ignore[arg-type]
    return EACH if not along or (layer.start >= 0 and layer.step == 1) else None


def _scan(node: LayerNode, places: Places) -> str | None:
    """From the first position to the last."""
    pairs = [(x, place) for x, place in zip(node.types, places) if x and place is not None]
    return BACK if all(place == x.rank - 2 for x, place in pairs) else None


def shift(node: LayerNode, places: Places) -> int:
    """By how many positions a layer moves the sequence to later ones, less what it looks ahead."""
    layer: Any = node.layer
    x: Any = node.types[0] if node.types else None
    if isinstance(layer, Pad):
        return layer.pads(x).get(places[0], (0, 0))[0]
    if isinstance(layer, Slice) and resolve_axis(layer.dim, x) == places[0]:
        return -layer.start
    if isinstance(layer, Conv1d):
        reach = (layer.kernel_size[0] - 1) * layer.dilation[0]
        if isinstance(layer.padding, str):
            return (reach // 2 if layer.padding == "same" else 0) - reach
        return layer.padding[0] - reach
    return 0


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
    """To a value that is given, or causal to the sequence itself, perhaps biased by distance."""
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
    mask, bias = types[3:]
    if mask is not None or (bias is not None and scored[1] != PAIRS):
        return None
    return BACK if isinstance(layer, DotProductAttention) or bias is not None else CACHED


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
    **dict.fromkeys((Activation, Elementary, Arithmetic, Identity, Scale, LayerScale), _each),
    **dict.fromkeys((Dropout, AlphaDropout, SpatialDropout, StochasticDepth), _each),
    **dict.fromkeys((Linear, LayerNorm, RMSNorm, MixtureOfExperts), _last),
    Embedding: _each,
    **dict.fromkeys((AlongAxis, Concat, L2Normalize, Select, Split), _along),
    **dict.fromkeys((Permute, Transpose, Squeeze, Unsqueeze), _turned),
    **dict.fromkeys((Max, Mean, Min, Sum), _reduced),
    ToSequence: _as_sequence,
    Slice: _sliced,
    Pad: _padded,
    Conv1d: _moving,
    **dict.fromkeys((SelectiveScan, LinearRecurrence), _scan),
    Recurrent: _recurrent,
    **dict.fromkeys((PositionEmbedding, SinusoidalPosition), _position),
    **dict.fromkeys(ATTENTIONS, _attention),
}
"""How each kind, or family of kinds, treats positions."""


def rule_of(layer: Any) -> Rule:
    """The rule of a kind, or of the nearest family that it belongs to."""
    return next((RULES[kind] for kind in type(layer).__mro__ if kind in RULES), _never)
