"""Emitters of layers for PyTorch, one file per family, named as in `dsl.layers`."""

from backends.base import Emitters

TORCH = Emitters("torch")
