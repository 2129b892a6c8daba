"""Any bytes get located findings or success, never a traceback, and end in time."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import backends
from dsl.cli.main import cli
from dsl.fuzz.choices import Seeded
from dsl.fuzz.laws import hold_bytes
from dsl.fuzz.noise import ODD, damaged_bytes
from tests.fuzz.byte_driver import Trial, drawn, seeds, words

SPEC = b"model Net {\n  input x: float32[8]\n  output y = Linear(2)\n}\n"


def test_bytes_that_follow_from_seeds(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    drawn(trial, 400, 0)
    assert trial.tried == 400
    assert trial.laws == {}


@pytest.mark.parametrize("piece", ODD, ids=repr)
def test_odd_pieces_everywhere(piece: bytes) -> None:
    for place in range(0, len(SPEC) + 1, 3):
        assert hold_bytes(SPEC[:place] + piece + SPEC[place:]) is None


def test_line_ends_and_a_byte_order_mark_mean_nothing() -> None:
    for text in (SPEC, SPEC.replace(b"\n", b"\r\n"), SPEC.replace(b"\n", b"\r")):
        for mark in (b"", b"\xef\xbb\xbf"):
            assert hold_bytes(mark + text, [backends.get("torch")]) is None


def test_the_command_says_where_bytes_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "net.msl"
    path.write_bytes(SPEC + b"# \xff\n")
    result = CliRunner().invoke(cli, ["check", str(path)])
    assert result.exit_code == 2
    assert f"not UTF-8 at byte {len(SPEC) + 2}, in line 5" in result.output


def test_changes_follow_from_the_seed() -> None:
    pieces = words([SPEC])
    first = [damaged_bytes(Seeded(seed), SPEC, pieces) for seed in range(50)]
    again = [damaged_bytes(Seeded(seed), SPEC, pieces) for seed in range(50)]
    assert first == again
    assert len(set(first)) > 40


def test_what_breaks_a_law_is_kept(tmp_path: Path) -> None:
    trial = Trial(tmp_path / "out")
    trial.hold = lambda data, writers: (_ for _ in ()).throw(TimeoutError)
    trial(b"long input")
    trial(b"short")
    assert trial.laws == {"ends at all": b"short"}
    assert [path.read_bytes() for path in (tmp_path / "out").iterdir()] == [b"short"]


def test_seeds_are_specs_and_words_are_their_tokens() -> None:
    texts = seeds()
    assert len(texts) > 100
    assert b"Linear" in words(texts)
