"""MSL: write a neural network once, check it, count its cost, compile it to PyTorch and TensorFlow.

The Python interface:

    import dsl

    spec = dsl.load("net.msl", define={"width": 128})
    spec.diagnostics          # what is wrong, as data
    spec.cost().params        # parameters, MACs and FLOPs
    spec.compile("torch")     # the text of a Python module

Importing it loads nothing else; each stage loads when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsl.compilation import Compilation
    from dsl.cost.report import CostReport
    from dsl.diagnostics.model import Diagnostic


class SpecError(ValueError):
    """A spec that cannot be costed or compiled; `diagnostics` say why.

    Args:
        diagnostics: The findings, errors among them.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        from dsl.diagnostics.render import render

        super().__init__("\n" + render(diagnostics).rstrip("\n"))
        self.diagnostics = diagnostics


class Spec:
    """One spec with the model, parameters and settings asked for.

    Args:
        compilation: Its stages, each computed when it is asked for.
    """

    def __init__(self, compilation: Compilation) -> None:
        self.compilation = compilation

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong or doubtful, in order of the text."""
        return tuple(self.compilation.diagnostics)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; warnings do not count."""
        return not any(finding.is_error for finding in self.diagnostics)

    def cost(self, batch: int = 1) -> CostReport:
        """What the model costs.

        Args:
            batch: Number of samples that MACs and FLOPs are of.

        Raises:
            SpecError: Mistakes leave no model to count.
        """
        from dsl.cost.report import estimate

        if self.compilation.model is None:
            raise SpecError(self.diagnostics)
        return estimate(self.compilation.model, batch)

    def compile(self, backend: str) -> str:
        """The spec as the text of a Python module.

        Args:
            backend: ``torch`` or ``tensorflow``.

        Raises:
            SpecError: The spec has mistakes, or says what the backend cannot express.
        """
        if not self.ok:
            raise SpecError(self.diagnostics)
        import backends

        emitted = self.compilation.emit(backends.get(backend))
        if emitted.text is None:
            raise SpecError(emitted.diagnostics)
        return emitted.text


def load(
    path: str,
    *,
    model: str = "",
    define: Mapping[str, object] | None = None,
    set: Mapping[str, object] | None = None,
) -> Spec:
    """Reads a spec.

    Args:
        path: The file.
        model: The model or variant meant, where the file leaves that open.
        define: Values of parameters by name: Python numbers, truth values and lists, or text as the
            language writes it (``"ReLU"``).
        set: Values of training settings by ``section.key``, in the same forms.

    Raises:
        OSError, UnicodeDecodeError: The file cannot be read.
    """
    import os

    from dsl.compilation import Compilation, Options
    from dsl.passes.modules import FileLoader
    from dsl.source import read_source

    name = os.fspath(path)
    options = Options(model, _texts(define or {}), _texts(set or {}))
    return Spec(Compilation(read_source(name, name), options, FileLoader(name), name))


def loads(
    text: str,
    *,
    model: str = "",
    define: Mapping[str, object] | None = None,
    set: Mapping[str, object] | None = None,
) -> Spec:
    """Takes a spec from a string; it has no place, so it cannot import. Otherwise as `load`."""
    from dsl.compilation import Compilation, Options
    from dsl.source import Source

    options = Options(model, _texts(define or {}), _texts(set or {}))
    return Spec(Compilation(Source("<string>", text), options))


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    """A Python value as the language writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_item(item) for item in value)}]"
    return str(value)


def _item(value: object) -> str:
    """An item of a list: a string is a string there, not a piece of the language."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return _text(value)


__all__ = ["VERSION", "Spec", "SpecError", "load", "loads"]
