"""What the tests of this folder share."""

from __future__ import annotations

from dsl.compilation import Compilation
from dsl.source import Source


def compiled(text: str) -> Compilation:
    """A text and all that follows from it."""
    return Compilation(Source("net.msl", text))


def found(text: str) -> list[tuple[str, str]]:
    """Code of each finding, and the text that it points at."""
    findings = compiled(text).diagnostics
    return [(one.rule.code, one.primary.span.text) for one in findings if one.primary]


def net(*lines: str, above: str = "") -> str:
    """A model of a few lines on eight features."""
    body = "\n".join(f"  {line}" for line in lines)
    return f"{above}\nmodel Net {{\n  input x: float32[8]\n{body}\n}}\n"


def keys(text: str) -> list[str]:
    """The keys of a model's weights."""
    from dsl.ir import weight_keys

    model = compiled(text).model
    assert model is not None, found(text)
    return [item.key for item in weight_keys(model.body.nodes)]


def value(expression: str, above: str = "") -> int:
    """The value of an expression that is a size from 1 up."""
    model = compiled(net(f"output y = Linear({expression})", above=above)).model
    assert model is not None, found(net(f"output y = Linear({expression})", above=above))
    return model.body.outputs[0].value.type.shape[0]
