"""The loop of introductory PyTorch tutorials: a DataLoader, a default optimizer, a running loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class ArrayDataset(Dataset[tuple[Tensor, Tensor]]):
    """One sample at a time, made into tensors when asked for."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return torch.as_tensor(self.inputs[row]), torch.as_tensor(self.targets[row])


class Trainer:
    """Trains with a DataLoader and reads the loss back at every step."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        inputs: np.ndarray,
        targets: np.ndarray,
        batch: int,
        clip: float | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.criterion = nn.CrossEntropyLoss()
        self.loader = DataLoader(ArrayDataset(inputs, targets), batch_size=batch, shuffle=True)
        self.clip = clip
        self.parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.batches = self.endless()

    def endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch after another."""
        while True:
            yield from self.loader

    def run(self, steps: int) -> float:
        """Trains for ``steps`` steps; returns their mean loss."""
        running = 0.0
        for _ in range(steps):
            inputs, targets = next(self.batches)
            self.optimizer.zero_grad()
            outputs = self.model(inputs)
            loss = self.criterion(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1))
            loss.backward()
            if self.clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimizer.step()
            running += loss.item()
        return running / steps
