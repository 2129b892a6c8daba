"""Backends: what turns a model into code of a framework, and the NumPy reference."""
