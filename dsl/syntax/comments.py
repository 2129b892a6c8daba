"""Giving each comment to the statement that it is about."""

from __future__ import annotations

from dsl.source import Source
from dsl.syntax.ast import BlockDecl, Comment, ExternDecl, ModelDecl, Section, Statement

_set = object.__setattr__  # nodes are frozen for everybody else; these are still being made
_WITH_HEADER = (BlockDecl, ModelDecl, Section, ExternDecl)


def attach(
    source: Source, statements: tuple[Statement, ...], comments: list[Comment], start: int, end: int
) -> tuple[Comment, ...]:
    """Attaches the comments between two offsets to statements, and takes them off the list.

    Comments that share a line with the bracket at `start` stay on the list, for the statement
    around it. Those inside a statement that nothing inside it has taken become its `inner`.

    Args:
        source: The text.
        statements: The statements between the offsets, in order.
        comments: The comments met so far that no statement has, in order.
        start: Offset of the opening bracket; -1 for a whole file.
        end: Offset after the closing bracket.

    Returns:
        The comments after the last statement.
    """
    first = len(comments)
    while first and comments[first - 1].span.start > start:
        first -= 1
    mine = [comment for comment in comments[first:] if comment.span.start < end]
    rest = comments[first + len(mine) :]
    del comments[first:]
    text = source.text
    while start >= 0 and mine and text.find("\n", start, mine[0].span.start) < 0:
        if statements and statements[0].span.start < mine[0].span.start:
            break
        comments.append(mine.pop(0))
    previous_end = comments[-1].span.end if len(comments) > first else start + 1
    position = 0
    for number, statement in enumerate(statements):
        limit = statements[number + 1].span.start if number + 1 < len(statements) else end
        position, previous_end = _give(text, statement, mine, position, previous_end, limit)
    comments.extend(rest)
    return tuple(mine[position:])


def _give(
    text: str,
    statement: Statement,
    comments: list[Comment],
    position: int,
    previous_end: int,
    limit: int,
) -> tuple[int, int]:
    """Gives one statement its comments; returns the next comment and where the statement ends."""
    span = statement.span
    first = position
    while position < len(comments) and comments[position].span.start < span.start:
        position += 1
    above = comments[first].span.start if position > first else span.start
    if text.count("\n", previous_end, above) > 1:
        _set(statement, "blank_before", True)
    if position > first:
        _set(statement, "leading", tuple(comments[first:position]))
    first = position
    while position < len(comments) and comments[position].span.start < span.end:
        position += 1
    inner = comments[first:position]
    finish = span.end
    if position < len(comments) and comments[position].span.start < limit:
        after = comments[position]
        if text.find("\n", span.end, after.span.start) < 0:
            _trail(statement, inner, after)
            position += 1
            finish = after.span.end
            return position, finish
    _trail(statement, inner, None)
    return position, finish


def _trail(statement: Statement, inner: list[Comment], after: Comment | None) -> None:
    if inner and isinstance(statement, _WITH_HEADER) and _in_header(statement, inner[0]):
        header = inner.pop(0)
        if after is not None:
            inner.append(after)
        after = header
    if inner:
        _set(statement, "inner", tuple(inner))
    if after is not None:
        _set(statement, "trailing", after)


def _in_header(statement: Statement, comment: Comment) -> bool:
    """Whether a comment stands on the line of the brace that opens a declaration."""
    text = statement.span.source.text
    before = text[statement.span.start : comment.span.start].rstrip(" \t")
    return before.endswith("{")
