"""The canonical layout of a text: `format_file`.

Two blanks of indentation, a hundred columns. The author decides where a chain goes on in a new line
before ``->``, whether a short body stays on one line, and where single blank lines stand; all else
is decided here. Formatting twice changes nothing, and the tree stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsl.source import Source
from dsl.syntax import ast
from dsl.syntax.expressions import INDENT, Comments, Expressions, flat, join, written

_WIDEST_NAME = 16
_ENDLESS = 1 << 30
_SHORT = 20  # columns that the head of a structure should find on its line


def format_file(file: ast.File) -> str:
    """The canonical text of a tree.

    Args:
        file: A tree without `ast.Broken` in it; the text of a broken statement is kept as it is.

    Returns:
        The text, with a line end at its end; empty for an empty file.
    """
    formatter = Formatter(file.span.source)
    lines = formatter.sequence(file.statements, file.closing, 0)
    return "".join(f"{line.rstrip()}\n" for line in lines)


class Formatter(Expressions):
    """Writes the statements of one text."""

    def __init__(self, source: Source) -> None:
        super().__init__(Comments(source))
        self.text = source.text
        self.one_lines: dict[tuple[int, int], str | None] = {}

    def _on_one_line(
        self, start: int, end: int, parts: Callable[[], list[list[str]]]
    ) -> str | None:
        """The text of a construct on one line, however long; None where it needs several.

        Kept by offsets: without that, each level of nesting would double the work. A body and the
        construct that it begins with start at the same place.

        Args:
            start: Offset of the construct.
            end: Offset behind it.
            parts: Writes its parts; the last is what stands between them.
        """
        place = (start, end)
        if place not in self.one_lines:
            width, self.width = self.width, _ENDLESS
            *lines, (between,) = parts()
            whole = all(len(part) == 1 for part in lines)
            text = between.join(part[0].strip() for part in lines)
            self.one_lines[place] = text if whole else None
            self.width = width
        return self.one_lines[place]

    # --- statements and the comments around them -----------------------------------------

    def sequence(
        self, statements: Sequence[ast.Statement], closing: Sequence[ast.Comment], indent: int
    ) -> list[str]:
        """Statements, one below the other, with their comments and single blank lines."""
        lines: list[str] = []
        end = 0
        for statement in statements:
            if lines and statement.blank_before:
                lines.append("")
            above = self._above(statement.leading, statement.span.start, indent)
            body = self._whole(statement, indent)
            lines.extend(above + body)
            end = self._end(statement)
        if closing:
            if lines and self.text.count("\n", end, closing[0].span.start) > 1:
                lines.append("")
            lines.extend(self._above(closing, -1, indent))
        return lines

    def _end(self, statement: ast.Statement) -> int:
        """Where the text of a statement ends, the comment after it included."""
        ends = [statement.span.end]
        if statement.trailing is not None:
            ends.append(statement.trailing.span.end)
        ends.extend(comment.span.end for comment in statement.inner)
        return max(ends)

    def _above(self, comments: Sequence[ast.Comment], start: int, indent: int) -> list[str]:
        """Comments on lines of their own, blank lines between them kept."""
        lines: list[str] = []
        for number, comment in enumerate(comments):
            lines.append(" " * indent + written(comment))
            after = comments[number + 1].span.start if number + 1 < len(comments) else start
            if self.text.count("\n", comment.span.end, max(after, 0)) > 1:
                lines.append("")
        return lines

    def _whole(self, statement: ast.Statement, indent: int) -> list[str]:
        """A statement with the comments amid it and after it."""
        outer, self.comments.pending = self.comments.pending, list(statement.inner)
        trailing = statement.trailing
        end = statement.span.end
        if trailing is not None and trailing.span.start < end:
            self.comments.pending.insert(0, trailing)
            trailing = None
        after = self.comments.take(end, len(self.text) + 1)
        lines = self.statement(statement, indent)
        lines[0] = " " * indent + lines[0]
        stray = [" " * indent + written(comment) for comment in self.comments.pending]
        for comment in (*after, *((trailing,) if trailing is not None else ())):
            lines[-1] += f"  {written(comment)}"
        self.comments.pending = outer
        return stray + lines

    def statement(self, node: ast.Statement, indent: int) -> list[str]:
        """A statement as lines, the first without its indentation."""
        match node:
            case ast.Step():
                names = ", ".join(node.names)
                return self._chain_after(f"{names} = " if names else "", node.chain, indent)
            case ast.OutputDecl():
                return self._output(node, indent)
            case ast.InputDecl():
                return [f"input {node.name}" + (f": {flat(node.type)}" if node.type else "")]
            case ast.Let():
                return self._prefixed(f"let {node.name} = ", node.value, indent, indent)
            case ast.SharedDecl():
                return self._prefixed(f"shared {node.name} = ", node.kind, indent, indent)
            case ast.Setting():
                return self._prefixed(f"{node.name} = ", node.value, indent, indent)
            case ast.Limit():
                return self._prefixed(f"{node.name} {node.op} ", node.value, indent, indent)
            case ast.Item():
                prefix = f"{node.target}: " if node.target else ""
                return self._prefixed(prefix, node.value, indent, indent)
        return self._declaration(node, indent)

    def _output(self, node: ast.OutputDecl, indent: int) -> list[str]:
        head = f"output {node.name}" + (f": {flat(node.type)}" if node.type else "")
        if node.chain is None:
            return [head]
        return self._chain_after(f"{head} = ", node.chain, indent)

    def _declaration(self, node: ast.Statement, indent: int) -> list[str]:
        match node:
            case ast.Version():
                return [f"msl {node.number}"]
            case ast.Import():
                return [f"import {flat(ast.String(node.path, span=node.span))}"]
            case ast.ParamDecl():
                return [f"param {flat(node.param)}"]
            case ast.VariantDecl():
                return self._prefixed(f"variant {node.name} = ", node.base, indent, indent)
            case ast.BlockDecl():
                return self._model(f"block {node.name}", node, indent)
            case ast.ModelDecl():
                return self._model(f"model {node.name}", node, indent)
            case ast.Section():
                return self._section(node, indent)
            case ast.ExternDecl():
                return self._extern(node, indent)
        return node.span.text.split("\n")

    # --- declarations --------------------------------------------------------------------

    def _model(self, head: str, node: ast.BlockDecl | ast.ModelDecl, indent: int) -> list[str]:
        lines = self._head(head, node.params, node.name_span.end, node.body.span.start, " {")
        lines[-1] += " "
        join(lines, self.body(node.body, indent, len(lines[-1])))
        return lines

    def _head(
        self, head: str, params: Sequence[ast.Param], start: int, end: int, tail: str
    ) -> list[str]:
        """A name with its parameters; `tail` must fit on the same line."""
        if not params:
            return [head]
        line = f"{head}({', '.join(map(flat, params))})"
        if len(line) + len(tail) <= self.width and not self.comments.any_in(start, end):
            return [line]
        return self.lay_items(f"{head}(", params, ")", 0, end)

    def _section(self, node: ast.Section, indent: int) -> list[str]:
        lines = [node.word]
        start = node.word_span.end
        if node.head is not None:
            lines = self._prefixed(f"{node.word} ", node.head, indent, indent)
            start = node.head.span.end
        if node.entries is not None:
            lines[-1] += " "
            used = len(lines[-1])
            join(lines, self.braces(node.entries, node.closing, start, node.span.end, indent, used))
        return lines

    def _extern(self, node: ast.ExternDecl, indent: int) -> list[str]:
        path = flat(ast.String(node.path, span=node.span))
        tail = f" from {path} "
        start = node.params[-1].span.end if node.params else node.name_span.end
        opening = self.text.find("{", self.text.find('"', start))
        head = f"extern layer {node.name}"
        lines = self._head(head, node.params, node.name_span.end, start, tail + "{")
        lines[-1] += tail
        used = len(lines[-1])
        join(lines, self.braces(node.settings, node.closing, opening, node.span.end, indent, used))
        return lines

    # --- bodies --------------------------------------------------------------------------

    def body(self, body: ast.Body, indent: int, used: int) -> list[str]:
        """A body; the first line begins with its brace."""
        span = body.span
        return self.braces(body.statements, body.closing, span.start, span.end, indent, used)

    def braces(
        self,
        statements: Sequence[ast.Statement],
        closing: Sequence[ast.Comment],
        start: int,
        end: int,
        indent: int,
        used: int,
    ) -> list[str]:
        """Statements in braces: on one line where they were written so and fit, else not."""
        first = statements[0].span.start if statements else end
        if closing:
            first = min(first, closing[0].span.start)
        opening = self.comments.take(start, first)
        if not statements and not closing and not opening:
            return ["{ }"]
        if not opening and not closing and self.comments.same_line(start, end):
            line = self._on_one_line(first, end, lambda: self._parts(statements, indent))
            if line is not None and used + len(line) + 4 <= self.width:
                return [f"{{ {line} }}"]
        lines = ["".join(["{", *(f"  {written(comment)}" for comment in opening[:1])])]
        lines.extend(" " * (indent + INDENT) + written(comment) for comment in opening[1:])
        lines.extend(self.sequence(statements, closing, indent + INDENT))
        lines.append(" " * indent + "}")
        return lines

    def _parts(self, statements: Sequence[ast.Statement], indent: int) -> list[list[str]]:
        return [*(self._whole(statement, indent) for statement in statements), ["; "]]

    # --- chains --------------------------------------------------------------------------

    def _chain_after(self, prefix: str, chain: ast.Chain, indent: int) -> list[str]:
        """A chain after ``name = ``; its continuations stand below the sign where that is near."""
        hang = len(prefix) - 2 if prefix and len(prefix) <= _WIDEST_NAME else INDENT
        return self.chain(prefix, chain, indent, indent + hang, True)

    def chain(
        self, prefix: str, chain: ast.Chain, indent: int, hang: int, keep_breaks: bool
    ) -> list[str]:
        """A chain as lines, the first without its indentation.

        Args:
            prefix: What stands before it on its first line.
            chain: The chain.
            indent: Indentation of its first line.
            hang: Indentation of the lines that begin with ``->``.
            keep_breaks: Whether the author's line breaks before ``->`` stay.
        """
        lines = [prefix]
        line_indent = indent
        end = chain.span.start
        for number, element in enumerate(chain.elements):
            start = element.span.start
            used = len(lines[-1]) + (indent if len(lines) == 1 else 0)
            broken = False
            if number:
                comments = self.comments.take(end, start)
                self._place(lines, comments, end, " " * hang)
                broken = bool(comments)
                broken |= keep_breaks and not self.comments.same_line(end, start)
                used += 4
            broken |= number > 0 and used + self._need(element) > self.width
            if broken:
                line_indent = hang
                lines.append(f"{' ' * hang}-> ")
                join(lines, self.element(element, hang, hang + 3))
            else:
                text = self.element(element, line_indent, used)
                join(lines, [" -> " + text[0] if number else text[0], *text[1:]])
            end = element.span.end
        return lines

    def _need(self, node: ast.Node) -> int:
        """How many columns an element should find on a line that others have begun."""
        return len(flat(node)) if isinstance(node, ast.KindCall | ast.Name) else _SHORT

    def element(self, node: ast.Node, indent: int, used: int) -> list[str]:
        """One element of a chain."""
        match node:
            case ast.TupleElement():
                return self._tuple(node, indent, used)
            case ast.Residual():
                head = f"residual if {flat(node.condition)} " if node.condition else "residual "
                return self._bodies(head, node.body, " shortcut ", node.shortcut, indent, used)
            case ast.When():
                head = f"when {flat(node.condition)} "
                return self._bodies(head, node.then, " otherwise ", node.otherwise, indent, used)
            case ast.Repeat():
                head = f"repeat {flat(node.count)} {_round_names(node)}"
                return self._bodies(head, node.body, "", None, indent, used)
            case ast.Parallel():
                return self._parallel(node, indent, used)
        return self.lay(node, indent, used)

    def _bodies(
        self, head: str, first: ast.Body, word: str, second: ast.Body | None, indent: int, used: int
    ) -> list[str]:
        lines = [head]
        join(lines, self.body(first, indent, used + len(head)))
        if second is not None:
            between = self.comments.take(first.span.end, second.span.start)
            self._place(lines, between, first.span.end, " " * indent)
            if between:
                lines.append(" " * indent + word.lstrip())
            else:
                lines[-1] += word
            column = len(lines[-1]) + (used if len(lines) == 1 else 0)
            join(lines, self.body(second, indent, column))
        return lines

    def _parallel(self, node: ast.Parallel, indent: int, used: int) -> list[str]:
        span = node.span
        commented = self.comments.any_in(span.start, span.end)
        if not commented and self.comments.same_line(span.start, span.end):
            line = self._on_one_line(span.start, span.end, lambda: self._branches(node, indent))
            if line is not None and used + len(line) + 13 <= self.width:
                return [f"parallel {{ {line} }}"]
        lines = ["parallel {"]
        inside = indent + INDENT
        end = span.start
        for branch in node.branches:
            between = self.comments.take(end, branch.span.start)
            self._place(lines, between, end, " " * inside)
            lines.append(" " * inside)
            join(lines, self.body(branch, inside, inside))
            end = branch.span.end
        self._place(lines, self.comments.take(end, span.end), end, " " * inside)
        lines.append(" " * indent + "}")
        return lines

    def _branches(self, node: ast.Parallel, indent: int) -> list[list[str]]:
        return [*(self.body(branch, indent, 0) for branch in node.branches), [" "]]

    def _tuple(self, node: ast.TupleElement, indent: int, used: int) -> list[str]:
        span = node.span
        line = None
        if not self.comments.any_in(span.start, span.end):
            line = self._on_one_line(span.start, span.end, lambda: self._items(node, indent))
            if line is not None and used + len(line) + 2 <= self.width:
                return [f"({line})"]
        return self.lay_items("(", node.items, ")", indent, span.end, line=line)

    def _items(self, node: ast.TupleElement, indent: int) -> list[list[str]]:
        return [*(self.item(item, indent) for item in node.items), [", "]]

    def item(self, item: ast.Node, indent: int) -> list[str]:
        """One element of a bracket: an expression, a parameter, or a chain with or without name."""
        if not isinstance(item, ast.TupleItem):
            return super().item(item, indent)
        prefix = f"{item.name}=" if item.name else ""
        return self.chain(prefix, item.chain, indent, indent + INDENT, False)


def _round_names(node: ast.Repeat) -> str:
    """The names of a round with the word before them: ``as i, (a, b) ``."""
    if node.indexed:
        return f"as {node.names[0]}, ({', '.join(node.names[1:])}) "
    return f"as {', '.join(node.names)} " if node.names else ""
