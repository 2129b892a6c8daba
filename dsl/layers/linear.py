"""Linear maps of the last dimension."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Int, KindOf, LayerPath, LayerRef
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.layers.reparametrization import Reparametrization, weighted_product
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class Linear(Layer):
    """A linear map of the last dimension: ``y = x W^T + b``.

    Shape: ``[.., in]`` to ``[.., out_features]``; dimensions in front are left alone.
    Weights: `weight` [out_features, in], `bias` [out_features]; both start uniform in
    ``+-1/sqrt(in)``, the weight as `init` has it if that is given. With ``tie=name`` the weight is
    another layer's.
    MACs: ``in * out_features`` for each position.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.1 ff.; PyTorch `nn.Linear`.
    """

    keras = ("Dense",)

    out_features: int = arg(Int(1), "Size of the result.", keras=("units",))
    bias: bool = arg(Bool(), "Whether to add a learned offset.", True, keras=("use_bias",))
    tie: LayerPath | None = arg(LayerRef(), "A layer whose `weight` is used.", None, keyword=True)
    weight: Reparametrization | None = arg(
        KindOf("parametrization"),
        "How the weight follows from what is learned: itself by default.", None, keyword=True,
    )  # fmt: skip
    init: Any = arg(
        KindOf("initializer"), "How the weight starts; uniform in ``+-1/sqrt(in)`` by default.",
        None, keyword=True, keras=("kernel_initializer",),
    )  # fmt: skip

    def check(self) -> None:
        """Holds start and reparametrisation against the weight, which must be its own."""
        own_start(self)
        if not self.weight:
            return
        self.weight.hold(self.name, 2)
        if self.tie:
            raise KindError(
                "a weight that is another layer's cannot be reparametrised here", "weight",
                "give `weight` to that layer",
            )  # fmt: skip
        if self.init is not None:
            raise KindError(
                "a reparametrised weight starts as its layer's own does", "init",
                "leave `init` out",
            )  # fmt: skip

    def infer(self, x: TensorType) -> TensorType:
        _require_vector(x)
        known(x.shape[-1], "the size that `Linear` maps from")
        return x.with_dim(x.rank - 1, self.out_features)

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        start = Init("uniform", 1 / math.sqrt(x.shape[-1]))
        shape = self.tied_shape(x)
        first = start if self.init is None else self.init.start(shape)
        weight = Weight("weight", shape, first)
        learned = self.weight.learned(weight) if self.weight else (weight,)
        bias = Weight("bias", (self.out_features,), start, "bias")
        return learned * (not self.tie) + (bias,) * bool(self.bias)

    def tied_shape(self, x: TensorType) -> tuple[int, ...]:
        """The shape of the weight, its own or the one it is tied to."""
        return (self.out_features, x.shape[-1])

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return product(outputs[0].shape) * inputs[0].shape[-1]

    def rehearse(self, act: Act) -> Tensor:
        """A product that keeps its input; a reparametrised weight is made anew each time."""
        return weighted_product(act, "gemm", act.x, self.weight)


def own_start(layer: Any) -> None:
    """Refuses an initializer for a weight that is another layer's."""
    if layer.tie is not None and layer.init is not None:
        raise KindError(
            "a weight that is another layer's starts as it does there", "init",
            "give `init` to that layer",
        )  # fmt: skip


def _require_vector(x: TensorType) -> None:
    """Refuses images, whose last dimension is a width, and values that are not real numbers."""
    if x.rank == 0:
        raise LayerError(
            "MSL302", "`Linear` needs a dimension to map, and a scalar has none", input=0
        )
    if not x.is_float:
        raise LayerError(
            "MSL303", f"`Linear` takes real numbers, not {x.dtype}", input=0,
            help="look integers up in an `Embedding` first",
        )  # fmt: skip
    if x.axes[-1] == "width":
        total = product(x.shape)
        raise LayerError(
            "MSL301", "`Linear` would act on the width of an image", input=0,
            label=f"takes the last dimension, width={x.shape[-1]}",
            notes=(
                f"a linear layer over the whole image needs it flat: "
                f"{' * '.join(map(str, x.shape))} = {total} values",
            ),
            help="flatten first; or `Conv2d(n, 1)` for a linear map of the channels, or "
            "`ToSequence` for a sequence of pixels",
            insert="Flatten -> ",
        )  # fmt: skip
