"""The masks of the loss: which array says what positions count, and whether it can."""

from __future__ import annotations

from dsl.passes.section_context import Context
from dsl.shapes.types import TensorType
from dsl.source import Span
from dsl.training.losses import Loss
from dsl.training.plan import LossTerm


def read_masks(terms: list[LossTerm], context: Context) -> list[LossTerm]:
    """The terms with the types of their masks; mistakes make the section doubtful.

    A mask that is an input, or one that an earlier term reads, may have any of the types that
    `Loss.mask_types` allows; an array of its own has the first.
    """
    known: dict[str, tuple[TensorType, Span | None]] = {
        name: (type_, None) for name, type_ in (context.inputs or {}).items()
    }
    known |= {
        term.target: (term.target_type, term.span)
        for term in terms
        if term.target_type is not None and term.target not in known
    }
    return [_with_mask(term, known, context) for term in terms]


def _with_mask(
    term: LossTerm, known: dict[str, tuple[TensorType, Span | None]], context: Context
) -> LossTerm:
    output = (context.outputs or {}).get(term.output)
    if not term.mask or term.target_type is None or output is None:
        return term
    assert isinstance(term.kind, Loss)
    allowed = term.kind.mask_types(output)
    given, span = known.setdefault(term.mask, (allowed[0], term.span))
    if given.dtype != "bool" or all(given.shape != type_.shape for type_ in allowed):
        _refuse(term, allowed, given, span, context)
        context.doubtful.add("loss")
        return term
    return term.replace(mask_type=given)


def _refuse(
    term: LossTerm,
    allowed: tuple[TensorType, ...],
    given: TensorType,
    span: Span | None,
    context: Context,
) -> None:
    wanted = " or ".join(dict.fromkeys(str(type_) for type_ in allowed))
    what = f"the input `{term.mask}`" if span is None else f"the array `{term.mask}`"
    masks = [
        name
        for name, type_ in (context.inputs or {}).items()
        if type_.dtype == "bool" and any(type_.shape == other.shape for other in allowed)
    ]
    context.reporter.report(
        "MSL416",
        f"`{term.kind.name}` takes a mask {wanted}, and {what} is {given}",
        term.span,
        others=() if span in (None, term.span) else ((span, "read here"),),
        notes=(f"the target `{term.target}` is {term.target_type}",),
        helps=(
            f'write `mask="{masks[0]}"`'
            if masks
            else f"declare it as {allowed[0]}, true where a position counts",
        ),
    )  # fmt: skip
