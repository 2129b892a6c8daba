"""The cost of a model, layer by layer.

Conventions: a parameter is a trainable value, buffers such as running statistics are counted
apart, and where experts are chosen so are the parameters that one position meets; 1 MAC is
2 FLOPs; FLOPs count matrix products and convolutions, as the published tables do, and everything
else is counted beside them as element-wise operations. Attention counts all pairs of positions,
also where a mask or `causal` leaves some unused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from dsl.cost.backward import backward_macs
from dsl.ir import Model, Visit, walk
from dsl.shapes.dim import Dim, Poly, evaluate
from dsl.shapes.types import TensorType

SCHEMA = 1
"""Version of the records that `CostReport.record` makes."""


class LayerCost:
    """The cost of one layer, over all rounds and uses that share its path.

    Attributes:
        path: Its dotted path; equal rounds of a repeat stand together, as ``0..5``.
        kind: The word of its kind.
        output: Type of its first result, without the batch.
        uses: How often it runs in a forward pass.
        params: Trainable values.
        active: Those that one position meets, fewer where experts are chosen.
        buffers: Values that are kept but not trained.
        macs: Multiply-accumulates of matrix products and convolutions.
        elementwise: Other operations.
    """

    __slots__ = (
        "active", "buffers", "elementwise", "kind", "macs", "output", "params", "path", "uses"
    )  # fmt: skip

    def __init__(self, path: str, kind: str, output: TensorType) -> None:
        self.path, self.kind, self.output = path, kind, output
        self.uses = self.params = self.active = self.buffers = 0
        self.macs: Dim = 0
        self.elementwise: Dim = 0

    def add(self, visit: Visit, batch: int) -> None:
        """Adds one place where the layer runs."""
        node = visit.node
        types = tuple(output.type for output in node.outputs)
        samples = batch if any(kind.batched for kind in types) else 1
        times = visit.times * samples
        self.uses += visit.times
        self.macs = self.macs + node.layer.macs(node.types, types) * times
        self.elementwise = self.elementwise + node.layer.elementwise(node.types, types) * times
        weights = node.weights if visit.owners else ()
        self.active += node.layer.active_params(weights) * visit.owners
        for weight in weights:
            if weight.trainable:
                self.params += weight.count * visit.owners
            else:
                self.buffers += weight.count * visit.owners


class CostReport:
    """The cost of a model.

    Attributes:
        model: Its name.
        inputs: Types of its inputs by name.
        layers: In order of computation.
        symbols: Size at which each symbol is counted.
        batch: Number of samples.
        backward: MACs of the backward pass.
    """

    def __init__(
        self, model: str, inputs: Mapping[str, TensorType], layers: tuple[LayerCost, ...],
        symbols: dict[str, int], batch: int, backward: Dim,
    ) -> None:  # fmt: skip
        self.model, self.inputs, self.layers = model, inputs, layers
        self.symbols, self.batch, self.backward = symbols, batch, backward

    def at(self, size: Dim) -> int:
        """A size or count with each symbol at the size it is declared with."""
        return evaluate(size, self.symbols)

    @property
    def params(self) -> int:
        """Trainable values."""
        return sum(layer.params for layer in self.layers)

    @property
    def active(self) -> int:
        """Trainable values that one position meets, fewer where experts are chosen."""
        return sum(layer.active for layer in self.layers)

    @property
    def buffers(self) -> int:
        """Values that are kept but not trained."""
        return sum(layer.buffers for layer in self.layers)

    @cached_property
    def macs_formula(self) -> Dim:
        """MACs of the forward pass, a polynomial where sizes hold symbols."""
        return total(layer.macs for layer in self.layers)

    @property
    def macs(self) -> int:
        """MACs of the forward pass."""
        return self.at(self.macs_formula)

    @property
    def flops(self) -> int:
        """FLOPs of the forward pass."""
        return 2 * self.macs

    @property
    def backward_flops(self) -> int:
        """FLOPs of the backward pass."""
        return 2 * self.at(self.backward)

    @property
    def train_step(self) -> int:
        """FLOPs of the forward and the backward pass."""
        return self.flops + self.backward_flops

    @property
    def elementwise(self) -> int:
        """Element-wise operations of the forward pass."""
        return self.at(total(layer.elementwise for layer in self.layers))

    @property
    def formulas(self) -> dict[str, str]:
        """What depends on a symbol, as formulas over the symbols."""
        named = {"macs": self.macs_formula, "backward macs": self.backward}
        return {name: str(size) for name, size in named.items() if isinstance(size, Poly)}

    def record(self) -> dict[str, object]:
        """The report as plain data, as ``msl cost --json`` prints it."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "batch": self.batch,
            "symbols": dict(self.symbols),
            "params": {
                "total": self.params,
                "trainable": self.params,
                **({"active": self.active} if self.active != self.params else {}),
                "buffers": self.buffers,
            },
            "macs": {"forward": self.macs},
            "flops": {
                "forward": self.flops,
                "backward": self.backward_flops,
                "train_step": self.train_step,
            },
            "elementwise": {"forward": self.elementwise},
            "formulas": self.formulas,
            "layers": [self._layer_record(layer) for layer in self.layers],
        }

    def _layer_record(self, layer: LayerCost) -> dict[str, object]:
        return {
            "path": layer.path,
            "kind": layer.kind,
            "shape": [self.at(dim) for dim in layer.output.shape],
            "params": layer.params,
            **({"active_params": layer.active} if layer.active != layer.params else {}),
            "macs": self.at(layer.macs),
            "elementwise": self.at(layer.elementwise),
            "uses": layer.uses,
        }


def estimate(model: Model, batch: int = 1) -> CostReport:
    """Counts what a model costs; equal rounds of a repeat are counted once and multiplied.

    Args:
        model: The model, with plain sizes.
        batch: Number of samples that MACs, FLOPs and element-wise operations are of.
    """
    layers: dict[str, LayerCost] = {}
    for visit in walk(model.body.nodes):
        row = layers.get(visit.path)
        if row is None:
            layer = visit.node.layer
            row = layers[visit.path] = LayerCost(visit.path, layer.name, visit.node.outputs[0].type)
        row.add(visit, batch)
    inputs = {name: value.type for name, value in zip(model.body.names, model.body.inputs)}
    rows = tuple(layers.values())
    return CostReport(model.name, inputs, rows, model.symbols, batch, backward_macs(model, batch))


def total(sizes: Iterable[Dim]) -> Dim:
    """The sum of sizes; those without symbols are added first, as plain numbers."""
    known = 0
    symbolic: Dim = 0
    for size in sizes:
        if isinstance(size, int):
            known += size
        else:
            symbolic = symbolic + size
    return symbolic + known
