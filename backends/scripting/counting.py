"""Which positions count in a loss, as far as a spec tells: masks, and targets to be ignored.

Where all count, a mean over a batch weighs its rows alike. Where some do not, parts of a batch,
and batches of an evaluation, are weighed by how many positions of theirs count.
"""

from __future__ import annotations

from dsl.training.data import ImageFolder, Synthetic, Text
from dsl.training.losses import CrossEntropy
from dsl.training.plan import LossTerm, Training

ALL_COUNT = (ImageFolder, Synthetic, Text)
"""Sources whose targets never hold the value that `CrossEntropy` ignores unless told otherwise."""


def ignored(term: LossTerm, training: Training) -> int | None:
    """The class whose positions do not count; None where the target cannot hold such.

    Where a spec does not name it, the default is meant for positions of a sample, such as padding,
    that no mask leaves out; a sample that has one class has it to count.
    """
    kind = term.kind
    if not isinstance(kind, CrossEntropy):
        return None
    if "ignore_index" in kind.given:
        return int(kind.ignore_index)
    clean = training.data is not None and isinstance(training.data.kind, ALL_COUNT)
    if hides(training):
        return int(kind.ignore_index)
    single = term.target_type is not None and not term.target_type.rank
    return None if clean or single or term.mask else int(kind.ignore_index)


def is_partial(term: LossTerm, training: Training) -> bool:
    """Whether some positions of a batch may not count in a term of the loss."""
    return bool(term.mask) or ignored(term, training) is not None


def counts_vary(training: Training) -> bool:
    """Whether batches have to be weighed by how many positions count.

    Of a text with hidden tokens each window has as many.
    """
    return not hides(training) and any(is_partial(term, training) for term in training.losses)


def hides(training: Training) -> bool:
    """Whether the data is a text some of whose tokens are hidden."""
    return training.data is not None and getattr(training.data.kind, "mask", None) is not None
