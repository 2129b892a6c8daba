"""Safetensors files: the length of a header, the header in JSON, and the bytes of the tensors.

Format: https://github.com/huggingface/safetensors, "Format". Nothing in it can be executed.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

DTYPES = {
    "F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"), "I32": np.dtype("<i4"), "I16": np.dtype("<i2"), "I8": np.dtype("i1"),
    "U8": np.dtype("u1"), "BOOL": np.dtype("?"),
}  # fmt: skip
"""The types that NumPy has, by their names in the header."""

HEADER_LIMIT = 100_000_000
"""The longest header that the format allows, in bytes."""

LENGTH = 8
"""Bytes of the length of the header."""


class Malformed(ValueError):
    """Bytes that are no such file, or hold what NumPy has no type for."""


def decode(data: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """The tensors of a file by name, and its notes.

    Raises:
        Malformed: It is no safetensors file.
    """
    length = int.from_bytes(data[:LENGTH], "little")
    if len(data) < LENGTH or length > min(HEADER_LIMIT, len(data) - LENGTH):
        raise Malformed("it is no safetensors file: the header is longer than the file")
    try:
        header = json.loads(data[LENGTH : LENGTH + length])
    except (ValueError, RecursionError):
        raise Malformed("it is no safetensors file: the header is no JSON") from None
    if not isinstance(header, dict):
        raise Malformed("it is no safetensors file: the header is no object")
    notes = header.pop("__metadata__", {})
    body = data[LENGTH + length :]
    return {name: _tensor(name, entry, body) for name, entry in header.items()}, dict(notes)


def _tensor(name: str, entry: Any, body: bytes) -> Any:
    try:
        kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        sizes = tuple(int(size) for size in shape)
    except (TypeError, KeyError, ValueError):
        raise Malformed(f"the header says too little of {name}") from None
    if kind not in DTYPES:
        raise Malformed(f"{name} is of type {kind}, and only {', '.join(DTYPES)} are known")
    dtype, count = DTYPES[kind], 1
    for size in sizes:
        count *= size
    fits = 0 <= start <= stop <= len(body) and stop - start == count * dtype.itemsize
    if min(sizes, default=0) < 0 or not fits:
        raise Malformed(f"{name} does not lie where the header says")
    return np.frombuffer(body, dtype, count, start).reshape(sizes)


def encode(arrays: dict[str, Any], notes: dict[str, str]) -> bytes:
    """A file of some arrays by name, with notes."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": notes} if notes else {}
    parts, place = [], 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array).tobytes()
        stop = place + len(part)
        header[name] = {
            "dtype": names[np.asarray(array).dtype.newbyteorder("<")],
            "shape": list(np.shape(array)),
            "data_offsets": [place, stop],
        }
        parts.append(part)
        place = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH)
    return len(text).to_bytes(LENGTH, "little") + text + b"".join(parts)
