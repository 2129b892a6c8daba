"""The task: what the data is, as far as a file tells without a framework."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import floor
from typing import Any

from dsl.record import Record
from dsl.training.plan import Training

MOST_CLASSES = 1000
"""More different values than this are no classes."""

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


class BadData(Exception):
    """Data that cannot be read; the text says why."""


class Task(Record):
    """What there is to learn from.

    Attributes:
        source: The kind of source, such as ``CSV``.
        path: The file or folder; "" where there is none.
        rows: All samples; bytes of a text; None where that is not known.
        share: The part of them that is trained on.
        classes: How many classes the true values have; None where they are none or not known.
        columns: Of a table, those that are not the target; None otherwise.
        most_common: Share of the most common class.
        target: Column of the true values; "" where none is named.
        note: What else was found.
    """

    source: str
    path: str = ""
    rows: int | None = None
    share: float = 1.0
    classes: int | None = None
    columns: int | None = None
    most_common: float | None = None
    target: str = ""
    note: str = ""

    @property
    def training_rows(self) -> int | None:
        """Samples that are trained on, or bytes of a text."""
        return None if self.rows is None else max(1, floor(self.rows * self.share))

    def samples(self, length: int) -> int | None:
        """Samples of an epoch.

        Args:
            length: Tokens of a window, where the data is a text.
        """
        rows = self.training_rows
        return rows // max(1, length) if rows is not None and self.source == "Text" else rows


def task_of_plan(training: Training, folder: str) -> Task | None:
    """The task that a spec's data section describes; None without one.

    Args:
        training: The spec's sections.
        folder: What paths in it are relative to.

    Raises:
        BadData: The data cannot be read.
    """
    if training.data is None:
        return None
    kind: Any = training.data.kind
    share = 1.0 - float(getattr(kind, "validation", 0)) - float(getattr(kind, "test", 0))
    if kind.name == "Synthetic":
        return Task("Synthetic", rows=kind.samples, share=share)
    path = os.path.join(folder, kind.path)
    targets = {pattern for term in training.losses for pattern in _targets(training, term.target)}
    target = next(iter(targets), "") if len(targets) == 1 else ""
    if kind.name == "Python":
        return Task("Python", path, share=share, note="rows are known once the function has run")
    return _read(kind.name, path, share, target, getattr(kind, "delimiter", ","))


def _targets(training: Training, name: str) -> tuple[str, ...]:
    assert training.data is not None
    return tuple(training.data.sources.get(name, (name,)))


def task_of_path(path: str) -> Task:
    """The task that a file or folder is: a table's last column is the target.

    Raises:
        BadData: It cannot be read.
    """
    ending = os.path.splitext(path)[1].lower()
    if os.path.isdir(path):
        return _read("ImageFolder", path, 0.9, "", ",")
    kinds = {".csv": "CSV", ".tsv": "CSV", ".npz": "NPZ"}
    return _read(kinds.get(ending, "Text"), path, 0.9, "", "\t" if ending == ".tsv" else ",")


def _read(kind: str, path: str, share: float, target: str, delimiter: str) -> Task:
    try:
        if kind == "CSV":
            return _table(path, share, target, delimiter)
        if kind == "NPZ":
            return Task("NPZ", path, _npz_rows(path), share, target=target)
        if kind == "ImageFolder":
            return _images(path, share)
        return Task("Text", path, os.path.getsize(path), share)
    except (OSError, UnicodeDecodeError, ValueError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadData(f"cannot read {path}: {reason[:1].lower()}{reason[1:]}") from None


def table_rows(path: str, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows of a table, the names of its columns first."""
    import csv

    with open(path, encoding="utf-8-sig", newline="") as file:
        yield from csv.reader(file, delimiter=delimiter)


def _table(path: str, share: float, target: str, delimiter: str) -> Task:
    found = table_rows(path, delimiter)
    names = next(found, [])
    if not names:
        raise ValueError("it has no columns")
    named = target or names[-1]
    at = names.index(named) if named in names else None
    counts: dict[str, int] = {}
    rows = 0
    for row in found:
        rows += 1
        if at is not None and at < len(row) and len(counts) <= MOST_CLASSES:
            counts[row[at]] = counts.get(row[at], 0) + 1
    classes = len(counts) if counts and _are_classes(counts) else None
    common = max(counts.values()) / rows if classes and rows else None
    width = len(names) - (at is not None)
    return Task("CSV", path, rows, share, classes, width, common, named if at is not None else "")


def _are_classes(counts: dict[str, int]) -> bool:
    """Whether values are few, and words or whole numbers."""
    whole = all(not _is_number(value) or float(value).is_integer() for value in counts)
    return whole and len(counts) <= MOST_CLASSES and len(counts) <= max(2, sum(counts.values()) / 5)


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def _npz_rows(path: str) -> int:
    """Length of the arrays of an archive, read from the first one's header; nothing is executed."""
    import re
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".npy"))
            with archive.open(name) as file:
                head = file.read(512).decode("latin-1")
    except (zipfile.BadZipFile, StopIteration):
        raise ValueError("it is no archive of NumPy arrays") from None
    shape = re.search(r"'shape': \((\d+)", head)
    if shape is None:
        raise ValueError("its arrays have no rows")
    return int(shape[1])


def _images(path: str, share: float) -> Task:
    counts = []
    for folder in sorted(os.scandir(path), key=lambda entry: entry.name):
        if folder.is_dir():
            names = os.listdir(folder.path)
            counts.append(sum(name.lower().endswith(IMAGES) for name in names))
    rows = sum(counts)
    if not rows:
        raise ValueError("it has no folders with images")
    return Task("ImageFolder", path, rows, share, len(counts), None, max(counts) / rows)
