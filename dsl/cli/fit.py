"""``msl fit``: how large it may be on a device, or what to change so that it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dsl.cli.devices import device_called
from dsl.cli.files import ToolError, check_writable, is_stdin, write_text
from dsl.cli.findings import show_findings
from dsl.cli.options import Pairs, compilation_of, spec_options

if TYPE_CHECKING:
    from dsl.choosing.fitting import Fit
    from dsl.choosing.remedies import Remedy
    from dsl.choosing.subject import Subject
    from dsl.cost.estimate import Outlook
    from dsl.devices.device import Device

FITS, DOES_NOT_FIT = 0, 3
PRECISIONS = ("float32", "bfloat16", "float16")


@click.command()
@click.argument("file")
@click.option("--on", "device", required=True, metavar="DEVICE", help="Where (msl devices).")
@click.option(
    "--vary",
    default="batch",
    show_default=True,
    metavar="NAME",
    help="What may grow: batch, a symbol such as time, or a parameter such as width.",
)
@click.option(
    "--keep",
    type=Pairs(),
    multiple=True,
    metavar="NAME=VALUE",
    help="What must have this value, such as batch=256 (repeatable).",
)
@click.option("--precision", type=click.Choice(PRECISIONS), help="Instead of the spec's.")
@click.option(
    "--training/--inference",
    "trained",
    default=None,
    help="What to count; by default training where the spec has a loss.",
)
@click.option(
    "--apply", "number", type=click.IntRange(1), metavar="N", help="Write edit N into FILE."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@spec_options  # fmt: skip
def command(
    file: str, device: str, vary: str, keep: tuple[tuple[str, str], ...], precision: str | None,
    trained: bool | None, number: int | None, as_json: bool, model: str,
    define: tuple[tuple[str, str], ...], settings: tuple[tuple[str, str], ...],
) -> int:  # fmt: skip
    """Find how large FILE (- is standard input) may be on DEVICE, or what makes it fit.

    Memory is that of the rehearsed step, exact, and a calibrated interval for what the device
    needs on top: what fits does so at the interval's upper end, what is tight may. Where the spec
    as it is does not fit, edits that make it fit are shown as diffs, each costed anew.

    Exits with 0 where something fits, 3 where the kept values, or none at all, do.
    """
    from dsl.choosing.fitting import largest_fit
    from dsl.choosing.remedies import remedies
    from dsl.choosing.variation import Unknown

    if precision:
        settings = (*settings, ("device.precision", precision))
    place = device_called(device)
    compilation = compilation_of(file, model, define, settings)
    subject = read_subject(file, compilation, trained)
    if subject is None:
        return 1
    kept = _kept(subject, keep)
    if kept is None:
        return 1
    names = {name for name, _ in keep} | ({"precision"} if precision else set())
    try:
        fit = None if vary in names else largest_fit(kept, place, vary)
    except Unknown as error:
        raise ToolError(str(error)) from None
    now = kept.outlook(place)
    found = [] if now.fits == "fits" and number is None else remedies(kept, place, names)
    if number is not None:
        return _apply(file, found, number)
    if as_json:
        _print_json(subject, place, fit, now, found)
    else:
        _print_text(subject, place, fit, now, found)
    good = now.fits == "fits" or (fit is not None and fit.fits > 0 and not keep)
    return FITS if good else DOES_NOT_FIT


def read_subject(name: str, compilation: Any, trained: bool | None = None) -> Subject | None:
    """The model of a compilation, or None where its mistakes were shown."""
    from dsl.choosing.subject import Mistaken, subject_of

    try:
        return subject_of(name, compilation, trained)
    except Mistaken as error:
        show_findings(error.findings, err=True)
        return None


def _kept(subject: Subject, keep: tuple[tuple[str, str], ...]) -> Subject | None:
    """The spec with what is kept; None where that is a mistake, which is shown.

    Raises:
        ToolError: Nothing of a name can be kept, or its value is no whole number.
    """
    from dsl.choosing.subject import Mistaken
    from dsl.choosing.variation import Unknown, change_of, changed

    for name, text in keep:
        if not text.isdigit() or not int(text):
            raise ToolError(f"--keep {name}={text}: `{text}` is not a whole number above 0")
        try:
            found = changed(subject, change_of(subject, name, int(text)))
        except Unknown as error:
            raise ToolError(f"--keep {name}={text}: {error}") from None
        except Mistaken as error:
            show_findings(error.findings, err=True)
            return None
        if found is None:
            raise ToolError(f"--keep {name}={text}: `{name}` is not declared in this file")
        subject = found
    return subject


def _apply(file: str, found: list[Remedy], number: int) -> int:
    """Writes an edit.

    Raises:
        ToolError: There is no such edit, or the file cannot be written.
    """
    if not found:
        raise ToolError("there is no edit to apply: nothing that is known makes it fit")
    if number > len(found):
        raise ToolError(f"there is no edit {number}: they are numbered from 1 to {len(found)}")
    remedy = found[number - 1]
    if is_stdin(file):
        click.echo(remedy.text, nl=False)
        return FITS
    check_writable(file)
    write_text(file, remedy.text)
    click.echo(f"wrote {file}: {remedy.title}")
    return FITS


# --- text -------------------------------------------------------------------------------------


def _print_text(
    subject: Subject, device: Device, fit: Fit | None, now: Outlook, found: list[Remedy]
) -> None:
    from dsl.choosing.fit_text import fit_lines

    for line in fit_lines(subject, device, fit, now, found):
        click.echo(line)


def _print_json(
    subject: Subject, device: Device, fit: Fit | None, now: Outlook, found: list[Remedy]
) -> None:
    import json

    from dsl.choosing.fit_text import fit_record

    click.echo(json.dumps(fit_record(subject, device, fit, now, found), indent=2))
