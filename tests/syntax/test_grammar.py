"""The grammar itself: free of conflicts, open, and without a kind by name."""

from __future__ import annotations

import logging
import re

import lark
import pytest

from dsl.syntax import tables
from dsl.syntax.builder import Builder
from grammar import read_grammar


def _build(caplog: pytest.LogCaptureFixture) -> lark.Lark:
    lark.logger.setLevel(logging.DEBUG)
    lark.logger.propagate = True
    with caplog.at_level(logging.DEBUG, logger="lark"):
        return lark.Lark(
            read_grammar(), parser="lalr", lexer="contextual", start=list(tables.STARTS), debug=True
        )


def test_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    lark.logger.addHandler(handler)
    try:
        _build(caplog)
    finally:
        lark.logger.removeHandler(handler)
    assert records == []


def test_a_conflict_would_be_seen() -> None:
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    lark.logger.addHandler(handler)
    lark.logger.setLevel(logging.DEBUG)
    try:
        lark.Lark('start: "a" start? | "a" "b"\n', parser="lalr", debug=True)
        lark.Lark('start: e\ne: e "+" e | "x"\n', parser="lalr", debug=True)
    finally:
        lark.logger.removeHandler(handler)
    assert any("conflict" in record for record in records)


def test_no_kind_by_name() -> None:
    code = re.sub(r"//[^\n]*", "", read_grammar())
    words = re.findall(r'"([A-Za-z]\w*)"', code)
    assert words and all(word.islower() for word in words)
    assert not {"conv2d", "linear", "adam", "crossentropy"} & set(words)


def test_every_reduction_has_its_method() -> None:
    data = tables.compute_tables(read_grammar())
    names = {rule[2] for rule in data["rules"] if rule[2]}
    missing = [name for name in names if not hasattr(Builder, name)]
    assert missing == []


def test_reserved_words() -> None:
    data = tables.compute_tables(read_grammar())
    reserved = (
        "msl import let param block model variant input output repeat as when otherwise residual "
        "shortcut parallel shared extern from on in and or not if else true false auto"
    )
    sections = "loss optimizer schedule regularization data train device budget search"
    assert set(data["keywords"]) == set(reserved.split())
    assert set(data["soft_keywords"]) == {*sections.split(), "layer"}
