"""Net.

Generated from optional_arguments.msl by MSL 0.1.0 for PyTorch. Needs torch.
16,397 parameters | 136,064 MACs forward per sample at time = 8
msl: sha256=40f7ba3d1cc6f8e3bf0aa2bb3d9af0c0
"""

from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention, groups of heads sharing keys and values (Ainslie et al. 2023)."""

    def __init__(self, width, heads, kv_heads=None):
        super().__init__()
        self.heads = heads
        self.kv_heads = kv_heads or heads
        head_dim = width // heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, self.kv_heads * head_dim)
        self.value = nn.Linear(width, self.kv_heads * head_dim)
        self.out = nn.Linear(width, width)

    def forward(self, x):  # [.., T, width]
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(-3, -2)  # [.., heads, T, size]
        k = self.key(x).unflatten(-1, (self.kv_heads, -1)).transpose(-3, -2)
        v = self.value(x).unflatten(-1, (self.kv_heads, -1)).transpose(-3, -2)
        y = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        return self.out(y.transpose(-3, -2).flatten(-2))  # [.., T, width]


# Parameters that need not be given.
class Layer(nn.Module):
    def __init__(self, in_features, heads, kv_heads=None, hidden=None):
        super().__init__()
        self.has_layer_norm = hidden is None
        self.self_attention = Attention(in_features, heads, kv_heads=kv_heads)
        self.linear = nn.Linear(in_features, hidden if hidden is not None else 4 * in_features)
        self.linear_2 = nn.Linear(hidden if hidden is not None else 4 * in_features, in_features)
        if self.has_layer_norm:
            self.layer_norm = nn.LayerNorm(in_features)

    def forward(self, x):  # [B, time, 16]
        x = x + self.self_attention(x)  # [B, time, 16]
        x = x + self.linear_2(F.gelu(self.linear(x)))  # [B, time, 16]
        if self.has_layer_norm:
            x = self.layer_norm(x)  # [B, time, 16]
        return x  # [B, time, 16]


# Parameters that need not be given.
class Layer2(nn.Module):
    def __init__(self, in_features, heads, kv_heads=None, hidden=None):
        super().__init__()
        self.rms_norm = nn.RMSNorm(in_features, eps=1e-6)
        self.self_attention = Attention(in_features, heads, kv_heads=kv_heads)
        self.linear = nn.Linear(in_features, hidden if hidden is not None else 4 * in_features)
        self.linear_2 = nn.Linear(hidden if hidden is not None else 4 * in_features, in_features)
        self.layer_norm = nn.LayerNorm(in_features)

    def forward(self, x):  # [B, time, 16]
        x = self.rms_norm(x)  # [B, time, 16]
        x = x + self.self_attention(x)  # [B, time, 16]
        x = x + self.linear_2(F.gelu(self.linear(x)))  # [B, time, 16]
        return self.layer_norm(x)  # [B, time, 16]


class Outer(nn.Module):
    def __init__(self, in_features, kv_heads, hidden):
        super().__init__()
        self.layer = Layer(in_features, 4, kv_heads=kv_heads, hidden=hidden)
        self.linear = nn.Linear(in_features, 16)

    def forward(self, x):  # [B, time, 16]
        x = self.layer(x)  # [B, time, 16]
        return self.linear(x)  # [B, time, 16]


# also: kv_heads=2
# also: depth=1
class Net(nn.Module):
    def __init__(self, kv_heads=None, depth=2):
        super().__init__()
        self.layer = nn.Sequential(*[Layer(16, 4, kv_heads=kv_heads) for _ in range(depth)])
        self.layer_2 = Layer(16, 4, hidden=24)
        self.layer_3 = Layer2(16, 4)
        self.outer = Outer(16, None, hidden=None)
        self.outer_2 = Outer(16, 2, hidden=2)
        self.y = nn.Linear(16, 3)

    def forward(self, x):  # [B, time, 16]
        x = self.layer(x)  # [B, time, 16]
        x = self.layer_2(x)  # [B, time, 16]
        x = self.layer_3(x)  # [B, time, 16]
        x = self.outer(x)  # [B, time, 16]
        x = self.outer_2(x)  # [B, time, 16]
        return self.y(x)  # [B, time, 3]


def build_model():
    return Net()
