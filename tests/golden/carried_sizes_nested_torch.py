"""Net.

Generated from carried_sizes_nested.msl by MSL 0.1.0 for PyTorch. Needs torch.
1,338 parameters | 82,992 MACs forward per sample
msl: sha256=726e521289ce2eb851451d48137b1ade
"""

import torch
from torch import nn
from torch.nn import functional as F


class DenseRepeat(nn.Module):
    def __init__(self, in_channels_2, growth):
        super().__init__()
        self.parallel = nn.ModuleDict()
        self.parallel["1"] = nn.Module()
        self.parallel["1"].batch_norm = nn.BatchNorm2d(in_channels_2)
        self.parallel["1"].conv2d = nn.Conv2d(in_channels_2, 4 * growth, kernel_size=1)
        self.parallel["1"].conv2d_2 = nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1)

    def forward(self, x):  # [B, in_channels_2, H, W]
        y = F.relu(self.parallel["1"].batch_norm(x))  # [B, in_channels_2, H, W]
        y = self.parallel["1"].conv2d_2(self.parallel["1"].conv2d(y))  # [B, 2, H, W]
        return torch.cat((x, y), dim=1)  # [B, C, H, W]


class Dense(nn.Module):
    def __init__(self, in_channels, n, growth):
        super().__init__()
        in_channels_2 = in_channels
        rounds = []
        for _ in range(n):
            rounds.append(DenseRepeat(in_channels_2, growth))
            in_channels_2 = in_channels_2 + growth
        self.repeat = nn.Sequential(*rounds)

    def forward(self, x):  # [B, in_channels, H, W]
        return self.repeat(x)  # [B, in_channels_2, H, W]


class NetRepeat(nn.Module):
    def __init__(self, in_channels, n, growth):
        super().__init__()
        self.dense = Dense(in_channels, n, growth=growth)
        self.conv2d = nn.Conv2d(in_channels + n * growth, in_channels // 2 + n, kernel_size=1)

    def forward(self, x):  # [B, in_channels, H, W]
        x = self.dense(x)  # [B, C, H, W]
        return F.avg_pool2d(self.conv2d(x), 2)  # [B, C, H, W]


class Net(nn.Module):
    def __init__(self, growth=2):
        super().__init__()
        in_channels = 4
        in_height = 16
        in_width = 16
        rounds = []
        for n in (1, 2, 3):
            rounds.append(NetRepeat(in_channels, n, growth))
            in_channels = in_channels // 2 + n
            in_height = in_height // 2
            in_width = in_width // 2
        self.repeat = nn.Sequential(*rounds)
        self.batch_norm = nn.BatchNorm2d(in_channels)
        self.y = nn.Linear(in_channels * in_height * in_width, 3)

    def forward(self, image):  # [B, 4, 16, 16]
        x = self.repeat(image)  # [B, 4, 2, 2]
        x = self.batch_norm(x)  # [B, 4, 2, 2]
        x = torch.flatten(x, 1)  # [B, 16]
        return self.y(x)  # [B, 3]


def build_model():
    return Net()
