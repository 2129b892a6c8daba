"""From templates to files: Jinja draws, black formats once. Nothing else loads either."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

LINE_LENGTH = 100


BACKENDS = Path(__file__).resolve().parent.parent


@cache
def environment(package: str) -> Any:
    """The Jinja environment over a backend's templates and the shared ones.

    Undefined names are errors, except that flags of helper templates are false unless set.
    """
    import jinja2

    folders = (_templates(package), BACKENDS / "templates")
    return _environment(folders, undefined=jinja2.StrictUndefined)


@cache
def helper_environment(package: str) -> Any:
    """The Jinja environment of helper templates, whose unset flags are false."""
    return _environment((_templates(package) / "helpers",))


def _templates(package: str) -> Path:
    """Where the templates of a backend lie; ``package`` is its dotted name."""
    return BACKENDS / package.rpartition(".")[2] / "templates"


def _environment(folders: tuple[Path, ...], **options: Any) -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # what is drawn is Python, and values enter it quoted
        **options,
    )


def draw(package: str, template: str, context: dict[str, Any]) -> str:
    """A template of a backend, filled in."""
    return environment(package).get_template(template).render(context)


def draw_helper(package: str, name: str, flags: dict[str, Any]) -> str:
    """A helper class or function of a backend, with the features that a file needs."""
    return helper_environment(package).get_template(f"{name}.py.jinja").render(flags).strip("\n")


def tidy(text: str) -> str:
    """Python text as black writes it, 100 columns wide."""
    import black

    mode = black.Mode(line_length=LINE_LENGTH, target_versions={black.TargetVersion.PY311})
    return black.format_str(text, mode=mode)


IMPORTS: dict[str, str] = {
    "math": "import math",
    "OrderedDict": "from collections import OrderedDict",
    "keras": "import keras",
    "np": "import numpy as np",
    "tf": "import tensorflow as tf",
    "torch": "import torch",
    "layers": "from keras import layers",
    "nn": "from torch import nn",
    "F": "from torch.nn import functional as F",
    "weight_norm": "from torch.nn.utils.parametrizations import weight_norm",
}


def import_lines(text: str) -> tuple[str, ...]:
    """The import lines that a piece of generated code needs."""
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return tuple(line for name, line in IMPORTS.items() if name in names)
