"""What a table gives without a network: the most common class, and a linear model.

In plain Python, so that no package is needed; on at most `ROWS` rows. The linear model is ridge
regression on the classes as 0 and 1 (Hastie et al. 2009, The Elements of Statistical Learning,
4.2), on scaled numbers and categories of one column each, fitted on four fifths and scored on the
rest.
"""

from __future__ import annotations

from dsl.choosing.task import Task, table_rows
from dsl.record import Record

ROWS = 2000
COLUMNS = 100
CATEGORIES = 20


class Baseline(Record):
    """Accuracies that a network has to beat, as shares.

    Attributes:
        majority: Of always saying the most common class.
        linear: Of ridge regression on rows that it was not fitted on; None where it was not run.
        rows: Rows that were looked at.
    """

    majority: float
    linear: float | None
    rows: int


def baseline(task: Task, delimiter: str = ",") -> Baseline | None:
    """The baselines of a table with classes; None for any other data.

    Args:
        task: The data.
        delimiter: Between two cells.
    """
    if task.source != "CSV" or not task.classes or task.most_common is None or not task.target:
        return None
    from random import Random

    found = table_rows(task.path, delimiter)
    names = next(found)
    at = names.index(task.target)
    rows = [row for row in found if len(row) == len(names)]
    Random(0).shuffle(rows)
    rows = rows[:ROWS]
    columns = _columns(rows, at)
    linear = None
    if rows and 0 < len(columns) <= COLUMNS and task.classes <= CATEGORIES:
        linear = _linear(columns, [row[at] for row in rows])
    return Baseline(task.most_common, linear, len(rows))


def _columns(rows: list[list[str]], target: int) -> list[list[float]]:
    """Numbers scaled to mean 0 and deviation 1; categories as columns of 0 and 1."""
    columns = []
    for at in range(len(rows[0]) if rows else 0):
        if at == target:
            continue
        cells = [row[at] for row in rows]
        try:
            columns.append(_scaled([float(cell) for cell in cells]))
        except ValueError:
            values = sorted(set(cells))[:CATEGORIES]
            columns += [[float(cell == value) for cell in cells] for value in values]
    return columns


def _scaled(values: list[float]) -> list[float]:
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5 or 1.0
    return [(value - mean) / spread for value in values]


def _linear(columns: list[list[float]], labels: list[str]) -> float | None:
    """Accuracy of ridge regression on the last fifth."""
    rows = [[1.0, *row] for row in zip(*columns)]
    cut = len(rows) * 4 // 5
    if cut < 10 or cut == len(rows):
        return None
    classes = sorted(set(labels))
    gram = _products(rows[:cut], [list(row) for row in rows[:cut]])
    for at in range(len(gram)):
        gram[at][at] += 1.0
    wanted = [[float(label == name) for name in classes] for label in labels[:cut]]
    weights = _solved(gram, _products(rows[:cut], wanted))
    right = 0
    for row, label in zip(rows[cut:], labels[cut:]):
        scores = [sum(x * w for x, w in zip(row, line)) for line in zip(*weights)]
        right += classes[scores.index(max(scores))] == label
    return right / (len(rows) - cut)


def _products(left: list[list[float]], right: list[list[float]]) -> list[list[float]]:
    """The first matrix, transposed, times the second."""
    ours, theirs = list(zip(*left)), list(zip(*right))
    return [[sum(map(float.__mul__, a, b)) for b in theirs] for a in ours]


def _solved(matrix: list[list[float]], right: list[list[float]]) -> list[list[float]]:
    """The solution of a positive definite system, by elimination."""
    rows = [[*line, *end] for line, end in zip(matrix, right)]
    size = len(matrix)
    for at in range(size):
        pivot = rows[at][at]
        rows[at] = [value / pivot for value in rows[at]]
        for other in range(size):
            factor = rows[other][at]
            if other != at and factor:
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[at])]
    return [row[size:] for row in rows]
