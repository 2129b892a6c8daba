"""One spec at other values: of a setting, a symbol, a parameter; each told and costed anew."""

from __future__ import annotations

from collections.abc import Mapping

from dsl.choosing.edits import edited, set_parameter, set_settings, set_symbol
from dsl.choosing.subject import Mistaken, Subject, subject_of
from dsl.compilation import Compilation, Options
from dsl.cost.estimate import Outlook
from dsl.devices.device import Device
from dsl.diagnostics.model import Edit
from dsl.diagnostics.suggest import nearest
from dsl.kinds.values import is_int
from dsl.record import Record
from dsl.shapes.trace import plain
from dsl.source import Source

BATCH = "batch"


class Unknown(LookupError):
    """Nothing of that name can be varied; the text says what can."""


class Change(Record):
    """A change of a spec.

    Attributes:
        settings: New values by section and setting, as the language writes them.
        symbols: New sizes.
        parameters: New values.
    """

    settings: Mapping[str, Mapping[str, str]] = {}
    symbols: Mapping[str, int] = {}
    parameters: Mapping[str, int] = {}

    def and_then(self, other: Change) -> Change:
        """Both changes; where they meet, the other counts."""
        words = {*self.settings, *other.settings}
        settings = {
            word: {**self.settings.get(word, {}), **other.settings.get(word, {})}
            for word in sorted(words)
        }
        return Change(
            settings, {**self.symbols, **other.symbols}, {**self.parameters, **other.parameters}
        )


def quantities(subject: Subject) -> dict[str, int]:
    """What of a spec may be varied, with the value it has: the batch, symbols, whole parameters."""
    found = {BATCH: subject.setup().batch}
    found |= dict(subject.model.symbols)
    values = {**_file_parameters(subject), **subject.model.args}
    found |= {name: int(plain(value)) for name, value in values.items() if is_int(plain(value))}
    return {name: value for name, value in found.items() if value > 0}


def _file_parameters(subject: Subject) -> dict[str, object]:
    from dsl.syntax import ast

    names = subject.compilation.plain.module.scope.names
    found = {}
    for item in subject.compilation.syntax.statements:
        if isinstance(item, ast.ParamDecl) and item.param.name in names:
            found[item.param.name] = names[item.param.name].value
    return found


def check_quantity(subject: Subject, name: str) -> None:
    """Holds a name against what may be varied.

    Raises:
        Unknown: It is none of that.
    """
    known = quantities(subject)
    if name not in known:
        near = nearest(name, known)
        help = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
        raise Unknown(f"`{name}` cannot be varied; {help}")


def change_of(subject: Subject, name: str, value: int) -> Change:
    """The change that gives a quantity a value.

    Raises:
        Unknown: It is none that may be varied.
    """
    check_quantity(subject, name)
    if name in subject.model.symbols:
        return Change(symbols={name: value})
    if name == BATCH:
        return Change(settings={"train": {"batch": str(value)}})
    return Change(parameters={name: value})


def changed_text(subject: Subject, change: Change) -> str | None:
    """The spec's text with a change; None where what it changes does not stand in this file."""
    compilation = subject.compilation
    file, model = compilation.syntax, subject.model
    edits: list[Edit] = []
    for word, values in change.settings.items():
        edits += set_settings(file, word, values)
    for name, value in change.symbols.items():
        found = set_symbol(file, model, name, str(value))
        if not found:
            return None
        edits += found
    for name, value in change.parameters.items():
        found = set_parameter(file, model, name, str(value))
        if not found:
            return None
        edits += found
    return edited(compilation.source, file, edits)


def changed(subject: Subject, change: Change) -> Subject | None:
    """The spec with a change, as it is then read; None where it cannot be made in this file.

    Raises:
        Mistaken: The changed spec has mistakes, such as a width that heads do not divide.
    """
    text = changed_text(subject, change)
    if text is None:
        return None
    before = subject.compilation
    options = before.options
    settings = {f"{word}.{key}" for word, values in change.settings.items() for key in values}
    fresh = Options(
        options.model,
        {key: value for key, value in options.define.items() if key not in change.parameters},
        {key: value for key, value in options.set.items() if key not in settings},
        options.needs_model,
    )
    source = Source(before.source.name, text)
    compilation = Compilation(source, fresh, before.loader, before.path)
    return subject_of(subject.name, compilation, subject.trained)


def at(subject: Subject, name: str, value: int) -> Subject | None:
    """The spec at a value of a quantity that is no batch; None where that is a mistake.

    A parameter that an imported model declares is given as the option ``-D`` gives it.
    """
    try:
        found = changed(subject, change_of(subject, name, value))
        if found is not None or name in subject.model.symbols:
            return found
        before = subject.compilation
        options = before.options.replace(define={**before.options.define, name: str(value)})
        again = Compilation(before.source, options, before.loader, before.path)
        return subject_of(subject.name, again, subject.trained)
    except Mistaken:
        return None


def outlook_at(subject: Subject, device: Device, name: str, value: int) -> Outlook | None:
    """What a spec takes at a value of a quantity; None where that value is a mistake."""
    if name == BATCH:
        return subject.outlook(device, value)
    found = at(subject, name, value)
    return None if found is None else found.outlook(device)
