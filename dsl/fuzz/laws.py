"""What holds of every spec: laws for valid ones, and what the compiler owes to any text."""

from __future__ import annotations

import ast as python
from collections.abc import Sequence
from typing import Any

from dsl.compilation import Backend, Compilation
from dsl.cost.report import CostReport, estimate
from dsl.diagnostics.model import Diagnostic
from dsl.fuzz.choices import Choices, Seeded, shrink
from dsl.fuzz.machine import Refused
from dsl.fuzz.program import Program
from dsl.fuzz.specs import draw_program, flattened
from dsl.record import Record
from dsl.source import Source, decoded
from dsl.syntax.formatter import format_file

SECONDS = 5.0
"""How long a check of a text may take."""


class Breach(Record):
    """A law that a text breaks.

    Attributes:
        law: Which one, with what tells this breach from others of the same law.
        detail: What happened.
        text: The text.
    """

    law: str
    detail: str
    text: str


class Broken(Exception):
    """A law does not hold."""

    def __init__(self, law: str, detail: str = "") -> None:
        super().__init__(law)
        self.law, self.detail = law, detail


def draw(choices: Choices) -> Program | None:
    """A valid spec, or None where the decisions lead to none."""
    try:
        return draw_program(choices)
    except Refused:
        return None


def hold(program: Program, backends: Sequence[Backend] = ()) -> Breach | None:
    """Holds a spec that is valid by construction against every law that needs no framework.

    Args:
        program: The spec.
        backends: What writes it as code.

    Returns:
        The first law that it breaks.
    """
    text = str(program)
    try:
        compilation = compiled(text, "is valid")
        report = cost(compilation)
        _hold_layout(text, compilation)
        flat = cost(compiled(flattened(program), "is valid without blocks"))
        if report.params != flat.params:
            raise Broken("parameters add up", f"{report.params}, and {flat.params} without blocks")
        if report.macs != flat.macs:
            raise Broken("MACs add up", f"{report.macs}, and {flat.macs} without blocks")
        for backend in backends:
            _hold_code(compilation, backend)
    except Broken as broken:
        return Breach(broken.law, broken.detail, text)
    except Exception as error:
        return Breach(fault(error), str(error), text)
    return None


def compiled(text: str, law: str) -> Compilation:
    """The compilation of a text, which must be valid.

    Raises:
        Broken: It is not.
    """
    compilation = Compilation(Source("<fuzz>", text))
    for finding in compilation.diagnostics:
        if finding.is_error:
            raise Broken(f"{law}: {finding.rule.code}", finding.message)
    return compilation


def cost(compilation: Compilation) -> CostReport:
    """What a valid spec costs.

    Raises:
        Broken: There is no model.
    """
    if compilation.model is None:
        raise Broken("has a model")
    return estimate(compilation.model, 1)


def _hold_layout(text: str, compilation: Compilation) -> None:
    """Formatting keeps the meaning, and what is formatted stays."""
    formatted = format_file(compilation.syntax)
    again = compiled(formatted, "is valid when formatted")
    if format_file(again.syntax) != formatted:
        raise Broken("formatting twice changes nothing more", formatted)
    if again.syntax != compilation.syntax:
        raise Broken("formatting keeps the tree", formatted)


def _hold_tree(compilation: Compilation) -> None:
    """Formatting keeps the tree of whatever can be read, valid or not."""
    if any(finding.is_error for finding in compilation.unread):
        return
    formatted = format_file(compilation.syntax)
    again = Compilation(Source("<fuzz>", formatted))
    for finding in again.unread:
        if finding.is_error:
            raise Broken(f"can be read when formatted: {finding.rule.code}", formatted)
    if again.syntax != compilation.syntax:
        raise Broken("formatting keeps the tree", formatted)
    if format_file(again.syntax) != formatted:
        raise Broken("formatting twice changes nothing more", formatted)


def _hold_refusal(compilation: Compilation, backend: Backend) -> None:
    """Code is written and is Python, or an error says why there is none."""
    emitted = compilation.emit(backend)
    if emitted.text is not None:
        python.parse(emitted.text)
    elif not any(finding.is_error for finding in emitted.diagnostics):
        raise Broken(f"{backend.name}: no code, no error")


def _hold_code(compilation: Compilation, backend: Backend) -> None:
    """Code is written, and is Python."""
    emitted = compilation.emit(backend)
    if emitted.text is None:
        findings = [finding for finding in emitted.diagnostics if finding.is_error]
        told = findings[0].message if findings else "nothing told"
        raise Broken(f"{backend.name} code: {told[:60]}", told)
    python.parse(emitted.text)


def fault(error: BaseException) -> str:
    """An exception by its type and the place in our code where it arose."""
    import os

    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"never crashes: {type(error).__name__} at {place}"


def hold_bytes(data: bytes, backends: Sequence[Backend] = ()) -> Breach | None:
    """Holds any bytes against what the compiler owes them; those that are no UTF-8 are refused."""
    try:
        text = decoded(data, "<fuzz>").text
    except UnicodeDecodeError:
        return None
    return hold_text(text, backends)


def hold_text(text: str, backends: Sequence[Backend] = ()) -> Breach | None:
    """Holds any text, damaged or not, against what the compiler owes it.

    It ends in time and without an exception; where there is no model there is an error; each
    error points at a place of the text, unless the text is empty. Formatting keeps what can be
    read, and a valid model costs.

    Args:
        text: The text.
        backends: What writes it as code, if it is valid; they may refuse it with a reason.
    """
    from time import perf_counter

    from dsl.diagnostics.render import render

    begun = perf_counter()
    try:
        compilation = Compilation(Source("<fuzz>", text))
        findings = compilation.diagnostics
        render(findings, "text", False)
        errors = [finding for finding in findings if finding.is_error]
        if compilation.model is None and not errors:
            raise Broken("no model, no error")
        _hold_places(text, errors)
        _hold_tree(compilation)
        if not errors:
            cost(compilation)
            for backend in backends:
                _hold_refusal(compilation, backend)
    except Broken as broken:
        return Breach(broken.law, broken.detail, text)
    except Exception as error:
        return Breach(fault(error), str(error), text)
    if perf_counter() - begun > SECONDS:
        return Breach("ends in time", f"{perf_counter() - begun:.1f} s", text)
    return None


def _hold_places(text: str, errors: list[Diagnostic]) -> None:
    for finding in errors:
        if finding.primary is None and text.strip() and finding.rule.code != "MSL139":
            raise Broken(f"an error has a place: {finding.rule.code}", finding.message)


def smallest(seed: int, breach: Breach, backends: Sequence[Backend] = ()) -> Breach:
    """The smallest spec found that breaks the same law as the one that follows from a seed."""
    found: dict[str, Any] = {"breach": breach}

    def fails(choices: Choices) -> bool:
        program = draw(choices)
        broken = hold(program, backends) if program else None
        if broken is None or broken.law != breach.law:
            return False
        found["breach"] = broken
        return True

    choices = Seeded(seed)
    draw(choices)
    shrink(choices.taken, fails)
    return found["breach"]
