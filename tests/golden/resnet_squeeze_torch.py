"""ResNet: A residual net for small images, of blocks that another file holds. A model alone: it
checks, costs and compiles to a module, to be trained by code of your own.

Generated from resnet_squeeze.msl by MSL 0.1.0 for PyTorch. Needs torch.
279,194 parameters | 40,819,520 MACs forward per sample
msl: sha256=3abe8f23eda9662010820b4d7cf7ebbf
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F


# Weighs each channel by what both poolings of the whole image say about it
# (Hu et al. 2018, arXiv:1709.01507; Woo et al. 2018, arXiv:1807.06521).
class SqueezeExcite(nn.Module):
    def __init__(self, in_channels, reduction=8):
        super().__init__()
        self.in_channels = in_channels
        self.linear = nn.Linear(2 * in_channels, max(in_channels // reduction, 4))
        self.linear_2 = nn.Linear(max(in_channels // reduction, 4), in_channels)

    def forward(self, x):  # [B, in_channels, H, W]
        y = x.mean(dim=(2, 3))  # [B, in_channels]
        y = torch.cat((y, x.amax(dim=(2, 3))), dim=-1)  # [B, 2 * in_channels]
        y = F.relu(self.linear(y))  # [B, D]
        y = torch.sigmoid(self.linear_2(y))  # [B, in_channels]
        weights = y.reshape(-1, self.in_channels, 1, 1)  # [B, in_channels, 1, 1]
        return x * weights  # [B, in_channels, H, W]


class Unit(nn.Module):
    def __init__(self, in_channels, channels, stride=1):
        super().__init__()
        self.conv2d = nn.Conv2d(
            in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.batch_norm = nn.BatchNorm2d(channels)
        self.conv2d_2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.batch_norm_2 = nn.BatchNorm2d(channels)
        self.squeeze_excite = SqueezeExcite(channels)
        self.shortcut = (
            nn.Sequential(
                OrderedDict(
                    conv2d=nn.Conv2d(
                        in_channels, channels, kernel_size=1, stride=stride, bias=False
                    ),
                    batch_norm=nn.BatchNorm2d(channels),
                )
            )
            if stride != 1 or in_channels != channels
            else nn.Identity()
        )

    def forward(self, x):  # [B, in_channels, H, W]
        y = F.relu(self.batch_norm(self.conv2d(x)))  # [B, channels, H, W]
        y = self.batch_norm_2(self.conv2d_2(y))  # [B, channels, H, W]
        y = self.squeeze_excite(y)  # [B, channels, H, W]
        y = self.shortcut(x) + y  # [B, channels, H, W]
        return F.relu(y)  # [B, channels, H, W]


class Stage(nn.Module):
    def __init__(self, in_channels, units, channels, stride):
        super().__init__()
        self.unit = Unit(in_channels, channels, stride=stride)
        self.unit_2 = nn.Sequential(*[Unit(channels, channels) for _ in range(units - 1)])

    def forward(self, x):  # [B, in_channels, H, W]
        x = self.unit(x)  # [B, channels, H, W]
        return self.unit_2(x)  # [B, channels, H, W]


class ResNet(nn.Module):
    def __init__(self, depth=3, width=16, classes=10):
        super().__init__()
        self.conv2d = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.batch_norm = nn.BatchNorm2d(width)
        in_channels = width
        rounds = []
        for factor, stride in ((1, 1), (2, 2), (4, 2)):
            rounds.append(Stage(in_channels, depth, channels=factor * width, stride=stride))
            in_channels = factor * width
        self.stage = nn.Sequential(*rounds)
        self.label = nn.Linear(in_channels, classes)

    def forward(self, image):  # [B, 3, 32, 32]
        x = F.relu(self.batch_norm(self.conv2d(image)))  # [B, 16, 32, 32]
        x = self.stage(x)  # [B, 64, 8, 8]
        x = x.mean(dim=(2, 3))  # [B, 64]
        return self.label(x)  # [B, 10]


def build_model():
    return ResNet()
