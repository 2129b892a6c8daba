"""``msl choose``: candidates held against a task, a device and limits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dsl.cli.candidates import compilation_called
from dsl.cli.devices import device_called
from dsl.cli.files import ToolError
from dsl.cli.findings import show_findings
from dsl.cli.fit import read_subject
from dsl.cli.options import BACKENDS, compilation_of

if TYPE_CHECKING:
    from dsl.choosing.limits import Limits
    from dsl.choosing.needs import Candidate, Run
    from dsl.choosing.subject import Subject
    from dsl.choosing.task import Task
    from dsl.compilation import Compilation
    from dsl.devices.device import Device

QUALIFIES, NOTHING, MISUSE = 0, 3, 2


@click.command()
@click.argument("candidates", nargs=-1, required=True)
@click.option("--on", "device", required=True, metavar="DEVICE", help="Where (msl devices).")
@click.option("--task", metavar="FILE", help="A spec whose loss, data and training are the task.")
@click.option("--data", metavar="PATH", help="The data, where no spec names it.")
@click.option("--samples", type=click.IntRange(1), metavar="N", help="Samples of an epoch.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="Instead of the spec's.")
@click.option("--within", metavar="TIME", help="Of the whole training: 2h, 90min.")
@click.option("--max-memory", metavar="SIZE", help="Of the device's memory: 8GiB.")
@click.option("--max-params", metavar="COUNT", help="Trainable values: 25M.")
@click.option(
    "--price",
    type=click.FloatRange(0, min_open=True),
    metavar="DOLLARS",
    help="An hour of the device; without it the range that `msl devices show` has.",
)
@click.option(
    "--budget-money",
    type=click.FloatRange(0, min_open=True),
    metavar="DOLLARS",
    help="Of the whole training.",
)
@click.option(
    "--rank-by",
    type=click.Choice(("time", "cost")),
    default="time",
    show_default=True,
    help="What the ranking is by.",
)
@click.option("--probe", is_flag=True, help="Train the candidates briefly on the data.")
@click.option(
    "--probe-time", default="10min", show_default=True, metavar="TIME", help="For all of the probe."
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    metavar="N",
    help="Runs of each candidate in each rung of the probe.",
)
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="torch",
    show_default=True,
    help="What the probe runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")  # fmt: skip
def command(candidates: tuple[str, ...], device: str, as_json: bool, **asked: Any) -> int:
    """Hold CANDIDATES against a task, a device and limits, and say which to take.

    A candidate is a file, FILE:Model, or a name of the zoo. Accuracy is never guessed: it is
    published, or measured by --probe (successive halving), or unknown.

    Exits with 0 where something qualifies, 3 where nothing does, 2 on misuse.
    """
    place = device_called(device)
    limits = _limits(asked)
    if limits is None:
        return MISUSE
    task_spec = compilation_of(asked["task"]) if asked["task"] else None
    if task_spec is not None and read_subject(asked["task"], task_spec) is None:
        return MISUSE
    subjects = _subjects(candidates, task_spec, asked)
    if subjects is None:
        return MISUSE
    task = _task(subjects, task_spec, asked["data"])
    return _choose(subjects, task, _run(place, asked), limits, as_json, asked)


def _choose(
    subjects: Sequence[Subject], task: Task | None, run: Run, limits: Limits, as_json: bool,
    asked: dict[str, Any],
) -> int:  # fmt: skip
    from dsl.choosing.baseline import baseline
    from dsl.choosing.choose_text import report_of
    from dsl.choosing.needs import candidate

    found = [candidate(subject, task, run) for subject in subjects]
    rungs = _probe(found, asked) if asked["probe"] else []
    base = baseline(task) if task is not None else None
    report = report_of(task, run, limits, found, asked["rank_by"], base, rungs)
    _print(report, as_json)
    good = any(place.answer in ("yes", "maybe") for place in report.places)
    return QUALIFIES if good else NOTHING


def _probe(found: Sequence[Candidate], asked: dict[str, Any]) -> list[Any]:
    from dsl.cli.probing import probe

    limit = _amount("--probe-time", asked["probe_time"], "s")
    if limit is None:
        raise ToolError("--probe-time is not a time")
    data = os.path.abspath(asked["data"]) if asked["data"] else _data_path(found, asked["task"])
    compilations = {one.name: one.subject.compilation for one in found}
    return probe(compilations, asked["backend"], data, limit, asked["seeds"])


def _data_path(found: Sequence[Candidate], task: str | None) -> str:
    """Where the task's data is, since scripts of the probe lie in a folder of their own."""
    plan = found[0].subject.training.data
    path = getattr(plan.kind, "path", "") if plan is not None else ""
    home = task or found[0].subject.compilation.path
    return os.path.abspath(os.path.join(os.path.dirname(home), path)) if path else ""


def _subjects(
    words: tuple[str, ...], task: Compilation | None, asked: dict[str, Any]
) -> list[Subject] | None:
    """The candidates with the task's sections; None where one has mistakes, which are shown."""
    from dsl.choosing.compose import composed

    classes = _classes(task, asked)
    found: list[Subject] = []
    for word in dict.fromkeys(words):
        compilation = composed(compilation_called(word), task, classes)
        subject = read_subject(word, compilation, True)
        if subject is None:
            return None
        found.append(subject)
    if len(words) > len(found):
        repeated = next(word for word in words if words.count(word) > 1)
        raise ToolError(f"the candidate {repeated} is given twice")
    return found


def _classes(task: Compilation | None, asked: dict[str, Any]) -> int | None:
    """How many classes the data has, if it says."""
    from dsl.choosing.task import BadData, task_of_path, task_of_plan

    try:
        if asked["data"]:
            return task_of_path(asked["data"]).classes
        if task is not None:
            found = task_of_plan(task.training, os.path.dirname(task.path))
            return found.classes if found else None
    except BadData as error:
        raise ToolError(str(error)) from None
    return None


def _task(
    subjects: Sequence[Subject], task: Compilation | None, data: str | None
) -> Task | None:  # fmt: skip
    """What there is to learn from: of --data, the task's spec, or the first candidate's."""
    from dsl.choosing.task import BadData, task_of_path, task_of_plan

    try:
        if data:
            return task_of_path(data)
        if task is not None:
            return task_of_plan(task.training, os.path.dirname(task.path))
        plans = (
            task_of_plan(one.training, os.path.dirname(one.compilation.path)) for one in subjects
        )
        return next((plan for plan in plans if plan is not None), None)
    except BadData as error:
        raise ToolError(str(error)) from None


def _run(device: Device, asked: dict[str, Any]) -> Run:
    from dsl.choosing.needs import Run

    price, by = None, ""
    if asked["price"]:
        price, by = (asked["price"], asked["price"]), "your own"
    elif device.price is not None:
        price = (device.price.low, device.price.high)
        by = f"{device.price.source}, {device.price.date}".rstrip(", ")
    if asked["budget_money"] and price is None:
        raise ToolError(f"no price of {device.name} is known: give --price DOLLARS an hour")
    return Run(device, asked["samples"], asked["epochs"], price, by)


# --- limits -----------------------------------------------------------------------------------


def _limits(asked: dict[str, Any]) -> Limits | None:
    """The limits; None where a text is none, which is shown."""
    from dsl.choosing.limits import Limits

    given = (("--within", "within", "s"), ("--max-memory", "max_memory", "B"),
             ("--max-params", "max_params", ""))  # fmt: skip
    values: list[float | None] = []
    for option, name, unit in given:
        text = asked[name]
        value = None if text is None else _amount(option, text, unit)
        if text is not None and value is None:
            return None
        values.append(value)
    return Limits(values[0], values[1], values[2], asked["budget_money"])


def _amount(option: str, text: str, unit: str) -> float | None:
    """A number as the language writes it; None after it was shown what is wrong with it.

    Raises:
        ToolError: It is of another unit, or not above 0.
    """
    from dsl.diagnostics.model import Reporter
    from dsl.source import Source
    from dsl.syntax import ast
    from dsl.syntax.parser import parse_value

    reporter = Reporter()
    value = parse_value(Source(option, text), reporter)
    if reporter.failed:
        show_findings(reporter.diagnostics, err=True)
        return None
    if isinstance(value, ast.Number) and value.unit == unit and value.value > 0:
        return float(value.value)
    wanted = {"s": "a time such as 2h", "B": "an amount such as 8GiB", "": "a count such as 25M"}
    raise ToolError(f"{option} takes {wanted[unit]}, not `{text}`")


def _print(report: Any, as_json: bool) -> None:
    from dsl.choosing.choose_text import report_lines, report_record

    if as_json:
        import json

        click.echo(json.dumps(report_record(report), indent=2))
    else:
        click.echo("\n".join(report_lines(report)))
