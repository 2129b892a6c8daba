"""Runs commands of `msl` in this process and notes what they do to the world outside.

Usage: ``python -P -B -m tests.safety.watched``, with lines of JSON on standard input, each the
words of one command. Standard output gets one line of JSON for each: exit code, what it printed,
and the deeds that an audit hook saw. It is a process of its own, since a hook cannot be taken off.
"""

from __future__ import annotations

import io
import json
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

CANARY = "canary"
"""What the names and strings of hostile specs have in them; no code that runs may."""

TOUCHING = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr", "os.mkfifo", "os.mknod",
    "shutil.", "tempfile.",
)  # fmt: skip
RUNNING = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile", "os.kill",
    "subprocess.", "pty.", "ctypes.dlopen", "pickle.", "webbrowser.", "syslog.", "signal.",
)  # fmt: skip
TALKING = (
    "socket.", "urllib.", "http.", "ftplib.", "smtplib.", "ssl.", "imaplib.", "poplib.",
    "telnetlib.", "nntplib.",
)  # fmt: skip

Deed = tuple[str, ...]
_CLONE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
_OWN = (
    *(os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")),
    *(os.path.join(_CLONE, name) for name in ("dsl", "backends", "grammar", "tests")),
)
"""Where code may come from: Python, installed packages, MSL."""

_deeds: list[Deed] | None = None


def is_own(path: str) -> bool:
    """Whether a file is of Python, of an installed package or of MSL itself."""
    real = os.path.realpath(path)
    return any(real.startswith(root + os.sep) for root in _OWN)


def hook(event: str, args: tuple[Any, ...]) -> None:
    """Notes a deed; gives no answer, so that all of a command's deeds are seen."""
    if _deeds is None:
        return
    if event == "open":
        _deeds.extend(_opened(*args))
    elif event == "exec":
        _deeds.extend(_executed(args[0]))
    elif event == "import":
        name, file = args[0], args[1]
        if CANARY in str(name) or (file and not is_own(str(file))):
            _deeds.append((event, str(name), str(file)))
    elif event.startswith((*TOUCHING, *RUNNING, *TALKING)):
        _deeds.append((event, *map(str, args)))


def _opened(path: Any, mode: Any, flags: Any) -> Iterator[Deed]:
    """A file opened for writing, or opened for reading as Python code of somebody else."""
    if isinstance(path, int):
        return
    name = os.fsdecode(path)
    if flags is not None and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
        yield "write", name
    elif name.endswith((".py", ".pyc", ".so")) and not is_own(name):
        yield "read code", name


def _executed(code: CodeType) -> Iterator[Deed]:
    """Code that is no file's of ours, or has text of a spec in it."""
    pending, texts = [code], []
    while pending:
        item = pending.pop()
        texts += [item.co_name, *item.co_names, *item.co_varnames]
        for constant in item.co_consts:
            if isinstance(constant, CodeType):
                pending.append(constant)
            else:
                texts.append(repr(constant))
    file = code.co_filename
    if any(CANARY in text.lower() for text in texts):
        yield "exec", file, "with text of the spec"
    elif not file.startswith("<") and not is_own(file):
        yield "exec", file


def run(words: list[str], main: Callable[..., Any]) -> dict[str, Any]:
    """Runs one command; gives its exit code, what it printed and its deeds."""
    global _deeds
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    deeds: list[Deed] = []
    code: Any = None
    try:
        _deeds = deeds
        main(args=words, prog_name="msl")
    except SystemExit as error:
        code = error.code
    finally:
        _deeds = None
        sys.stdout, sys.stderr = before
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return {"code": code or 0, "out": texts[0], "err": texts[1], "deeds": deeds}


def serve() -> None:
    """Answers one command after the other."""
    sys.addaudithook(hook)
    from dsl.cli.main import cli

    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), cli.main)), flush=True)


if __name__ == "__main__":
    serve()
