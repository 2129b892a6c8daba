"""``msl show``: a spec as MSL understands it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsl.cli.findings import failed, show_findings
from dsl.cli.options import compilation_of, spec_options

if TYPE_CHECKING:
    from dsl.compilation import Compilation
    from dsl.ir import Model

Row = tuple[str, str, str]
"""A setting, its value and where that came from."""


@click.command()
@click.argument("file")
@click.option("--resolved", is_flag=True, help="Show every value and where it came from.")
@spec_options
def command(
    file: str, resolved: bool, model: str, define: tuple[tuple[str, str], ...],
    settings: tuple[tuple[str, str], ...],
) -> int:  # fmt: skip
    """Show the spec in FILE (- is standard input) as MSL understands it.

    The model with every block, branch and repeat; with --resolved the values of all parameters,
    arguments and settings instead, each with its source: spec, default, variant, -D or --set.
    """
    compilation = compilation_of(file, model, define, settings)
    findings = list(compilation.diagnostics)
    if failed(findings) or compilation.model is None:
        show_findings(findings, err=True)
        return 1
    if resolved:
        click.echo(resolved_text(compilation), nl=False)
    else:
        from dsl.ir_text import model_text

        click.echo(model_text(compilation.model), nl=False)
    return 0


def resolved_text(compilation: Compilation) -> str:
    """Every value and where it came from, section by section."""
    model = compilation.model
    assert model is not None
    parts = [
        ("parameters", list(parameter_rows(compilation, model))),
        ("layers", list(layer_rows(model))),
        ("training", list(training_rows(compilation))),
    ]
    texts = [f"model {model.name}\n"]
    texts.extend(_section(title, rows) for title, rows in parts if rows)
    return "\n".join(texts)


def _section(title: str, rows: list[Row]) -> str:
    names = max(len(name) for name, _, _ in rows)
    values = max(len(value) for _, value, source in rows if source)
    lines = [
        f"  {name.ljust(names)}  {value.ljust(values)}  {source}".rstrip()
        for name, value, source in rows
    ]
    return "\n".join([title, *lines, ""])


def parameter_rows(compilation: Compilation, model: Model) -> Iterator[Row]:
    """Parameters of the file and of the model."""
    from dsl.ir_text import value_text
    from dsl.shapes.trace import plain
    from dsl.syntax import ast

    given = compilation.options.define
    for item in compilation.syntax.statements:
        if isinstance(item, ast.ParamDecl):
            name = item.param.name
            binding = compilation.plain.module.scope.names[name]
            source = "-D" if name in given else "default"
            yield name, value_text(plain(binding.value)), source
    variant = _variant_arguments(compilation, model)
    for name, value in model.args.items():
        source = "-D" if name in given else "variant" if name in variant else "default"
        yield f"{model.base}.{name}", value_text(value), source


def _variant_arguments(compilation: Compilation, model: Model) -> set[str]:
    """The parameters that the variant asked for sets."""
    found = compilation.plain.module.variants.get(model.name)
    if found is None or model.name == model.base:
        return set()
    slots = list(model.args)
    return {argument.name or slots[index] for index, argument in enumerate(found[0].base.args)}


def layer_rows(model: Model) -> Iterator[Row]:
    """The arguments of every layer; rounds that are equal stand together."""
    from dsl.ir import walk
    from dsl.ir_text import value_text
    from dsl.shapes.trace import plain

    seen = set()
    for visit in walk(model.body.nodes):
        layer = visit.node.layer
        if visit.path in seen:
            continue
        seen.add(visit.path)
        yield visit.path, layer.name, ""
        for name, value in layer.values.items():
            source = "spec" if name in layer.given else "default"
            yield f"  {name}", value_text(plain(value)), source


def training_rows(compilation: Compilation) -> Iterator[Row]:
    """Every setting of the training sections."""
    from dsl.ir_text import value_text

    training: Any = compilation.training
    for path, (value, source) in training.resolved.items() if training else ():
        yield path, _setting_text(value, value_text), source


def _setting_text(value: Any, text: Any) -> str:
    """A setting; words such as the name of a kind stand without quotes."""
    from dsl.diagnostics.excerpt import printable

    return printable(value) if isinstance(value, str) else text(value)
