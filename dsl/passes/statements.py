"""What statements say besides what they compute: comments, and names they would give."""

from __future__ import annotations

from dsl.passes.drafts import Draft
from dsl.syntax import ast


def comments_of(statement: ast.Statement) -> tuple[str, ...]:
    """The comments of a statement, those above it first."""
    trailing = (statement.trailing,) if statement.trailing else ()
    return tuple(comment.text for comment in (*statement.leading, *trailing))


def add_comments(drafts: list[Draft], statement: ast.Statement) -> None:
    """Gives the comments of a statement to its first step."""
    if drafts:
        drafts[0].comments = comments_of(statement)


def declared_names(statement: ast.Statement) -> tuple[str, ...]:
    """The names that a statement would have given."""
    if isinstance(statement, (ast.Step, ast.Broken)):
        return statement.names
    if isinstance(statement, (ast.OutputDecl, ast.SharedDecl)):
        return (statement.name,)
    return ()
