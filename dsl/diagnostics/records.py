"""Findings as records for other programs: JSON of our own and SARIF 2.1.0."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dsl.diagnostics.model import Diagnostic, Edit
from dsl.source import Span

SCHEMA = 1
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def json_text(diagnostics: Sequence[Diagnostic], more: int) -> str:
    """Our own JSON: a schema version, the records, and how many were left out."""
    records = [record(diagnostic) for diagnostic in diagnostics]
    return _dump({"schema": SCHEMA, "diagnostics": records, "not_shown": more})


def _dump(value: object) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=True)
    return text + "\n"


def record(diagnostic: Diagnostic) -> dict[str, Any]:
    """One finding as plain data; lines and columns count from one, ends are exclusive."""
    primary = diagnostic.primary
    return {
        "code": diagnostic.rule.code,
        "slug": diagnostic.rule.slug,
        "severity": diagnostic.rule.severity.value,
        "message": diagnostic.message,
        **_where(primary.span if primary else None),
        "label": primary.text if primary else "",
        "labels": [
            {"label": label.text, **_where(label.span)}
            for label in diagnostic.labels
            if not label.primary
        ],
        "notes": list(diagnostic.notes),
        "helps": list(diagnostic.helps),
        "fix": _fix(diagnostic),
    }


def _where(span: Span | None) -> dict[str, Any]:
    if span is None:
        keys = ("file", "line", "column", "end_line", "end_column")
        return dict.fromkeys(keys)
    line, column = span.position
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _fix(diagnostic: Diagnostic) -> dict[str, Any] | None:
    fix = diagnostic.fix
    if fix is None:
        return None
    edits = [{**_where(edit.span), "replacement": edit.replacement} for edit in fix.edits]
    return {"message": fix.message, "safe": fix.safe, "edits": edits}


# --- SARIF ----------------------------------------------------------------------------------


def sarif_text(diagnostics: Sequence[Diagnostic]) -> str:
    """A SARIF 2.1.0 log with one run."""
    rules = {diagnostic.rule.code: diagnostic.rule for diagnostic in diagnostics}
    codes = sorted(rules)
    driver = {
        "name": "msl",
        "rules": [
            {
                "id": code,
                "name": rules[code].slug,
                "shortDescription": {"text": rules[code].summary},
                "fullDescription": {"text": rules[code].explanation or rules[code].summary},
                "defaultConfiguration": {"level": rules[code].severity.value},
            }
            for code in codes
        ],
    }
    results = [_result(diagnostic, codes) for diagnostic in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _dump({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _result(diagnostic: Diagnostic, codes: list[str]) -> dict[str, Any]:
    text = "\n".join((diagnostic.message, *diagnostic.notes, *diagnostic.helps))
    others = [label for label in diagnostic.labels if not label.primary]
    result: dict[str, Any] = {
        "ruleId": diagnostic.rule.code,
        "ruleIndex": codes.index(diagnostic.rule.code),
        "level": diagnostic.rule.severity.value,
        "message": {"text": text},
        "locations": [_location(diagnostic.primary.span)] if diagnostic.primary else [],
    }
    if others:
        result["relatedLocations"] = [
            {**_location(label.span), "message": {"text": label.text}} for label in others
        ]
    if diagnostic.fix is not None:
        changes = [_change(edit) for edit in diagnostic.fix.edits]
        description = {"text": diagnostic.fix.message}
        result["fixes"] = [{"description": description, "artifactChanges": changes}]
    return result


def _location(span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(span), "region": _region(span)}}


def _artifact(span: Span) -> dict[str, str]:
    from urllib.parse import quote

    return {"uri": quote(span.source.name.replace("\\", "/"))}


def _region(span: Span) -> dict[str, int]:
    line, column = span.position
    end_line, end_column = span.source.position(span.end)
    return {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    }


def _change(edit: Edit) -> dict[str, Any]:
    replacement = {
        "deletedRegion": _region(edit.span),
        "insertedContent": {"text": edit.replacement},
    }
    return {"artifactLocation": _artifact(edit.span), "replacements": [replacement]}
