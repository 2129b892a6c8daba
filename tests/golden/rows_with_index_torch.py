"""Net.

Generated from rows_with_index.msl by MSL 0.1.0 for PyTorch. Needs torch.
74,954 parameters | 7,875,168 MACs forward per sample
msl: sha256=ed9e279d6a42262157d99cffb00bc7d7
"""

from torch import nn
from torch.nn import functional as F

# Loops over rows with an index, and lists that are sliced and joined.
# also: first=24
BASE = (16, 32)


class Unit(nn.Module):
    def __init__(self, in_channels, width, stride=1):
        super().__init__()
        self.conv2d = nn.Conv2d(
            in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.batch_norm = nn.BatchNorm2d(width)

    def forward(self, x):  # [B, in_channels, H, W]
        return F.relu(self.batch_norm(self.conv2d(x)))  # [B, width, H, W]


class Stack(nn.Module):
    def __init__(self, in_channels, widths, first):
        super().__init__()
        in_channels_2 = in_channels
        rounds = []
        for i, w in enumerate(widths + (first,) * 2):
            rounds.append(Unit(in_channels_2, w, stride=1 if i > 0 else 2))
            in_channels_2 = w
        self.unit = nn.Sequential(*rounds)
        in_channels_3 = in_channels_2
        rounds = []
        for w in widths[1:]:
            rounds.append(Unit(in_channels_3, w))
            in_channels_3 = w
        self.unit_2 = nn.Sequential(*rounds)

    def forward(self, x):
        x = self.unit(x)
        return self.unit_2(x)


class Net(nn.Module):
    def __init__(self, first=16):
        super().__init__()
        in_channels = 3
        rounds = []
        for stage, (w, _, _) in enumerate(((16, 1, 3), (32, 2, 4), (24, 1, 5))):
            rounds.append(Unit(in_channels, w + stage))
            in_channels = w + stage
        self.unit = nn.Sequential(*rounds)
        in_channels_2 = in_channels
        rounds = []
        for _, _, w in ((1, 2, 16), (2, 3, 24)):
            rounds.append(Unit(in_channels_2, w))
            in_channels_2 = w
        self.unit_2 = nn.Sequential(*rounds)
        in_channels_3 = in_channels_2
        rounds = []
        for w, _ in ((8, 1), (12, 2)):
            rounds.append(Unit(in_channels_3, w))
            in_channels_3 = w
        self.unit_3 = nn.Sequential(*rounds)
        self.stack = Stack(in_channels_3, (first, 12) + BASE[::-1], first=16)
        self.stack_2 = Stack(16, BASE[:-1] + (48,), first=first)
        self.y = nn.Linear(48, len(BASE[-1:]) + 1)

    def forward(self, image):  # [B, 3, 16, 16]
        x = self.unit(image)  # [B, 26, 16, 16]
        x = self.unit_2(x)  # [B, 24, 16, 16]
        x = self.unit_3(x)  # [B, 12, 16, 16]
        x = self.stack(x)  # [B, 16, 8, 8]
        x = self.stack_2(x)  # [B, 48, 4, 4]
        for i, slope in enumerate((0.5, 2.0)):
            x = F.leaky_relu(x, negative_slope=slope) if i == 0 else F.elu(x, alpha=slope)
        x = x.mean(dim=(2, 3))  # [B, 48]
        return self.y(x)  # [B, 2]


def build_model():
    return Net()
