"""Tables of vectors: of words, and of positions in a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Float, Int, KindOf, LayerPath, LayerRef
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.layers.linear import own_start
from dsl.layers.recurrent import require_sequence
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class Embedding(Layer):
    """A table of learned vectors: ``y = W[x]``.

    Shape: integers ``[..]`` to ``[.., embedding_dim]``; ``[time]`` becomes ``[time, features]``.
    An integer outside ``0..num_embeddings - 1`` is an error when the model runs.
    Weights: `weight` [num_embeddings, embedding_dim], starting from N(0, 1) or as `init` has it.
    The row of `padding_idx` starts at zero, and looking it up leaves its gradient alone. With
    ``tie=name`` the weight is another layer's.
    MACs: none; a look-up multiplies nothing.
    Source: Bengio et al., A Neural Probabilistic Language Model (2003), section 2; PyTorch
    `nn.Embedding`.
    """

    num_embeddings: int = arg(Int(1), "Number of rows: the vocabulary.", keras=("input_dim",))
    embedding_dim: int = arg(Int(1), "Size of each vector.", keras=("output_dim",))
    padding_idx: int | None = arg(Int(0), "A row that its look-ups do not train.", None)
    tie: LayerPath | None = arg(LayerRef(), "A layer whose `weight` is used.", None, keyword=True)
    init: Any = arg(
        KindOf("initializer"), "How the table starts; N(0, 1) by default.", None, keyword=True,
        keras=("embeddings_initializer",),
    )  # fmt: skip

    def check(self) -> None:
        own_start(self)
        if self.padding_idx is not None and self.padding_idx >= self.num_embeddings:
            raise KindError(
                f"there is no row {self.padding_idx} among {self.num_embeddings}, "
                "counted from 0", "padding_idx", code="MSL311",
                help=f"rows are 0 to {self.num_embeddings - 1}",
            )  # fmt: skip

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype not in ("int64", "int32"):
            raise LayerError(
                "MSL303", f"`Embedding` looks up integers, not {x.dtype}", input=0,
                help="declare the input as int64; real numbers go through `Linear`",
            )  # fmt: skip
        axes = (*x.axes, "features")
        return TensorType((*x.shape, self.embedding_dim), "float32", axes, x.batched)

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        if self.tie:
            return ()
        shape = self.tied_shape(x)
        start = Init("normal", 1.0) if self.init is None else self.init.start(shape)
        return (Weight("weight", shape, start),)

    def tied_shape(self, x: TensorType) -> tuple[int, ...]:
        """The shape of the weight, its own or the one it is tied to."""
        return (self.num_embeddings, self.embedding_dim)

    def rehearse(self, act: Act) -> Tensor:
        """A look-up that keeps the integers; its gradient is as large as the table."""
        x = act.x
        return act.tape.run(
            "lookup", (x,), act.shape, size=4, keep=(x,), ways="none", params=act.learned
        )

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 0


class PositionEmbedding(Layer):
    """Adds a learned vector for each position: ``y_t = x_t + W[t]``.

    Shape: ``[.., time, features]``, unchanged; time is at most `length`.
    Weights: `weight` [length, features], starting from N(0, 0.02) as in BERT and GPT-2.
    MACs: none; one addition for each value.
    Source: Gehring et al., Convolutional Sequence to Sequence Learning (2017), section 3.1;
    Radford et al. (GPT-2, 2019). PyTorch and Keras have no layer for it.
    """

    length: int = arg(Int(1), "The longest sequence.", keras=("sequence_length",))

    def infer(self, x: TensorType) -> TensorType:
        require_sequence(self.name, x)
        known(x.shape[-1], "the number of features of a position")
        time = x.shape[-2]
        if isinstance(time, int) and time > self.length:
            raise LayerError(
                "MSL340", f"the sequence has {time} steps, and there are {self.length} positions",
                arg="length", notes=(f"the value is {x.named()}",),
                help=f"write `PositionEmbedding({time})`",
            )  # fmt: skip
        return x

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (self.length, x.shape[-1]), Init("normal", 0.02)),)

    def rehearse(self, act: Act) -> Tensor:
        """A sum with a part of the table; its gradient is first that of the part."""
        x, part = act.x, 4 * act.shape[-2] * act.shape[-1]
        return act.tape.run(
            "pointwise", (x,), act.shape, size=4, ways="pass", params=act.learned, temporary=part
        )


class SinusoidalPosition(Layer):
    """Adds fixed waves that tell positions apart.

    ``y[t, 2i] = x[t, 2i] + sin(t / base^(2i / features))`` and ``y[t, 2i + 1] = x[t, 2i + 1] +
    cos(t / base^(2i / features))``.
    Shape: ``[.., time, features]``, unchanged; any length.
    Weights: none.
    MACs: none; the waves and the addition are elementwise.
    Source: Vaswani et al., Attention Is All You Need (2017), section 3.5. The waves are computed
    in float32, and in float64 where the value is.
    """

    base: float = arg(
        Float(0, open_low=True), "Ratio of the longest wave length to the shortest.", 10000.0
    )

    def infer(self, x: TensorType) -> TensorType:
        require_sequence(self.name, x)
        known(x.shape[-1], "the number of features of a position")
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return product(outputs[0].shape) + 2 * product(outputs[0].shape[-2:])

    def rehearse(self, act: Act) -> Tensor:
        """A sum with waves that are made on the way."""
        waves = act.tape.tensor(act.shape[-2:], 4)
        return act.tape.add((act.x, waves), act.shape)
