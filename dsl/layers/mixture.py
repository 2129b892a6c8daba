"""Mixtures of experts: networks of which each position runs only those that a router chooses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Float, Int, KindOf, String
from dsl.layers.activation import Activation, AlongAxis, PReLU, SiLU
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.parts import linear, multiply, softmax

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Param, Tensor

_SPATIAL = ("time", "depth", "height", "width")
_SCORE = 5
"""Operations of a softmax for each score; a sigmoid and its sum are as many."""


class MixtureOfExperts(Layer):
    """Feed-forward networks, the experts, of which each position runs the `top_k` best for it.

    Shape: ``[.., D]``, unchanged; each position of the dimensions in front is routed on its own.
    Formula: ``s = score(W_router x)``, a softmax over the experts or a sigmoid of each. The
    position's experts are the `top_k` of the greatest scores, of equal ones those of lower
    index. ``y = scale * sum_e w_e expert_e(x)`` over them, with ``w_e = s_e``, or with
    `normalize` ``s_e`` divided by the sum of the chosen scores. An expert is
    ``down(act(gate x) * up x)``, without `gated` it is ``down(act(up x))``. With `shared_hidden`
    another such network, of that hidden size, is added, which every position runs; with
    `shared_gate` it is first multiplied by ``sigmoid(W_shared_gate x)``. (Several shared experts
    are one of their sizes' sum.) There is no capacity limit, and no position is dropped.
    Balance: each use adds ``balance * experts * sum_e f_e P_e`` to the loss of a training step
    (not to that of an evaluation), where over all positions of the batch (of each part of an
    accumulated one) ``f_e`` is the fraction that chose expert e and ``P_e`` the mean of its score,
    each position's sigmoids first divided by their sum. It is ``balance * top_k`` where experts
    are used evenly; its gradient flows through ``P`` alone. Layers add up, as in Switch
    Transformer; transformers' `load_balancing_loss_func` takes ``f`` and ``P`` over the positions
    of all layers together.
    Weights: `router.weight` [experts, D], `gate.weight` and `up.weight` [experts, hidden, D],
    `down.weight` [experts, D, hidden], with `bias` `gate.bias` and `up.bias` [experts, hidden] and
    `down.bias` [experts, D]; `shared.gate.weight` [shared_hidden, D] and so on;
    `shared_gate.weight` [1, D]. Each matrix starts as a `Linear` does, uniform in
    ``+-1/sqrt(fan_in)``.
    MACs: those that run: for each position ``experts * D`` of the router,
    ``top_k * 3 * D * hidden`` (2 without `gated`), as many of the shared network, and D of its
    gate.
    Precision: scores of a half-precision value are computed in float32.
    Source: Shazeer et al. 2017 (arXiv:1701.06538), eq. 1; balance Fedus et al. 2021 (Switch
    Transformer), eq. 4 to 6, for several experts as in transformers; normalised weights Jiang et
    al. 2024 (Mixtral), section 2.1; shared experts Dai et al. 2024 (DeepSeekMoE), eq. 9; their
    gate Qwen Team 2024 (Qwen1.5-MoE); sigmoid scores and `scale` DeepSeek-AI 2024 (DeepSeek-V3),
    eq. 12 to 15. PyTorch and Keras have no layer for it.
    """

    experts: int = arg(
        Int(1), "Number of experts, shared ones not counted.", keras=("num_experts",)
    )
    top_k: int = arg(Int(1), "Experts that each position runs.")
    hidden: int = arg(Int(1), "Hidden size of each expert.", keras=("intermediate_dim",))
    act: Any = arg(KindOf("layer"), "The activation: a kind such as ReLU or GELU.", SiLU())
    gated: bool = arg(Bool(), "Whether experts multiply by a gate, as in SwiGLU.", True)
    bias: bool = arg(Bool(), "Whether the experts' linear maps add a learned offset.", False)
    normalize: bool = arg(
        Bool(), "Whether the weights of the chosen experts are made to sum to 1.", True
    )
    score: str = arg(
        String("softmax", "sigmoid"), "How the router's results become scores.", "softmax"
    )
    scale: float = arg(
        Float(0, open_low=True), "Factor of the sum over the chosen experts.", 1.0, keyword=True
    )
    shared_hidden: int = arg(
        Int(0), "Hidden size of a network that every position runs; 0 for none.", 0, keyword=True
    )
    shared_gate: bool = arg(
        Bool(), "Whether a learned sigmoid scales the shared network's result.", False, keyword=True
    )
    balance: float = arg(
        Float(0), "Factor of the penalty for uneven use of the experts.", 0.0, keyword=True,
        keras=("router_aux_loss_coefficient",),
    )  # fmt: skip

    def check(self) -> None:
        if self.top_k > self.experts:
            raise KindError(
                f"{self.top_k} of {self.experts} experts cannot run", "top_k",
                f"take at most {self.experts}",
            )  # fmt: skip
        if self.normalize and self.top_k == 1:
            raise KindError(
                "the weight of the only expert chosen would always be 1, and the router would not "
                "learn", "normalize", "write normalize=false",
            )  # fmt: skip
        if self.shared_gate and not self.shared_hidden:
            raise KindError(
                "`shared_gate` scales the shared network, and there is none", "shared_gate",
                "add shared_hidden=1024 or the like",
            )  # fmt: skip
        if not isinstance(self.act, Activation) or isinstance(self.act, (AlongAxis, PReLU)):
            raise KindError(
                "`act` takes a function of each element without weights, and "
                f"`{self.act.name}` is none", "act", "take SiLU, ReLU, GELU or the like",
            )  # fmt: skip

    def infer(self, x: TensorType) -> TensorType:
        _require_features(self.name, x)
        known(x.shape[-1], "the number of features of a position")
        return x

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        width = x.shape[-1]
        found = [Weight("router.weight", (self.experts, width), _start(width))]
        found += self._network("", (self.experts,), width, self.hidden)
        if self.shared_hidden:
            found += self._network("shared.", (), width, self.shared_hidden)
        if self.shared_gate:
            found.append(Weight("shared_gate.weight", (1, width), _start(width)))
        return tuple(found)

    def _network(
        self, prefix: str, front: tuple[int, ...], width: int, hidden: int
    ) -> list[Weight]:
        """The weights of a feed-forward network, or of several side by side."""
        found = []
        for role, size, fan_in in self.maps(width, hidden):
            start = _start(fan_in)
            found.append(Weight(f"{prefix}{role}.weight", (*front, size, fan_in), start))
            if self.bias:
                found.append(Weight(f"{prefix}{role}.bias", (*front, size), start, "bias"))
        return found

    def maps(self, width: int, hidden: int) -> list[tuple[str, int, int]]:
        """The linear maps of a network: role, size of the result, size of what is mapped."""
        inner = [("gate", hidden, width)] if self.gated else []
        return [*inner, ("up", hidden, width), ("down", width, hidden)]

    def active_params(self, weights: tuple[Weight, ...]) -> int:
        """Trainable values that one position meets: of the experts those of `top_k`."""
        every = super().active_params(weights)
        routed = sum(w.count for w in weights if w.role.startswith(("gate.", "up.", "down.")))
        return every - routed + routed // self.experts * self.top_k

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        hidden = self.top_k * self.hidden + self.shared_hidden
        each = self.experts + (3 if self.gated else 2) * hidden + bool(self.shared_gate)
        return product(inputs[0].shape) * each

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """Each product twice, less the input's gradients where it needs none."""
        total = self.macs(inputs, outputs) * 2
        if needs[0]:
            return total
        hidden = self.top_k * self.hidden + self.shared_hidden
        reading = self.experts + (2 if self.gated else 1) * hidden + bool(self.shared_gate)
        return total - product(inputs[0].shape) * reading

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Of each position: five for a score; activations, gates and offsets; the weighted sum."""
        x = inputs[0]
        width, positions = x.shape[-1], product(x.shape[:-1])
        hidden = self.top_k * self.hidden + self.shared_hidden
        inner = self.act.operations + bool(self.gated) + (1 + bool(self.gated)) * bool(self.bias)
        results = self.top_k + bool(self.shared_hidden)
        outer = (2 * self.top_k + bool(self.shared_hidden) + results * bool(self.bias)) * width
        return positions * (_SCORE * self.experts + inner * hidden + outer)

    def rehearse(self, act: Act) -> Tensor:
        """The router, the chosen rows of each expert side by side, and their weighted sum."""
        tape, x = act.tape, act.x
        scores = softmax(tape, linear(tape, x, self.experts, self._named(act, "router")))
        for _ in range(2):  # sorted scores, and where they were
            tape.run("reduce", (scores,), scores.shape, size=8, real=False)
        count = x.count // x.shape[-1] * self.top_k
        weights = tape.run("reduce", (scores,), (count, 1), extra=8 * count)
        rows = tape.run("lookup", (x,), (count, x.shape[-1]), extra=8 * count)
        y = self._rehearsed(act, rows, "", self.hidden)
        ordered = tape.run("lookup", (y,), y.shape, extra=8 * count)
        y = tape.run("reduce", (multiply(tape, (ordered, weights)),), x.shape)
        if self.shared_hidden:
            common = self._rehearsed(act, x, "shared.", self.shared_hidden)
            if self.shared_gate:
                gate = linear(tape, x, 1, self._named(act, "shared_gate"))
                open_ = tape.pointwise((gate,), keep="output")
                common = multiply(tape, (common, open_))
            y = tape.add((y, common))
        return tape.view(y, act.shape)

    def _rehearsed(self, act: Act, rows: Tensor, place: str, hidden: int) -> Tensor:
        tape = act.tape
        up = self._experts(act, rows, hidden, f"{place}up")
        gate = self._experts(act, rows, hidden, f"{place}gate") if self.gated else up
        h = tape.pointwise((gate,), keep="input")
        h = multiply(tape, (h, up)) if self.gated else h
        return self._experts(act, h, act.x.shape[-1], f"{place}down")

    def _experts(self, act: Act, rows: Tensor, features: int, role: str) -> Tensor:
        """One product for each expert, whose results are then put together in a copy."""
        made = linear(act.tape, rows, features, self._named(act, role))
        if role.startswith("shared"):
            return made
        return act.tape.run("copy", (made,), made.shape, ways="part")

    def _named(self, act: Act, role: str) -> tuple[Param, ...]:
        return tuple(param for name, param in act.params.items() if name.startswith(f"{role}."))


def _start(fan_in: int) -> Init:
    return Init("uniform", 1 / math.sqrt(fan_in))


def _require_features(name: str, x: TensorType) -> None:
    """Refuses scalars, integers, and values whose last dimension is a place."""
    if x.rank == 0:
        raise LayerError(
            "MSL302", f"`{name}` needs features to route by, and a scalar has none", input=0
        )
    if not x.is_float:
        raise LayerError(
            "MSL303", f"`{name}` takes real numbers, not {x.dtype}", input=0,
            help="look integers up in an `Embedding` first",
        )  # fmt: skip
    if x.axes[-1] in _SPATIAL:
        raise LayerError(
            "MSL350", f"`{name}` would take the {x.axes[-1]} of {x.named()} for features", input=0,
            label=f"takes the last dimension, {x.axes[-1]}={x.shape[-1]}",
            help="make a sequence of positions first",
            insert="ToSequence -> " if x.axes[0] == "channels" else "",
        )  # fmt: skip
