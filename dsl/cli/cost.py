"""``msl cost``: parameters, MACs and FLOPs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from dsl.cli.findings import is_terminal, show_findings
from dsl.cli.options import compilation_of, spec_options

if TYPE_CHECKING:
    from dsl.compilation import Compilation
    from dsl.diagnostics.model import Diagnostic

OVER_BUDGET = "MSL432"
LINTS = "MSL5"


@click.command()
@click.argument("file")
@spec_options
@click.option("--batch", type=click.IntRange(1), default=1, metavar="N", help="Number of samples.")
@click.option(
    "--by",
    type=click.Choice(("block", "layer", "kind")),
    default="block",
    show_default=True,
    help="Fold layers by the blocks they are in, not at all, or by kind.",
)
@click.option(
    "--depth",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="By block: how many levels of names to tell apart (1).",
)
@click.option("--json", "as_json", is_flag=True, help="Print every layer as JSON.")  # fmt: skip
def command(
    file: str, model: str, define: tuple[tuple[str, str], ...],
    settings: tuple[tuple[str, str], ...], batch: int, by: str, depth: int, as_json: bool,
) -> int:  # fmt: skip
    """Count what the model in FILE (- is standard input) costs, layer by layer.

    1 MAC is 2 FLOPs. FLOPs count matrix products and convolutions; a training step is the forward
    and the backward pass, attention unfused. Buffers and element-wise operations are listed apart.
    """
    compilation = compilation_of(file, model, define, settings)
    errors = [finding for finding in compilation.diagnostics if finding.is_error]
    if compilation.model is None or any(map(_is_about_model, errors)):
        show_findings(errors, err=True)
        return 1
    if as_json:
        _print_json(compilation, batch)
    else:
        _print_table(compilation, batch, by, depth)
    over = [finding for finding in errors if finding.rule.code == OVER_BUDGET]
    show_findings(over, err=True)
    return int(bool(over))


def _is_about_model(finding: Diagnostic) -> bool:
    code = finding.rule.code
    return code != OVER_BUDGET and not code.startswith(LINTS)


def _print_json(compilation: Compilation, batch: int) -> None:
    import json

    from dsl.cost.report import estimate

    click.echo(json.dumps(estimate(compilation.model, batch).record(), indent=2))


def _print_table(compilation: Compilation, batch: int, by: str, depth: int) -> None:
    from dsl.cost.fold import fold
    from dsl.cost.report import estimate
    from dsl.cost.table import plain_table, rich_table

    report = estimate(compilation.model, batch)
    lines = fold(report, compilation.model, by, depth)
    if is_terminal(sys.stdout):
        rich_table(report, lines)
    else:
        click.echo(plain_table(report, lines), nl=False)
