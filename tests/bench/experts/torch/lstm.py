"""One LSTM and a classifier on its last step: the native layer, fused Adam."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.bench.cases import Arrays, Case
from tests.bench.experts.torch.loop import Trainer


class SequenceClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(64, 128, batch_first=True)
        # One bias per gate: the second, which only adds to the first, stays at zero.
        self.lstm.bias_hh_l0.requires_grad_(False).zero_()
        self.fc = nn.Linear(128, 10)

    def forward(self, sequence: Tensor) -> Tensor:  # [B, 64, 64]
        states, _ = self.lstm(sequence)  # [B, 64, 128]
        return self.fc(states[:, -1])  # [B, 10]


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    torch.manual_seed(seed)
    model = SequenceClassifier()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=1e-3, fused=True)
    return Trainer(
        model, optimizer, F.cross_entropy, arrays["sequence"], arrays["label"], case.batch
    )
