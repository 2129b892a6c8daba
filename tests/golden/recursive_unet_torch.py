"""Net.

Generated from recursive_unet.msl by MSL 0.1.0 for PyTorch. Needs torch.
1,564 parameters | 22,144 MACs forward per sample
msl: sha256=83858f8530fbdc292b1efcd805f4d192
"""

import torch
from torch import nn
from torch.nn import functional as F


# also: depth=1
class Level(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.skip = nn.Conv2d(in_channels, width, kernel_size=3, padding=1)
        self.conv2d = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, x):  # [B, 4, 2, 2]
        skip = F.relu(self.skip(x))  # [B, 8, 2, 2]
        return self.conv2d(skip)  # [B, 8, 2, 2]


# also: depth=1
class Level2(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.skip = nn.Conv2d(in_channels, width, kernel_size=3, padding=1)
        self.down = Level(width, width * 2)
        self.conv2d = nn.Conv2d(width + width * 2, width, kernel_size=3, padding=1)

    def forward(self, x):  # [B, 2, 4, 4]
        skip = F.relu(self.skip(x))  # [B, 4, 4, 4]
        down = self.down(F.max_pool2d(skip, 2))  # [B, 8, 2, 2]
        up = F.interpolate(down, scale_factor=2)  # [B, 8, 4, 4]
        x = torch.cat((skip, up), dim=1)  # [B, 12, 4, 4]
        return self.conv2d(x)  # [B, 4, 4, 4]


# also: depth=1
class Level3(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.skip = nn.Conv2d(in_channels, width, kernel_size=3, padding=1)
        self.down = Level2(width, width * 2)
        self.conv2d = nn.Conv2d(width + width * 2, width, kernel_size=3, padding=1)

    def forward(self, x):  # [B, 3, 8, 8]
        skip = F.relu(self.skip(x))  # [B, 2, 8, 8]
        down = self.down(F.max_pool2d(skip, 2))  # [B, 4, 4, 4]
        up = F.interpolate(down, scale_factor=2)  # [B, 4, 8, 8]
        x = torch.cat((skip, up), dim=1)  # [B, 6, 8, 8]
        return self.conv2d(x)  # [B, 2, 8, 8]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.level = Level3(3, 2)
        self.y = nn.Conv2d(2, 2, kernel_size=1)

    def forward(self, image):  # [B, 3, 8, 8]
        x = self.level(image)  # [B, 2, 8, 8]
        return self.y(x)  # [B, 2, 8, 8]


def build_model():
    return Net()
