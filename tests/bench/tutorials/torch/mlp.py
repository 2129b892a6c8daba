"""A tiny network as a Sequential."""

from __future__ import annotations

import torch
from torch import nn

from tests.bench.cases import Arrays, Case
from tests.bench.tutorials.torch.loop import Trainer


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    return Trainer(model, optimizer, arrays["features"], arrays["label"], case.batch)
