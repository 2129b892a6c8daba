"""Faults found in a text, and the wording of those that a single token shows."""

from __future__ import annotations

from dsl.record import Record


class Fault(Record):
    """A finding in the making: offsets instead of spans.

    Attributes:
        code: A code of the catalogue.
        message: The fact.
        start: Offset of the fault.
        end: Its end.
        label: A few words beside the caret.
        others: Further places: start, end, words.
        helps: What to do.
        edit: Start, end and text of a replacement that cures it.
    """

    code: str
    message: str
    start: int
    end: int
    label: str = ""
    others: tuple[tuple[int, int, str], ...] = ()
    helps: tuple[str, ...] = ()
    edit: tuple[int, int, str] | None = None


# Signs of other languages: the terminal that they stand for, and how it is written here.
_FOREIGN = {
    "&&": ("AND", "and"),
    "||": ("OR", "or"),
    "|": ("", "or"),
    "!": ("NOT", "not"),
    "^": ("POWER", "**"),
    "=>": ("ARROW", "->"),
    "|>": ("ARROW", "->"),
    ">>": ("ARROW", "->"),
    "<<": ("", "* 2 **"),
    "\u2192": ("ARROW", "->"),
    "\u2212": ("MINUS", "-"),
    "\u00d7": ("STAR", "*"),
    "::": ("COLON", ":"),
    ":=": ("EQUAL", "="),
}
_HINTS = {
    "@": "a matrix product is a layer: `(a, b) -> MatMul`",
    "\\": "a statement goes on in the next line inside ( ) and [ ], or where it begins with `->`",
    "`": "names and kinds stand bare",
    "\u201c": 'a string stands in straight double quotes: `"text"`',
    "\u201d": 'a string stands in straight double quotes: `"text"`',
}


def misfit(group: str, word: str, start: int, end: int) -> tuple[Fault, str]:
    """A fault for text that is no token, and the terminal it stands for (``""``: none).

    Args:
        group: What the scanner took it for: ``foreign``, ``quoted``, ``open`` or ``bad``.
        word: The text.
        start: Its offset.
        end: Its end.
    """
    if group == "foreign":
        return _foreign(word, start, end)
    if group == "quoted":
        inner = word[1:-1].replace('"', '\\"')
        fault = Fault(
            "MSL013",
            "a string stands in double quotes",
            start,
            end,
            helps=(f'write `"{inner}"`',),
            edit=(start, end, f'"{inner}"'),
        )
        return fault, "STRING"
    if group == "open":
        helps = ('end it with `"` on the same line; a line end inside is written `\\n`',)
        return Fault("MSL013", "this string has no end", start, end, helps=helps), "STRING"
    helps = (_HINTS[word],) if word in _HINTS else ()
    shown = f"`{word}`" if word.isprintable() else f"U+{ord(word):04X}"
    message = f"the character {shown} has no meaning here"
    return Fault("MSL012", message, start, end, helps=helps), ""


def _foreign(word: str, start: int, end: int) -> tuple[Fault, str]:
    if word[-1] == "=" and word[0] in "+-*/":
        helps = ("values do not change: give the result a new name",)
        return Fault("MSL016", f"there is no `{word}` in MSL", start, end, helps=helps), "EQUAL"
    kind, written = _FOREIGN[word]
    fault = Fault(
        "MSL016",
        f"there is no `{word}` in MSL",
        start,
        end,
        helps=(f"write `{written}`",),
        edit=(start, end, f"{written} " if word == "!" else written) if kind else None,
    )
    return fault, kind


def name_fault(word: str, longest: int, start: int, end: int) -> Fault:
    """The fault of a word that cannot be a name."""
    if word.startswith("__"):
        message = f"`{word}` begins with two underscores, as Python's own names do"
        plain = word.strip("_")
        helps = (f"call it `{plain}`",) if plain else ()
    elif not word.isascii():
        message = f"`{word}` holds letters outside a-z"
        helps = ("names are made of a-z, A-Z, 0-9 and _; comments may hold any letters",)
    else:
        message = f"this name has {len(word)} characters; {longest} are allowed"
        helps = ()
    return Fault("MSL015", message, start, end, helps=helps)
