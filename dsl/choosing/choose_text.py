"""What ``msl choose`` found, as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dsl.choosing.baseline import Baseline
from dsl.choosing.checks import checks
from dsl.choosing.choice import Place, places
from dsl.choosing.fit_text import outlook_record
from dsl.choosing.halving import Score
from dsl.choosing.limits import Limits
from dsl.choosing.needs import Candidate, Run
from dsl.choosing.task import Task
from dsl.cost.table import short
from dsl.cost.words import (
    columns,
    interval_record,
    money_range,
    size,
    size_range,
    time_range,
)
from dsl.record import Record

SCHEMA = 1


class Report(Record):
    """All that was found.

    Attributes:
        task: The data.
        run: How the training is meant to go.
        limits: What it may take.
        candidates: What each needs.
        places: Who qualifies, in order.
        baseline: What a table gives without a network.
        rungs: What a probe measured.
        by: What ranks are by.
    """

    task: Task | None
    run: Run
    limits: Limits
    candidates: tuple[Candidate, ...]
    places: tuple[Place, ...]
    baseline: Baseline | None
    rungs: tuple[tuple[Score, ...], ...]
    by: str


def report_of(
    task: Task | None, run: Run, limits: Limits, candidates: Sequence[Candidate], by: str,
    baseline: Baseline | None, rungs: Sequence[Sequence[Score]],
) -> Report:  # fmt: skip
    """Puts a report together."""
    found = tuple(places(candidates, limits, by))
    ladder = tuple(tuple(rung) for rung in rungs)
    return Report(task, run, limits, tuple(candidates), found, baseline, ladder, by)


# --- text -------------------------------------------------------------------------------------


def report_lines(report: Report) -> Iterator[str]:
    """The five steps, line by line."""
    yield "1. The task"
    yield from _task_lines(report)
    yield "\n2. What the candidates are good at"
    yield from _evidence_lines(report)
    yield f"\n3. What they need on {report.run.device.name}"
    yield from _need_lines(report)
    yield "\n4. The choice"
    yield from _choice_lines(report)
    yield "\n5. What to do next"
    yield from _advice_lines(report)


def _task_lines(report: Report) -> Iterator[str]:
    task = report.task
    if task is None:
        if report.run.samples is None:
            yield "  no data is named: give --task FILE, --data PATH or --samples N"
    else:
        what = "bytes" if task.source == "Text" else "rows"
        rows = "not known" if task.rows is None else f"{task.rows:,} {what} (exact)"
        yield f"  {task.source} {task.path}".rstrip() + f": {rows}, {task.share:.0%} to train on"
        if task.classes:
            yield (
                f"  {task.classes} classes in `{task.target}`"
                if task.target
                else (f"  {task.classes} classes")
            )
        if task.note:
            yield f"  {task.note}"
    if report.run.samples is not None:
        yield f"  {report.run.samples:,} samples an epoch, as you say"
    base = report.baseline
    if base is not None:
        linear = "" if base.linear is None else f", a linear model {base.linear:.1%}"
        yield (
            f"  to beat: the most common class {base.majority:.1%}{linear} "
            f"(measured on {base.rows:,} rows)"
        )
        yield "  on tables trees such as gradient boosting are often better than networks: run one"


def _evidence_lines(report: Report) -> Iterator[str]:
    measured = {score.name: score for rung in report.rungs for score in rung}
    for one in report.candidates:
        score = measured.get(one.name)
        if score is not None and score.values:
            yield (
                f"  {one.name}: measured, {score.figure} {score.mid:.4g} +-{score.spread:.2g} over "
                f"{len(score.values)} seeds after {score.steps:,} steps on your data"
            )
        elif score is not None:
            yield f"  {one.name}: not measured: {score.failure}"
        if one.evidence.level == "published":
            known = one.evidence
            yield f"  {one.name}: published, {known.value} {known.figure} ({known.source})"
        elif score is None:
            yield f"  {one.name}: no evidence; --probe measures it on your data"
    if any(one.evidence.level == "published" for one in report.candidates):
        yield "  figures on ImageNet carry over to photographs (arXiv:1805.08974), not to X-rays"
        yield "  and other kinds of pictures (arXiv:2301.04644), and only with pretrained weights"


def _need_lines(report: Report) -> Iterator[str]:
    head = ("", "params", "FLOPs train", "live", "on device", "largest batch", "epoch", "training",
            "money")  # fmt: skip
    rows = [head, *(_need_row(one) for one in report.candidates)]
    yield from columns(rows, "<" + ">" * len(head))
    yield "  params, FLOPs (a sample) and live tensors exact; ranges of the rest calibrated"
    for one in report.candidates:
        if one.outlook.setup.batch != one.wanted:
            batch = one.outlook.setup.batch
            yield f"  {one.name}: at batch {batch}, since {one.wanted} does not fit"
        for words in one.subject.assumed:
            yield f"  {one.name}: assumed, {words}"
    price = report.run.price
    if price is not None:
        between = f"{price[0]:g}" if price[0] == price[1] else f"{price[0]:g}-{price[1]:g}"
        yield f"  money at ${between} an hour ({report.run.priced_by})"
    for one in report.candidates:
        for check in checks(one, report.task):
            mark = {"ok": "ok  ", "note": "note", "warn": "WARN"}[check.state]
            yield f"  {mark} {one.name}: {check.name}: {check.text}"


def _need_row(one: Candidate) -> tuple[str, ...]:
    outlook = one.outlook
    assert outlook.needed is not None
    fit = one.fit
    most = f"{fit.fits:,}" + (f" ({fit.tight:,} tight)" if fit.tight > fit.fits else "")
    step = outlook.cost.train_step if outlook.setup.training else outlook.cost.flops
    return (
        one.name, f"{one.params:,}", f"{short(step // outlook.cost.batch)}",
        size(outlook.memory.live_peak), size_range(outlook.needed), most,
        time_range(one.epoch) if one.epoch else "-",
        time_range(one.whole) if one.whole else "-",
        money_range(one.money) if one.money else "-",
    )  # fmt: skip


def _choice_lines(report: Report) -> Iterator[str]:
    words = {"yes": "qualifies", "maybe": "may qualify", "no": "fails", "unknown": "not known"}
    for place in report.places:
        tie = f", tie with {', '.join(place.tied)}" if place.tied else ""
        rank = f"{place.rank}. " if place.rank else "-  "
        yield f"  {rank}{place.candidate.name}: {words[place.answer]}{tie}"
        for one in place.judgements:
            margin = "" if one.margin is None else f", margin {one.margin:+.0%}"
            binds = " <- binding" if place.binding is one and len(place.judgements) > 1 else ""
            yield f"       {one.name}: {one.answer}, {one.text}{margin}{binds}"
        if place.beaten_by:
            yield f"       dominated by {place.beaten_by}: only better accuracy could justify it"
        elif len(report.places) > 1:
            yield "       on the Pareto front of time, memory, parameters and known accuracy"
    yield f"  ranked by predicted {report.by}; what lies within the error of that ties"


def _advice_lines(report: Report) -> Iterator[str]:
    good = [place for place in report.places if place.rank is not None]
    name = report.run.device.name
    if not good:
        yield "  nothing qualifies; the limit in the way of each is marked binding"
        for place in report.places:
            if place.judgements[0].answer != "yes":
                yield f"  msl fit {place.candidate.name} --on {name} shows edits that make it fit"
        return
    first = good[0].candidate
    if good[0].tied:
        yield f"  {first.name} and {', '.join(good[0].tied)} cannot be told apart by cost:"
        yield "  choose by accuracy on your data: --probe"
    else:
        yield f"  take {first.name} if cost decides; --probe measures accuracy on your data"
    yield from _accurate(good, report)
    if first.fit.fits > first.outlook.setup.batch:
        yield f"  its batch may grow to {first.fit.fits:,} on {name}; scale the learning rate along"
    if first.epoch and report.limits.seconds:
        most = int(report.limits.seconds // first.epoch.high)
        yield f"  {most:,} epochs surely fit into the time"
    if first.outlook.setup.precision == "float32" and report.run.device.native("bfloat16"):
        yield "  device { precision = bfloat16 } is quicker on this device"


def _accurate(good: list[Place], report: Report) -> Iterator[str]:
    """Who of those that qualify is known to be the most accurate, and whether that is sure."""
    names = {place.candidate.name for place in good}
    last = {score.name: score for rung in report.rungs for score in rung if score.values}
    measured = [score for name, score in last.items() if name in names]
    steps = max((score.steps for score in measured), default=0)
    finalists = [score for score in measured if score.steps == steps]
    if finalists:
        best = max(finalists, key=lambda score: score.mid if score.rises else -score.mid)
        close = [
            other.name for other in finalists
            if other is not best and abs(other.mid - best.mid) <= other.spread + best.spread
        ]  # fmt: skip
        tie = f", tie with {', '.join(close)} over the seeds" if close else ""
        yield f"  measured on your data, {best.name} is the best after {steps:,} steps{tie}"
        return
    known = [place.candidate for place in good if place.candidate.evidence.value is not None]
    if len(known) > 1:
        top = max(known, key=lambda one: one.evidence.value or 0.0)
        yield f"  of published accuracies, {top.name} has the best ({top.evidence.value} %)"


# --- plain data -------------------------------------------------------------------------------


def report_record(report: Report) -> dict[str, Any]:
    """The report as ``--json`` prints it: bytes, seconds, US dollars."""
    by_name = {place.candidate.name: place for place in report.places}
    return {
        "schema": SCHEMA,
        "task": report.task and _plain(report.task),
        "baseline": report.baseline and {**_plain(report.baseline), "basis": "measured"},
        "device": {"name": report.run.device.name, "memory": report.run.device.memory},
        "price": {"dollars_an_hour": report.run.price, "source": report.run.priced_by},
        "limits": _plain(report.limits),
        "ranked_by": report.by,
        "candidates": [_candidate_record(place, report) for place in report.places],
        "order": list(by_name),
        "probe": [[_score_record(score) for score in rung] for rung in report.rungs],
    }


def _plain(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).FIELDS}


def _score_record(score: Score) -> dict[str, Any]:
    return {**_plain(score), "mean": score.mid if score.values else None, "spread": score.spread}


def _candidate_record(place: Place, report: Report) -> dict[str, Any]:
    one = place.candidate
    cost = one.outlook.cost
    return {
        "name": one.name,
        "rank": place.rank,
        "qualifies": place.answer,
        "tied": list(place.tied),
        "dominated_by": place.beaten_by or None,
        "binding": place.binding.name if place.binding else None,
        "limits": [
            {
                "name": judgement.name, "answer": judgement.answer, "limit": judgement.limit,
                "taken": interval_record(judgement.taken), "margin": judgement.margin,
            }
            for judgement in place.judgements
        ],
        "evidence": _plain(one.evidence),
        "params": {"total": one.params, "basis": "exact"},
        "flops": {
            "forward": cost.flops // cost.batch, "train": cost.train_step // cost.batch,
            "basis": "exact", "of": "a sample",
        },
        **outlook_record(one.outlook),
        "largest_batch": {"fits": one.fit.fits, "tight": one.fit.tight},
        "samples": one.samples,
        "epochs": one.epochs,
        "epoch_seconds": interval_record(one.epoch),
        "training_seconds": interval_record(one.whole),
        "dollars": interval_record(one.money),
        "checks": [_plain(check) for check in checks(one, report.task)],
        "assumed": list(one.subject.assumed),
    }  # fmt: skip
