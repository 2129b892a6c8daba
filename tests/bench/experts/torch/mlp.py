"""A tiny network: fused Adam, and as little around it as PyTorch allows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.bench.cases import Arrays, Case
from tests.bench.experts.torch.loop import Trainer


class MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(20, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, features: Tensor) -> Tensor:  # [B, 20]
        return self.fc2(F.relu(self.fc1(features)))  # [B, 10]


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    torch.manual_seed(seed)
    model = MLP()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    return Trainer(
        model, optimizer, F.cross_entropy, arrays["features"], arrays["label"], case.batch
    )
