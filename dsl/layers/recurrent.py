"""Recurrent layers: a state that is carried along the time axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Float, Int, OneOf, String
from dsl.layers.axes import require_mask
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Port, Types, Weight, known
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import Axes, TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_HIDDEN = "Size of the state, and of each direction's result."
_LAYERS = "How many layers stand on top of each other; each reads the sequence of the one below."
_BIAS = 'Whether each gate has a learned offset; "double" gives it two, as PyTorch does.'
_DROPOUT = "Share of each lower layer's results set to zero in training; `Dropout` says how."
_BIDIRECTIONAL = "Whether a second set of weights reads the sequence from its end."
_SEQUENCES = "Whether to give the result of every step; else of the last."
_STATE = "Whether to give the final state as well."


class Recurrent(Layer, abstract=True):
    """What the recurrent kinds share; `gates` is the number of blocks in their weights."""

    gates: ClassVar[int] = 1
    state: ClassVar[tuple[str, ...]] = ("h",)
    ports = (Port("x"), Port("h", optional=True), Port("mask", optional=True))
    results = ("output", "h")

    hidden_size: int
    layers: int
    bias: bool | str
    dropout: float
    bidirectional: bool
    return_sequences: bool
    return_state: bool

    @property
    def stochastic(self) -> bool:  # type: ignore[override]
        """Whether training draws random numbers: only where there is dropout."""
        return self.dropout > 0

    @property
    def directions(self) -> int:
        """1, or 2 where the layer is bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def biases(self) -> tuple[str, ...]:
        """Roles of the offsets of one layer and direction, without their suffix."""
        if not self.bias:
            return ()
        return ("bias_ih", "bias_hh") if self.bias == "double" else ("bias_ih",)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What tells the roles of layers and directions apart: ``_l0``, ``_l0_reverse``..."""
        ends = ("", "_reverse")[: self.directions]
        return tuple(f"_l{level}{end}" for level in range(self.layers) for end in ends)

    def check(self) -> None:
        if self.dropout > 0 and self.layers == 1:
            raise KindError(
                f"`dropout` acts between the layers of `{self.name}`, and there is one", "dropout",
                f"for dropout of the result write `-> Dropout({self.dropout})` behind the layer",
            )  # fmt: skip

    def state_shape(self, x: TensorType) -> tuple[Dim, ...]:
        """The shape of a state for an input; dimensions in front of time stay in front."""
        copies = self.layers * self.directions
        own = (self.hidden_size,) if copies == 1 else (copies, self.hidden_size)
        return x.shape[:-2] + own

    def infer(self, x: TensorType, *rest: TensorType | None) -> TensorType | Types:
        require_sequence(self.name, x)
        known(x.shape[-1], f"the number of features that `{self.name}` reads")
        for port, (name, given) in enumerate(zip(self.state, rest), 1):
            if given is not None:
                self._check_state(name, port, x, given)
        for mask in rest[len(self.state) :]:
            if mask is not None:
                require_mask(self.name, mask, x, x.rank - 1, len(self.state) + 1)
        output = self._output(x)
        if not self.return_state:
            return output
        shape = self.state_shape(x)
        axes = _batch_axes(x) + (None,) * (len(shape) - x.rank + 1) + ("features",)
        return (output,) + (x.with_shape(shape, axes),) * len(self.state)

    def _output(self, x: TensorType) -> TensorType:
        width = self.hidden_size * self.directions
        if self.return_sequences:
            return x.with_shape((*x.shape[:-1], width), _batch_axes(x) + x.axes[-2:])
        return x.with_shape((*x.shape[:-2], width), _batch_axes(x) + x.axes[-1:])

    def _check_state(self, name: str, port: int, x: TensorType, given: TensorType) -> None:
        """Refuses a state of another shape; a `Parameter` may be one state for all samples."""
        shape = self.state_shape(x)
        fits = given.shape == shape
        if not given.batched:
            fits = fits or given.shape == shape[x.rank - 2 :]
        elif not x.batched:
            fits = False
        if not fits or given.dtype != x.dtype:
            wanted = x.with_shape(shape, (None,) * len(shape))
            raise LayerError(
                "MSL306", f"the state `{name}` is {given}, and `{self.name}` carries {wanted}",
                input=port, label=str(given),
                notes=(_state_formula(self.layers, self.directions, self.hidden_size),),
                help=f"give `{name}` the shape {list(map(str, shape))}".replace("'", ""),
            )  # fmt: skip

    def weights(self, x: TensorType, *rest: TensorType | None) -> tuple[Weight, ...]:
        start = Init("uniform", 1 / math.sqrt(self.hidden_size))
        rows = self.gates * self.hidden_size
        found: list[Weight] = []
        for index, suffix in enumerate(self.suffixes):
            inside = x.shape[-1] if index < self.directions else self.directions * self.hidden_size
            found.append(Weight(f"weight_ih{suffix}", (rows, inside), start))
            found.append(Weight(f"weight_hh{suffix}", (rows, self.hidden_size), start))
            found.extend(Weight(f"{role}{suffix}", (rows,), start, "bias") for role in self.biases)
        return tuple(found)

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        x: TensorType = inputs[0]  # type: ignore[assignment]
        steps, hidden = product(x.shape[:-1]), self.hidden_size
        deeper = (self.layers - 1) * (self.directions * hidden + hidden)
        return steps * self.directions * self.gates * (x.shape[-1] + hidden + deeper) * hidden

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """Gradients of weights, of the sequence where it needs one, and of states.

        A layer's first state needs none unless it is given and needs one; deeper layers always
        hand a gradient to the one below.
        """
        x: TensorType = inputs[0]  # type: ignore[assignment]
        hidden, rows = self.hidden_size, self.directions * self.gates * self.hidden_size
        total = self.macs(inputs, outputs) * 2
        if not needs[0]:
            total = total - product(x.shape[:-1]) * rows * x.shape[-1]
        if not any(needs[1:2]):
            total = total - product(x.shape[:-2]) * self.layers * rows * hidden
        return total

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        steps = product(inputs[0].shape[:-1])  # type: ignore[union-attr]
        units = steps * self.layers * self.directions * self.hidden_size
        return units * (self.step_operations + self.gates * len(self.biases))

    step_operations: ClassVar[int] = 0
    """Elementwise operations of one unit in one step, those for the offsets left out."""

    def rehearse(self, act: Act) -> Tensor | tuple[Tensor, ...]:
        """Fused: each layer keeps its input, its result, and what its gates were at each step."""
        tape, x = act.tape, act.x
        steps = x.count // x.shape[-1]
        units = steps * self.directions * self.hidden_size
        shape = (*x.shape[:-1], self.directions * self.hidden_size)
        for level in range(self.layers):
            ends = self.suffixes[level * self.directions : (level + 1) * self.directions]
            params = [p for role, p in act.params.items() if role.endswith(ends)]
            x = tape.run(
                "gemm", (tape.lowered(x),), shape, keep=(x,), keep_output=True, params=params,
                extra=4 * units * (self.gates + 2 * len(self.state) - 1),
                flops=act.flops // self.layers, flops_back=act.flops_back // self.layers,
            )  # fmt: skip
        states = tuple(tape.run("copy", (x,), shape) for shape in act.shapes[1:])
        return (self._given_back(act, x), *states) if states else self._given_back(act, x)

    def _given_back(self, act: Act, x: Tensor) -> Tensor:
        """All steps, or a copy of the last."""
        return x if self.return_sequences else act.tape.run("copy", (x,), act.shape)


def require_sequence(kind: str, x: TensorType) -> None:
    """Refuses what is no ``[.., time, features]`` of real numbers.

    Raises:
        LayerError: MSL302 or MSL303.
    """
    if not x.is_float:
        raise LayerError(
            "MSL303", f"`{kind}` takes real numbers, not {x.dtype}", input=0,
            help="look integers up in an `Embedding` first",
        )  # fmt: skip
    if x.rank < 2:
        raise LayerError(
            "MSL302", f"`{kind}` reads a sequence [time, features], and the value is {x.named()}",
            input=0, help="the batch is not counted; "
            "a recurrent layer in front gives all steps with `return_sequences=true`",
        )  # fmt: skip
    last = x.axes[-1]
    if last in ("time", "depth", "height", "width"):
        cure = "`ToSequence -> ` in front makes a sequence of the positions of an image"
        raise LayerError(
            "MSL302", f"`{kind}` would take the {last} of {x.named()} for the features", input=0,
            label=f"the last dimension is {last}={x.shape[-1]}",
            help="`Permute([1, 0]) -> ` in front turns it to [time, features]" if x.rank == 2
            else cure,
            insert="Permute([1, 0]) -> " if x.rank == 2 else "ToSequence -> ",
        )  # fmt: skip


def _batch_axes(x: TensorType) -> Axes:
    """Names of the dimensions in front of time; channels that act as batch are channels no more."""
    return tuple(None if name == "channels" else name for name in x.axes[:-2])


def _state_formula(layers: int, directions: int, hidden: int) -> str:
    if layers * directions == 1:
        return f"one layer in one direction carries [hidden_size] = [{hidden}]"
    return (
        f"the state is [layers * directions, hidden_size] = "
        f"[{layers} * {directions}, {hidden}] = [{layers * directions}, {hidden}]"
    )


class SimpleRNN(Recurrent):
    """A recurrent layer without gates: ``h_t = act(W_ih x_t + b + W_hh h_{t-1})``.

    Shape: ``[.., time, in]`` to ``[.., hidden_size]``, the last step's result, or with
    ``return_sequences=true`` to ``[.., time, hidden_size]``. With ``bidirectional=true`` results
    are twice as wide: the forward direction's, then the backward one's; "last" is then each
    direction's final state, the backward one's at the first time step. With ``return_state=true``
    the results are ``output, h``. A state, given or returned, is ``[.., hidden_size]``, and
    ``[.., layers * directions, hidden_size]`` where there are several (the order of PyTorch:
    layer by layer, forward before backward). A state that is not given starts at zero.
    Mask: with ``(x, mask=mask)``, bool ``[.., time]``, steps where the mask is false are passed
    over, in both directions: the state stays as it is and the result there is zero, so that the
    last result is that of the last step where it is true (where it is true nowhere, the state at
    the start). On sequences padded at their end this is PyTorch's `pack_padded_sequence`. MACs are
    counted for all steps.
    Weights: for each layer k and direction `weight_ih_lk` [hidden_size, in], `weight_hh_lk`
    [hidden_size, hidden_size], `bias_ih_lk` [hidden_size], with ``bias="double"`` also
    `bias_hh_lk`; names end in ``_reverse`` for the backward direction. All start uniform in
    ``+-1/sqrt(hidden_size)``.
    MACs: ``(in + hidden_size) * hidden_size`` for each step, layer and direction.
    Source: Elman, Finding Structure in Time (1990); Goodfellow et al., Deep Learning (2016),
    eq. 10.8-10.9; PyTorch `nn.RNN`.
    Deviations: one bias, where PyTorch has two whose sum is what counts. Dropout acts between
    layers, as in PyTorch; Keras' acts on the input.
    """

    keras = ("RNN",)
    step_operations = 2

    hidden_size: int = arg(Int(1), _HIDDEN, keras=("units",))
    layers: int = arg(Int(1), _LAYERS, 1)
    activation: str = arg(String("tanh", "relu"), "The function of the state.", "tanh")
    bias: bool | str = arg(OneOf(Bool(), String("double")), _BIAS, True, keras=("use_bias",))
    dropout: float = arg(Float(0, 1, open_high=True), _DROPOUT, 0.0)
    bidirectional: bool = arg(Bool(), _BIDIRECTIONAL, False)
    return_sequences: bool = arg(Bool(), _SEQUENCES, False, keyword=True)
    return_state: bool = arg(Bool(), _STATE, False, keyword=True)


class LSTM(Recurrent):
    """A long short-term memory.

    ``i, f, g, o = split(W_ih x_t + b + W_hh h_{t-1})``; ``c_t = sigmoid(f) * c_{t-1} +
    sigmoid(i) * tanh(g)``; ``h_t = sigmoid(o) * tanh(c_t)``.
    Shape: as of `SimpleRNN`; the state is a pair `h`, `c`, each of the shape given there. With
    ``return_state=true`` the results are ``output, h, c``; ``(x, h, c) -> LSTM(64)`` starts from
    a state. Mask: as of `SimpleRNN`.
    Weights: for each layer k and direction `weight_ih_lk` [4 * hidden_size, in], `weight_hh_lk`
    [4 * hidden_size, hidden_size], `bias_ih_lk` [4 * hidden_size], with ``bias="double"`` also
    `bias_hh_lk`, their blocks in the order i, f, g, o; names end in ``_reverse`` for the backward
    direction. All start uniform in ``+-1/sqrt(hidden_size)``, the forget gate's bias too.
    MACs: ``4 * (in + hidden_size) * hidden_size`` for each step, layer and direction.
    Source: Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000), as in
    Goodfellow et al., Deep Learning (2016), eq. 10.40-10.44; PyTorch `nn.LSTM`.
    Deviations: one bias for each gate, where PyTorch has two whose sum is what counts. Dropout
    acts between layers, as in PyTorch; Keras' acts on the input.
    """

    gates = 4
    state = ("h", "c")
    ports = (
        Port("x"),
        Port("h", optional=True),
        Port("c", optional=True),
        Port("mask", optional=True),
    )
    results = ("output", "h", "c")
    step_operations = 13  # 4 sums of two products, 5 activations, 3 products and 1 sum of states

    hidden_size: int = arg(Int(1), _HIDDEN, keras=("units",))
    layers: int = arg(Int(1), _LAYERS, 1)
    bias: bool | str = arg(OneOf(Bool(), String("double")), _BIAS, True, keras=("use_bias",))
    dropout: float = arg(Float(0, 1, open_high=True), _DROPOUT, 0.0)
    bidirectional: bool = arg(Bool(), _BIDIRECTIONAL, False)
    return_sequences: bool = arg(Bool(), _SEQUENCES, False, keyword=True)
    return_state: bool = arg(Bool(), _STATE, False, keyword=True)


class GRU(Recurrent):
    """A gated recurrent unit, its reset gate behind the recurrent product.

    ``r = sigmoid(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)``; ``z = sigmoid(W_iz x_t + b_iz +
    W_hz h_{t-1} + b_hz)``; ``n = tanh(W_in x_t + b_in + r * (W_hn h_{t-1} + b_hn))``;
    ``h_t = (1 - z) * n + z * h_{t-1}``.
    Shape: as of `SimpleRNN`, a mask too.
    Weights: for each layer k and direction `weight_ih_lk` [3 * hidden_size, in], `weight_hh_lk`
    [3 * hidden_size, hidden_size], `bias_ih_lk` and `bias_hh_lk` [3 * hidden_size], their blocks
    in the order r, z, n; names end in ``_reverse`` for the backward direction. All start uniform
    in ``+-1/sqrt(hidden_size)``.
    MACs: ``3 * (in + hidden_size) * hidden_size`` for each step, layer and direction.
    Source: Cho et al. (2014); the reset behind the product as in version 1 of that paper, cuDNN
    and PyTorch `nn.GRU`, whose formulas these are. The two biases are not one: the reset gate
    acts on the recurrent one only.
    Deviations: dropout acts between layers, as in PyTorch; Keras' acts on the input.
    """

    gates = 3
    step_operations = 11  # 3 sums and 1 product before 3 activations; 1 - z, 2 products, 1 sum

    hidden_size: int = arg(Int(1), _HIDDEN, keras=("units",))
    layers: int = arg(Int(1), _LAYERS, 1)
    bias: bool = arg(
        Bool(), "Whether each gate has an input and a recurrent offset.", True, keras=("use_bias",)
    )
    dropout: float = arg(Float(0, 1, open_high=True), _DROPOUT, 0.0)
    bidirectional: bool = arg(Bool(), _BIDIRECTIONAL, False)
    return_sequences: bool = arg(Bool(), _SEQUENCES, False, keyword=True)
    return_state: bool = arg(Bool(), _STATE, False, keyword=True)

    @property
    def biases(self) -> tuple[str, ...]:
        """Roles of the offsets of one layer and direction, without their suffix."""
        return ("bias_ih", "bias_hh") if self.bias else ()
