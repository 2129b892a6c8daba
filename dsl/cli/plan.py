"""``msl plan``: training on many devices, before any of them is paid for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from dsl.cli.devices import device_called
from dsl.cli.files import ToolError
from dsl.cli.findings import is_about_model, show_findings
from dsl.cli.options import compilation_of, spec_options

if TYPE_CHECKING:
    from dsl.compilation import Compilation
    from dsl.devices.device import Device
    from dsl.planning.plan import Ask, Planner, Row
    from dsl.planning.strategy import Strategy

NOTHING_FITS = 3
_RATE = re.compile(r"(\d+(?:\.\d+)?)([MGT])(b|B)(?:it)?(?:ps|/s)?")
_SCALES = {"M": 1e6, "G": 1e9, "T": 1e12}
_PRECISIONS = {
    "fp32": "float32", "float32": "float32", "bf16": "bfloat16", "bfloat16": "bfloat16",
    "fp16": "float16", "float16": "float16",
}  # fmt: skip


class Count(click.ParamType):
    """A count as the language writes it: ``300B``, ``1.5M``."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads the number."""
        from dsl.syntax.literals import LiteralError, read_number

        if isinstance(value, int):
            return value
        found = read_number(str(value))
        if isinstance(found, LiteralError):
            self.fail("; ".join((found.message, *found.helps)), param, ctx)
        number, unit = found
        if unit or number < 1 or number != int(number):
            self.fail(
                f"`{value}` is no count; write one such as `15T`, `300B` or `1200`", param, ctx
            )
        return int(number)


class Rate(click.ParamType):
    """A network's rate in bits (``400Gb``) or bytes (``50GB``) a second."""

    name = "rate"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Reads the rate; bytes a second."""
        if isinstance(value, float):
            return value
        match = _RATE.fullmatch(str(value))
        if match is None or not float(match[1]):
            self.fail(f"`{value}` is no rate; write `400Gb` or `50GB`, of a second", param, ctx)
        return float(match[1]) * _SCALES[match[2]] / (8 if match[3] == "b" else 1)


@click.command()
@click.argument("file")
@click.option(
    "--on", "device", required=True, metavar="DEVICE", help="The device: see msl devices."
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="This many devices, no table.")
@click.option(
    "--strategy",
    metavar="S",
    help="ddp, zero1, zero2, zero3, fsdp, tp=N, pp=N, several (tp=8,pp=4,zero1), or auto.",
)
@click.option("--tokens", type=Count(), metavar="N", help="Train on this many tokens, such as 15T.")
@click.option("--samples", type=Count(), metavar="N", help="Train on this many samples.")
@click.option(
    "--epochs",
    type=click.IntRange(1),
    metavar="N",
    help="Train on the samples (or tokens) this many times.",
)
@click.option("--batch", type=Count(), metavar="N", help="Samples of a step over all devices.")
@click.option(
    "--micro", type=click.IntRange(1), metavar="N", help="Samples of one forward and backward pass."
)
@click.option("--precision", type=click.Choice(tuple(_PRECISIONS)), help="Of the products.")
@click.option(
    "--recompute",
    multiple=True,
    metavar="BLOCK",
    help="A block to run again instead of keeping what it needs; none for none at all "
    "(repeatable).",
)
@click.option(
    "--per-node",
    type=click.IntRange(1),
    metavar="N",
    default=8,
    show_default=True,
    help="Devices that are linked directly.",
)
@click.option(
    "--network",
    type=Rate(),
    default="400Gb",
    show_default=True,
    metavar="RATE",
    help="Of each device to other nodes.",
)
@click.option(
    "--price",
    "--hours-price",
    "price",
    type=click.FloatRange(0, min_open=True),
    metavar="P",
    help="US dollars for an hour of one device.",
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    metavar="N",
    help="The most devices to look at.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@spec_options
def command(
    file: str, model: str, define: tuple[tuple[str, str], ...],
    settings: tuple[tuple[str, str], ...], device: str, count: int | None, most: int,
    as_json: bool, **asked: Any,
) -> int:  # fmt: skip
    """Plan the training of the model in FILE (- is standard input) on many devices.

    For 1, 2, 4, ... devices: memory of each, whether the training fits, the time of a step and of
    the run, and money where a price is known; the smallest count that fits, the cheapest and the
    fastest. Strategy, micro-batch and blocks to run again are searched unless given, here or in
    the spec's sections. Exit code 3 where nothing fits.
    """
    compilation = compilation_of(file, model, define, settings)
    errors = [finding for finding in compilation.diagnostics if finding.is_error]
    if compilation.model is None or any(map(is_about_model, errors)):
        show_findings(errors, err=True)
        return 1
    planner = planner_of(compilation, device_called(device), asked)
    wanted = count or _count_of(compilation)
    rows = rows_of(planner, count, wanted, most)
    _show(planner, rows, wanted, as_json)
    return 0 if any(row.verdict == "fits" for row in rows) else NOTHING_FITS


def planner_of(compilation: Compilation, device: Device, asked: dict[str, Any]) -> Planner:
    """What the options and the spec ask for.

    Raises:
        ToolError: It cannot be asked for.
    """
    from dsl.planning.plan import Planner

    model = compilation.model
    assert model is not None
    planner = Planner(model, compilation.training, _ask(compilation, device, asked))
    _check_strategy(planner)
    samples, steps = _length(planner, compilation, asked)
    planner.ask = planner.ask.replace(samples=samples, steps=steps)
    return planner


def _ask(compilation: Compilation, device: Device, asked: dict[str, Any]) -> Ask:
    from dsl.planning.plan import Ask

    train, batch, most = compilation.training.train, asked["batch"], 4096
    if batch is None and _given(compilation, "train.batch"):
        batch, most = train.batch * train.accumulate, train.batch
    precision = asked["precision"] or compilation.training.device.precision
    known = device.price and (device.price.low, device.price.high)
    own = asked["price"]
    return Ask(
        device, _PRECISIONS.get(precision, "bfloat16"), batch, asked["micro"], most,
        _strategy(compilation, asked["strategy"]), _recompute(compilation, asked["recompute"]),
        price=(own, own) if own else known, per_node=asked["per_node"], network=asked["network"],
    )  # fmt: skip


def _given(compilation: Compilation, setting: str) -> bool:
    """Whether the spec or ``--set`` says a setting."""
    return compilation.training.resolved.get(setting, (None, "default"))[1] != "default"


def _count_of(compilation: Compilation) -> int | None:
    return compilation.training.device.count if _given(compilation, "device.count") else None


def _strategy(compilation: Compilation, text: str | None) -> Strategy | None:
    from dsl.planning.strategy import BadStrategy, strategy_of

    if text == "auto" or (text is None and not _given(compilation, "device.strategy")):
        return None
    try:
        return strategy_of(compilation.training.device.strategy if text is None else text)
    except BadStrategy as error:
        raise ToolError(f"--strategy: {error}; {error.help}") from None


def _recompute(compilation: Compilation, names: tuple[str, ...]) -> tuple[str, ...] | None:
    from dsl.diagnostics.suggest import nearest
    from dsl.planning.outline import block_names

    if not names:
        return compilation.training.device.recompute or None
    if names == ("none",):
        return ()
    assert compilation.model is not None
    known = block_names(compilation.model)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            listed = f"there are {', '.join(known)}" if known else "the model has no blocks"
            help = f"did you mean `{near[0]}`?" if near else listed
            raise ToolError(f"--recompute: there is no block `{name}`; {help}")
    return names


def _check_strategy(planner: Planner) -> None:
    strategy, outline = planner.ask.strategy, planner.outline
    if strategy is None:
        return
    if strategy.tensor > 1 and not outline.sums:
        raise ToolError(
            f"--strategy: `tp={strategy.tensor}` shares attention and linear layers of repeated "
            f"blocks, and {planner.model.name} has none; `fsdp` shares any model"
        )
    if strategy.pipeline > max(outline.rounds, 1):
        raise ToolError(
            f"--strategy: `pp={strategy.pipeline}` needs as many repeated blocks, and "
            f"{planner.model.name} has {outline.rounds}"
        )


def _length(
    planner: Planner, compilation: Compilation, asked: dict[str, Any]
) -> tuple[int | None, int | None]:
    """Samples or steps of the run."""
    tokens, samples, epochs = asked["tokens"], asked["samples"], asked["epochs"]
    if tokens and samples:
        raise ToolError("--tokens and --samples both say how long the run is; leave one out")
    if tokens:
        each = planner.outline.tokens
        if not each:
            raise ToolError(
                f"--tokens counts positions of whole-number inputs, and {planner.model.name} has "
                "none; --samples says how long the run is"
            )
        samples = -(-tokens // each)
    if epochs and not samples:
        raise ToolError("--epochs needs to know how many samples an epoch has: add --samples N")
    if samples:
        return samples * (epochs or 1), None
    return None, compilation.training.train.steps


def rows_of(planner: Planner, count: int | None, wanted: int | None, most: int) -> list[Row]:
    """The table, or the row of one count.

    Raises:
        ToolError: The count cannot be used.
    """
    if count is None:
        also = (wanted,) if wanted else ()
        rows = planner.table(also, most)
        if not rows:
            raise ToolError(f"--most {most}: {_unusable(planner, most)}")
        return rows
    row = planner.best(count)
    if row is None:
        raise ToolError(f"--count {count}: {_unusable(planner, count)}")
    return [row]


def _unusable(planner: Planner, count: int) -> str:
    strategy, batch = planner.ask.strategy, planner.ask.batch
    if strategy is not None and count % strategy.devices:
        return (
            f"`{strategy.name}` needs a multiple of {strategy.devices} devices; "
            f"{max(count // strategy.devices, 1) * strategy.devices} would do"
        )
    return f"a batch of {batch} leaves devices without a sample; {batch} of them are the most"


def _show(planner: Planner, rows: list[Row], wanted: int | None, as_json: bool) -> None:
    from dsl.planning.table import plain, record

    if as_json:
        import json

        click.echo(json.dumps(record(planner, rows, wanted), indent=2))
    else:
        click.echo(plain(planner, rows, wanted), nl=False)
