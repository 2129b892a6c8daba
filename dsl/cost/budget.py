"""The figures that a budget limits, and the layers that have the most of each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from dsl.cost.estimate import outlook, setup_of
from dsl.cost.memory import MemoryReport
from dsl.cost.report import CostReport, LayerCost, estimate
from dsl.ir import Model
from dsl.passes.budget import Figure
from dsl.training.plan import Training

NAMED = 3
"""How many layers are named."""


class Figures:
    """Measures a model as far as it is asked to.

    Args:
        model: The model.
        training: Its training sections, which say batch, precision and optimizer.
    """

    def __init__(self, model: Model, training: Training) -> None:
        self.model, self.training = model, training

    def of(self, quantity: str) -> Figure:
        """The figure of something that can be limited."""
        if quantity in ("memory", "train_memory"):
            report = self._memory(quantity == "train_memory")
            return Figure(report.live_peak, _largest(_kept(report)))
        ways: dict[str, tuple[int, Callable[[LayerCost], int]]] = {
            "params": (1, lambda layer: layer.params),
            "active_params": (1, lambda layer: layer.active),
            "macs": (1, lambda layer: self.cost.at(layer.macs)),
            "flops": (2, lambda layer: self.cost.at(layer.macs)),
        }
        factor, count = ways[quantity]
        counts = {layer.path: factor * count(layer) for layer in self.cost.layers}
        return Figure(sum(counts.values()), _largest(counts))

    @cached_property
    def cost(self) -> CostReport:
        """Counts of one sample."""
        return estimate(self.model, 1)

    def _memory(self, trains: bool) -> MemoryReport:
        return outlook(self.model, self.training, setup_of(self.training, trains=trains)).memory


def _kept(report: MemoryReport) -> dict[str, int]:
    """By layer, the bytes that its forward pass adds to those that are live."""
    kept: dict[str, int] = {}
    before = 0
    for phase, path, live, *_ in report.moments:
        if phase == "forward":
            kept[path] = kept.get(path, 0) + live - before
            before = live
    return kept


def _largest(counts: dict[str, int]) -> tuple[str, ...]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])[:NAMED]
    return tuple(f"{path} {count:,}" for path, count in ordered if count > 0)
