"""Net.

Generated from mixtures_that_differ.msl by MSL 0.1.0 for PyTorch. Needs torch.
196 parameters | 468 MACs forward per sample
msl: sha256=6bb4a0587d9cacc000cf35c9d52f0ca7
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class ExpertLinear(nn.Module):
    """A linear map for each expert."""

    def __init__(self, experts, in_features, out_features, bias=False):
        super().__init__()
        self.bound = 1 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.empty(experts, out_features, in_features))
        self.bias = nn.Parameter(torch.empty(experts, out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -self.bound, self.bound)

    def forward(self, x, counts):  # [N, in], of which each expert takes the next counts[i] rows
        bias = [None] * len(counts) if self.bias is None else self.bias
        parts = zip(x.split(counts), self.weight, bias)
        return torch.cat([F.linear(*part) for part in parts])  # [N, out]


class SharedExpert(nn.Module):
    """A feed-forward network that every token goes through."""

    def __init__(self, width, hidden):
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):  # [N, width]
        return self.down(F.silu(self.gate(x)) * self.up(x))  # [N, width]


class MixtureOfExperts(nn.Module):
    """Networks of which each token runs the `top_k` best for it (Shazeer et al. 2017)."""

    def __init__(
        self,
        width,
        experts,
        top_k,
        hidden,
        act=F.silu,
        gated=True,
        bias=False,
        normalize=True,
        shared_hidden=0,
    ):
        super().__init__()
        self.top_k = top_k
        self.act = act
        self.normalize = normalize
        self.router = nn.Linear(width, experts, bias=False)
        self.gate = ExpertLinear(experts, width, hidden, bias) if gated else None
        self.up = ExpertLinear(experts, width, hidden, bias)
        self.down = ExpertLinear(experts, hidden, width, bias)
        self.shared = SharedExpert(width, shared_hidden) if shared_hidden else None

    def route(self, tokens):  # [N, width]
        """The weights and the numbers of the experts that each token runs."""
        logits = self.router(tokens)
        dtype = torch.promote_types(logits.dtype, torch.float32)
        scores = logits.softmax(-1, dtype)  # [N, experts]
        ranked = scores.sort(descending=True, stable=True)  # equal scores in the experts' order
        weights, chosen = (t[:, : self.top_k] for t in ranked)
        if self.normalize:
            weights = weights / weights.sum(-1, keepdim=True)
        return weights, chosen  # [N, top_k]

    def forward(self, x):  # [.., width]
        tokens = x.reshape(-1, x.shape[-1])  # [N, width]
        weights, chosen = self.route(tokens)
        order = chosen.flatten().argsort()  # brings together what an expert runs
        counts = chosen.flatten().bincount(minlength=self.router.out_features).tolist()
        rows = tokens[order // self.top_k]  # [N * top_k, width]
        h = self.up(rows, counts)
        h = self.act(h) if self.gate is None else self.act(self.gate(rows, counts)) * h
        h = self.down(h, counts)[order.argsort()]  # in the order of the tokens again
        y = (h.unflatten(0, chosen.shape) * weights[..., None]).sum(1)  # [N, width]
        if self.shared is not None:
            y = y + self.shared(tokens)
        return y.to(x.dtype).view(x.shape)


# A shared network in one, and in the other an argument that it could take.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.mixture_of_experts = MixtureOfExperts(4, 2, 2, 3, shared_hidden=3)
        self.mixture_of_experts_2 = MixtureOfExperts(
            4, 2, 1, 3, act=F.relu, gated=False, bias=True, normalize=False
        )
        self.y = nn.Linear(4, 2)

    def forward(self, x):  # [B, 3, 4]
        x = self.mixture_of_experts(x)  # [B, 3, 4]
        x = self.mixture_of_experts_2(x)  # [B, 3, 4]
        return self.y(x)  # [B, 3, 2]


def build_model():
    return Net()
