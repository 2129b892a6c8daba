"""``msl compile``: what is written, and what is never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsl.cli.output import is_stamped, is_untouched, stamp
from tests.cli.conftest import BROKEN, Msl, written

BACKENDS = ("torch", "tensorflow")


@pytest.mark.parametrize("backend", BACKENDS)
def test_writes_a_module(msl: Msl, net: Path, tmp_path: Path, backend: str) -> None:
    out = tmp_path / "net.py"
    result = msl("compile", net, "--backend", backend, "-o", out)
    assert (result.exit_code, result.output) == (0, "")
    text = out.read_text()
    compile(text, "net.py", "exec")
    assert "class Net" in text
    assert is_untouched(text)
    shown = msl("compile", net, "--backend", backend).stdout
    assert is_untouched(shown)
    assert not list(tmp_path.glob("*.tmp"))


def test_writes_again_what_it_wrote(msl: Msl, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.py"
    words = ("compile", net, "--backend", "torch", "-o", out)
    msl(*words)
    first = out.read_bytes()
    assert msl(*words).exit_code == 0
    assert out.read_bytes() == first
    out.write_bytes(first.replace(b"\n", b"\r\n"))
    assert msl(*words).exit_code == 0


def test_never_overwrites_work_of_hands(msl: Msl, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.py"
    words = ("compile", net, "--backend", "torch", "-o", out)
    msl(*words)
    generated = out.read_text()
    out.write_text(generated + "\n# mine\n")
    result = msl(*words)
    assert result.exit_code == 2
    assert "was edited by hand: --force overwrites it" in result.stderr
    assert out.read_text().endswith("# mine\n")
    assert msl(*words, "--force").exit_code == 0
    assert out.read_text() == generated
    out.write_text("print('mine')\n")
    assert "was not written by MSL" in msl(*words).stderr
    out.write_bytes(b"\xff\x00")
    assert "was not written by MSL" in msl(*words).stderr
    out.write_text("")
    assert msl(*words).exit_code == 0


def test_check_finds_drift(msl: Msl, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.py"
    words = ("compile", net, "--backend", "torch", "-o", out)
    assert msl(*words, "--check").exit_code == 1
    assert not out.exists()
    msl(*words)
    assert msl(*words, "--check").exit_code == 0
    result = msl(*words, "--check", "-D", "width=9")
    assert result.exit_code == 1
    assert "is not what" in result.stderr
    out.write_text(out.read_text() + "#\n")
    assert msl(*words, "--check").exit_code == 1
    assert msl("compile", net, "--backend", "torch", "--check").exit_code == 2


def test_places_that_cannot_be_written(msl: Msl, net: Path, tmp_path: Path) -> None:
    def refused(out: Path) -> str:
        result = msl("compile", net, "--backend", "torch", "-o", out, "--force")
        assert result.exit_code == 2
        return result.stderr

    text = net.read_text()
    assert "it is the spec itself" in refused(net)
    os.link(net, tmp_path / "same.msl")
    assert "it is the spec itself" in refused(tmp_path / "same.msl")
    assert "there is no folder" in refused(tmp_path / "no" / "net.py")
    assert "it is a folder" in refused(tmp_path)
    locked = written(tmp_path, "locked.py", "")
    locked.chmod(0o444)
    assert "it is read-only" in refused(locked)
    assert net.read_text() == text


def test_a_spec_with_mistakes_writes_nothing(msl: Msl, tmp_path: Path) -> None:
    spec = written(tmp_path, "net.msl", BROKEN)
    result = msl("compile", spec, "--backend", "torch", "-o", tmp_path / "net.py")
    assert result.exit_code == 1
    assert "error[MSL" in result.stderr
    assert not (tmp_path / "net.py").exists()


def test_the_backend_is_named(msl: Msl, net: Path) -> None:
    assert "Missing option '--backend'" in msl("compile", net).output
    assert msl("compile", net, "--backend", "jax").exit_code == 2


@pytest.mark.parametrize(
    "text", ["x = 1\n", '"""Doc."""\n\nx = 1\n', '"""Doc.\n\nMore.\n"""\n\nx = 1\n', ""]
)
def test_the_mark(text: str) -> None:
    marked = stamp(text)
    assert is_stamped(marked) and is_untouched(marked)
    assert stamp(text) == marked
    assert is_stamped(marked + "y = 2\n") and not is_untouched(marked + "y = 2\n")
    assert not is_stamped(text)
    compile(marked, "marked", "exec")


def test_a_mark_in_the_text_below_is_no_mark() -> None:
    text = f'"""Doc.\n"""\n\nx = """\nmsl: sha256={"0" * 32}\n"""\n'
    assert is_untouched(stamp(text))
