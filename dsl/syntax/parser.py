"""The LALR(1) automaton, and how it goes on after a mistake.

A broken statement costs one report. The stack is cut back to where that statement began, the
terminal ``BROKEN`` takes its place, and reading goes on after it. Nothing here raises, and nothing
recurses: the stack is a list.
"""

from __future__ import annotations

import gc
from itertools import islice
from typing import TYPE_CHECKING, Any

from dsl.diagnostics.model import Edit, Fix, Reporter
from dsl.source import MAX_BYTES, Source, Span
from dsl.syntax import ast
from dsl.syntax.builder import Builder
from dsl.syntax.errors import Fault
from dsl.syntax.lexer import END, TOO_DEEP, Lexer, Token
from dsl.syntax.tables import ABSENT, INLINE, Tables, load_tables

if TYPE_CHECKING:
    from dsl.syntax.recovery import Plan, Situation  # loaded for texts that are broken

MAX_FAULTS = 20
MAX_SHOWN = 100
MAX_RECOVERIES = 200
MAX_NESTING = 128
_NESTING = frozenset(("LPAR", "LSQB", "LBRACE", "NOT", "MINUS", "PLUS", "POWER", "IF", "ELSE"))


def parse(source: Source, reporter: Reporter) -> ast.File:
    """Reads a whole text.

    Args:
        source: The text; a byte order mark and carriage returns are taken for blanks.
        reporter: Is told of every mistake.

    Returns:
        The tree; where a statement could not be read, an `ast.Broken` stands for it.
    """
    tree = _parse(source, reporter, "file")
    if isinstance(tree, ast.File):
        return tree
    return ast.File((), span=Span(source, 0, len(source.text)))


def parse_value(source: Source, reporter: Reporter) -> ast.Expr | None:
    """Reads one value, such as that of ``-D name=value``; None where it cannot be read."""
    value = _parse(source, reporter, "item")
    return None if isinstance(value, ast.File) else value


def _parse(source: Source, reporter: Reporter, start: str) -> Any:
    if len(source.text) > MAX_BYTES or len(source.text.encode("utf-8", "replace")) > MAX_BYTES:
        reporter.report(
            "MSL018",
            "the file is larger than 1 MiB",
            Span(source, 0, 0),
            helps=("say repeated layers with `repeat`, and split blocks off with `import`",),
        )
        return None
    collecting = gc.isenabled()
    gc.disable()  # a tree in the making is all alive: collecting it again and again is in vain
    try:
        run = Run(source, load_tables(), start)
        tree = run.run()
    finally:
        if collecting:
            gc.enable()
    faults = sorted(run.all_faults(), key=lambda fault: (fault.start, fault.code))
    for fault in faults[:MAX_SHOWN]:
        _report(source, reporter, fault)
    if len(faults) > MAX_SHOWN:
        message = f"{MAX_SHOWN} mistakes are found, and there are more"
        first = faults[MAX_SHOWN]
        helps = ("mend these first, then check again",)
        _report(source, reporter, Fault("MSL144", message, first.start, first.end, helps=helps))
    return tree


def _report(source: Source, reporter: Reporter, fault: Fault) -> None:
    fix = None
    if fault.edit is not None:
        start, end, text = fault.edit
        edits = (Edit(Span(source, start, end), text),)
        fix = Fix(fault.helps[0] if fault.helps else "mend it", edits)
    reporter.report(
        fault.code,
        fault.message,
        Span(source, fault.start, fault.end),
        fault.label,
        others=tuple((Span(source, start, end), text) for start, end, text in fault.others),
        helps=fault.helps,
        fix=fix,
    )


class Run:
    """One text on its way through the automaton.

    The stacks run in parallel: state, value, start and end offset, and how many nesting signs lie
    below. Their first entry is the start state, with nothing to its name.
    """

    def __init__(self, source: Source, tables: Tables, start: str) -> None:
        self.source = source
        self.tables = tables
        self.start = start
        self.faults: list[Fault] = []
        self.lexer = Lexer(source, tables)
        self.builder = Builder(source, self.lexer, self.faults)
        self.methods = [self._method(rule.name) for rule in tables.rules]
        self.states = [tables.start[start]]
        self.values: list[Any] = [None]
        self.starts = [0]
        self.ends = [0]
        self.depths = [0]
        self.failed: set[int] = set()
        self.recoveries = 0
        self.skipped_to = -1
        self.too_deep = False

    def _method(self, name: str | None) -> Any:
        return getattr(self.builder, name) if name else None

    def all_faults(self) -> list[Fault]:
        """What the scanner and the automaton found."""
        forbidden = islice(self.lexer.forbidden(), MAX_SHOWN + 1)
        return [*forbidden, *self.lexer.faults, *self.faults]

    def run(self) -> Any:
        """Reads the text; a partial tree where it has to give up, None for a lone value."""
        offset, after = 0, "{"
        queue: list[Token] = []
        while True:
            token = self._feed_all(queue, offset, after)
            if token is None:
                return self.values[-1]
            self._settle()
            situation = self._situation(token)
            self._complain(situation)
            plan = self._recover(situation) if self.start == "file" else None
            if plan is None:
                return self._partial() if self.start == "file" else None
            queue, offset, after = plan.tokens, plan.offset, "}"

    def _feed_all(self, queue: list[Token], offset: int, after: str) -> Token | None:
        """Feeds tokens to the automaton; returns the one that does not fit, if any."""
        for token in queue:
            if not self._feed(token):
                return token
        for token in self.lexer.tokens(offset, after):
            if not self._feed(token):
                return token
        return None

    def _feed(self, token: Token) -> bool:
        """Shifts one token, after the reductions that it calls for; False where it does not fit."""
        tables, states = self.tables, self.states
        rows, rules = tables.rows, tables.rules
        kind = token.type
        if kind == "NAME" and token.text in tables.soft_keywords:
            soft = tables.soft_keywords[token.text]
            if soft in rows[states[-1]]:
                kind = soft
        while True:
            action = rows[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                break
            rule = rules[~action]
            if rule.name is None:
                states[-1] = rows[states[-2]][rule.origin]
            else:
                self._reduce(rule, self.methods[~action])
            if kind == END and states[-1] == tables.end[self.start]:
                return True
        return self._shift(action, kind, token)

    def _shift(self, state: int, kind: str, token: Token) -> bool:
        depth = self.depths[-1]
        if kind in _NESTING:
            depth += 1
            if depth > MAX_NESTING:
                self.too_deep = True
                return False
        self.states.append(state)
        self.values.append(token)
        self.starts.append(token.start)
        self.ends.append(token.end)
        self.depths.append(depth)
        return True

    def _reduce(self, rule: Any, method: Any) -> None:
        size = rule.size
        values, starts, ends, states = self.values, self.starts, self.ends, self.states
        if size:
            children = values[-size:]
            start, end = starts[-size], ends[-1]
            del values[-size:], starts[-size:], ends[-size:], states[-size:], self.depths[-size:]
        else:
            children = []
            start = end = ends[-1]
        if rule.plan is not None:
            children = _select(children, rule.plan)
        values.append(method(children, start, end) if method else children)
        starts.append(start)
        ends.append(end)
        self.depths.append(self.depths[-1])
        states.append(self.tables.rows[states[-1]][rule.origin])

    # --- after a mistake -----------------------------------------------------------------

    def _settle(self) -> None:
        """Makes the reductions that do not depend on what follows, such as that after ``}``."""
        while True:
            actions = set(self.tables.rows[self.states[-1]].values())
            rule = min(actions, default=0)
            if rule >= 0 or len(actions) > 1 or not self.tables.rules[~rule].name:
                return
            self._reduce(self.tables.rules[~rule], self.methods[~rule])

    def _recover(self, situation: Situation) -> Plan | None:
        """Clears the way to go on; None to give up."""
        from dsl.syntax.recovery import plan_recovery

        self.recoveries += 1
        if self.recoveries > MAX_RECOVERIES or len(self.faults) >= MAX_FAULTS:
            if len(self.faults) >= MAX_FAULTS:
                self._stop(situation.token)
            return None
        plan = plan_recovery(situation)
        del self.lexer.brackets[plan.brackets :]
        self.lexer.rewind(plan.offset)
        for stack in (self.states, self.values, self.starts, self.ends, self.depths):
            del stack[plan.depth :]
        self.skipped_to = plan.offset
        if plan.headless is not None:
            self.builder.headless.add(plan.headless)
        return plan

    def _stop(self, token: Token) -> None:
        """Tells that nothing behind a token has been read."""
        message = f"{len(self.faults)} mistakes are found, and what follows is not read"
        helps = ("mend these first, then check again",)
        self.faults.append(Fault("MSL144", message, token.start, token.end, helps=helps))

    def _situation(self, token: Token) -> Situation:
        from dsl.syntax.recovery import Situation

        rows, states = self.tables.rows, self.states
        depth = len(states)
        while depth > 1 and "BROKEN" not in rows[states[depth - 1]]:
            depth -= 1
        statement = self.starts[depth] if depth < len(states) else token.start
        return Situation(
            text=self.source.text,
            token=token._replace(type=TOO_DEEP) if self.too_deep else token,
            stack=len(states),
            after_fault=self._follows_fault(token),
            statement=statement,
            depth=depth,
            brackets=list(self.lexer.brackets),
            pattern=self.lexer.pattern,
            section_words=frozenset(self.tables.soft_keywords) - {"layer"},
            accepts=self._accepts,
            place=self._place(rows[states[depth - 1]]),
        )

    def _follows_fault(self, token: Token) -> bool:
        """Whether nothing but blanks lies between a token and text that was skipped."""
        skipped = self.skipped_to
        return 0 <= skipped <= token.start and not self.source.text[skipped : token.start].strip()

    def _place(self, row: dict[str, int]) -> str:
        if "model" in row:
            return "file"
        if "step" in row:
            return "body"
        return "entries" if "entry" in row else "settings"

    def _accepts(self, kind: str) -> bool:
        """Whether a terminal fits here, told by going through the reductions without values."""
        rows, rules = self.tables.rows, self.tables.rules
        states = self.states.copy()
        while True:
            action = rows[states[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            rule = rules[~action]
            if rule.size:
                del states[-rule.size :]
            states.append(rows[states[-1]][rule.origin])

    def _complain(self, situation: Situation) -> None:
        """Reports the misfit, unless something within its statement has been reported."""
        statement = situation.statement
        end = situation.token.end
        self.too_deep = False
        if situation.stray and situation.after_fault:
            return
        if self.failed and situation.token.type in ("SHORTCUT", "OTHERWISE"):
            return  # what it continues is most likely the statement that failed
        if statement not in self.failed and not self.lexer.faulty(statement, end):
            from dsl.syntax.explanations import explain

            fault = explain(situation)
            left_outside = fault.code == "MSL011" and situation.stray and bool(self.faults)
            if not left_outside and not self._is_known(fault):
                self.faults.append(fault)  # a layer left outside follows from a brace before it
        self.failed.add(statement)

    def _is_known(self, fault: Fault) -> bool:
        """Whether a word that cannot be a name has been told of: its uses follow from that."""
        known = {(other.code, other.message) for other in self.faults if other.code == "MSL007"}
        return (fault.code, fault.message) in known

    def _partial(self) -> ast.File:
        """What was read of the file before giving up."""
        statements: list[ast.Statement] = []
        for value in self.values:
            if isinstance(value, Token) and value.type == "LBRACE":
                break
            for item in value if isinstance(value, list) else (value,):
                if isinstance(item, ast.Statement):
                    statements.append(item)
        return ast.File(tuple(statements), span=Span(self.source, 0, len(self.source.text)))


def _select(children: list[Any], plan: tuple[int, ...]) -> list[Any]:
    """The children that a production keeps, lists spliced in; linear for left-recursive lists."""
    kept: list[Any] | None = None
    for place in plan:
        if place >= INLINE:
            part = children[place - INLINE]
            if kept is None:
                kept = part
            else:
                kept.extend(part)
        else:
            item = None if place == ABSENT else children[place]
            if kept is None:
                kept = [item]
            else:
                kept.append(item)
    return [] if kept is None else kept
