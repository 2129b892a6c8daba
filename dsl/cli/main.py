"""The command ``msl``: finds a command's file, runs it, and turns what happens into an exit code.

Exit codes: 0 clean, 1 findings, 2 a wrong command line or a file that cannot be read or written,
70 a fault of MSL's own, 130 interrupted, 141 nobody reads the output any more.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from dsl.cli.files import ToolError

COMMANDS = {
    "check": "Find mistakes in specs: names, values, shapes, training settings.",
    "cost": "Count parameters, MACs and FLOPs, layer by layer.",
    "plan": "Plan a training on many devices: memory, time, money, how few suffice.",
    "fit": "Find how large a spec may be on a device, or what makes it fit.",
    "choose": "Hold candidates against a task, a device and limits.",
    "diff": "Show what differs between two specs, and what that costs.",
    "compile": "Write a spec as PyTorch or TensorFlow code.",
    "train": "Compile a spec into a run folder and run it.",
    "verify": "Check that PyTorch and TensorFlow code of a spec compute the same.",
    "convert": "Move trained weights between PyTorch and TensorFlow.",
    "show": "Show a spec as MSL understands it, every default included.",
    "explain": "Explain a finding, a layer or any other kind.",
    "fmt": "Format specs.",
    "devices": "List and show the devices that costs are estimated for.",
    "calibrate": "Measure this machine, so that costs can be estimated for it.",
    "fuzz": "Hold MSL to its laws on random specs.",
    "init": "Start a new spec from a template, or from a published architecture.",
    "zoo": "List and show published architectures to start from.",
}
"""Every command with its line of help; each lives in the module of its name."""

USAGE, INTERNAL, INTERRUPTED, UNREAD = 2, 70, 130, 141


class Unread(Exception):
    """Nobody reads the output any more."""


class Commands(click.Group):
    """The commands, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, from its module."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        return import_module(f"dsl.cli.{cmd_name}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; an unknown one gets a hint."""
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            from dsl.diagnostics.suggest import nearest

            near = nearest(name, COMMANDS)
            help = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command `{name}`; {help}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a closed pipe goes past Click, which would end with 1: findings."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise Unread from None

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Runs the command line; unless `standalone_mode` is off it ends the process."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        sys.exit(self._exit_code(*args, **extra))

    def _exit_code(self, *args: Any, **extra: Any) -> int:
        try:
            code = super().main(*args, standalone_mode=False, **extra)
            if sys.stdout is not None:
                sys.stdout.flush()
            return code if isinstance(code, int) else 0
        except click.ClickException as error:
            _show(error)
            return error.exit_code if isinstance(error, ToolError) else USAGE
        except (click.Abort, KeyboardInterrupt):
            click.echo("msl: interrupted", err=True)
            return INTERRUPTED
        except (Unread, BrokenPipeError):
            _give_up_stdout()
            return UNREAD
        except Exception as error:
            return _failed(error)


def _show(error: click.ClickException) -> None:
    """Prints what is wrong with a command line; what does not print is escaped."""
    error.message = _escaped(error.message)
    error.show()


def _escaped(text: str) -> str:
    """Lines in which what does not print is escaped."""
    from dsl.diagnostics.excerpt import printable

    return "\n".join(map(printable, text.split("\n")))


def _failed(error: Exception) -> int:
    """Reports an exception that no command foresees; gives the exit code."""
    if os.environ.get("MSL_DEBUG"):
        raise error
    if isinstance(error, OSError) and error.filename is None:  # not of opening: of writing
        _give_up_stdout()
        click.echo(f"msl: cannot write standard output: {error.strerror}", err=True)
        return USAGE
    click.echo(_escaped(report_fault(error)), err=True)
    return INTERNAL


def _give_up_stdout() -> None:
    """Keeps Python from writing to a closed pipe or a full disk once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report_fault(error: BaseException) -> str:
    """A few lines about a fault of MSL's own: what, and where in our code."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}, {code.co_name}"
        trace = trace.tb_next
    return (
        f"msl: a fault of MSL's own, not of your spec: {type(error).__name__}: {error} ({place})\n"
        "Please report it with the spec; MSL_DEBUG=1 shows the whole trace."
    )


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from dsl.version import VERSION

        click.echo(f"msl {VERSION}, language 1")
        ctx.exit()


@click.command(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, name="msl",
    epilog="Shell completion: eval \"$(_MSL_COMPLETE=bash_source msl)\" (or zsh_source, and for "
    "fish: _MSL_COMPLETE=fish_source msl | source).",
)  # fmt: skip
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Show the version and exit.",
)  # fmt: skip
def cli() -> None:
    """Write a neural network once; check it, cost it, compile it to PyTorch and TensorFlow."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """The entry point of the command ``msl``."""
    gc.disable()  # a command ends before collecting garbage would pay
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # no letter is worth a traceback
    cli.main(args=args, prog_name="msl")
    raise SystemExit(0)
