"""The grammar of MSL as package data."""

from __future__ import annotations

import os

GRAMMAR_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "msl.lark")


def read_grammar() -> str:
    """The text of `msl.lark`."""
    with open(GRAMMAR_PATH, encoding="utf-8") as file:
        return file.read()
