"""Damaged specs: each gets findings with a place or is valid, never a traceback, in time."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from dsl.compilation import Compilation
from dsl.fuzz.choices import Seeded
from dsl.fuzz.laws import draw, hold_text
from dsl.fuzz.mutations import SLIPS, TOKEN, damaged
from dsl.source import Source
from tests.conftest import SPECS
from tests.strategies import damaged_texts

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parent / "corpus"
TEXTS = [path.read_text(encoding="utf-8") for path in sorted(SPECS.glob("*.msl"))]
SHORT = min(TEXTS, key=len)


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.stem)
def test_what_broke_once(path: Path) -> None:
    breach = hold_text(path.read_bytes().decode("utf-8", "surrogatepass"))
    assert breach is None, breach


def test_pieces_are_the_whole_text() -> None:
    for text in TEXTS:
        assert "".join(TOKEN.findall(text)) == text


def test_every_slip_changes_something() -> None:
    for slip in SLIPS:
        changed = 0
        for seed in range(20):
            pieces = TOKEN.findall(SHORT)
            slip(Seeded(seed), pieces, ("word",))
            changed += "".join(pieces) != SHORT
        assert changed > 10, slip.__name__


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_damaged_specs(start: int) -> None:
    words = [word for text in TEXTS for word in TOKEN.findall(text) if word.strip()]
    for seed in range(start, start + 100):
        choices = Seeded(seed)
        program = draw(choices) if seed % 2 else None
        text = str(program) if program else TEXTS[seed % len(TEXTS)]
        breach = hold_text(damaged(choices, text, words))
        assert breach is None, (seed, breach)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged_texts(SHORT))
def test_any_damage(text: str) -> None:
    assert hold_text(text) is None


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_token_is_passed_over(text: str) -> None:
    pieces = TOKEN.findall(text)
    tree = Compilation(Source("<fuzz>", text)).syntax
    places = [place for place, piece in enumerate(pieces) if piece.strip() and piece[0] != "#"]
    for place in Random(1).sample(places, min(60, len(places))):
        left = "".join(pieces[:place] + pieces[place + 1 :])
        damaged_one = Compilation(Source("<fuzz>", left))
        if any(finding.is_error for finding in damaged_one.unread) or damaged_one.syntax != tree:
            continue
        after = "".join(piece for piece in pieces[place + 1 :] if piece[0] != "#").lstrip()
        ends = (pieces[place] == "," and after[:1] in (")", "]")) or pieces[place] == ";"
        assert ends, (pieces[place], after[:20])
