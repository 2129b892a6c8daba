"""What is wrong where a token does not fit: worded by hand, the most particular finding first."""

from __future__ import annotations

import re

from dsl.diagnostics.suggest import nearest
from dsl.syntax.errors import Fault
from dsl.syntax.forms import FORMS, OTHER_WORDS
from dsl.syntax.lexer import END, NEWLINE, TOO_DEEP
from dsl.syntax.recovery import Situation
from dsl.syntax.structures import brace, row_names

_CLOSERS = {")": "(", "]": "[", "}": "{"}
_VALUE_STARTS = frozenset(
    ("NAME", "KIND", "NUMBER", "STRING", "TRUE", "FALSE", "AUTO", "INPUT", "OUTPUT", "LSQB")
)
_STRUCTURES = frozenset(("RESIDUAL", "PARALLEL", "REPEAT", "WHEN", "LET", "SHARED"))
_VALUE_ENDS = frozenset((")", "]", '"', "true", "false", "auto", "input", "output"))
_SUFFIXES = frozenset(
    ("K", "M", "B", "G", "T", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "ms", "s", "min",
     "h", "epochs")
)  # fmt: skip
_SIGNS = (
    ("COLON", ":"), ("RANGE", ".."), ("EQUAL", "="), ("COMMA", ","), ("RPAR", ")"), ("RSQB", "]"),
    ("LBRACE", "{"), ("ARROW", "->"),
)  # fmt: skip
_DTYPE = re.compile(r"(?:bfloat|float|uint|int)\d+|bool")
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in"))
_ENDS = frozenset((NEWLINE, END, "RBRACE", "RPAR", "RSQB", "COMMA"))
_NEEDS = {
    "->": "`->` leads nowhere: a layer or a value must follow it",
    "=": "the value after `=` is missing",
    ":": "something must follow `:`",
    "on": "what `on` selects is missing",
    "as": "the name after `as` is missing",
    "in": "what follows `in` is missing",
    "repeat": "the number of rounds is missing",
    "when": "the condition is missing",
    "import": "the path is missing",
    "from": "the path is missing",
    "(": "`(` is followed by nothing",
}


def explain(situation: Situation) -> Fault:
    """The fault that a misfit stands for."""
    for finding in _FINDINGS:
        fault = finding(situation)
        if fault is not None:
            return fault
    return _unexpected(situation)


def _at(situation: Situation, code: str, message: str, **more: object) -> Fault:
    token = situation.token
    start, end = token.start, token.end
    if token.type in (NEWLINE, END) and situation.words:
        text, offset = situation.words[-1]
        start = end = offset + len(text)
    return Fault(code, message, start, end, **more)  # type: ignore[arg-type]


def _shown(situation: Situation) -> str:
    token = situation.token
    if token.type == END:
        return "the end of the file"
    if token.type == NEWLINE:
        return "`;`" if token.text == ";" else "the end of the line"
    return f"`{token.text}`"


def _previous(situation: Situation) -> str:
    return situation.words[-1][0] if situation.words else ""


# --- brackets -------------------------------------------------------------------------------


def _unclosed_brace(situation: Situation) -> Fault | None:
    opening = situation.unclosed_brace
    if opening is None:
        return None
    token = situation.token
    start, end = token.start, token.end
    if token.type != END:
        start, end = situation.statement, situation.statement + len(situation.head)
    return Fault(
        "MSL002",
        "`{` is never closed",
        start,
        end,
        label=f"expected `}}` before {'the end' if token.type == END else 'this'}",
        others=((opening, opening + 1, "opened here"),),
        helps=("close it with `}`",),
    )


def _unclosed_bracket(situation: Situation) -> Fault | None:
    unclosed = situation.unclosed_bracket or _left_open(situation)
    if unclosed is None:
        return None
    sign, opening = unclosed
    closer = ")" if sign == "(" else "]"
    text, offset = situation.words[-1]
    end = offset + len(text)
    return Fault(
        "MSL002",
        f"`{sign}` is never closed",
        end,
        end,
        label=f"expected `{closer}`",
        others=((opening, opening + 1, "opened here"),),
        helps=(f"close it with `{closer}`",),
    )


def _left_open(situation: Situation) -> tuple[str, int] | None:
    """The bracket of arguments or of a type in which the rest of the statement stands."""
    open_here = situation.open_here
    if situation.token.type not in ("ARROW", "EQUAL") or len(open_here) != 1:
        return None
    sign, offset = open_here[0]
    before = situation.text[offset - 1 : offset]
    is_call = sign == "(" and situation.token.type == "ARROW" and before.isalnum()
    is_type = sign == "[" and situation.token.type == "EQUAL" and before.isalnum()
    never_closed = situation.end_of_statement(situation.statement)[1]
    return open_here[0] if (is_call or is_type) and never_closed else None


def _unmatched(situation: Situation) -> Fault | None:
    text = situation.token.text
    if text not in _CLOSERS:
        return None
    innermost = situation.brackets[-1] if situation.brackets else None
    if innermost is None or (innermost[1] < situation.statement and text != "}"):
        helps = ("remove it, or open a bracket before it",)
        return _at(situation, "MSL003", f"`{text}` closes nothing", helps=helps)
    if innermost[0] == _CLOSERS[text]:
        return None
    closer = {"(": ")", "[": "]", "{": "}"}[innermost[0]]
    return _at(
        situation,
        "MSL003",
        f"`{text}` cannot close `{innermost[0]}`",
        others=((innermost[1], innermost[1] + 1, "opened here"),),
        helps=(f"close it with `{closer}`",),
    )


# --- statements in the wrong place ----------------------------------------------------------


def _continuation(situation: Situation) -> Fault | None:
    token = situation.token
    if token.type in ("OTHERWISE", "SHORTCUT"):
        owner = "when" if token.type == "OTHERWISE" else "residual"
        message = f"`{token.text}` follows the `}}` of a `{owner}`"
        return _at(situation, "MSL011", message, helps=(f"write `{FORMS[owner]}`",))
    if token.type != "ARROW" or not situation.first_on_line(token.start):
        return None
    message = "`->` continues the statement before, which yields nothing to apply it to"
    if situation.head in ("input", "let", "shared"):
        start = situation.statement
        others = ((start, start + len(situation.head), "this leaves the current value alone"),)
        helps = ("begin a statement without the arrow: it takes the current value",)
        return _at(situation, "MSL011", message, others=others, helps=helps)
    return None


def _too_deep(situation: Situation) -> Fault | None:
    if situation.token.type != TOO_DEEP:
        return None
    helps = ("give parts names: a `let` for a value, a `block` for layers",)
    return _at(situation, "MSL017", "this is nested too deeply", helps=helps)


def _misspelt(situation: Situation) -> Fault | None:
    """A first word that is nearly one that begins a statement here."""
    word, start = situation.words[0] if situation.words else (situation.token.text, 0)
    start = start if situation.words else situation.token.start
    known = situation.first_words
    follows = situation.token.type in ("NAME", "KIND", "LBRACE", "NUMBER", "STRING")
    whole = len(situation.words) == 1 and follows
    if situation.place not in ("file", "body") or not word.islower() or word in known:
        return None
    if not (whole or (situation.place == "file" and situation.stray)):
        return None
    near = nearest(word, known)
    if not near or word in OTHER_WORDS:
        return None
    return Fault(
        "MSL001",
        f"no statement begins with `{word}`",
        start,
        start + len(word),
        helps=(f"did you mean `{near[0]}`?",),
        edit=(start, start + len(word), near[0]),
    )


def _misspelt_continuation(situation: Situation) -> Fault | None:
    """What was to be ``shortcut`` or ``otherwise``, behind the brace of its statement."""
    near = situation.misspelt_continuation
    if not near:
        return None
    token = situation.token
    return _at(
        situation,
        "MSL001",
        f"`{token.text}` does not fit after `}}`",
        helps=(f"did you mean `{near}`?",),
        edit=(token.start, token.end, near),
    )


def _misplaced(situation: Situation) -> Fault | None:
    head = situation.head
    if situation.words and situation.words[0][1] != situation.statement:
        return None
    if head in OTHER_WORDS and (situation.words or head in ("if", "else")):
        return _other_word(situation, head)
    if situation.place == "file":
        return _outside(situation) if situation.stray else None
    at_start = not situation.words
    top = at_start and head in ("msl", "import", "param", "block", "model", "variant", "extern")
    section = head in situation.section_words and situation.token.type in ("KIND", "LBRACE")
    if top or section:
        start = situation.statement
        message = f"`{head}` stands outside of models and blocks, at the top level"
        return Fault("MSL011", message, start, start + len(head))
    if at_start and situation.place != "body" and head in FORMS:
        where = "a section" if situation.place == "entries" else "an extern declaration"
        return _at(situation, "MSL011", f"`{head}` cannot stand in {where}")
    return None


def _outside(situation: Situation) -> Fault:
    token = situation.token
    helps: tuple[str, ...] = ("put it inside `model Name { ... }` or `block Name { ... }`",)
    what = f"`{token.text}`"
    if token.type in ("KIND", "NAME", "LPAR") or token.type in _STRUCTURES:
        what = "a layer" if token.type == "KIND" else what
    elif token.type not in ("INPUT", "OUTPUT"):
        helps = (
            "a file holds declarations such as `model Name { ... }` and sections such as "
            "`loss CrossEntropy`",
        )
    return _at(situation, "MSL011", f"{what} cannot stand at the top level", helps=helps)


def _other_word(situation: Situation, head: str) -> Fault:
    start = situation.statement
    message = f"there is no `{head}` in MSL"
    return Fault("MSL016", message, start, start + len(head), helps=(f"write {OTHER_WORDS[head]}",))


# --- words and signs ------------------------------------------------------------------------


def _equality(situation: Situation) -> Fault | None:
    token = situation.token
    start, end = token.start, token.end
    if token.type == "EQUAL" and situation.accepts("EQ"):
        words = {text for text, _ in situation.words}
        if "when" in words or "if" in words or situation.head == "repeat":
            helps = ("write `==`",)
            edit = (start, end, "==")
            return _at(situation, "MSL009", "`=` names; `==` compares", helps=helps, edit=edit)
        if situation.open_here and situation.accepts("COMMA"):
            return _at(situation, "MSL009", "only a name can stand before `=`")
    if token.type == "EQUAL" and len(situation.words) == 1 and situation.place == "body":
        return _capital(situation)
    if token.type == "EQ" and situation.accepts("EQUAL"):
        helps = ("write `=`",)
        edit = (start, end, "=")
        return _at(situation, "MSL009", "`==` compares; `=` names", helps=helps, edit=edit)
    if token.type == "COLON" and situation.accepts("EQUAL"):
        declared = _declared_type(situation)
        if declared:
            message = "a type stands behind `input` or `output`"
            return _at(situation, "MSL009", message, helps=(declared,))
        helps = ("write `=`",)
        rest = situation.text[end:]
        edit = (start, end + len(rest) - len(rest.lstrip(" \t")), "=")
        message = "a value is given with `=`, not with `:`"
        return _at(situation, "MSL009", message, helps=helps, edit=edit)
    return None


def _declared_type(situation: Situation) -> str:
    """How to write the declaration that lacks its first word, "" where there is none."""
    line = situation.text[situation.token.end :].split("\n", 1)[0].strip()
    is_type = _DTYPE.match(line) and len(situation.words) == 1
    if not is_type or situation.place != "body":
        return ""
    word = "output" if "=" in line else "input"
    return f"write `{word} {situation.head}: {line.split(']', 1)[0]}]`"


def _capital(situation: Situation) -> Fault | None:
    word, start = situation.words[0]
    if not word[0].isupper():
        return None
    message = f"`{word}` is capitalized, as kinds are; a value has a lower-case name"
    helps = (f"call it `{_snake(word)}`",)
    return Fault("MSL008", message, start, start + len(word), helps=helps)


def _chained(situation: Situation) -> Fault | None:
    if situation.token.text not in _COMPARISONS or situation.accepts("COLON"):
        return None
    for text, _ in reversed(situation.words):
        if text in _COMPARISONS:
            helps = ("join two comparisons: `a < b and b < c`",)
            return _at(situation, "MSL010", "comparisons do not chain", helps=helps)
        if text in ("and", "or", "(", "[", ",", "="):
            break
    return None


def _reserved(situation: Situation) -> Fault | None:
    token = situation.token
    word = token.text
    if token.type == "EQUAL" and situation.head in FORMS and len(situation.words) == 1:
        start, word = situation.statement, situation.head
        message = f"`{word}` is a word of the language and cannot be a name"
        helps = (f"choose another, such as `{word}_1`",)
        if situation.place == "body":
            return Fault("MSL007", message, start, start + len(word), helps=helps)
    if not word.isalpha() or token.type in ("NAME", "KIND", "STRING", "NUMBER"):
        return None
    if situation.accepts("NAME") and _previous(situation) not in ("", "{"):
        message = f"`{word}` is a word of the language and cannot be a name"
        return _at(situation, "MSL007", message, helps=(f"choose another, such as `{word}_1`",))
    return None


def _case(situation: Situation) -> Fault | None:
    token, previous = situation.token, _previous(situation)
    if token.type == "KIND" and situation.accepts("NAME") and not situation.accepts("KIND"):
        lower = _snake(token.text)
        message = f"`{token.text}` is capitalized, as kinds are; a lower-case name belongs here"
        return _at(situation, "MSL008", message, helps=(f"call it `{lower}`",))
    if token.type == "NAME" and situation.accepts("KIND") and not situation.accepts("NAME"):
        message = f"`{token.text}` is in lower case, as values are; a capitalized kind belongs here"
        return _at(situation, "MSL008", message, helps=(f"write `{_camel(token.text)}`",))
    if token.type == "LPAR" and previous[:1].islower() and situation.place == "body":
        start = situation.words[-1][1]
        if previous in FORMS:
            return None
        if _DTYPE.fullmatch(previous):
            message = "the shape of a type stands in square brackets"
            helps = (f"write `{previous}[3, 32, 32]`",)
            return _at(situation, "MSL001", message, helps=helps)
        message = f"`{previous}` is in lower case, as values are, and takes no arguments"
        helps = (f"a layer is capitalized: `{_camel(previous)}(...)`",)
        return Fault("MSL008", message, start, start + len(previous), helps=helps)
    return None


def _snake(word: str) -> str:
    parts = [f"_{char.lower()}" if char.isupper() else char for char in word]
    return "".join(parts).strip("_").replace("__", "_")


def _camel(word: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in word.split("_")) or word


def _number(situation: Situation) -> Fault | None:
    previous = _previous(situation)
    token = situation.token
    if previous[:1].isdigit() and token.text in _SUFFIXES:
        helps = (f"write `{previous}{token.text}`",)
        message = "a suffix follows its number without a space"
        edit = (situation.words[-1][1] + len(previous), token.start, "")
        return _at(situation, "MSL014", message, helps=helps, edit=edit)
    if previous == "." and len(situation.words) > 1 and situation.words[-2][0][:1].isdigit():
        whole = situation.words[-2][0]
        message = "a digit must follow the decimal point"
        return _at(situation, "MSL014", message, helps=(f"write `{whole}.0`",))
    if situation.token.type != "DOT":
        return None
    if previous[:1].isdigit():
        message = "a digit must follow the decimal point"
        return _at(situation, "MSL014", message, helps=(f"write `{previous}.0`",))
    if situation.accepts("NUMBER"):
        message = "a digit must stand before the decimal point"
        return _at(situation, "MSL014", message, helps=("write `0.5`",))
    return None


def _missing_comma(situation: Situation) -> Fault | None:
    token, previous = situation.token, _previous(situation)
    starts = token.type in _VALUE_STARTS or token.type == "LPAR"
    ends = previous[-1:].isalnum() or previous[-1:] in _VALUE_ENDS or previous in _VALUE_ENDS
    if not (starts and ends and situation.open_here and situation.accepts("COMMA")):
        return None
    if situation.open_here[-1][0] == "{":
        return None
    text, offset = situation.words[-1]
    end = offset + len(text)
    message = f"a comma is missing before `{token.text}`"
    return Fault("MSL004", message, end, end, helps=("insert `,`",), edit=(end, end, ","))


def _missing_value(situation: Situation) -> Fault | None:
    if situation.token.type not in _ENDS or not situation.words:
        return None
    if not any(situation.accepts(kind) for kind in ("NAME", "KIND", "STRING", "NUMBER")):
        return None
    previous = _previous(situation)
    message = _NEEDS.get(previous)
    if message is None:
        shown = _shown(situation)
        message = f"something is missing between `{previous}` and {shown}"
    return _at(situation, "MSL005", message, helps=_form(situation))


def _same_line(situation: Situation) -> Fault | None:
    token = situation.token
    starts = token.type in _VALUE_STARTS or token.type in _STRUCTURES or token.type == "LPAR"
    if not (starts and situation.words and situation.accepts(NEWLINE)):
        return None
    if situation.accepts("COLON") or (situation.place != "body" and situation.accepts("EQUAL")):
        return None
    if situation.first_on_line(token.start):
        return None
    helps = ("apply one after the other with `->`, or begin a new line",)
    if situation.place != "body":
        helps = ("begin a new line, or put `;` between two statements",)
    return _at(situation, "MSL006", f"`{token.text}` begins a second statement", helps=helps)


def _unexpected(situation: Situation) -> Fault:
    shown = _shown(situation)
    expected = _expected(situation)
    previous = _previous(situation)
    after = f" after `{previous}`" if previous and len(previous) < 40 else ""
    message = f"{shown} does not fit{after}"
    if situation.token.type == "LBRACE" and not situation.words:
        message = "`{` must stand on the line of what it belongs to"
        expected = ""
    helps = _form(situation)
    if situation.token.type == "COMMA" and situation.place in ("entries", "settings"):
        helps = ("separate settings by `;`, or begin a new line",)
    return _at(situation, "MSL001", message, label=expected, helps=helps)


def _form(situation: Situation) -> tuple[str, ...]:
    head = situation.head
    form = FORMS.get(head)
    if form is None and situation.place == "body" and situation.words:
        form = "x = Conv2d(64, 3) -> ReLU"
    return (f"write it like this: `{form}`",) if form else ()


def _expected(situation: Situation) -> str:
    accepts = situation.accepts
    found = []
    if accepts("NUMBER"):
        found.append("a value")
    elif accepts("KIND"):
        found.append("a layer" if situation.place == "body" else "a kind")
    elif accepts("NAME"):
        found.append("a name")
    if accepts("STRING") and not accepts("NUMBER"):
        found.append("a string")
    found.extend(f"`{sign}`" for kind, sign in _SIGNS if accepts(kind))
    if accepts(NEWLINE):
        found.append("a new line")
    if not found:
        return ""
    *first, last = found[:3] if len(found) > 3 else found
    return "expected " + (f"{', '.join(first)} or {last}" if first else last)


_FINDINGS = (
    _too_deep,
    _unclosed_brace,
    _unclosed_bracket,
    _unmatched,
    _continuation,
    _misspelt,
    _misspelt_continuation,
    _misplaced,
    _equality,
    _chained,
    _number,
    _reserved,
    row_names,
    _case,
    _missing_comma,
    _missing_value,
    brace,
    _same_line,
)
