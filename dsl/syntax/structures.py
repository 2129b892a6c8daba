"""What does not fit in the writing of a structure: a brace without one, the names of rows."""

from __future__ import annotations

import re

from dsl.syntax.errors import Fault
from dsl.syntax.recovery import Situation

_SETTINGS = re.compile(r"\{\s*([^{}\n]*?)\s*\}")


def brace(situation: Situation) -> Fault | None:
    """The fault of a ``{`` behind a kind or where a layer or value is wanted."""
    token = situation.token
    if token.type != "LBRACE" or situation.place != "body" or not situation.words:
        return None
    previous = situation.words[-1][0]
    if situation.settings_in_braces:
        found = _SETTINGS.match(situation.text, token.start)
        shown = f"{previous}({found[1] if found else '...'})"
        message = f"the settings of `{previous}` stand in parentheses"
        return Fault("MSL001", message, token.start, token.end, helps=(f"write `{shown}`",))
    if previous not in ("->", "="):
        return None
    message = "a body belongs to a structure, and none stands in front of it"
    helps = ("put `residual` or another in front, or write the steps without braces",)
    return Fault("MSL001", message, token.start, token.end, helps=helps)


def row_names(situation: Situation) -> Fault | None:
    """The fault of a ``(`` around the names of a row, behind ``as`` or without its comma."""
    token, words = situation.token, [text for text, _ in situation.words]
    if token.type != "LPAR":
        return None
    if words[-1:] == ["as"]:
        message = "names in parentheses follow an index"
        helps = ("write `as i, (a, b)` with an index, `as a, b` without",)
        return Fault("MSL001", message, token.start, token.end, helps=helps)
    if words[-2:-1] == ["as"]:
        text, offset = situation.words[-1]
        end = offset + len(text)
        message = "a comma is missing before `(`"
        return Fault("MSL004", message, end, end, helps=("insert `,`",), edit=(end, end, ","))
    return None
