"""Net.

Generated from choices_in_loops.msl by MSL 0.1.0 for PyTorch. Needs torch.
15,164 parameters | 817,472 MACs forward per sample
msl: sha256=bab6d6b80e3c2af6d25d2f55d47318e4
"""

import torch
from torch import nn
from torch.nn import functional as F

ROWS = (
    (1, 8, 1, False, F.relu),
    (3, 12, 2, True, lambda x: F.leaky_relu(x, negative_slope=0.2)),
    (2, 12, 1, False, F.hardswish),
    (2, 12, 1, True, nn.Identity()),
)
DEPTHS = (2, 1)


# One class each: choices that change sizes, layers as arguments, lists as arguments, sizes
# that loops carry crosswise.
# also: width=12
# only: lean=true
class Unit(nn.Module):
    def __init__(self, in_channels, channels, kernel=(1, 1), stride=1, same=True, act=F.relu):
        super().__init__()
        self.act = act
        self.conv2d = nn.Conv2d(
            in_channels,
            channels,
            kernel_size=kernel,
            stride=stride,
            padding=(kernel[0] // 2 if same else 0, kernel[1] // 2 if same else 0),
            bias=False,
        )
        self.batch_norm = nn.BatchNorm2d(channels)

    def forward(self, x):  # [B, in_channels, H, W]
        return self.act(self.batch_norm(self.conv2d(x)))  # [B, channels, H, W]


class Inverted(nn.Module):
    def __init__(self, in_channels, expansion, channels, stride, squeeze, act):
        super().__init__()
        self.has_unit = expansion != 1
        self.is_residual = stride == 1 and in_channels == channels
        if self.has_unit:
            self.unit = Unit(in_channels, expansion * in_channels, act=act)
        self.unit_2 = Unit(
            expansion * in_channels,
            in_channels // 2 if squeeze else in_channels,
            kernel=(3, 3),
            stride=stride,
            act=act,
        )
        self.unit_3 = Unit(
            in_channels // 2 if squeeze else in_channels, channels, act=nn.Identity()
        )

    def forward(self, x):  # [B, in_channels, H, W]
        y = self.unit(x) if self.has_unit else x
        y = self.unit_2(y)  # [B, C, H, W]
        y = self.unit_3(y)  # [B, channels, H, W]
        if self.is_residual:
            y = x + y  # [B, channels, H, W]
        return y  # [B, channels, H, W]


# Gives the value before at the size of the last one.
class Fit(nn.Module):
    def __init__(self, in_channels, channels):
        super().__init__()
        self.has_unit = in_channels != channels
        if self.has_unit:
            self.unit = Unit(in_channels, channels)

    def forward(self, x):  # [B, in_channels, 3, 3]
        if self.has_unit:
            x = self.unit(x)  # [B, 8, 3, 3]
        return x  # [B, 8, 3, 3]


class Cell(nn.Module):
    def __init__(self, last_channels, before_channels, channels):
        super().__init__()
        self.b = Fit(before_channels, channels)
        self.made = Unit(last_channels, channels, kernel=(1, 3))

    def forward(self, last, before):  # [B, last_channels, 3, 3], [B, before_channels, 3, 3]
        b = self.b(before)  # [B, 8, 3, 3]
        made = self.made(last) + b  # [B, 8, 3, 3]
        a = torch.cat((made, last), dim=1)  # [B, C, 3, 3]
        return a, last  # [B, C, 3, 3], [B, last_channels, 3, 3]


class NetRepeat(nn.Module):
    def __init__(self, in_channels_2, i):
        super().__init__()
        self.has_conv2d = i > 0
        if self.has_conv2d:
            self.conv2d = nn.Conv2d(in_channels_2, 8 * i, kernel_size=3, padding=1)

    def forward(self, x):  # [B, in_channels_2, 8, 8]
        y = self.conv2d(x) if self.has_conv2d else torch.tanh(x)
        return y  # [B, C, 8, 8]


class NetRepeat2(nn.Module):
    def __init__(self, in_channels_3, stage, c):
        super().__init__()
        in_channels_4 = in_channels_3
        rounds = []
        for _ in range(DEPTHS[stage]):
            rounds.append(Unit(in_channels_4, c))
            in_channels_4 = c
        self.unit = nn.Sequential(*rounds)

    def forward(self, x):  # [B, in_channels_3, 8, 8]
        return self.unit(x)  # [B, in_channels_4, 8, 8]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.unit = Unit(3, 8, kernel=(3, 3), act=F.gelu)
        in_channels = 8
        rounds = []
        for expansion, channels, stride, squeeze, act in ROWS:
            rounds.append(
                Inverted(
                    in_channels,
                    expansion,
                    channels=channels,
                    stride=stride,
                    squeeze=squeeze,
                    act=act,
                )
            )
            in_channels = channels
        self.inverted = nn.Sequential(*rounds)
        in_channels_2 = in_channels
        rounds = []
        for i in range(3):
            rounds.append(NetRepeat(in_channels_2, i))
            in_channels_2 = 8 * i if i > 0 else in_channels_2
        self.repeat = nn.Sequential(*rounds)
        in_channels_3 = in_channels_2
        rounds = []
        for stage, c in enumerate((6, 10)):
            rounds.append(NetRepeat2(in_channels_3, stage, c))
            in_channels_3 = c
        self.repeat_2 = nn.Sequential(*rounds)
        self.x = Unit(in_channels_3, 16, kernel=(3, 3), stride=2, same=False)
        self.y = Unit(16, 8)
        self.cell = Cell(8, 16, channels=8)
        in_channels_5 = 16
        in_channels_6 = 8
        rounds = []
        for _ in range(3):
            rounds.append(Cell(in_channels_5, in_channels_6, channels=8))
            in_channels_5, in_channels_6 = 8 + in_channels_5, in_channels_5
        self.z = nn.ModuleList(rounds)
        self.conv2d = nn.Conv2d(in_channels_5, in_channels_5, kernel_size=1, bias=False)
        self.batch_norm = nn.BatchNorm2d(in_channels_5)
        self.logits = nn.Linear(in_channels_5, 4)

    def forward(self, image):  # [B, 3, 16, 16]
        x = self.unit(image)  # [B, 8, 16, 16]
        x = self.inverted(x)  # [B, 12, 8, 8]
        x = self.repeat(x)  # [B, 16, 8, 8]
        x = self.repeat_2(x)  # [B, 10, 8, 8]
        x = self.x(x)  # [B, 16, 3, 3]
        y = self.y(x)  # [B, 8, 3, 3]
        x, y = self.cell(y, x)  # [B, 16, 3, 3], [B, 8, 3, 3]
        for layer in self.z:
            x, y = layer(x, y)  # [B, C, 3, 3], [B, in_channels_5, 3, 3]
        x = x + self.batch_norm(self.conv2d(x))  # [B, 40, 3, 3]
        x = x.mean(dim=(2, 3))  # [B, 40]
        return self.logits(x)  # [B, 4]


def build_model():
    return Net()
