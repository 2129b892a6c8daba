"""A brace where no body can stand: what was meant, and whether what follows is read as a body."""

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
