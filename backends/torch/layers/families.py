"""Every family's emitters: importing this fills `TORCH`."""

from backends.torch.layers import linear

__all__ = ["linear"]
