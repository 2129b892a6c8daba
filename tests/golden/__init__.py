"""Generated files as they should be, byte for byte: any change of output shows as a difference."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from dsl.cli.main import cli

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BACKENDS = ("torch", "tensorflow")

SPECS = {
    "digits_cnn": "examples/digits_cnn.msl",
    "shakespeare": "examples/shakespeare.msl",
    "voters_two_tasks": "examples/voters_two_tasks.msl",
    "resnet_squeeze": "examples/resnet_squeeze.msl",
    "resnet50": "tests/specs/resnet50.msl",
    "gpt2": "tests/specs/gpt2.msl",
}
SPECS |= {
    name: f"tests/backends/specs/{name}.msl"
    for name in (
        "carried_sizes_nested",
        "choices_in_loops",
        "layer_arguments",
        "mixtures_that_differ",
        "optional_arguments",
        "recursive_unet",
        "repeat_carries_two_values",
        "rows_with_index",
        "same_block_other_ranks",
        "tie_variants",
        "when_shapes",
    )
}
"""Specs by the name of their golden files, ``<name>_<backend>.py``."""


def golden(name: str, backend: str) -> Path:
    """Where the golden file of a spec stands."""
    return HERE / f"{name}_{backend}.py"


def compile_golden(name: str, backend: str, *options: str) -> Result:
    """Runs ``msl compile`` on a spec, its golden file being the output.

    Args:
        name: A key of `SPECS`.
        backend: The framework.
        *options: ``--check``, or ``--force`` to write the file.
    """
    words = ["compile", str(ROOT / SPECS[name]), "--backend", backend]
    return CliRunner().invoke(cli, [*words, "-o", str(golden(name, backend)), *options])
