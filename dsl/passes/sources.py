"""The section ``data``: where arrays come from, and whether that can feed this model.

Everything here is told from the spec alone; no data file is opened.
"""

from __future__ import annotations

from dsl.diagnostics.suggest import nearest
from dsl.kinds.kind import Kind
from dsl.passes.evaluate import Reported
from dsl.passes.regularization import is_image
from dsl.passes.section_context import Context
from dsl.shapes.dim import Dim, product
from dsl.shapes.trace import plain
from dsl.shapes.types import TensorType
from dsl.source import Span
from dsl.syntax import ast
from dsl.training.data import CSV, ImageFolder, Source, Text
from dsl.training.plan import DataPlan, LossTerm

EXAMPLE = 'data CSV("f.csv", target="label")'
BYTES = 256
CHANNELS = (1, 3, 4)

Terms = tuple[LossTerm, ...]


def read_data(section: ast.Section, terms: Terms, context: Context) -> tuple[DataPlan, Terms]:
    """The data source; and the terms of the loss, with the targets that the source names."""
    expr = context.head(section, EXAMPLE, mapped=True)
    kind = context.kind(expr, "data")
    assert isinstance(kind, Source)
    context.record_kind("data", kind)
    arrays, spans = _mapping(section, kind, context)
    sources = dict(arrays)
    span = expr.span
    if isinstance(kind, CSV) and kind.target is not None:
        terms = _csv_target(kind, terms, sources, expr, context)
    if context.inputs is not None:
        _known_arrays(arrays, spans, terms, context)
        _check(kind, terms, sources, expr, context)
        for name in (*context.inputs, *_read(terms)):
            sources.setdefault(name, ())
    return DataPlan(kind, arrays, span, sources), terms


def _read(terms: Terms) -> tuple[str, ...]:
    """The arrays that the loss reads: true values, then masks."""
    masks = (term.mask for term in terms if term.mask)
    return (*(term.target for term in terms), *masks)


# --- entries in braces ------------------------------------------------------------------


def _mapping(
    section: ast.Section, kind: Source, context: Context
) -> tuple[dict[str, tuple[str, ...]], dict[str, Span]]:
    arrays: dict[str, tuple[str, ...]] = {}
    spans: dict[str, Span] = {}
    for entry in section.entries or ():
        if not isinstance(entry, (ast.Item, ast.Setting, ast.Limit)):
            context.doubtful.add("data")
            continue
        if not kind.mapped:
            raise context.fail(
                "MSL402", f"`{kind.name}` takes no entries in braces", entry.span,
                helps=("it knows by itself what is input and what is target",),
            )  # fmt: skip
        if not isinstance(entry, ast.Item) or entry.target is None:
            raise context.wrong_entry(entry, f'array: "{kind.reads}"', ": ")
        if entry.target in arrays:
            raise context.fail(
                "MSL404", f"`{entry.target}` stands here twice", entry.span,
                others=((spans[entry.target], "the first"),),
            )  # fmt: skip
        arrays[entry.target] = _names(entry, kind, context)
        spans[entry.target] = entry.target_span or entry.span
        context.record(f"data.{entry.target}", arrays[entry.target], True)
    return arrays, spans


def _names(entry: ast.Item, kind: Source, context: Context) -> tuple[str, ...]:
    value = plain(context.evaluator.evaluate(entry.value, context.scope))
    names = value if isinstance(value, tuple) else (value,)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise context.fail(
            "MSL205", f"`{entry.target}` takes the name of {_article(kind.reads)}, as a string",
            entry.value.span,
        )  # fmt: skip
    if kind.reads == "array" and (len(names) > 1 or "*" in names[0]):
        raise context.fail(
            "MSL205", f"`{entry.target}` takes the name of one array of `{kind.name}`",
            entry.value.span,
        )  # fmt: skip
    return names


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"


def _known_arrays(
    arrays: dict[str, tuple[str, ...]], spans: dict[str, Span], terms: Terms, context: Context
) -> None:
    if "loss" in context.doubtful:
        return
    inputs = context.inputs or {}
    known = [*inputs, *_read(terms)]
    for name in arrays:
        if name not in known:
            near = nearest(name, known)
            listed = ", ".join(f"`{other}`" for other in dict.fromkeys(known))
            raise context.fail(
                "MSL451", f"no input and no target is called `{name}`", spans[name],
                helps=(f"did you mean `{near[0]}`?" if near else f"there are {listed}",),
            )  # fmt: skip


# --- CSV(target=) -----------------------------------------------------------------------


def _csv_target(
    kind: CSV, terms: Terms, sources: dict[str, tuple[str, ...]], expr: ast.Expr, context: Context
) -> Terms:
    """Gives the only term the columns that ``target=`` names."""
    span = context.argument_span(expr, kind, "target", expr.span)
    names = (kind.target,) if isinstance(kind.target, str) else tuple(kind.target or ())
    names = tuple(str(name) for name in names)
    if len(terms) > 1:
        listed = "; ".join(f'{term.target}: ".."' for term in terms)
        raise context.fail(
            "MSL454", f"`target` feeds the only term of the loss, and there are {len(terms)}", span,
            helps=(f"say it for each: `CSV(..) {{ {listed} }}`",),
        )  # fmt: skip
    if not terms:
        return terms
    term = terms[0]
    if term.target in sources or (term.kind.target is not None and names != (term.target,)):
        raise context.fail(
            "MSL454", f"the target of `{term.kind.name}` is named twice", span,
            others=((term.span, f"reads the array `{term.target}`"),),
            helps=("keep one of the two",),
        )  # fmt: skip
    if len(names) == 1 and not any(sign in names[0] for sign in "*?["):
        term = term.replace(target=names[0])
    sources[term.target] = names
    return (term,)


# --- what fits what ---------------------------------------------------------------------


def _check(
    kind: Kind, terms: Terms, sources: dict[str, tuple[str, ...]], expr: ast.Expr, context: Context
) -> None:
    if isinstance(kind, CSV):
        _check_columns(terms, sources, expr, context)
    elif isinstance(kind, (ImageFolder, Text)):
        _check_masks(kind, terms, context)
        if isinstance(kind, Text):
            _check_text(kind, terms, expr, context)
        else:
            _check_images(terms, expr, context)


def _check_masks(kind: Kind, terms: Terms, context: Context) -> None:
    """Sources that yield inputs and targets alone have no array that could be a mask."""
    masked = next((term for term in terms if term.mask not in ("", *(context.inputs or ()))), None)
    if masked is not None:
        raise _misfit(
            kind, f"yields no array `{masked.mask}`", masked.span, context,
            "leave the mask out, or use `NPZ` or `Python`, which yield arrays by name",
        )  # fmt: skip


def _check_columns(
    terms: Terms, sources: dict[str, tuple[str, ...]], expr: ast.Expr, context: Context
) -> None:
    """Whatever has several values needs to know its columns, but for the only input."""
    inputs = context.inputs or {}
    open_inputs = [name for name in inputs if name not in sources]
    for name in open_inputs if len(open_inputs) > 1 else ():
        _require_one(name, inputs[name], "input", expr, context)
    if "loss" in context.doubtful:
        return
    for term in terms:
        if term.target not in sources and term.target not in inputs and term.target_type:
            _require_one(term.target, term.target_type, "target", expr, context)
        if term.mask not in sources and term.mask not in inputs and term.mask_type:
            _require_one(term.mask, term.mask_type, "mask", expr, context)


def _require_one(name: str, type_: TensorType, what: str, expr: ast.Expr, context: Context) -> None:
    count: Dim = product(type_.shape)
    if count != 1:
        raise context.fail(
            "MSL453", f"the {what} `{name}` has {count} values a sample, and nothing says which "
            "columns they are", expr.span,
            helps=(f'name them: `CSV(..) {{ {name}: "{name}_*" }}`',),
        )  # fmt: skip


def _misfit(
    kind: Kind, message: str, span: Span, context: Context, help: str, note: str = ""
) -> Reported:
    return context.fail(
        "MSL450", f"`{kind.name}` {message}", span, helps=(help,), notes=(note,) if note else ()
    )


def _only_input(kind_name: str, expr: ast.Expr, context: Context) -> TensorType:
    inputs = context.inputs or {}
    if len(inputs) != 1:
        raise context.fail(
            "MSL450", f"`{kind_name}` feeds one input, and the model has {len(inputs)}", expr.span,
            helps=("use `NPZ` or `Python`, which yield arrays by name",),
        )  # fmt: skip
    return next(iter(inputs.values()))


def _check_images(terms: Terms, expr: ast.Expr, context: Context) -> None:
    image = _only_input("ImageFolder", expr, context)
    kind = ImageFolder(path="")
    if not is_image(image) or image.is_symbolic or image.dtype not in ("float32", "uint8"):
        raise _misfit(
            kind, f"yields images, and the input is {image}", expr.span, context,
            "declare it as `float32[3, 224, 224]`: channels, height, width",
        )  # fmt: skip
    if image.shape[0] not in CHANNELS:
        raise _misfit(
            kind, f"yields images of 1, 3 or 4 channels, and the input has {image.shape[0]}",
            expr.span, context, "3 for colour, 1 for grey",
        )  # fmt: skip
    if "loss" in context.doubtful:
        return
    for term in terms:
        wanted = term.target_type
        if len(terms) > 1 or (wanted is not None and product(wanted.shape) != 1):
            raise _misfit(
                kind, "yields one class for each image", term.span, context,
                "end the model in one vector of scores, `Linear(classes)`",
                f"the target of `{term.output}` is {wanted}",
            )  # fmt: skip


def _check_text(kind: Text, terms: Terms, expr: ast.Expr, context: Context) -> None:
    tokens = _only_input("Text", expr, context)
    if tokens.dtype not in ("int64", "int32") or tokens.rank != 1:
        raise _misfit(
            kind, f"yields a row of tokens, and the input is {tokens}", expr.span, context,
            "declare it as `int64[time=256]` and look the tokens up in an `Embedding`",
        )  # fmt: skip
    if "loss" in context.doubtful:
        return
    for term in terms:
        _check_successor(kind, term, tokens, terms, context)


def _check_hidden(
    kind: Text, term: LossTerm, tokens: TensorType, terms: Terms, context: Context
) -> None:
    """Hidden tokens are guessed at their places, among all tokens and the mask's own."""
    wanted = term.target_type
    assert wanted is not None
    if len(terms) > 1 or wanted.dtype != "int64" or wanted.shape != tokens.shape or term.mask:
        raise _misfit(
            kind, "with `mask` yields the tokens that are hidden", term.span, context,
            "end in `Linear(vocab)` under one `CrossEntropy` without a mask: scores for each "
            "position",
            f"the target of `{term.output}` would be {wanted}; tokens are {tokens}",
        )  # fmt: skip
    classes = (context.outputs or {})[term.output].shape[-1]
    if kind.tokenizer == "bytes" and isinstance(classes, int) and classes <= BYTES:
        raise _misfit(
            kind, f"with `mask` yields {BYTES} different bytes and a token that hides, and "
            f"`{term.output}` has {classes} classes", term.span, context,
            f"end in `Linear({BYTES + 1})`, and give the `Embedding` as many rows",
        )  # fmt: skip


def _check_successor(
    kind: Text, term: LossTerm, tokens: TensorType, terms: Terms, context: Context
) -> None:
    wanted = term.target_type
    if wanted is None:
        return
    if kind.mask is not None:
        _check_hidden(kind, term, tokens, terms, context)
        return
    if len(terms) > 1 or wanted.dtype != "int64" or wanted.shape not in (tokens.shape, ()):
        raise _misfit(
            kind, "yields the token after each token", term.span, context,
            "end in `Linear(vocab)` under one `CrossEntropy`: scores for each position, or for the "
            "last one",
            f"the target of `{term.output}` would be {wanted}; tokens are {tokens}",
        )  # fmt: skip
    classes = (context.outputs or {})[term.output].shape[-1]
    if kind.tokenizer == "bytes" and isinstance(classes, int) and classes < BYTES:
        raise _misfit(
            kind, f"yields {BYTES} different bytes, and `{term.output}` has {classes} classes",
            term.span, context, f"end in `Linear({BYTES})`, or use `tokenizer=\"characters\"`",
        )  # fmt: skip
