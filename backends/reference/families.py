"""Every family's reference functions: importing this fills `REFERENCE`."""

from backends.reference import linear

__all__ = ["linear"]
