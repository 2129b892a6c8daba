"""The benchmark: generated code against hand-written and tutorial code."""
