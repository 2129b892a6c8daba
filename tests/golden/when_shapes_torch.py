"""Net.

Generated from when_shapes.msl by MSL 0.1.0 for PyTorch. Needs torch.
123 parameters | 94 MACs forward per sample
msl: sha256=0abeed6e0f186804064d56ef9174808d
"""

import torch
from torch import nn


# also: norm=false
# also: kind="c"
# also: deep=2
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.layer_norm = nn.LayerNorm(6)
        self.linear_2 = nn.Linear(6, 5)
        self.h = nn.Module()
        self.h.linear = nn.Linear(5, 4)
        self.y = nn.Linear(4, 2)

    def forward(self, x):  # [B, 6]
        x = self.linear(x)  # [B, 6]
        x = self.layer_norm(x)  # [B, 6]
        x = self.linear_2(x)  # [B, 5]
        x = torch.tanh(x)  # [B, 5]
        x = torch.tanh(self.h.linear(x))  # [B, 4]
        return self.y(x)  # [B, 2]


def build_model():
    return Net()
