"""A small convolution net: channels last, pooling before ReLU, fused Adam."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.bench.cases import Arrays, Case
from tests.bench.experts.torch.loop import Trainer


class CNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(3136, 100)
        self.fc2 = nn.Linear(100, 10)

    def forward(self, image: Tensor) -> Tensor:  # [B, 1, 28, 28]
        x = F.relu(F.max_pool2d(self.conv1(image), 2))  # [B, 32, 14, 14]
        x = F.relu(F.max_pool2d(self.conv2(x), 2))  # [B, 64, 7, 7]
        x = F.relu(self.fc1(torch.flatten(x, 1)))  # [B, 100]
        return self.fc2(x)  # [B, 10]


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    torch.manual_seed(seed)
    model = CNN().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    return Trainer(model, optimizer, F.cross_entropy, arrays["image"], arrays["label"], case.batch)
