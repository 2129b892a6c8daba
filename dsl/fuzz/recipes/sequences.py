"""Recipes of recurrent layers, attention, scans, mixtures and embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.fuzz.program import Call, Chain
from dsl.fuzz.recipes.arguments import divisors, mask_for, option, start
from dsl.fuzz.recipes.registry import (
    RECIPES,
    fits_vector,
    fixed_sequence,
    integers,
    recipe,
    sequence,
    simple,
)

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer


@recipe(sequence, "SimpleRNN", "LSTM", "GRU")
def _recurrent(w: Writer) -> None:
    kind = w.d.pick(["LSTM", "GRU", "SimpleRNN"])
    named: dict[str, Any] = {}
    if not w.d.chance(3):
        named["return_sequences"] = True
    option(w, named, "bidirectional", [True])
    option(w, named, "bias", [False, "double"] if kind != "GRU" else [False])
    option(w, named, "layers", [2])
    if kind == "SimpleRNN":
        option(w, named, "activation", ["relu"])
    states = 2 if kind == "LSTM" else 1
    if w.d.chance(4) and "layers" not in named and "bidirectional" not in named:
        named["return_state"] = True
    mask = mask_for(w)
    call = w.call(kind, w.d.integer(1, 5), **named)
    if mask:
        w.join([("", w.here()), ("mask", mask)], call)
    else:
        w.add(call)
    if "return_state" in named:
        names = tuple(w.shop.names.fresh() for _ in range(states + 1))
        w.body.statements[-1].names = names
        w.env.update(zip(names, w.current))
        if "return_sequences" in named:
            w.say(Chain((("", Chain((("", names[0]),))),)))
            w.join([("", names[0]), *(("", name) for name in names[1:])], Call("Add"))
        else:
            w.join([("", name) for name in names], Call("Add"))


def attention_options(w: Writer, width: int, cross: bool) -> tuple[int, dict[str, Any]]:
    """The number of heads, and other arguments of attention."""
    heads = w.d.pick(divisors(width))
    named: dict[str, Any] = {}
    option(w, named, "causal", [True])
    option(w, named, "bias", [False, ["query", "value"]])
    if w.d.chance(3):
        named["kv_heads"] = w.d.pick(divisors(heads))
    if w.d.chance(4):
        named["head_dim"] = 4
        option(w, named, "rope", [100.0])
        option(w, named, "qk_norm", [1e-6])
    option(w, named, "scale", [0.5])
    if w.d.chance(4):
        named["softcap"] = 2.0
    if w.d.chance(5):
        named["sinks"] = True
    if w.d.chance(5) and not cross:
        named["window"] = 2
    if w.d.chance(5) and not cross:
        named["alibi"] = True
    if w.d.chance(4):
        named["dropout"] = 0.1
    return heads, named


@recipe(sequence, "SelfAttention")
def _self_attention(w: Writer) -> None:
    heads, named = attention_options(w, w.x.shape[-1], False)
    mask = mask_for(w)
    call = w.call("SelfAttention", heads, **named)
    if mask:
        w.join([("", w.here()), ("mask", mask)], call)
    else:
        w.add(call)


@recipe(sequence, "CrossAttention", "Attention", "DotProductAttention")
def _cross_attention(w: Writer) -> None:
    memories = w.operands(sequence)
    here = w.here()
    memory = w.d.pick([here, *memories])
    kind = w.d.pick(["CrossAttention", "Attention", "DotProductAttention"])
    width = w.x.shape[-1]
    if kind == "DotProductAttention":
        named: dict[str, Any] = {}
        option(w, named, "causal", [True])
        same = [name for name in w.operands(sequence) if w.env[name].type.shape[-1] == width]
        memory = w.d.pick([here, *same])
        call = w.call(kind, w.d.pick(divisors(width)), **named)
        w.join([("", here), ("", memory), ("", memory)], call)
        return
    heads, named = attention_options(w, width, True)
    more = [("", memory)] if kind == "CrossAttention" else [("", memory), ("", memory)]
    w.join([("", here), *more], w.call(kind, heads, **named))


@recipe(sequence, "RelativePositionBias")
def _position_bias(w: Writer) -> None:
    heads = w.d.pick(divisors(w.x.shape[-1]))
    here, name = w.here(), w.shop.names.fresh()
    w.say(Chain((("", here),), (w.call("RelativePositionBias", heads, buckets=8),)), (name,))
    w.join([("", here), ("bias", name)], w.call("SelfAttention", heads))


simple(sequence, "SinusoidalPosition", lambda w: ([], {}))
RECIPES["SinusoidalPosition"] = (
    lambda x: sequence(x) and x.shape[1] % 2 == 0,
    lambda w: added(w, w.call("SinusoidalPosition")),
)
RECIPES["PositionEmbedding"] = (
    fixed_sequence,
    lambda w: added(w, w.call("PositionEmbedding", w.x.shape[0])),
)


def added(w: Writer, call: Call) -> None:
    """Adds what a kind makes of the value to it, where it has its shape, else joins nothing."""
    w.add(call)


@recipe(sequence, "SelectiveScan")
def _selective_scan(w: Writer) -> None:
    here, width = w.here(), w.x.shape[-1]
    delta, b, c = (w.shop.names.fresh() for _ in range(3))
    heads = w.d.pick(divisors(width)) if w.d.chance(3) else 0
    w.say(Chain((), (w.call("Linear", heads or width), Call("Softplus"))), (delta,))
    states = 2
    w.say(Chain((("", here),), (w.call("Linear", states),)), (b,))
    w.say(Chain((("", here),), (w.call("Linear", states),)), (c,))
    named = {"heads": heads} if heads else {}
    order = [("", here), ("", delta), ("", b), ("", c)]
    w.join(order, w.call("SelectiveScan", **named))


@recipe(sequence, "LinearRecurrence")
def _linear_recurrence(w: Writer) -> None:
    here, decay = w.here(), w.shop.names.fresh()
    w.say(Chain((), (Call("Sigmoid"),)), (decay,))
    w.join([("", here), ("", decay)], Call("LinearRecurrence"))


@recipe(fits_vector, "MixtureOfExperts")
def _mixture(w: Writer) -> None:
    named: dict[str, Any] = {"act": Call(w.d.pick(["SiLU", "GELU", "ReLU"]))}
    option(w, named, "gated", [False])
    option(w, named, "bias", [True])
    option(w, named, "score", ["sigmoid"])
    option(w, named, "normalize", [False])
    option(w, named, "shared_hidden", [3])
    option(w, named, "balance", [0.01])
    w.link("MixtureOfExperts", w.d.pick([2, 4]), w.d.pick([1, 2]), 3, **named)


@recipe(integers, "Embedding")
def embedding(w: Writer) -> None:
    """Looks whole numbers up in a table."""
    named: dict[str, Any] = {}
    option(w, named, "padding_idx", [0])
    if w.d.chance(4):
        named["init"] = start(w)
    w.link("Embedding", w.d.integer(5, 9), w.d.integer(2, 6), **named)
