"""Identifiers of generated code."""

from __future__ import annotations

import keyword

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


def identifier(name: str, taken: frozenset[str] = RESERVED) -> str:
    """A name of the spec as a Python identifier that collides with nothing that is taken."""
    while name in taken:
        name += "_"
    return name


def constant_name(name: str) -> str:
    """A file-level constant as a module-level name: ``@width`` to ``WIDTH``."""
    return name.lstrip("@").upper() if not name[1:2].isdigit() else f"_{name[1:]}".upper()


def class_name(path_name: str) -> str:
    """A snake-case name as the name of a class: ``decoder_layer`` to ``DecoderLayer``."""
    return "".join(part[:1].upper() + part[1:] for part in path_name.split("_"))
