"""Each block's share of everything, as bars that open to the layers below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from dsl.cost.html.rows import Branch, Row, largest, total, tree
from dsl.cost.html.text import esc, percent, tag
from dsl.cost.table import short
from dsl.cost.words import size

DEPTH = 6
"""Levels that open."""


MOST = 80
"""Lines of one level; of more, those with the largest shares."""


class Measure(NamedTuple):
    """What is shared: its name and colour, a row's number, and how that is written."""

    name: str
    colour: str
    of: Callable[[Row], int]
    spelled: Callable[[int], str]


MEASURES = (
    Measure("parameters", "params", lambda row: row.params, lambda count: f"{count:,}"),
    Measure("MACs", "macs", lambda row: row.macs, lambda count: short(count).strip()),
    Measure("memory kept", "kept", lambda row: row.kept, size),
)


def bars(rows: list[Row], words: Mapping[str, str]) -> str:
    """The bars of all blocks.

    Args:
        rows: The layers.
        words: What stands at the paths above them, as `dsl.cost.fold.labels` says.
    """
    root = tree(rows, DEPTH)
    shown = [measure for measure in MEASURES if measure.of(root.row)]
    head = "".join(tag("span", esc(measure.name)) for measure in shown)
    lines = "".join(_branch(branch, root.row, shown, words) for branch in most(root))
    top = f'<div class="line head" aria-hidden="true"><span>block or layer</span>{head}</div>'
    return f'<div class="bars of{len(shown)}">{top}{lines}</div>'


def most(branch: Branch, count: int = MOST) -> list[Branch]:
    """What is shown below a branch: all of it, or the largest and the others added up."""
    every = list(branch)
    if len(every) <= count:
        return every
    chosen = largest([each.row for each in every], count - 1)
    rest = [each.row for at, each in enumerate(every) if at not in chosen]
    others = Branch(f"{len(rest):,} more", branch.path)
    others.row = total(rest)
    others.row.kind = f"{others.row.layers:,} layers"
    return [each for at, each in enumerate(every) if at in chosen] + [others]


def _branch(
    branch: Branch, whole: Row, shown: list[Measure], words: Mapping[str, str], name: str = ""
) -> str:
    name = f"{name}.{branch.name}" if name else branch.name
    if len(branch.inner) == 1 and not branch.row.shape:
        (only,) = branch
        word = words.get(branch.path, "")
        return _branch(only, whole, shown, {**words, only.path: word} if word else words, name)
    cells = _cells(branch, whole, shown, words.get(branch.path, ""), name)
    if not branch.inner:
        return f'<div class="line leaf">{cells}</div>'
    inner = "".join(_branch(each, whole, shown, words) for each in most(branch))
    return f'<details><summary class="line">{cells}</summary>{inner}</details>'


def _cells(branch: Branch, whole: Row, shown: list[Measure], word: str, name: str) -> str:
    row = branch.row
    kind = row.kind or word or f"{row.layers} layers"
    label = f'<span class="name"><bdi>{esc(name)}</bdi> <small>{esc(kind)}</small></span>'
    return label + "".join(_bar(measure, measure.of(row), measure.of(whole)) for measure in shown)


def _bar(measure: Measure, count: int, whole: int) -> str:
    """One bar; its share is written beside it, the number itself stands in a hint."""
    share = percent(count, whole)
    width = f"{100 * count / whole:.2f}" if whole else "0"
    drawn = f'<i class="{measure.colour}" style="width:{width}%"></i>' if count > 0 else ""
    hint = f"{measure.name}: {measure.spelled(count)}"
    word = f'<b class="for">{esc(measure.name)}</b>'
    return (
        f'<span class="share" title="{esc(hint)}">{word}<span class="track">{drawn}</span>'
        f"<span>{esc(share) or '&#8211;'}</span></span>"
    )
