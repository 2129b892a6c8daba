"""From text to tokens: words, numbers, strings, signs, and the newlines that end statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from dsl.source import Source, Span
from dsl.syntax.ast import Comment
from dsl.syntax.errors import Fault, misfit, name_fault
from dsl.syntax.literals import LiteralError, read_number, read_string
from dsl.syntax.tables import Tables

MAX_BRACKETS = 64
MAX_NAME = 64
NEWLINE = "_NL"
END = "$END"
TOO_DEEP = "$DEEP"  # fits nowhere

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = frozenset(_OPENERS.values())
_CONTINUES = frozenset(("->", "otherwise", "shortcut"))
# Controls (a terminal obeys those from U+0080 on, too), line ends that editors and Python count
# differently, Unicode's Bidi_Control, and halves of surrogate pairs.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Token(NamedTuple):
    """A terminal of the grammar as it stands in the text."""

    type: str
    text: str
    start: int
    end: int


def scanner(operators: dict[str, str]) -> re.Pattern[str]:
    """The expression that cuts a text into tokens; it matches anything, well-formed or not."""
    signs = "|".join(re.escape(sign) for sign in operators)
    return re.compile(
        r"[ \t\r\f\ufeff]*(?:"
        r"(?P<word>[^\W\d]\w*)"
        rf"|(?P<newline>\n)|(?P<comment>\#[^\n]*)"
        r"|(?P<number>\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?"
        r"(?:[^\W\d]\w*|%(?=\s*(?:[,)\]};\#]|\Z)|[ \t]*\n))?)"
        r"|(?P<foreign>&&|\|\||=>|\|>|>>|<<|[+\-*/]=|::|:=|[|!^](?!=)|[\u2192\u2212\u00d7])"
        rf"|(?P<sign>{signs}|;)"
        r'|(?P<string>"(?:[^"\\\n]|\\[^\n])*")'
        r"|(?P<quoted>'(?:[^'\\\n]|\\[^\n])*')|(?P<open>\"[^\n]*)"
        r"|(?P<bad>.)|\Z)"
    )


class Lexer:
    """Reads one text, from any place on, and remembers what it met.

    Attributes:
        comments: The comments so far, in order.
        faults: What was wrong so far, in order.
        broken: Offsets at which a statement cannot be trusted, in order.
        brackets: The brackets that are open: sign and offset.
    """

    def __init__(self, source: Source, tables: Tables) -> None:
        self.source = source
        self.keywords = tables.keywords
        self.operators = tables.operators
        self.pattern = scanner(tables.operators)
        self.comments: list[Comment] = []
        self.faults: list[Fault] = []
        self.broken: list[int] = []
        self.brackets: list[tuple[str, int]] = []
        self.bad_names: dict[str, int] = {}

    def forbidden(self) -> Iterator[Fault]:
        """The characters that may stand nowhere, not even in comments and strings."""
        for match in _FORBIDDEN.finditer(self.source.text):
            yield Fault(
                "MSL012",
                f"the character U+{ord(match[0]):04X} must not stand in a spec",
                match.start(),
                match.end(),
                label="invisible or misleading" if match[0] > "\x7f" else "a control character",
                helps=("remove it",),
            )

    def rewind(self, offset: int) -> None:
        """Forgets everything from `offset` on, to read it again."""
        for seen in (self.comments, self.faults):
            while seen and _start(seen[-1]) >= offset:
                seen.pop()
        while self.broken and self.broken[-1] >= offset:
            self.broken.pop()
        self.bad_names = {name: at for name, at in self.bad_names.items() if at < offset}

    def faulty(self, start: int, end: int) -> bool:
        """Whether something between two offsets was wrong."""
        return any(start <= offset < end for offset in self.broken)

    def tokens(self, offset: int, after: str = "{") -> Iterator[Token]:
        """The tokens from `offset` to the end, the end itself included.

        Args:
            offset: Where to begin.
            after: What stands before: a newline directly after ``{`` ends no statement.
        """
        text = self.source.text
        keywords, operators, brackets = self.keywords, self.operators, self.brackets
        pending = ""
        pending_at = offset
        previous = after
        for match in self.pattern.finditer(text, offset):
            group = match.lastgroup
            if group == "newline":
                if not pending and not (brackets and brackets[-1][0] != "{"):
                    pending, pending_at = "\n", match.end() - 1
                continue
            if group == "comment":
                start = match.start(group)
                span = Span(self.source, start, match.end())
                self.comments.append(Comment(text[start : match.end()][1:].strip(), span=span))
                continue
            if group is None:
                break
            start, end = match.span(group)
            word = text[start:end]
            if group == "sign" and word == ";":
                pending, pending_at = ";", start
                continue
            if pending:
                if previous != "{" and word != "}" and not (pending == "\n" and word in _CONTINUES):
                    yield Token(NEWLINE, pending, pending_at, pending_at + 1)
                pending = ""
            if group == "word":
                kind = keywords.get(word)
                if kind is None:
                    kind = self._word(word, start, end)
            elif group == "sign":
                kind = operators[word]
            elif group == "number":
                kind = "NUMBER"
                self._check(read_number(word), start)
            elif group == "string":
                kind = "STRING"
                if "\\" in word:
                    self._check(read_string(word), start)
            elif word == "::" and brackets and brackets[-1][0] == "[":
                yield Token("COLON", ":", start, start + 1)  # a slice without its end: `xs[::2]`
                kind, word, start = "COLON", ":", start + 1
            else:
                kind = self._misfit(group, word, start, end)
                if not kind:
                    continue
            previous = word
            yield Token(kind, word, start, end)
            # Counted only after the parser took it, so that `brackets` is right when it did not.
            if word in _OPENERS:
                brackets.append((word, start))
                if len(brackets) > MAX_BRACKETS:
                    yield Token(TOO_DEEP, word, start, end)
            elif word in _CLOSERS and brackets and _OPENERS[brackets[-1][0]] == word:
                brackets.pop()
        yield Token(END, "", len(text), len(text))

    def _fault(self, fault: Fault) -> None:
        self.faults.append(fault)
        self.broken.append(fault.start)

    def _check(self, value: object, start: int) -> None:
        if not isinstance(value, LiteralError):
            return
        code = "MSL013" if self.source.text[start] == '"' else "MSL014"
        where = start + value.start, start + value.end
        edit = None
        if value.replacement:
            literal = self.pattern.match(self.source.text, start)
            end = literal.end() if literal else where[1]
            edit = (start, end, value.replacement)
        self._fault(Fault(code, value.message, *where, helps=value.helps, edit=edit))

    def _word(self, word: str, start: int, end: int) -> str:
        """The terminal of a word that is not reserved."""
        first = word[0]
        kind = "KIND" if first.isupper() else "NAME"
        if word.isascii() and len(word) <= MAX_NAME and not word.startswith("__"):
            return kind
        if word not in self.bad_names:
            self.bad_names[word] = start
            self.faults.append(name_fault(word, MAX_NAME, start, end))
        return kind

    def _misfit(self, group: str, word: str, start: int, end: int) -> str:
        """Reports what is no token; the terminal that it stands for, ``""`` if none."""
        fault, kind = misfit(group, word, start, end)
        follows_another = self.broken and self.broken[-1] == start - 1
        if _FORBIDDEN.match(word) or (group == "bad" and follows_another):
            self.broken.append(start)
        else:
            self._fault(fault)
        return kind


def _start(seen: Comment | Fault) -> int:
    return seen.start if isinstance(seen, Fault) else seen.span.start
