"""``msl convert``: move trained weights between the scripts of both backends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from dsl.cli.compile import code_of
from dsl.cli.files import ToolError, check_writable, reason, say, write_bytes
from dsl.cli.options import BACKENDS, compilation_of, spec_options
from dsl.cli.train import require_packages

if TYPE_CHECKING:
    from backends.converting.formats import Checkpoint
    from dsl.ir import Model

FORMATS = {".pt": "torch", ".npz": "tensorflow", ".safetensors": ""}
"""Suffixes of the files that are read and written, with the backend where only one has such."""


@click.command()
@click.argument("weights")
@click.option("--spec", "file", required=True, metavar="FILE", help="The spec that was trained.")
@click.option(
    "--from",
    "source",
    type=click.Choice(BACKENDS),
    help="Whose weights they are; told by .pt and .npz.",
)
@click.option(
    "--to", "target", type=click.Choice(BACKENDS), required=True, help="Whose weights they become."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write: .pt for PyTorch, .npz for TensorFlow, or .safetensors.",
)
@spec_options  # fmt: skip
def command(
    weights: str, file: str, source: str | None, target: str, output: str | None, model: str,
    define: tuple[tuple[str, str], ...], settings: tuple[tuple[str, str], ...],
) -> int:  # fmt: skip
    """Move the trained weights in WEIGHTS to the other framework, every number as it is.

    Reads and writes the checkpoints of generated scripts (best.pt, best.npz) and safetensors files,
    running statistics included; nothing that a file holds is executed. What it writes is for
    `evaluate`, `predict` and `generate`: --resume wants the optimizer's state, too.
    """
    suffix = _suffix(weights)
    source = source or FORMATS[suffix]
    if not source:
        raise click.UsageError("say with --from whose weights these are: torch or tensorflow")
    output = output or _output(weights, target)
    _require(source, suffix)
    _require(target, _suffix(output))
    check_writable(output, (file,))
    if os.path.exists(output) and os.path.exists(weights) and os.path.samefile(output, weights):
        raise ToolError(f"cannot write {output}: it holds the weights to convert")
    compilation = compilation_of(file, model, define, settings)
    text = code_of(compilation, "tensorflow", "-")
    if text is None:
        return 1
    assert compilation.model is not None
    found = _read(weights, suffix)
    converted = convert(compilation.model, text, file, found, (source, target), weights)
    from backends.converting.formats import Checkpoint, write

    write_bytes(output, write(Checkpoint(converted, found.notes), _suffix(output)))
    say(f"{len(converted)} arrays in {output}")
    return 0


def convert(
    model: Model, text: str, file: str, found: Checkpoint, way: tuple[str, str], name: str
) -> dict[str, Any]:
    """The arrays of a checkpoint for another backend.

    Args:
        model: The spec's model.
        text: Its TensorFlow code.
        file: Path of the spec.
        found: The checkpoint.
        way: From which backend to which.
        name: What to call the file in a complaint.

    Raises:
        ToolError: The weights are not those of the spec.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from backends.converting import convert as arrays

    shapes = _shapes(text, file) if "tensorflow" in way else {}
    try:
        if way[0] == "torch":
            weights, extras = arrays.from_torch(model, found)
        else:
            weights, extras = arrays.from_tensorflow(model, found, shapes)
    except arrays.Misfit as problem:
        raise ToolError(f"{name} does not hold the weights of {file}: {problem}") from None
    if way[1] == "torch":
        return arrays.to_torch(model, weights, extras)
    return arrays.to_tensorflow(model, weights, extras, shapes)


def _shapes(text: str, file: str) -> Any:
    """Names and shapes of the variables of the Keras model."""
    from tempfile import TemporaryDirectory

    from backends.tensorflow.runtime.shapes import variable_shapes
    from backends.verifying.importing import beside, imported

    folder = os.path.dirname(os.path.abspath(file))
    with TemporaryDirectory() as place, beside(folder):
        return variable_shapes(imported(text, place))


def _read(path: str, suffix: str) -> Checkpoint:
    from backends.converting.formats import read
    from backends.converting.safetensors import Malformed

    try:
        with open(path, "rb") as file:
            data = file.read()
        return read(data, suffix)
    except OSError as error:
        raise ToolError(f"cannot read {path}: {reason(error)}") from None
    except Malformed as problem:
        raise ToolError(f"cannot read {path}: {problem}") from None


def _suffix(path: str) -> str:
    """The format of a file.

    Raises:
        ToolError: It is none that is safe to read.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise ToolError(
            f"{path}: only {known} files are read and written, since none of them needs to be "
            "executed"
        )
    return suffix


def _output(weights: str, target: str) -> str:
    """Where to write unless told: beside the weights."""
    stem, suffix = os.path.splitext(weights)
    if suffix.lower() == ".safetensors":
        return f"{stem}_{target}{suffix}"
    return stem + next(own for own, backend in FORMATS.items() if backend == target)


def _require(backend: str, suffix: str) -> None:
    """Refuses a format that is another backend's, and a backend that is not installed.

    Raises:
        ToolError: With the cure.
    """
    if FORMATS[suffix] not in ("", backend):
        raise ToolError(f"{suffix} files are {FORMATS[suffix]}'s, not {backend}'s")
    if backend == "tensorflow" or suffix == ".pt":
        require_packages(backend)
