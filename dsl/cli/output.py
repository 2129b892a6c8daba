"""The mark by which MSL knows what it wrote, so that nothing made by hand is ever overwritten.

The last line of a generated file's docstring, or of the comment that a page of HTML begins with,
is ``msl: sha256=...``, the hash of all other lines.
As long as it holds, the file is MSL's own and may be written anew.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"^(?:# )?msl: sha256=([0-9a-f]{32})\n", re.MULTILINE)
_COMMENT = re.compile(r"\A(<!DOCTYPE html>\n<!--[^>]*?\n)(-->)")
_DOCSTRING = re.compile(r'\A(""".*?)(""")', re.DOTALL)


def stamp(text: str) -> str:
    """A generated text with its mark: in the docstring, or in front where there is none."""
    line = f"msl: sha256={digest(text)}\n"
    docstring = _COMMENT.match(text) or _DOCSTRING.match(text)
    if docstring is None or not docstring[1].endswith("\n"):
        return f"# {line}{text}"
    return docstring[1] + line + text[docstring.end(1) :]


def is_stamped(text: str) -> bool:
    """Whether MSL wrote the text, edited since or not."""
    return _MARK.search(_lines(text)) is not None


def is_untouched(text: str) -> bool:
    """Whether MSL wrote the text and nobody changed it since; line ends do not count."""
    text = _lines(text)
    mark = _MARK.search(text)
    return mark is not None and digest(text[: mark.start()] + text[mark.end() :]) == mark[1]


def digest(text: str) -> str:
    """The hash of a text, 32 hexadecimal digits of SHA-256."""
    from hashlib import sha256

    return sha256(text.encode("utf-8")).hexdigest()[:32]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
