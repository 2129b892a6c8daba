"""Identifiers of generated code."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Collection, Iterable

MODULES = frozenset(
    "argparse ast csv json math os random re signal sys tempfile time np torch nn F tf keras layers"
    " ops self cls super OrderedDict Image".split()
)
USED_BUILTINS = frozenset(
    "range len min max sum abs round int float str bool list tuple dict zip enumerate print open"
    " super isinstance getattr setattr".split()
)
KEYWORDS = frozenset(keyword.kwlist)
RESERVED = MODULES | USED_BUILTINS | KEYWORDS | frozenset(keyword.softkwlist)


BUILTIN_CLASSES = frozenset(name for name in dir(builtins) if name[0].isupper())
SCRIPT_CONSTANTS = frozenset(
    "ARRAYS DATA HERE HIDDEN INPUTS LEARNING_RATE MASK SUFFIXES TIME WORDS".split()
)
CLASSES = BUILTIN_CLASSES | SCRIPT_CONSTANTS | frozenset(("OrderedDict", "Image", "F"))
"""Capitalized names that a file has besides those of the spec and of helpers."""

HELPERS_IN_CAPITALS = frozenset(("GRN",))


def identifier(name: str, taken: frozenset[str] = RESERVED) -> str:
    """A name of the spec as a Python identifier that collides with nothing that is taken.

    Names that differ stay different: where ``len`` becomes ``len_``, ``len_`` becomes ``len__``.
    """
    stem = name
    while stem not in taken:
        if not stem.endswith("_"):
            return name
        stem = stem[:-1]
    return f"{name}_"


def member(name: str, taken: frozenset[str]) -> str:
    """A name of the spec as an attribute of a class whose members are taken.

    All that begins with an underscore counts as one: these are the framework's own affair, and the
    next version of it may have others.
    """
    return f"{name}_" if name.startswith("_") else identifier(name, taken)


def constant_names(names: Iterable[str], classes: Collection[str]) -> dict[str, str]:
    """File-level constants as module-level names, all different: ``@width`` as ``WIDTH``.

    Args:
        names: The constants, imported ones with the number of their file: ``@2width``.
        classes: Names that the spec gives to classes.
    """
    taken = {*CLASSES, *HELPERS_IN_CAPITALS, *classes}
    found = {}
    for name in names:
        wanted = name.lstrip("@").upper() if not name[1:2].isdigit() else f"_{name[1:]}".upper()
        while wanted in taken:
            wanted += "_"
        taken.add(wanted)
        found[name] = wanted
    return found


def free_class(name: str, taken: Collection[str]) -> str:
    """The name of a class, numbered where another has it."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}{number}", number + 1
    return free


def class_name(path_name: str) -> str:
    """A snake-case name as the name of a class: ``decoder_layer`` to ``DecoderLayer``."""
    return "".join(part[:1].upper() + part[1:] for part in path_name.split("_"))
