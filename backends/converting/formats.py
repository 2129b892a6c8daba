"""Checkpoints as generated scripts write them, and safetensors files, as named arrays."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from backends.converting.safetensors import Malformed, decode, encode

NOTES = "notes/json"
"""Where a script in TensorFlow keeps all that is no array."""

STATE = ("optimizer/", "random/")
"""What such a script keeps besides weights."""

OF_BACKEND = {"torch": (".pt", ".safetensors"), "tensorflow": (".npz", ".safetensors")}
"""The formats of each backend, its scripts' own first."""


_DAMAGED = (
    ValueError, OSError, EOFError, TypeError, AttributeError, RuntimeError, MemoryError, KeyError,
    OverflowError, SyntaxError,
)  # fmt: skip
"""What reading an archive raises where bytes of it are others; RuntimeError: it asks for more."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights with what a script needs besides them to predict.

    Attributes:
        arrays: By name, in the order and the layout of the file.
        notes: ``fitted`` (what the training rows taught) and ``settings`` of the run.
    """

    arrays: dict[str, Any]
    notes: dict[str, Any] = field(default_factory=dict)


def read(data: bytes, suffix: str) -> Checkpoint:
    """The checkpoint that a file holds.

    Args:
        data: The file.
        suffix: Its format.

    Raises:
        Malformed: It is not of that format, or holds what would have to be executed.
    """
    return _READERS[suffix](data)


def write(checkpoint: Checkpoint, suffix: str) -> bytes:
    """A file with a checkpoint.

    Args:
        checkpoint: What to write.
        suffix: The format.
    """
    return _WRITERS[suffix](checkpoint)


def _read_safetensors(data: bytes) -> Checkpoint:
    arrays, notes = decode(data)
    try:
        return Checkpoint(arrays, json.loads(notes.get("notes", "{}")))
    except (ValueError, TypeError):
        raise Malformed("its notes are no JSON") from None


def _write_safetensors(checkpoint: Checkpoint) -> bytes:
    notes = {"notes": json.dumps(checkpoint.notes)} if checkpoint.notes else {}
    return encode(checkpoint.arrays, notes)


def _read_npz(data: bytes) -> Checkpoint:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = dict(file)
        notes = json.loads(str(arrays.pop(NOTES, "{}")))
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error):
        raise Malformed("it is no .npz file of plain arrays") from None
    kept = {name: array for name, array in arrays.items() if not name.startswith(STATE)}
    return Checkpoint(kept, _notes(notes))


def _write_npz(checkpoint: Checkpoint) -> bytes:
    file = io.BytesIO()
    notes = {"fitted": {}, "settings": {}} | checkpoint.notes
    arrays = checkpoint.arrays | {NOTES: np.array(json.dumps(notes))}
    with zipfile.ZipFile(file, "w") as archive:  # not `savez`, of whose arguments a key may be one
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
    return file.getvalue()


def _read_pt(data: bytes) -> Checkpoint:
    state = import_module("backends.torch.runtime.checkpoint").read(data)
    if state is None:
        raise Malformed("it is no .pt file of plain tensors and values, which are all that is read")
    arrays, rest = state
    return Checkpoint(arrays, _notes(rest))


def _write_pt(checkpoint: Checkpoint) -> bytes:
    notes = {"fitted": {}, "settings": {}} | checkpoint.notes
    return import_module("backends.torch.runtime.checkpoint").write(checkpoint.arrays, notes)


def _notes(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("fitted", "settings") if name in found}


_READERS = {".safetensors": _read_safetensors, ".npz": _read_npz, ".pt": _read_pt}
_WRITERS = {".safetensors": _write_safetensors, ".npz": _write_npz, ".pt": _write_pt}
