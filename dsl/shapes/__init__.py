"""Sizes and shapes: dimensions, tensor types, and sizes that remember their formula."""
