"""What a layer is: typed arguments, and the rules from which everything else derives.

A layer of one family lives in the file of that family; its class is its syntax (fields), its
reference (docstring) and its rules:

- `infer`: types of the results from types of the inputs (shapes without the batch);
- `weights`: the tensors it owns, by role;
- `macs`: multiply-accumulates of matrix products and convolutions (1 MAC = 2 FLOPs);
- `elementwise`: other arithmetic, counted beside them;
- `rehearse`: the operations it runs, with what each allocates, and keeps for the backward pass.

Rules know nothing of source text: a `LayerError` names the argument or the input at fault.
Sizes may be traced ints or polynomials: compute with operators, compare ints only, and never
call ``int()`` on a size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dsl.kinds.kind import Kind
from dsl.kinds.values import AxisName
from dsl.record import Record
from dsl.shapes.dim import Dim, Poly, product
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

Types = tuple[TensorType, ...]
MaybeTypes = tuple[TensorType | None, ...]


class Port(Record):
    """An input of a layer; an optional one is passed by name: ``(x, mask=m) -> ...``."""

    name: str
    optional: bool = False


class Init(Record):
    """How a weight starts.

    Attributes:
        scheme: ``zeros ones constant uniform normal truncated_normal xavier_uniform orthogonal``,
            or ``norm``: the lengths of the vectors that it scales;
            or ``log_count``: log(1), log(2), .. along the last dimension.
        value: The constant, the bound of `uniform` (-value..value), the deviation of `normal` and
            `truncated_normal` (cut at two of them), or the gain of `orthogonal`.
        mean: What `uniform`, `normal` and `truncated_normal` lie around.
    """

    scheme: str
    value: float = 0.0
    mean: float = 0.0


ZEROS = Init("zeros")
ONES = Init("ones")


class Weight(Record):
    """A tensor that a layer owns.

    Attributes:
        role: Its name below the layer's path: ``weight``, ``bias``, ``query.weight``.
        shape: PyTorch's shape for it; other backends say how theirs maps to it.
        init: How it starts, PyTorch's default for the layer.
        group: ``weight`` (decayed and penalised by default), ``bias`` and ``norm`` (neither), or
            ``buffer`` (not trained: running statistics).
    """

    role: str
    shape: tuple[int, ...]
    init: Init
    group: Literal["weight", "bias", "norm", "buffer"] = "weight"

    @property
    def trainable(self) -> bool:
        """Whether training changes it through gradients."""
        return self.group != "buffer"

    @property
    def count(self) -> int:
        """Number of values."""
        return product(self.shape)  # type: ignore[return-value]


class LayerError(Exception):
    """A layer that cannot work on its input.

    Args:
        code: A code of the catalogue (MSL3xx).
        message: The fact, with the numbers.
        arg: The argument at fault, if one is.
        input: The position of the input at fault, if one is.
        label: A few words beside the caret.
        notes: Context, such as the formula with its numbers.
        help: The cure.
        insert: Text that, put in front of the layer (``Flatten -> ``), cures it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        arg: str = "",
        input: int | None = None,
        label: str = "",
        notes: tuple[str, ...] = (),
        help: str = "",
        insert: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.arg, self.input = code, message, arg, input
        self.label, self.notes, self.help, self.insert = label, notes, help, insert


class Layer(Kind, abstract=True):
    """Base of all layers.

    Class attributes:
        ports: The inputs in order, required ones first.
        variadic: Whether any number of inputs from two up is taken instead of `ports`.
        results: Names of the results where there are, or may be, several.
        stochastic: Whether training draws random numbers (dropout).
        stateful: Whether training mode differs through running statistics.
        keeps: Of a layer that is one element-wise operation, what its backward pass needs:
            ``input``, ``output`` or ``nothing``; others have a rule of their own, `rehearse`.
    """

    category: ClassVar[str] = "layer"
    ports: ClassVar[tuple[Port, ...]] = (Port("x"),)
    variadic: ClassVar[bool] = False
    results: ClassVar[tuple[str, ...]] = ()
    stochastic: ClassVar[bool] = False
    stateful: ClassVar[bool] = False
    keeps: ClassVar[str] = ""

    def infer(self, *inputs: Any) -> TensorType | Types:
        """Types of the results.

        Args:
            inputs: A type for each port in order, None for an optional one that is not given.

        Raises:
            LayerError: The layer cannot work on these.
        """
        raise TypeError(f"{type(self).__name__} has no shape rule")

    def weights(self, *inputs: Any) -> tuple[Weight, ...]:
        """The tensors it owns for these inputs; their order is their order in checkpoints."""
        return ()

    def active_params(self, weights: tuple[Weight, ...]) -> int:
        """Trainable values that one position meets: all, but for layers that route."""
        return sum(weight.count for weight in weights if weight.trainable)

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Multiply-accumulates of one sample's forward pass."""
        return 0

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """Multiply-accumulates of one sample's backward pass.

        Each product costs its own MACs once for the gradient of its weight and once for that of its
        input.

        Args:
            inputs: As of `macs`.
            outputs: As of `macs`.
            needs: For each port, whether its value gets a gradient.
            trained: Whether the layer's own weights, or one it is tied to, get gradients.
        """
        return self.macs(inputs, outputs) * (trained + any(needs))

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Other operations of one sample's forward pass, one per element produced by default."""
        return sum((product(output.shape) for output in outputs), 0)

    def rehearse(self, act: Act) -> Tensor | tuple[Tensor, ...]:
        """Runs its operations on a tape, as generated PyTorch code does.

        Args:
            act: The tape, a tensor for each port, its weights, and the shapes of the results.

        Returns:
            The results.
        """
        if not self.keeps:
            raise TypeError(f"{type(self).__name__} has no rule for what it keeps")
        return act.tape.pointwise(act.given, act.shape, keep=self.keeps)


def resolve_axis(axis: int | AxisName, x: TensorType, arg: str = "dim") -> int:
    """The position of an axis argument on a value.

    Raises:
        LayerError: MSL307, there is no such axis.
    """
    if isinstance(axis, AxisName):
        position = x.axis(axis.name)
        if position is None:
            names = ", ".join(name for name in x.axes if name)
            have = f"its axes are {names}" if names else "its axes have no names, give a number"
            raise LayerError(
                "MSL307", f"the value has no axis `{axis.name}`", arg=arg, help=have,
                notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        return position
    if not -x.rank <= axis < x.rank:
        raise LayerError(
            "MSL307", f"there is no dimension {axis} in a value of {x.rank} dimensions", arg=arg,
            notes=(f"the value is {x.named()}; the batch is not counted",),
        )  # fmt: skip
    return axis % x.rank if axis < 0 else axis


def known(dim: Dim, what: str, arg: str = "") -> int:
    """The size, which must not hold a symbol since weights or structure depend on it.

    Raises:
        LayerError: MSL309.
    """
    if isinstance(dim, Poly):
        raise LayerError(
            "MSL309",
            f"{what} is `{dim}`, which is only known when the model runs",
            arg=arg,
            help="sizes of weights need numbers: give the dimension a fixed size",
        )
    return dim
