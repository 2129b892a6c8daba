"""Where reading goes on after a token that fits nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from dsl.diagnostics.suggest import nearest
from dsl.syntax.lexer import END, NEWLINE, Token

TOP_WORDS = frozenset(("msl", "import", "let", "param", "block", "model", "variant", "extern"))
_TOP_ONLY = TOP_WORDS - {"let"}
_BODY_WORDS = frozenset(
    ("input", "output", "let", "shared", "repeat", "when", "residual", "parallel")
)
_STRUCTURES = frozenset(("residual", "parallel", "repeat", "when", "shortcut", "otherwise"))
_CONTINUATIONS = {"shortcut": "SHORTCUT", "otherwise": "OTHERWISE"}
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CONTINUED = re.compile(r"(?:\s|#[^\n]*)*(?:->|(?:otherwise|shortcut)\b)")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass
class Situation:
    """A token that does not fit, and what surrounds it.

    Attributes:
        text: The whole text.
        token: The token.
        statement: Offset at which the statement being read begins.
        depth: How much of the parser's stack lies below that statement.
        brackets: The open brackets, as the scanner counts them.
        pattern: The scanner's expression.
        section_words: The words that open a section.
        stack: How long the stack is.
        after_fault: Whether it follows directly on text that was skipped.
        accepts: Whether a terminal would have fitted.
        place: Where statements are being read: ``"file"``, ``"body"``, ``"entries"`` or
            ``"settings"``.
    """

    text: str
    token: Token
    statement: int
    depth: int
    brackets: list[tuple[str, int]]
    pattern: re.Pattern[str]
    section_words: frozenset[str]
    accepts: Callable[[str], bool]
    place: str
    stack: int
    after_fault: bool

    @cached_property
    def words(self) -> list[tuple[str, int]]:
        """The tokens of the statement before the misfit: text and offset."""
        found = []
        for match in self.pattern.finditer(self.text, self.statement):
            group = match.lastgroup
            if group is None or match.start(group) >= self.token.start:
                break
            if group not in ("newline", "comment"):
                found.append((match[group], match.start(group)))
        return found

    @property
    def head(self) -> str:
        """The first word of the statement."""
        return self.words[0][0] if self.words else self.token.text

    @cached_property
    def open_here(self) -> list[tuple[str, int]]:
        """The brackets opened within the statement and still open."""
        return [bracket for bracket in self.brackets if bracket[1] >= self.statement]

    @property
    def open_braces(self) -> list[int]:
        """Offsets of the open braces."""
        return [offset for sign, offset in self.brackets if sign == "{"]

    def indent(self, offset: int) -> int:
        """How far the line of an offset is indented."""
        start = self.text.rfind("\n", 0, offset) + 1
        line = self.text[start : self.text.find("\n", start) % (len(self.text) + 1)]
        return len(line) - len(line.lstrip(" \t\r\ufeff"))

    def first_on_line(self, offset: int) -> bool:
        """Whether only blanks stand before an offset on its line."""
        start = self.text.rfind("\n", 0, offset) + 1
        return not self.text[start:offset].strip(" \t\r\ufeff")

    @cached_property
    def unclosed_bracket(self) -> tuple[str, int] | None:
        """The ``(`` or ``[`` of this statement that was never closed, if that is the fault."""
        open_here = [bracket for bracket in self.open_here if bracket[0] != "{"]
        if not open_here or open_here[-1] != self.open_here[-1]:
            return None
        if self.token.type in (END, "RBRACE"):
            return open_here[-1]
        offset = self.token.start
        if not self.first_on_line(offset) or self.token.text in _OPENERS.values():
            return None
        same_level = self.indent(offset) <= self.indent(self.statement)
        return open_here[-1] if same_level or self.end_of_statement(self.statement)[1] else None

    @cached_property
    def unclosed_brace(self) -> int | None:
        """The ``{`` that was never closed, if that is the fault: a declaration betrays it."""
        if not self.open_braces:
            return None
        if self.token.type == END:
            return self._suspect_brace()
        if not self.first_on_line(self.statement):
            return None
        outermost = self.indent(self.statement) <= self.indent(self.open_braces[0])
        known = self.head in _TOP_ONLY or self.head in self.section_words
        return self._suspect_brace() if outermost and known else None

    def _suspect_brace(self) -> int:
        """The open brace whose closing one is missing, judged by the indentation of the others."""
        opened: list[int] = []
        suspect = None
        for match in self.pattern.finditer(self.text, 0, self.statement):
            if match.lastgroup != "sign":
                continue
            offset = match.start("sign")
            if match["sign"] == "{":
                opened.append(offset)
            elif match["sign"] == "}" and opened:
                last = opened.pop()
                if self.first_on_line(offset) and self.indent(offset) < self.indent(last):
                    suspect = last if suspect is None else suspect
        return self.open_braces[-1] if suspect is None else suspect

    @property
    def stray(self) -> bool:
        """Whether the text has left all braces, and this begins nothing that stands outside."""
        return self.place == "file" and not self.words and self.token.type != END

    @property
    def first_words(self) -> frozenset[str]:
        """The words that may begin a statement here."""
        return TOP_WORDS | self.section_words if self.place == "file" else _BODY_WORDS

    @cached_property
    def misspelt_continuation(self) -> str:
        """``shortcut`` or ``otherwise`` where the misfit was probably meant to be it."""
        if not self.words or self.words[-1][0] != "}" or self.token.type != "NAME":
            return ""
        words = [word for word, kind in _CONTINUATIONS.items() if self.accepts(kind)]
        return next(iter(nearest(self.token.text, words)), "")

    @property
    def settings_in_braces(self) -> bool:
        """Whether the misfit is the brace of ``Linear{16}``."""
        previous = self.words[-1][0] if self.words else ""
        is_kind = previous[:1].isupper() and previous.lower() not in _STRUCTURES
        return self.token.type == "LBRACE" and is_kind and self.place == "body"

    @property
    def complete(self) -> bool:
        """Whether the statement was whole, and the misfit begins something else."""
        if self.misspelt_continuation:
            return False
        apart = self.words and self.words[-1][0] == "}"
        continues = self.token.type in ("ARROW", "OTHERWISE", "SHORTCUT")
        return bool(apart or continues) and bool(self.words) and self.accepts(NEWLINE)

    def end_of_statement(self, start: int) -> tuple[int, bool, int | None]:
        """Where the statement ends, whether its brackets stay open, and a body ahead of the fault.

        Returns:
            The offset of what ends the statement; whether a bracket is never closed; the offset of
            the first brace behind the misfit and outside all brackets.
        """
        stack: list[str] = []
        fault = self.token.start
        fallback = body = None
        for match in self.pattern.finditer(self.text, start):
            group = match.lastgroup
            if group is None:
                break
            offset = match.start(group)
            if group == "newline":
                if offset >= fault and fallback is None:
                    fallback = offset
                if "(" in stack or "[" in stack:
                    if self._declares(offset + 1):
                        break
                elif not stack and offset >= fault and not self._continued(offset):
                    return offset, False, body
                continue
            sign = match[group]
            if sign == ";" and not stack and offset >= fault:
                return offset, False, body
            if sign in _OPENERS:
                if sign == "{" and not stack and offset >= fault and body is None:
                    body = offset
                stack.append(sign)
            elif sign in _OPENERS.values():
                if stack and _OPENERS[stack[-1]] == sign:
                    stack.pop()
                elif sign == "}" and offset >= fault:
                    return (
                        offset if not stack else min(fallback or offset, offset),
                        bool(stack),
                        body,
                    )
        end = len(self.text) if fallback is None else fallback
        return (end, True, body) if stack else (len(self.text), False, body)

    def _continued(self, newline: int) -> bool:
        return newline != self.token.start and bool(_CONTINUED.match(self.text, newline))

    def _declares(self, offset: int) -> bool:
        """Whether a declaration or section begins at the very start of a line."""
        word = _WORD.match(self.text, offset)
        return word is not None and (word[0] in TOP_WORDS or word[0] in self.section_words)

    def next_declaration(self) -> int:
        """Offset of the newline before the next declaration or section, or of the end."""
        newline = self.text.find("\n", self.token.start)
        while newline >= 0 and not self._declares(newline + 1):
            newline = self.text.find("\n", newline + 1)
        return newline if newline >= 0 else len(self.text)


@dataclass
class Plan:
    """How to go on.

    Attributes:
        depth: How much of the stack to keep.
        tokens: Tokens to feed first.
        offset: Where the scanner goes on.
        brackets: How many of the open brackets stay open.
        headless: Offset of a statement whose head was made up, so that its body can be read.
    """

    depth: int
    tokens: list[Token]
    offset: int
    brackets: int
    headless: int | None = field(default=None)


def plan_recovery(situation: Situation) -> Plan:
    """Decides where reading goes on."""
    token, statement = situation.token, situation.statement
    kept = len(situation.brackets) - len(situation.open_here)
    if situation.unclosed_brace is not None:
        return _close_braces(situation)
    if token.type == "RBRACE" and not situation.open_braces and not situation.stray:
        return Plan(situation.stack, [], token.end, kept)
    if situation.complete:
        offset = situation.end_of_statement(token.start)[0]
        separator = Token(NEWLINE, "", token.start, token.start)
        return Plan(situation.stack, [separator, _broken(token.start, offset)], offset, kept)
    if situation.stray:
        return _masked(situation, situation.next_declaration(), 0)
    if situation.unclosed_bracket is not None:
        offset = token.start
        if token.type not in (END, "RBRACE"):
            offset = situation.text.rfind("\n", 0, token.start)
        return _masked(situation, offset, kept)
    offset, _, body = situation.end_of_statement(statement)
    head = _made_up_head(situation)
    if body is not None and head and _is_body(situation, body):
        tokens = [Token(kind, text, statement, statement) for kind, text in head]
        return Plan(situation.depth, tokens, body, kept, statement)
    return _masked(situation, offset, kept)


def _masked(situation: Situation, offset: int, brackets: int) -> Plan:
    return Plan(situation.depth, [_broken(situation.statement, offset)], offset, brackets)


def _broken(start: int, end: int) -> Token:
    return Token("BROKEN", "", start, max(start, end))


def _close_braces(situation: Situation) -> Plan:
    """Ends the statement and every body around it, and goes on with the declaration."""
    statement = situation.statement
    if situation.token.type == END:
        offset = len(situation.text)
    else:
        offset = max(situation.text.rfind("\n", 0, statement), 0)
    tokens = [Token("RBRACE", "}", offset, offset)] * len(situation.open_braces)
    if situation.token.type == END and situation.accepts("RBRACE"):
        return Plan(situation.stack, tokens, offset, 0)
    tokens.insert(0, _broken(min(statement, offset), offset))
    return Plan(situation.depth, tokens, offset, 0)


_STATEMENT = re.compile(r"\{(?:\s|#[^\n]*)*[A-Za-z_({}]")


def _is_body(situation: Situation, offset: int) -> bool:
    """Whether the brace at an offset opens statements, and neither settings nor a placeholder."""
    if situation.settings_in_braces and offset == situation.token.start:
        return False
    return _STATEMENT.match(situation.text, offset) is not None


def _made_up_head(situation: Situation) -> list[tuple[str, str]]:
    """A head under which the body of a broken statement can be read."""
    if situation.place == "body":
        if situation.head in situation.section_words:
            return []
        return [("RESIDUAL", "residual")]
    if situation.place != "file":
        return []
    if situation.head in ("block", "model"):
        return [("MODEL", "model"), ("KIND", "_")]
    if situation.head == "extern" or situation.head in situation.section_words:
        return [("NAME", "train")]
    return []
