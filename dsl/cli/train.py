"""``msl train``: compile into a run folder and run what was compiled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import click

from dsl.cli.compile import code_of, save
from dsl.cli.files import ToolError, is_stdin, reason
from dsl.cli.options import backend_option, compilation_of, spec_options

PACKAGES = {"torch": ("torch", "numpy"), "tensorflow": ("tensorflow", "keras", "numpy")}
"""What the scripts of a backend import."""


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("file")
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
@backend_option
@click.option("--out", metavar="FOLDER", help="The run folder (runs/<name>-<backend>).")
@click.option("--epochs", type=click.IntRange(1), help="How long to train.")
@click.option("--steps", type=click.IntRange(1), help="The same in steps of the optimizer.")
@click.option("--batch", type=click.IntRange(1), help="Rows in a batch.")
@click.option("--seed", type=int, help="Of weights and order.")
@click.option("--device", help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--data", metavar="PATH", help="The data to train on.")
@click.option("--synthetic", is_flag=True, help="Train on random data.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the run folder.")
@click.option("--dry-run", is_flag=True, help="One step on random data, to see that all fits.")
@click.option("--force", is_flag=True, help="Overwrite a script in the run folder edited by hand.")
@spec_options
def command(
    file: str, rest: tuple[str, ...], backend: str, out: str | None, force: bool, model: str,
    define: tuple[tuple[str, str], ...], settings: tuple[tuple[str, str], ...],
    **flags: str | int | bool | None,
) -> int:  # fmt: skip
    """Compile FILE into a run folder and run it there; its output streams through.

    What stands after -- is handed to the generated script as it is.
    """
    require_packages(backend)
    compilation = compilation_of(file, model, define, settings)
    name = run_name(file, model)
    folder = out or os.path.join("runs", f"{name}-{backend}")
    script = os.path.join(folder, f"{name}_{backend}.py")
    text = code_of(compilation, backend, script)
    if text is None:
        return 1
    if compilation.training is None or not compilation.training.losses:
        raise ToolError(f"{file} has no `loss` section, so there is nothing to train")
    _make_folder(folder)
    save(text, script, file, force)
    return run([script, "--out", folder, *given(flags), *rest])


def require_packages(backend: str) -> None:
    """Refuses to begin where a package is missing that the script needs.

    Raises:
        ToolError: With the command that installs it.
    """
    from importlib.util import find_spec

    missing = [name for name in PACKAGES[backend] if find_spec(name) is None]
    if missing:
        raise ToolError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not installed: "
            f"pip install 'msl-lang[{backend}]'"
        )


def run_name(file: str, model: str) -> str:
    """The name of a run: that of the file, and of the model where one was asked for."""
    stem = "stdin" if is_stdin(file) else os.path.splitext(os.path.basename(file))[0]
    return f"{stem}-{model}" if model else stem


def given(flags: dict[str, str | int | bool | None]) -> list[str]:
    """The options that were given, as the script takes them."""
    words: list[str] = []
    for name, value in flags.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words += [option, str(value)]
    return words


def run(words: list[str]) -> int:
    """Runs a script with this Python; gives its exit code. Who ends the one ends the other."""
    sys.stdout.flush()
    process = subprocess.Popen([sys.executable, "-u", *words])
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        code = _wait(process)
    finally:
        signal.signal(signal.SIGTERM, before)
    return code if code >= 0 else 128 - code


def _wait(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the script got it too, and saves its checkpoint before it ends


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ToolError(f"cannot make the folder {folder}: {reason(error)}") from None
