"""Weights are data: a file that would have to be executed is refused, and nothing of it runs."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.converting.formats import read
from backends.converting.safetensors import Malformed
from tests.cli.conftest import NET, Msl, written


class Bomb:
    """What makes a folder as it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def bombs(mark: Path) -> dict[str, bytes]:
    """Files by suffix and kind."""
    old, new, npz = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"model": {"w": Bomb(mark)}}, new)
    torch.save({"model": {"w": Bomb(mark)}}, old, _use_new_zipfile_serialization=False)
    np.savez(npz, w=np.array([Bomb(mark)], dtype=object))
    bare = pickle.dumps(Bomb(mark))
    return {"zip.pt": new.getvalue(), "old.pt": old.getvalue(), "bare.pt": bare,
        "object.npz": npz.getvalue(), "bare.npz": bare, "bare.safetensors": bare}  # fmt: skip


@pytest.mark.parametrize("name", ["zip.pt", "old.pt", "bare.pt", "object.npz", "bare.npz",
    "bare.safetensors"])  # fmt: skip
def test_pickles_are_refused(msl: Msl, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "sprung"
    data = bombs(mark)[name]
    with pytest.raises(Malformed):
        read(data, os.path.splitext(name)[1])
    written(tmp_path, "net.msl", NET)
    (tmp_path / name).write_bytes(data)
    words = ("--spec", "net.msl", "--from", "torch", "--to", "torch", "-o", "out.safetensors")
    result = msl("convert", name, *words)
    assert result.exit_code == 2 and result.output.startswith("msl: ")
    assert sorted(os.listdir(tmp_path)) == sorted([name, "net.msl"])
