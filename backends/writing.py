"""Writes the whole file of a backend: model, and training where the spec trains."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backends.lowering.comments import file_comment
from backends.lowering.modelcode import ModelCode
from backends.lowering.steps import Refused
from backends.pycode.render import draw, import_lines, tidy
from backends.scripting import ModelCode as ScriptCode
from backends.scripting import Origin
from dsl.diagnostics.model import Reporter
from dsl.ir import Model, walk
from dsl.training.plan import Training
from dsl.version import VERSION

LAYER_LIMIT = 100_000
"""Layers, the rounds of repeats counted, beyond which no code is written."""

ScriptContext = Callable[[Model, Training, ScriptCode, Origin], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class FileWriter:
    """A backend as a value.

    Attributes:
        name: ``torch`` or ``tensorflow``, also the extra that installs it.
        package: Where its templates lie.
        write_model: Gives the model's code.
        keys: Gives, for each MSL key that the framework spells otherwise, its spelling.
        context: Gives what the script's template is told.
        unused: Settings of the device that its scripts have nothing for, with the reason.
    """

    name: str
    package: str
    write_model: Callable[[Model], ModelCode]
    keys: Callable[[Model], dict[str, str]]
    context: ScriptContext
    unused: Mapping[str, str] = field(default_factory=dict)

    def emit(
        self, model: Model, training: Training, spec: str, place: str, reporter: Reporter
    ) -> str | None:
        """The text of a file, or None after a report of what the framework lacks.

        Args:
            model: With traced sizes.
            training: The training sections.
            spec: Path of the spec.
            place: Path of the file to be, "" where there is none.
            reporter: Is told what the framework cannot express.
        """
        layers = sum(visit.times for visit in walk(model.body.nodes))
        if layers > LAYER_LIMIT:
            reporter.report(
                "MSL602", f"the model has {layers:,} layers, and code is written for at most "
                f"{LAYER_LIMIT:,}", model.decl.name_span,
            )  # fmt: skip
            return None
        try:
            code = self.write_model(model)
        except Refused as problem:
            helps = (problem.help,) if problem.help else ()
            reporter.report(
                "MSL601", f"{self.name} cannot express this: {problem.reason}",
                problem.node.span, helps=helps,
            )  # fmt: skip
            return None
        imports = (*import_lines(code.text), *code.imports)
        script = ScriptCode(
            code.text,
            code.name,
            imports,
            self.keys(model),
            code.generation,
            code.remembers,
            code.cache,
            code.blocks,
        )
        self._tell_unused(training, reporter)
        summary = " ".join(file_comment(model.decl.span.source)[0])
        origin = _origin(spec, place, training, self.name, summary)
        text = draw(self.package, "script.py.jinja", self.context(model, training, script, origin))
        twice = _bound_twice(code.imports, text)
        if twice:
            reporter.report(
                "MSL601", f"the extern class `{twice}` has the name of something else in the file",
                model.decl.name_span, helps=("give the class another name",),
            )  # fmt: skip
            return None
        return tidy(text)

    def _tell_unused(self, training: Training, reporter: Reporter) -> None:
        """Warns of settings of the device that this backend has nothing for."""
        place = training.device.recompute_span
        if "recompute" in self.unused and place is not None:
            reporter.report(
                "MSL603", f"{self.name} code does not use `recompute`: {self.unused['recompute']}",
                place,
            )  # fmt: skip


def _bound_twice(imports: tuple[str, ...], text: str) -> str:
    """An imported name that the file itself gives to something else, "" if there is none."""
    names = {line.rpartition(" ")[2] for line in imports}
    return next((name for name in _BINDING.findall(text) if name in names), "")


_BINDING = re.compile(r"^(?:(?:def|class) )?(\w+)(?=[(:]| = )", re.MULTILINE)


def _origin(spec: str, place: str, training: Training, backend: str, summary: str) -> Origin:
    """What the header says, and where the data lies as seen from the file to be."""
    name = os.path.basename(spec) if spec and not spec.startswith("<") else "a spec"
    stem = os.path.splitext(os.path.basename(place))[0]
    stem = stem or f"{os.path.splitext(name)[0]}_{backend}".replace(" ", "_")
    path = getattr(training.data.kind, "path", None) if training.data else None
    if not path or not place or os.path.isabs(path):
        return Origin(name, VERSION, summary, stem, None)
    found = os.path.join(os.path.dirname(os.path.abspath(spec)), path)
    seen = os.path.relpath(found, os.path.dirname(os.path.abspath(place)))
    return Origin(name, VERSION, summary, stem, seen.replace(os.sep, "/"))
