"""``msl verify``: hold both backends' code against each other and against the reference."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING

import click

from dsl.cli.files import ToolError, is_stdin
from dsl.cli.findings import failed, is_terminal, show_findings
from dsl.cli.options import BACKENDS, Pairs, compilation_of, spec_options
from dsl.cli.output import stamp
from dsl.cli.train import require_packages

if TYPE_CHECKING:
    from backends.verifying.compare import Check
    from backends.verifying.verdict import Verdict
    from dsl.compilation import Compilation
    from dsl.ir import Model

BYTES = 8
"""Of a number in float64."""

COPIES, TRAINED = 9, 20
"""How often each weight is held at the worst moment, without steps of an optimizer and with them:
in both frameworks, with gradients and the optimizer's state, and as arrays to compare."""

VALUES = 10
"""How often each value that a layer gives is held at the worst moment."""

BASE = 2 * 2**30
"""Bytes that both frameworks take for themselves."""

PRECISION = "device.precision"

SHRUNK = 1_000_000
"""Trainable values that `--shrink` gets down to where it can."""

SMALL = 8
"""The size at which symbols are tried, the first one; each further one is larger by 1."""


@click.command()
@click.argument("file")
@spec_options
@click.option(
    "--size",
    "sizes",
    type=Pairs(),
    multiple=True,
    metavar="SYMBOL=N",
    help="The size at which a symbol is tried; by default a small one (repeatable).",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    metavar="N",
    help="Rows in a batch.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="Steps of the optimizer, where the spec trains.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the weights, the data and the draws."
)
@click.option(
    "--shrink",
    is_flag=True,
    help="Try a small version: the model's parameters that are whole numbers are halved, the "
    "largest first, down to a million weights; -D options that repeat it are printed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every comparison as JSON.")
def command(
    file: str, model: str, define: tuple[tuple[str, str], ...],
    settings: tuple[tuple[str, str], ...], sizes: tuple[tuple[str, str], ...], batch: int,
    steps: int, seed: int, shrink: bool, as_json: bool,
) -> int:  # fmt: skip
    """Check that PyTorch and TensorFlow code of the spec in FILE compute the same.

    Both files, as `msl compile` writes them, are run on the CPU in float64 with the same weights,
    data and random draws; outputs, layers, losses, gradients and the weights after some steps are
    compared, and outputs and layers with the NumPy reference. Exit code 1 where anything differs.
    """
    for backend in BACKENDS:
        require_packages(backend)
    given = dict(settings)
    if given.setdefault(PRECISION, "float32") != "float32":
        raise ToolError(
            f"--set {PRECISION}={given[PRECISION]}: frameworks round lower precisions at different "
            "places, so verification is in float64 and float32: leave this setting out"
        )
    compilation = compilation_of(file, model, define, tuple(given.items()))
    if shrink:
        from dsl.cli.shrinking import shrunk

        source = compilation.source
        define = shrunk(lambda values: compilation_of(
            file, model, values, tuple(given.items()), source), define, SHRUNK)  # fmt: skip
        compilation = compilation_of(file, model, define, tuple(given.items()), source)
        click.echo("shrunk: " + " ".join(f"-D '{name}={text}'" for name, text in define), err=True)
    texts = both_codes(compilation)
    if texts is None:
        return 1
    verdict = run(compilation, texts, file, dict(sizes), batch, steps, seed)
    if as_json:
        import json

        click.echo(json.dumps(verdict.record(), indent=2))
    else:
        show(verdict)
    return int(not verdict.ok)


def both_codes(compilation: Compilation) -> dict[str, str] | None:
    """By backend the file as `msl compile` writes it; None after findings that forbid it."""
    import backends

    findings = list(compilation.diagnostics)
    show_findings(findings, err=True)
    texts: dict[str, str] = {}
    for name in BACKENDS if not failed(findings) else ():
        emitted = compilation.emit(backends.get(name))
        show_findings(emitted.diagnostics, err=True)
        if emitted.text is not None:
            texts[name] = stamp(emitted.text)
    return texts if len(texts) == len(BACKENDS) else None


def run(
    compilation: Compilation, texts: dict[str, str], file: str, sizes: dict[str, str],
    batch: int = 4, steps: int = 3, seed: int = 0,
) -> Verdict:  # fmt: skip
    """Verifies a spec without mistakes.

    Args:
        compilation: The spec.
        texts: By backend, its file.
        file: Path of the spec.
        sizes: Sizes of symbols, as given.
        batch: Rows in a batch.
        steps: Steps of the optimizer.
        seed: Of all that is drawn.

    Raises:
        ToolError: The model is too large, a size is none, or the spec names Python with weights.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    model = compilation.model
    assert model is not None
    refuse_own_weights(model)
    model = model.replace(symbols=chosen_sizes(model, sizes))
    refuse_large(model, batch, bool(compilation.training.losses))
    from backends.verifying.run import Job, verify

    folder = "." if is_stdin(file) else os.path.dirname(os.path.abspath(file))
    return verify(Job(model, compilation.training, texts, folder, batch, steps, seed))


def refuse_large(model: Model, batch: int, trains: bool) -> None:
    """Refuses what does not fit into memory.

    Raises:
        ToolError: With the cure.
    """
    from dsl.cli.memory import free_memory
    from dsl.ir import walk

    params = entries = 0
    for visit in walk(model.body.nodes):
        params += sum(weight.count for weight in visit.node.weights) * visit.owners
        types = [value.type.sized(model.symbols) for value in visit.node.outputs]
        entries += sum(int(math.prod(kind.shape)) for kind in types) * visit.times  # type: ignore
    needs = BYTES * ((TRAINED if trains else COPIES) * params + VALUES * entries * batch)
    free = free_memory()
    if needs + BASE > free:
        raise ToolError(
            f"{model.name} has {params:,} weights and {entries:,} values between its layers for "
            f"each row: both frameworks would need about {(needs + BASE) / 2**30:,.1f} GiB, and "
            f"{free / 2**30:,.1f} GiB are free; {_cure(model, batch)}"
        )


def _cure(model: Model, batch: int) -> str:
    """What makes a model small enough."""
    from dsl.cli.shrinking import sizes_of

    sizes = sizes_of(model.args)
    if not sizes:
        return (
            f"its sizes are fixed: make them parameters (`model {model.base}(width: int = ..)`), "
            "then give smaller ones with -D" + ", or a smaller --batch" * (batch > 1)
        )
    return f"--shrink chooses smaller values of its parameters, or give some with -D: {sizes}"


def refuse_own_weights(model: Model) -> None:
    """Refuses a layer that takes no weights of ours.

    Raises:
        ToolError: With the cure.
    """
    from dsl.ir import walk

    for visit in walk(model.body.nodes):
        if any(weight.role == "*" for weight in visit.node.weights):
            raise ToolError(
                f"{visit.path} is written by hand and has weights of its own, which cannot be made "
                "alike in both frameworks: verify the rest in a copy of the spec with a layer of "
                "MSL in its place"
            )


def chosen_sizes(model: Model, given: dict[str, str]) -> dict[str, int]:
    """The size of each symbol: as given, else a small one at which every value has a size.

    Raises:
        ToolError: A name is no symbol, or a size is no whole number above 0.
    """
    for name, text in given.items():
        if name not in model.symbols:
            known = ", ".join(model.symbols) or "none"
            raise ToolError(f"--size {name}: the model has no such symbol; there are {known}")
        if not text.isdecimal() or not int(text):
            raise ToolError(f"--size {name}={text}: a size is a whole number above 0")
    small = SMALL
    while True:
        sizes = {
            name: min(quoted, small + place) for place, (name, quoted) in
            enumerate(model.symbols.items())
        } | {name: int(text) for name, text in given.items()}  # fmt: skip
        largest = max(model.symbols.values(), default=0)
        if small > largest or _is_possible(model, sizes):
            return sizes
        small *= 2


def _is_possible(model: Model, sizes: dict[str, int]) -> bool:
    """Whether every value has sizes of 1 and more."""
    from dsl.ir import walk

    types = (value.type for visit in walk(model.body.nodes) for value in visit.node.outputs)
    return all(size >= 1 for type_ in types for size in type_.sized(sizes).shape)


def show(verdict: Verdict) -> None:
    """Prints the comparisons as a table, and what they come to."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if is_terminal(sys.stdout) else 100
    console = Console(highlight=False, width=width)
    sizes = "".join(f", {name} = {size}" for name, size in verdict.sizes.items())
    rest = f"{verdict.params:,} parameters, batch {verdict.batch}{sizes}"
    rest += f", {verdict.steps} steps" * bool(verdict.steps)
    console.print(Text.assemble((verdict.model, "bold"), "  ", (rest, "dim")), soft_wrap=True)
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name, side in (
        ("compared", "left"), ("in", "left"), ("of", "left"), ("count", "right"),
        ("difference", "right"), ("allowed", "right"), ("", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=side, no_wrap=True)  # type: ignore[arg-type]
    for check in verdict.checks:
        table.add_row(*[Text(text, "" if check.ok else "red") for text in _cells(check)])
    console.print(table)
    for note in verdict.notes:
        console.print(Text(f"  note: {note}", "dim"), soft_wrap=True)
    if verdict.ok:
        console.print(Text(f"  {_agreeing(verdict)} agree"), soft_wrap=True)
    else:
        console.print(Text(f"  differs: {verdict.where}", "red"), soft_wrap=True)


def _cells(check: Check) -> tuple[str, ...]:
    difference = f"{check.difference:.1e}" if check.difference else "0"
    where = "" if check.ok else f"differs: {check.where}"
    return (
        check.subject, check.mode, f"{check.left}, {check.right}", f"{check.count}", difference,
        f"{check.tolerance:.0e}", where,
    )  # fmt: skip


def _agreeing(verdict: Verdict) -> str:
    sides = {side for check in verdict.checks for side in (check.left, check.right)}
    names = [name for name in (*BACKENDS, "reference") if name in sides]
    return f"{', '.join(names[:-1])} and {names[-1]}"
