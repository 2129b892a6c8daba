"""The training loop that the PyTorch experts share: data in memory, nothing read back inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn


class Trainer:
    """Trains a model on tensors held in memory, sliced by a fresh permutation each epoch."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Callable[[Tensor, Tensor], Tensor],
        inputs: np.ndarray,
        targets: np.ndarray,
        batch: int,
        clip: float | None = None,
    ) -> None:
        self.model = model.train()
        self.optimizer = optimizer
        self.loss = loss
        self.inputs = torch.from_numpy(inputs)
        self.targets = torch.from_numpy(targets)
        self.clip = clip
        self.parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.rows = self.shuffled(batch)

    def shuffled(self, batch: int) -> Iterator[Tensor]:
        """Row numbers of one batch after another, without end."""
        while True:
            yield from torch.randperm(len(self.targets)).split(batch)

    def run(self, steps: int) -> float:
        """Trains for ``steps`` steps; returns their mean loss."""
        total = torch.zeros(())
        for _ in range(steps):
            rows = next(self.rows)
            loss = self.loss(self.model(self.inputs[rows]), self.targets[rows])
            loss.backward()
            if self.clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip, foreach=True)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            total += loss.detach()
        return (total / steps).item()
