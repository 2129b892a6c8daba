"""The registry: kinds with typed arguments, and the values that arguments take."""
