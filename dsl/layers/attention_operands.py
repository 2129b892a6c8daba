"""What attention compares: operands that fit each other, masks and biases that fit the scores."""

from __future__ import annotations

from dsl.layers.base import Layer, LayerError, MaybeTypes
from dsl.shapes.dim import Dim
from dsl.shapes.types import TensorType

_SPATIAL = ("time", "depth", "height", "width")
_SOFTMAX = 5
_ORDERED = ("causal", "window", "alibi")


def check_heads(heads: int, width: int, position: int) -> None:
    """Refuses heads that are no equal parts of the input at a position.

    Raises:
        LayerError: MSL313.
    """
    if width % heads:
        raise LayerError(
            "MSL313", f"{heads} heads cannot split {width} features evenly", arg="heads",
            input=position, notes=(f"{width} / {heads} = {width / heads:g} is not whole",),
            help=f"take a divisor of {width}",
        )  # fmt: skip


def check_operands(layer: Layer, operands: MaybeTypes, slots: tuple[int, ...]) -> None:
    """Refuses operands that are no sequences, or that do not fit each other.

    Args:
        layer: The attention.
        operands: Types of query, key and value, and more that is not looked at.
        slots: The port that each comes from.

    Raises:
        LayerError: MSL302, MSL303, MSL306, MSL314 or MSL350.
    """
    query, key, value = operands[:3]
    for slot in dict.fromkeys(slots[:3]):
        check_sequence(layer, operands[slots.index(slot)], slot)
    for x, slot in ((key, slots[1]), (value, slots[2])):
        if x.shape[:-2] != query.shape[:-2]:
            _unlike("query and keys differ in the dimensions in front", query, x, slot)
    if key.shape[-2] != value.shape[-2]:
        _unlike("each key needs a value, and their numbers differ", key, value, slots[2])
    ordered = next((name for name in _ORDERED if getattr(layer, name, None)), "")
    if ordered and query.shape[-2] != key.shape[-2]:
        raise LayerError(
            "MSL314", f"`{ordered}` compares positions, and the sequences differ in length: "
            f"{query.shape[-2]} and {key.shape[-2]}", arg=ordered,
            help="pass a mask of [time_q, time_k] that says which positions belong together",
        )  # fmt: skip


def check_scores(heads: int, operands: MaybeTypes, slots: tuple[int, ...]) -> None:
    """Refuses a mask or a bias that does not fit the scores of ``[.., time_q, time_k]``.

    Args:
        heads: Scores for each pair of positions.
        operands: Types of query, key, value, mask and bias.
        slots: The port that each comes from.

    Raises:
        LayerError: MSL302, MSL303 or MSL306.
    """
    query, key, _, mask, bias = operands
    front, pairs = query.shape[:-2], (query.shape[-2], key.shape[-2])
    if mask is not None:
        if mask.dtype != "bool":
            raise LayerError(
                "MSL303", f"a mask is bool, true where a query may look, not {mask.dtype}",
                input=slots[3], help="real numbers that are added to the scores are a `bias`"
                if mask.is_float else "",
            )  # fmt: skip
        fitting = [pairs[1:], pairs, (*front, *pairs)]
        _check_fits("mask", mask, pairs, fitting, slots[3])
    if bias is not None:
        if not bias.is_float:
            raise LayerError(
                "MSL303", f"a bias is real numbers added to the scores, not {bias.dtype}",
                input=slots[4], help="what a query may see is a `mask`"
                if bias.dtype == "bool" else "",
            )  # fmt: skip
        _check_fits("bias", bias, pairs, [(heads, *pairs), (*front, heads, *pairs)], slots[4])


def any_batched(operands: MaybeTypes) -> bool:
    """Whether a result of these has a batch: where one of them has."""
    return any(x is not None and x.batched for x in operands)


def score_operations(biases: MaybeTypes) -> int:
    """Operations for each score: five of the softmax, and one where a bias is added."""
    return _SOFTMAX + sum(bias is not None for bias in biases)


def check_sequence(layer: Layer, x: TensorType, slot: int) -> None:
    """Refuses an operand that is no sequence ``[.., time, features]`` of real numbers.

    Raises:
        LayerError: MSL302, MSL303 or MSL350.
    """
    if x.rank < 2:
        raise LayerError(
            "MSL302", f"`{layer.name}` needs a sequence [time, features], not {x.named()}",
            input=slot, help="recurrent layers give whole sequences with `return_sequences=true`"
            if x.is_float else "",
        )  # fmt: skip
    if not x.is_float:
        raise LayerError(
            "MSL303", f"`{layer.name}` takes real numbers, not {x.dtype}", input=slot,
            help="look integers up in an `Embedding` first",
        )  # fmt: skip
    if x.axes[-1] in _SPATIAL:
        raise LayerError(
            "MSL350", f"`{layer.name}` would take the {x.axes[-1]} of {x.named()} for features",
            input=slot, label=f"compares the last dimension, {x.axes[-1]}={x.shape[-1]}",
            help="make a sequence of positions first",
            insert="ToSequence -> " if x.axes[0] == "channels" else "",
        )  # fmt: skip


def _check_fits(
    what: str, x: TensorType, pairs: tuple[Dim, Dim], fitting: list[tuple[Dim, ...]], slot: int
) -> None:
    """Refuses a mask or bias that has none of the shapes that fit the pairs of positions."""
    if x.shape in fitting:
        return
    shapes = [f"[{', '.join(map(str, shape))}]" for shape in dict.fromkeys(fitting)]
    code = "MSL306" if x.rank in map(len, fitting) else "MSL302"
    raise LayerError(
        code, f"a {what} for {pairs[0]} queries and {pairs[1]} keys is {' or '.join(shapes)}, "
        f"not {x.named()}", input=slot,
    )  # fmt: skip


def _unlike(message: str, left: TensorType, right: TensorType, slot: int) -> None:
    raise LayerError("MSL306", message, input=slot, notes=(f"{left.named()} and {right.named()}",))
