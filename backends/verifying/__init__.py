"""Holds the code of both backends, and the NumPy reference, against each other.

`run.verify` is the way in: the same weights, the same data and the same random draws go into both
generated files and, layer by layer, into the reference; what comes out is compared.
"""
