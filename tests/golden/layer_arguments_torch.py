"""Net.

Generated from layer_arguments.msl by MSL 0.1.0 for PyTorch. Needs torch.
329 parameters | 720 MACs forward per sample
msl: sha256=25a4ba988b17e2a4611a6084cfd68c42
"""

import torch
from torch import nn
from torch.nn import functional as F


class Ff(nn.Module):
    def __init__(self, in_features, width, act=F.relu):
        super().__init__()
        self.act = act
        self.layer_norm = nn.LayerNorm(in_features)
        self.linear = nn.Linear(in_features, width)
        self.linear_2 = nn.Linear(width, in_features)

    def forward(self, x):  # [B, 3, 4]
        return self.linear_2(self.act(self.linear(self.layer_norm(x))))  # [B, 3, 4]


class Ff2(nn.Module):
    def __init__(self, in_features, width):
        super().__init__()
        self.rms_norm = nn.RMSNorm(in_features, eps=1e-6)
        self.linear = nn.Linear(in_features, width)
        self.linear_2 = nn.Linear(width, in_features)

    def forward(self, x):  # [B, 3, 4]
        return self.linear_2(F.gelu(self.linear(self.rms_norm(x))))  # [B, 3, 4]


class Wide(nn.Module):
    def __init__(self, in_features):
        super().__init__()
        self.linear = nn.Linear(in_features, 4)

    def forward(self, x):  # [B, 3, 4]
        return x + self.linear(x)  # [B, 3, 4]


class Wide2(nn.Module):
    def __init__(self, in_features):
        super().__init__()
        self.ff = Ff(in_features, 3, act=F.silu)

    def forward(self, x):  # [B, 3, 4]
        return x + self.ff(x)  # [B, 3, 4]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.ff = Ff(4, 5)
        self.ff_2 = Ff(4, 6, act=torch.tanh)
        self.ff_3 = Ff2(4, 6)
        self.ff_4 = Ff(4, 7, act=lambda x: F.leaky_relu(x, negative_slope=0.2))
        self.wide = Wide(4)
        self.wide_2 = Wide2(4)
        self.y = nn.Linear(4, 2)

    def forward(self, x):  # [B, 3, 4]
        x = self.ff(x)  # [B, 3, 4]
        x = self.ff_2(x)  # [B, 3, 4]
        x = self.ff_3(x)  # [B, 3, 4]
        x = self.ff_4(x)  # [B, 3, 4]
        x = self.wide(x)  # [B, 3, 4]
        x = self.wide_2(x)  # [B, 3, 4]
        return self.y(x)  # [B, 3, 2]


def build_model():
    return Net()
