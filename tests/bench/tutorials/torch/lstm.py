"""A recurrent classifier that steps an LSTM cell by hand, as tutorials from scratch do."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.bench.cases import Arrays, Case
from tests.bench.tutorials.torch.loop import Trainer


class LSTM(nn.Module):
    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.input_gates = nn.Linear(inputs, 4 * hidden)
        self.hidden_gates = nn.Linear(hidden, 4 * hidden, bias=False)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], self.hidden)
        c = torch.zeros(x.shape[0], self.hidden)
        for t in range(x.shape[1]):
            gates = self.input_gates(x[:, t]) + self.hidden_gates(h)
            i, f, g, o = gates.chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.fc(h)


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    torch.manual_seed(seed)
    model = LSTM(64, 128, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    return Trainer(model, optimizer, arrays["sequence"], arrays["label"], case.batch)
