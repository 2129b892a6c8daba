"""A recipe for each kind of layer: what it takes, and arguments that go with that."""

from dsl.fuzz.recipes import joining, pointwise, rearranging, sequences, spatial

__all__ = ["joining", "pointwise", "rearranging", "sequences", "spatial"]
