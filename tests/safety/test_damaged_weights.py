"""Files of weights that are cut or damaged are read or refused: nothing else comes of them."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest

from backends.converting.formats import Checkpoint, read, write
from backends.converting.safetensors import Malformed

WHOLE = Checkpoint({"a.weight": np.ones((3, 4), np.float32), "b": np.zeros((), np.int64)})
CHANGES = 1500


def packed() -> bytes:
    """A compressed archive, as others write them."""
    file = io.BytesIO()
    np.savez_compressed(file, a=np.ones((9, 9)), b=np.zeros(3))
    return file.getvalue()


FILES = [(".npz", write(WHOLE, ".npz")), (".npz", packed()),
    (".safetensors", write(WHOLE, ".safetensors"))]  # fmt: skip


@pytest.mark.parametrize("suffix, data", FILES, ids=["npz", "compressed", "safetensors"])
def test_cut_and_changed_files(suffix: str, data: bytes):
    draw = random.Random(0)
    for length in range(len(data)):
        with pytest.raises(Malformed):
            read(data[:length], suffix)
    for _ in range(CHANGES):
        place = draw.randrange(len(data))
        damaged = data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :]
        try:
            read(damaged, suffix)
        except Malformed:
            continue
