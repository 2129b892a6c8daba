"""Writing expressions: on one line where they fit, else over several.

The elements of a bracket then stand together on a line of their own where they fit there, else one
on each line, as the rows of a table always do.
"""

from __future__ import annotations

from collections.abc import Sequence

from dsl.source import Source
from dsl.syntax import ast
from dsl.syntax.literals import quote

WIDTH = 100
INDENT = 2


def flat(node: ast.Node) -> str:
    """An expression, a type or a parameter on one line.

    Chains of operators are walked, not recursed into: only brackets nest.
    """
    pieces: list[str] = []
    while True:
        match node:
            case ast.Binary():
                pieces.append(f" {node.op} {flat(node.right)}")
                node = node.left
            case ast.Attribute():
                pieces.append(f".{node.attr}")
                node = node.value
            case ast.Index():
                pieces.append(f"[{_flat_list(node.indices)}]")
                node = node.value
            case ast.Slice():
                pieces.append(_flat_slice(node))
                node = node.value
            case _:
                pieces.append(_flat_single(node))
                return "".join(reversed(pieces))


def _flat_list(nodes: Sequence[ast.Node]) -> str:
    return ", ".join(map(flat, nodes))


def _flat_slice(node: ast.Slice) -> str:
    start, stop, step = (flat(part) if part else "" for part in (node.start, node.stop, node.step))
    return f"[{start}:{stop}{f':{step}' if step else ''}]"


def _flat_single(node: ast.Node) -> str:
    match node:
        case ast.Number():
            return node.text or str(node.value)
        case ast.String():
            return quote(node.value)
        case ast.Bool():
            return "true" if node.value else "false"
        case ast.Auto():
            return "auto"
        case ast.Name():
            return node.id
        case ast.Unary():
            return f"{node.op}{' ' if node.op == 'not' else ''}{flat(node.operand)}"
        case ast.Conditional():
            condition, otherwise = flat(node.condition), flat(node.otherwise)
            return f"{flat(node.then)} if {condition} else {otherwise}"
        case ast.OnPattern():
            return f"{flat(node.value)} on {flat(node.target)}"
        case ast.Argument():
            return f"{node.name}={flat(node.value)}" if node.name else flat(node.value)
        case ast.DimDecl():
            return f"{node.symbol}={flat(node.size)}" if node.symbol else flat(node.size)
        case ast.TypeExpr():
            return node.dtype if node.dims is None else f"{node.dtype}[{_flat_list(node.dims)}]"
        case ast.Param():
            return _flat_param(node)
        case ast.Bounds():
            if node.choices is not None:
                return flat(node.choices)
            return f"{flat(node.low)}..{flat(node.high)}" if node.low and node.high else ""
    opening, items, closing = bracketed(node)
    return f"{opening}{_flat_list(items)}{closing}"


def _flat_param(param: ast.Param) -> str:
    default = f" = {flat(param.default)}" if param.default is not None else ""
    bounds = f" in {flat(param.bounds)}" if param.bounds is not None else ""
    return f"{param.name}: {param.type}{default}{bounds}"


def bracketed(node: ast.Node) -> tuple[str, Sequence[ast.Node], str]:
    """What opens a bracketed expression, its elements, and what closes it."""
    match node:
        case ast.KindCall():
            if not node.args:
                return node.kind, (), ""
            return f"{node.kind}(", node.args, ")"
        case ast.List():
            return "[", node.items, "]"
        case ast.Call():
            return f"{node.function}(", node.args, ")"
        case ast.Paren():
            return "(", (node.value,), ")"
    return "", (), ""


class Comments:
    """The comments amid a statement that have not been written yet."""

    def __init__(self, source: Source) -> None:
        self.text = source.text
        self.pending: list[ast.Comment] = []

    def any_in(self, start: int, end: int) -> bool:
        """Whether a comment stands between two offsets."""
        return any(start <= comment.span.start < end for comment in self.pending)

    def take(self, start: int, end: int) -> list[ast.Comment]:
        """The comments between two offsets, taken off the list."""
        taken = [comment for comment in self.pending if start <= comment.span.start < end]
        if taken:
            self.pending = [one for one in self.pending if not start <= one.span.start < end]
        return taken

    def same_line(self, start: int, end: int) -> bool:
        """Whether no line ends between two offsets."""
        return self.text.find("\n", start, end) < 0


def written(comment: ast.Comment) -> str:
    """A comment as it is written."""
    return f"# {comment.text}" if comment.text else "#"


def join(lines: list[str], more: Sequence[str]) -> None:
    """Continues the last of the lines with the first of the others."""
    lines[-1] += more[0]
    lines.extend(more[1:])


class Expressions:
    """Writes the expressions of one text, with the comments amid them."""

    def __init__(self, comments: Comments) -> None:
        self.comments = comments
        self.width = WIDTH

    def lay(self, node: ast.Node, indent: int, used: int) -> list[str]:
        """An expression as lines.

        Args:
            node: The expression.
            indent: Indentation of the line that it begins on.
            used: Columns of that line that are taken.
        """
        line = flat(node)
        commented = self.comments.any_in(node.span.start, node.span.end)
        if not commented and used + len(line) <= self.width:
            return [line]
        match node:
            case ast.Binary() | ast.Attribute() | ast.Index() | ast.Slice():
                return self._lay_spine(node, indent, used)
            case ast.Argument() if node.name:
                return self._prefixed(f"{node.name}=", node.value, indent, used)
            case ast.Argument():
                return self.lay(node.value, indent, used)
            case ast.Unary():
                sign = node.op + (" " if node.op == "not" else "")
                return self._prefixed(sign, node.operand, indent, used)
            case ast.OnPattern():
                lines = self.lay(node.value, indent, used)
                join(lines, [" on "])
                join(lines, self.lay(node.target, indent, len(lines[-1])))
                return lines
        opening, items, closing = bracketed(node)
        if not items:
            return [line]
        comma = "" if isinstance(node, ast.Paren) else ","
        return self.lay_items(opening, items, closing, indent, node.span.end, comma)

    def _prefixed(self, prefix: str, node: ast.Node, indent: int, used: int) -> list[str]:
        lines = self.lay(node, indent, used + len(prefix))
        return [prefix + lines[0], *lines[1:]]

    def _lay_spine(self, node: ast.Node, indent: int, used: int) -> list[str]:
        """A chain of operators, dots and indices, from the left."""
        spine: list[ast.Node] = []
        while isinstance(node, ast.Binary | ast.Attribute | ast.Index | ast.Slice):
            spine.append(node)
            node = node.left if isinstance(node, ast.Binary) else node.value
        lines = self.lay(node, indent, used)
        for link in reversed(spine):
            column = len(lines[-1]) + (used if len(lines) == 1 else 0)
            join(lines, self._link(link, indent, column))
        return lines

    def _link(self, link: ast.Node, indent: int, column: int) -> list[str]:
        if isinstance(link, ast.Binary):
            return self._prefixed(f" {link.op} ", link.right, indent, column)
        if isinstance(link, ast.Attribute):
            return [f".{link.attr}"]
        if isinstance(link, ast.Slice):
            return [_flat_slice(link)]
        line = f"[{_flat_list(link.indices)}]"
        opening = self._start_of(link.indices[0], "[") if link.indices else link.span.end
        commented = self.comments.any_in(opening, link.span.end)  # one before it has no line here
        if not link.indices or (not commented and column + len(line) <= self.width):
            return [line]
        return self.lay_items("[", link.indices, "]", indent, link.span.end, ",")

    def lay_items(
        self,
        opening: str,
        items: Sequence[ast.Node],
        closing: str,
        indent: int,
        end: int,
        comma: str = ",",
        line: str | None = "",
    ) -> list[str]:
        """A bracket over several lines: its elements on one of their own, else on one each.

        Args:
            opening: What stands before the elements, the bracket at its end.
            items: The elements.
            closing: The closing bracket.
            indent: Indentation of the line that the bracket begins on.
            end: Offset of the closing bracket.
            comma: What stands behind each element that has a line.
            line: All elements on one line, None where that cannot be; ``""`` to find out.
        """
        inside = indent + INDENT
        pad = " " * inside
        lines = [opening]
        before = items[0].span.start
        if line is not None and not self.comments.any_in(self._start_of(items[0], opening), end):
            line = line or _flat_list(items)
            is_table = any(isinstance(item, ast.List) for item in items)
            if not is_table and inside + len(line) <= self.width:
                return [opening, pad + line, " " * indent + closing]
        self._place(lines, self.comments.take(self._start_of(items[0], opening), before), -1, pad)
        for number, item in enumerate(items):
            item_lines = self.item(item, inside)
            stray = self.comments.take(item.span.start, item.span.end)
            lines.extend(pad + written(comment) for comment in stray)
            lines.append(pad + item_lines[0])
            lines.extend(item_lines[1:])
            lines[-1] += comma
            following = items[number + 1].span.start if number + 1 < len(items) else end
            between = self.comments.take(item.span.end, following)
            self._place(lines, between, item.span.end, pad)
        lines.append(" " * indent + closing)
        return lines

    def item(self, item: ast.Node, indent: int) -> list[str]:
        """One element of a bracket; chains are the business of the formatter."""
        return self.lay(item, indent, indent + 1)

    def _start_of(self, first: ast.Node, opening: str) -> int:
        """An offset behind the opening bracket: everything before the first element is its own."""
        if opening.endswith("("):
            return self.comments.text.rfind("(", 0, first.span.start)
        return self.comments.text.rfind("[", 0, first.span.start)

    def _place(self, lines: list[str], comments: list[ast.Comment], after: int, pad: str) -> None:
        """Writes comments: at the end of the line where they stood there, else below it."""
        for comment in comments:
            at_end = after >= 0 and self.comments.same_line(after, comment.span.start)
            if at_end and not lines[-1].lstrip().startswith("#"):
                lines[-1] += f"  {written(comment)}"
            else:
                lines.append(pad + written(comment))
            after = -1
