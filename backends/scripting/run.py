"""How a run is steered: its length, what is watched, flags of the command line, the header."""

from __future__ import annotations

from typing import Any

from backends.pycode.literals import literal, paragraph, prose, quote
from backends.scripting import Origin
from backends.scripting.counting import hides
from backends.scripting.sources import source_of
from dsl.ir import Model, walk
from dsl.shapes.dim import evaluate
from dsl.training.data import ImageFolder, Synthetic, Text
from dsl.training.plan import Training

ROUND = 1000
"""Steps between two evaluations at most, where the length of a run is given in steps."""


def run_context(
    training: Training, stem: str, data_path: str | None, ending: str
) -> dict[str, Any]:
    """Length, checkpoints, early stopping and flags.

    Args:
        training: The plan.
        stem: The script's name without its ending; runs go to ``runs/<stem>``.
        data_path: The data's path as seen from the script; None for the spec's own words.
        ending: Of the names of checkpoints.
    """
    settings = training.train
    validates = source_of(training).validation > 0
    steps, epochs = settings.steps, settings.epochs
    return {
        "validates": validates,
        "held_out": _held_out(training)[0],
        "held_out_doc": _held_out(training)[1],
        "every": ROUND if steps else 0,
        "accumulate": int(settings.accumulate),
        "keeps_best": settings.checkpoint in ("best", "all"),
        "keeps_all": settings.checkpoint == "all",
        "best": quote("val_loss" if validates else "loss"),
        "length": str(int(steps)) if steps else f"{epochs} * epoch_steps",
        "devices": int(training.device.count),
        "strategy": training.device.strategy,
        "data_path": _data_path(training, data_path),
        "predict_doc": _predict_doc(training),
        "defaults": _defaults(training),
        "flags": _flags(training, stem, ending),
        **_stopping(training, validates),
    }


def _held_out(training: Training) -> tuple[int, str]:
    """The part that `evaluate` and `predict` take, with its name: the last that is not empty."""
    source = source_of(training)
    if source.test > 0:
        return 2, "test"
    return (1, "validation") if source.validation > 0 else (0, "training")


def _predict_doc(training: Training) -> str:
    """What `predict` does, for its docstring: "Writes what a checkpoint ..."."""
    source = source_of(training)
    if isinstance(source, Text):
        hidden = "makes of hidden tokens in the last window of a text"
        return hidden if hides(training) else "expects after the end of a text"
    part = f"the {_held_out(training)[1]} rows"
    return (
        f"makes of {part}" if isinstance(source, Synthetic) else f"makes of new rows, or of {part}"
    )


def _data_path(training: Training, data_path: str | None) -> str:
    """The default of ``--data`` as Python text; "" where there is none."""
    given = data_path if data_path is not None else getattr(source_of(training), "path", "")
    return quote(str(given)) if given else ""


def _stopping(training: Training, validates: bool) -> dict[str, Any]:
    kind = training.early_stopping
    if kind is None:
        return {"stopping": None, "monitors_training": []}
    monitor = str(kind.monitor)
    if monitor == "val_loss" and not validates:
        monitor = "loss"
    metric = monitor.removeprefix("val_")
    most = training.stopping_mode == "max"
    margin = f" {'+' if most else '-'} {literal(kind.min_delta)}" if kind.min_delta else ""
    return {
        "stopping": {
            "monitor": quote(monitor),
            "patience": int(kind.patience),
            "better": f'{">" if most else "<"} run["watched"]{margin}',
            "worst": "-math.inf" if most else "math.inf",
        },
        "monitors_training": [quote(metric)] if monitor == metric and metric != "loss" else [],
    }


def _defaults(training: Training) -> list[dict[str, str]]:
    """Settings that a checkpoint remembers, with the spec's values."""
    pairs = [("batch", literal(training.train.batch)), ("seed", literal(training.train.seed))]
    if not isinstance(source_of(training), Synthetic):
        data = "DATA" if training.data else "None"
        pairs = [("data", data), ("synthetic", "False"), *pairs]
    return [{"name": quote(name), "value": value} for name, value in pairs]


def _flags(training: Training, stem: str, ending: str) -> list[str]:
    """The arguments of ``add_argument``, one string each."""
    settings, device, source = training.train, training.device, source_of(training)
    what = "folder" if isinstance(source, ImageFolder) else "file"
    length = f"{settings.steps} steps" if settings.steps else f"{settings.epochs} epochs"
    held_out = _held_out(training)[1]
    flags = []
    if not isinstance(source, Synthetic):
        flags += [
            f'"--data", help="the {what} to train on, or to evaluate"',
            '"--synthetic", action="store_true", default=None, help="train on random data"',
            f'"--input", help="for predict: the {what} to read; the {held_out} part if not given"',
        ]
    flags += [
        f'"--out", default={quote("runs/" + stem)}, help="folder of checkpoints and metrics.csv"',
        f'"--checkpoint", help="for evaluate and predict: best.{ending} of --out if not given"',
        '"--output", help="file for figures (JSON) or predictions (CSV or NPZ)"',
        f'"--epochs", type=int, help="how long to train; {length} if not given"',
        '"--steps", type=int, help="the same in steps of the optimizer"',
        f'"--batch", type=int, help="rows in a batch; {int(settings.batch)} if not given"',
        f'"--seed", type=int, help="of weights and order; {int(settings.seed)} if not given"',
        f'"--device", default={quote(str(device.target))}, help="auto, cpu, cuda, cuda:1, mps"',
    ]
    if device.compile:
        flags.append('"--compile", action=argparse.BooleanOptionalAction, default=True')
    if device.count > 1:
        flags.append(f'"--devices", type=int, default={int(device.count)}')
    flags += [
        f'"--resume", action="store_true", help="go on from last.{ending} of --out"',
        '"--dry-run", action="store_true", help="one step on random data, to see that all fits"',
    ]
    return flags


def header(model: Model, origin: Origin, trains: bool, ending: str) -> dict[str, Any]:
    """What the docstring of the file says.

    Args:
        model: The model.
        origin: Where the file comes from.
        trains: Whether it holds more than the model.
        ending: Of the names of checkpoints.
    """
    stem = prose(origin.stem or "script")
    file = f"python {stem}.py"
    best = f"runs/{stem}/best.{ending}"
    usage = [
        file,
        f"{file} evaluate",
        f"{file} predict --checkpoint {best} --input FILE",
    ]
    return {
        "title": _title(model.name, origin.summary),
        "spec": prose(origin.spec),
        "version": origin.version,
        "size": size_line(model),
        "usage": usage if trains else [],
    }


def _title(name: str, summary: str) -> str:
    """The model's name with what the spec says at its top, in lines of a docstring."""
    mark = "." if ":" in summary.partition(". ")[0] or not summary else ":"
    text = prose(f"{name}{mark} {summary}".strip())
    return "\n".join(paragraph(text, 97))


def size_line(model: Model) -> str:
    """Parameters and multiply-accumulates: ``17,362 parameters | 323,584 MACs ...``."""
    count, macs = 0, 0
    for visit in walk(model.body.nodes):
        weights = sum(weight.count for weight in visit.node.weights if weight.trainable)
        count += visit.owners * weights
        types = tuple(value.type for value in visit.node.outputs)
        macs += visit.times * evaluate(
            visit.node.layer.macs(visit.node.types, types), model.symbols
        )
    at = ", ".join(f"{name} = {size:,}" for name, size in model.symbols.items())
    quoted = f" at {at}" if at else ""
    return f"{int(count):,} parameters | {int(macs):,} MACs forward per sample{quoted}"
