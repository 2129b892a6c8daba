"""The LALR(1) tables: computed from the grammar by Lark, then kept in the user's cache directory.

Lark is imported only when the tables are computed, so a warm start pays for neither: reading the
cached tables takes about two milliseconds, importing Lark and computing them a hundred. They are
kept as JSON: whatever a cache file holds, reading it can do no harm.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from typing import Any, NamedTuple

from dsl.record import Record
from grammar import read_grammar

INLINE = 1000  # plan entries from here on: splice the list that child (entry - INLINE) holds
ABSENT = -1  # plan entry for an optional part that was left out
STARTS = ("file", "item")
_MAGIC = b"MSL tables 2\n"


class TableRule(NamedTuple):
    """One production, ready to be reduced by.

    Attributes:
        origin: The symbol on the left.
        size: How many symbols are on the right.
        name: What the builder calls the result; ``""`` for a list that its parent splices in, None
            where the only child stands for the whole.
        plan: Which children the result keeps, in order; None for all of them, as they are.
    """

    origin: str
    size: int
    name: str | None
    plan: tuple[int, ...] | None


class Tables(Record, frozen=False):
    """Everything that parsing needs to know about the grammar.

    Attributes:
        rows: For each state, symbol to action: a state to go to, or ``~rule`` to reduce by.
        rules: The productions.
        start: Start symbol to first state.
        end: Start symbol to accepting state.
        keywords: Reserved word to terminal.
        soft_keywords: Word that is a keyword only where the state asks for it, to terminal.
        operators: Sign to terminal, longest first.
    """

    rows: list[dict[str, int]]
    rules: list[TableRule]
    start: dict[str, int]
    end: dict[str, int]
    keywords: dict[str, str]
    soft_keywords: dict[str, str]
    operators: dict[str, str]


_tables: Tables | None = None


def load_tables() -> Tables:
    """The tables of the grammar: from memory, from the cache or computed, in this order."""
    global _tables
    if _tables is None:
        grammar = read_grammar()
        key = cache_key(grammar)
        directory = cache_directory()
        path = os.path.join(directory, cache_name(key))
        tables = _unpack(read_cache(path, key))
        if tables is None:
            data = compute_tables(grammar)
            write_cache(path, key, data)
            tables = _unpack(data)
        _tables = tables
    assert _tables is not None
    return _tables


def _unpack(data: Any) -> Tables | None:
    """The tables that plain data stand for; None where they stand for none."""
    try:
        rules = [
            TableRule(origin, size, name, None if plan is None else tuple(plan))
            for origin, size, name, plan in data["rules"]
        ]
        return Tables(**{**data, "rules": rules})
    except (TypeError, KeyError, ValueError):
        return None


# --- computing ------------------------------------------------------------------------------


def compute_tables(grammar: str) -> dict[str, Any]:
    """Computes the tables with Lark; plain lists, dicts, strings and numbers throughout."""
    from lark import Lark

    lark = Lark(
        grammar, parser="lalr", lexer="contextual", start=list(STARTS), maybe_placeholders=True
    )
    table = lark.parser.parser._parse_table  # Lark's only form of it that is not a pickle
    numbers = {state: number for number, state in enumerate(table.states)}
    rule_numbers = {rule: number for number, rule in enumerate(lark.rules)}
    rows = [
        {_text(symbol): _action(entry, numbers, rule_numbers) for symbol, entry in row.items()}
        for row in table.states.values()
    ]
    literals = {t.pattern.value: _text(t.name) for t in lark.terminals if t.pattern.type == "str"}
    words = {text: name for text, name in literals.items() if text.isalpha()}
    signs = {text: name for text, name in literals.items() if text not in words}
    soft = {
        _text(symbol.name.lower()): _text(symbol.name)
        for rule in lark.rules
        if rule.origin.name.endswith("_word")
        for symbol in rule.expansion
    }
    return {
        "rows": rows,
        "rules": [tuple(_table_rule(rule)) for rule in lark.rules],
        "start": {name: numbers[state] for name, state in table.start_states.items()},
        "end": {name: numbers[state] for name, state in table.end_states.items()},
        "keywords": {word: name for word, name in words.items() if word not in soft},
        "soft_keywords": soft,
        "operators": dict(sorted(signs.items(), key=lambda item: -len(item[0]))),
    }


def _text(name: str) -> str:
    """Lark's names are of a class of its own; a table needs the text alone."""
    return sys.intern(str(name))


def _action(entry: tuple[Any, Any], states: dict[Any, int], rules: dict[Any, int]) -> int:
    _, target = entry
    return states[target] if target in states else ~rules[target]


def _table_rule(rule: Any) -> TableRule:
    origin = _text(rule.origin.name)
    size = len(rule.expansion)
    name = _text(rule.alias or origin)
    if rule.options.expand1 and not rule.alias:
        return TableRule(origin, size, None, None)
    if origin.startswith("_"):
        return TableRule(origin, size, "", _plan(rule))
    return TableRule(origin, size, name, _plan(rule))


def _plan(rule: Any) -> tuple[int, ...] | None:
    plan: list[int] = []
    absent = _absent_before(rule)
    for number, symbol in enumerate(rule.expansion):
        plan.extend([ABSENT] * absent[number])
        if symbol.is_term:
            if rule.options.keep_all_tokens or not symbol.filter_out:
                plan.append(number)
        else:
            plan.append(number + INLINE if symbol.name.startswith("_") else number)
    plan.extend([ABSENT] * absent[-1])
    return None if plan == list(range(len(rule.expansion))) else tuple(plan)


def _absent_before(rule: Any) -> list[int]:
    """How many optional parts were left out before each symbol, and after the last."""
    counts = [0]
    for absent in rule.options.empty_indices or [False] * len(rule.expansion):
        if absent:
            counts[-1] += 1
        else:
            counts.append(0)
    return counts


# --- keeping --------------------------------------------------------------------------------


def cache_directory() -> str:
    """Where the tables are kept: in the user's own cache directory, never a shared one."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # as the XDG specification wants relative ones to be ignored
            base = os.path.expanduser("~/.cache")
    return os.path.join(base, "msl")


def cache_key(grammar: str) -> str:
    """What the tables depend on: the grammar, Lark's version and Python's."""
    return f"{sys.implementation.cache_tag} {sys.version_info[:3]} {_lark_version()}\n{grammar}"


def cache_name(key: str) -> str:
    """The file name for a key; the file repeats the key whole, so a collision does no harm."""
    return f"tables-{zlib.crc32(key.encode()):08x}.bin"


def _lark_version() -> str:
    """Lark's version, read from its text: importing the package would cost 50 ms."""
    for entry in sys.path:
        path = os.path.join(entry, "lark", "__init__.py")
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError:
            continue
        return text.partition("__version__")[2].partition("\n")[0].strip(' :=str"')
    return ""


def read_cache(path: str, key: str) -> Any:
    """What a cache file holds, or None where it is absent, damaged, stale or another's."""
    try:
        if not _is_private(os.stat(os.path.dirname(path))):
            return None
        with open(os.open(path, os.O_RDONLY | _OWN_FILE), "rb") as file:
            if not _is_private(os.fstat(file.fileno())):
                return None
            content = file.read()
    except OSError:
        return None
    header = len(_MAGIC) + 4
    body = content[header:]
    if content[: len(_MAGIC)] != _MAGIC or zlib.crc32(body) != _number(content, header):
        return None
    try:
        stored_key, data = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        return None
    return data if stored_key == key else None


_OWN_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags that open a file itself: no link to another, and without waiting for a pipe's writer."""


def _number(content: bytes, header: int) -> int:
    return int.from_bytes(content[len(_MAGIC) : header], "little")


def _is_private(stat: os.stat_result) -> bool:
    """Whether a file or folder is the user's own and nobody else may write to it."""
    if not hasattr(os, "getuid"):
        return True
    return stat.st_uid == os.getuid() and not stat.st_mode & 0o022


def write_cache(path: str, key: str, data: Any) -> None:
    """Writes a cache file, whole or not at all; a directory that cannot be written is no error.

    Args:
        path: The file.
        key: What the data follows from.
        data: Plain values, as JSON has them.
    """
    body = json.dumps((key, data), separators=(",", ":")).encode()
    content = _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if _is_private(os.stat(os.path.dirname(path))):
            _put(path, content)
    except OSError:
        return


def _put(path: str, content: bytes) -> None:
    """Writes a private file under a name of its own, then gives it its name."""
    temporary = f"{path}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
