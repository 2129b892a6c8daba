"""Every family's emitters: importing this fills `TENSORFLOW`."""

from backends.tensorflow.layers import linear

__all__ = ["linear"]
