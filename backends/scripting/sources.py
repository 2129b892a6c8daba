"""The data part of a script: what the templates of a source need to be told.

Everything here is NumPy's and the same for every framework: reading a source into arrays, its
three parts, and what is fitted on the first of them.
"""

from __future__ import annotations

from typing import Any

from backends.pycode.literals import literal
from backends.scripting.arrays import BYTE_VALUES, Array, input_arrays, target_arrays
from backends.scripting.counting import hides, ignored
from dsl.ir import Model
from dsl.kinds.kind import Kind
from dsl.training.data import CSV, NPZ, ImageFolder, Python, Source, Synthetic, Text
from dsl.training.plan import Training

TEMPLATES = {
    CSV: "data_csv.py.jinja",
    NPZ: "data_npz.py.jinja",
    ImageFolder: "data_images.py.jinja",
    Text: "data_text.py.jinja",
    Python: "data_python.py.jinja",
    Synthetic: "",
}
SAMPLES = Synthetic.arguments["samples"].default


def source_of(training: Training) -> Source:
    """The source; without a ``data`` section an archive that the user names."""
    return training.data.kind if training.data else NPZ(path="")  # type: ignore[return-value]


def data_context(model: Model, training: Training) -> dict[str, Any]:
    """What the templates of the data part are told."""
    kind = source_of(training)
    inputs, targets = input_arrays(model, training), target_arrays(model, training)
    text = isinstance(kind, Text)
    arrays = inputs if text else (*inputs, *targets)
    scales = _scales(kind, inputs, training)
    pictures = isinstance(kind, ImageFolder) or any(array.column for array in inputs)
    symbolic = any(array.type.is_symbolic for array in arrays)
    return {
        "source": _source_word(training),
        "data_template": TEMPLATES[type(kind)],
        "inputs": [_input(array, kind, training) for array in inputs],
        "targets": [_target(array, kind, training) for array in targets],
        "arrays": [_drawn(array, text, hides(training)) for array in arrays],
        "input_names": literal(tuple(array.bare for array in inputs)),
        "arrays_by_source": [
            {"name": array.name, "source": literal(_sources(array, training)[0])}
            for array in (*inputs, *targets)
        ],
        "only_input": _only_input(inputs, training),
        "text": text,
        "stream": inputs[0].name,
        "time": inputs[0].quoted[0] if text else 0,
        "hidden": _hidden(kind, inputs[0], targets, training) if hides(training) else None,
        "samples": _samples(kind, inputs),
        "symbolic": symbolic,
        "fits": bool(scales) or isinstance(kind, (CSV, ImageFolder)) or _characters(kind),
        "limits": any(array.limit for array in arrays) and not text,
        "known": _known(training),
        "uses_shaped": not text and not isinstance(kind, Synthetic),
        "scales": scales,
        "scaled_inputs": any(not item["picture"] for item in scales),
        "minmax": getattr(kind, "normalize", "") == "minmax",
        "pictures": pictures,
        "as_bytes": any(array.picture for array in inputs),
        "softmax": any(array.task == "distribution" for array in arrays),
        "validation": literal(kind.validation),
        "test": literal(kind.test),
        "ordered": getattr(kind, "split", "random") == "ordered",
        "split_seed": getattr(kind, "seed", 0),
        "given_parts": isinstance(kind, Python),
        "function": getattr(kind, "function", ""),
        "characters": _characters(kind),
        "output": literal(training.losses[0].output),
        "class_count": next((array.limit for array in targets if array.limit), 0),
        "vocabulary": _vocabulary(model, training) - hides(training) if text else 0,
        "class_lines": _class_lines(kind, targets, model, training),
        **_csv(kind, inputs, targets, training),
    }


def _characters(kind: Source) -> bool:
    return isinstance(kind, Text) and kind.tokenizer == "characters"


def _source_word(training: Training) -> str:
    if training.data is None:
        return "ask"
    return training.data.kind.name.lower()


def _samples(kind: Source, inputs: tuple[Array, ...]) -> str:
    """How many synthetic rows there are, or tokens: enough for as many windows."""
    count = getattr(kind, "samples", SAMPLES)
    return f"{count} * TIME" if isinstance(kind, Text) else str(count)


def _hidden(
    kind: Any, tokens: Array, targets: tuple[Array, ...], training: Training
) -> dict[str, Any]:
    """What hides the tokens of a text: how many of a window, by which token, and the label else."""
    return {
        "share": literal(kind.mask),
        "count": max(1, round(kind.mask * tokens.quoted[0])),
        "mask": (targets[0].limit or 1) - 1,
        "ignored": literal(training.losses[0].kind.ignore_index),
        "name": targets[0].name,
    }


def _drawn(array: Array, text: bool, hides: bool = False) -> dict[str, Any]:
    """An array as the tables of the script list it; a text is one stream of tokens."""
    stream = f'rng.integers(0, {(array.limit or BYTE_VALUES) - hides}, count, "int32")'
    return {
        "name": array.name,
        "shape": array.shape,
        "dtype": array.dtype,
        "limit": array.limit,
        "random": stream if text else array.random,
    }


def _known(training: Training) -> str:
    """The values of an array of whole numbers less those that losses ignore."""
    found = {ignored(term, training) for term in training.losses} - {None}
    if not found:
        return "values"
    if len(found) == 1:
        return f"values[values != {literal(found.pop())}]"
    return f"values[~np.isin(values, {literal(tuple(sorted(map(int, found))))})]"


def _vocabulary(model: Model, training: Training) -> int:
    """How many tokens the model tells apart."""
    targets = target_arrays(model, training)
    limits = [array.limit for array in (*input_arrays(model, training), *targets) if array.limit]
    return min(limits, default=0)


# --- normalisation ----------------------------------------------------------------------


def _scales(kind: Source, inputs: tuple[Array, ...], training: Training) -> list[dict[str, Any]]:
    """The inputs that are normalised: real-valued ones, where the source is asked to."""
    if getattr(kind, "normalize", "none") == "none":
        return []
    return [
        {
            "name": array.name,
            "raw": _raw(array, kind, training),
            "axes": literal(scale_axes(array)),
            "picture": array.picture,
            "one_hot": isinstance(kind, CSV) and array.type.rank <= 1 and not array.column,
        }
        for array in inputs
        if array.type.is_float
    ]


def scale_axes(array: Array) -> tuple[int, ...]:
    """The axes of the stacked rows that one scale spans: all but channels, or but the last."""
    channels = array.type.axis("channels")
    kept = array.type.rank - 1 if channels is None else channels
    return (0, *(axis + 1 for axis in range(array.type.rank) if axis != kept))


def _raw(array: Array, kind: Source, training: Training) -> str:
    """An expression of an input before normalisation, in its declared shape."""
    if isinstance(kind, CSV):
        if array.column:
            return f"pictures(table[{literal(array.column)}], ARRAYS[{array.name}][0])"
        read = _columns(array, one_hot=array.type.is_float)
        return f"shaped({array.name}, {read})"
    if isinstance(kind, ImageFolder):
        return 'raw["image"]'
    return f"data[{array.name}]"


def _input(array: Array, kind: Source, training: Training) -> dict[str, Any]:
    raw = _raw(array, kind, training)
    normal = getattr(kind, "normalize", "none") != "none" and array.type.is_float
    scaled = normal and not array.picture
    return {
        "name": array.name,
        "bare": array.bare,
        "raw": raw,
        "scaled": scaled,
        "picture": array.picture,
    }


def _target(array: Array, kind: Source, training: Training) -> dict[str, Any]:
    return {
        "name": array.name,
        "bare": array.bare,
        "columns": _columns(array, one_hot=False) if isinstance(kind, CSV) else "",
        "last": not array.type.shape,
    }


def _columns(array: Array, one_hot: bool) -> str:
    """The expression that puts an array together from the columns of a table."""
    return f"columns_of(table, columns[{array.name}], categories, one_hot={one_hot})"


def _sources(array: Array, training: Training) -> tuple[str, ...]:
    """The names, or patterns, that feed an array; its own name where the spec gives none."""
    given = training.data.sources.get(array.bare, ()) if training.data else ()
    return given or (array.bare,)


def _only_input(inputs: tuple[Array, ...], training: Training) -> str:
    """The only input that the spec gives no source, as Python text; "" where there is not one."""
    open_inputs = [array.name for array in inputs if _is_open(array, training)]
    return open_inputs[0] if len(open_inputs) == 1 else ""


def _is_open(array: Array, training: Training) -> bool:
    return training.data is None or not training.data.sources.get(array.bare)


# --- tables -----------------------------------------------------------------------------


def _csv(
    kind: Kind, inputs: tuple[Array, ...], targets: tuple[Array, ...], training: Training
) -> dict[str, Any]:
    """What only a table needs."""
    if not isinstance(kind, CSV):
        return {}
    picture_columns = [literal(array.column) for array in inputs if array.column]
    test = 'cells.dtype.kind == "U"'
    for pattern in kind.categories:
        test += f" or fnmatch.fnmatchcase(name, {literal(pattern)})"
    if picture_columns:
        test = f"name not in [{', '.join(picture_columns)}] and ({test})"
    patterns = any(_is_pattern(name) for a in (*inputs, *targets) for name in _sources(a, training))
    return {
        "delimiter": "" if kind.delimiter == "," else f", delimiter={literal(kind.delimiter)}",
        "drop": [literal(pattern) for pattern in kind.drop],
        "category_test": test,
        "column_lines": _column_lines(inputs, targets, training),
        "picture_columns": picture_columns,
        "uses_patterns": patterns,
        "uses_fnmatch": patterns or bool(kind.drop or kind.categories),
    }


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _column_lines(
    inputs: tuple[Array, ...], targets: tuple[Array, ...], training: Training
) -> list[str]:
    """Statements that say which columns feed each array."""
    open_inputs = [array for array in inputs if _is_open(array, training)]
    rest = open_inputs[0] if len(open_inputs) == 1 else None
    named = [
        f"{array.name}: {_named_columns(_sources(array, training))}"
        for array in (*targets, *inputs)
        if array is not rest
    ]
    lines = [f"columns = {{{', '.join(named)}}}"]
    if rest is not None:
        lines += [
            f"left = [name for name in table if {_untaken(len(named))}]",
            f"columns[{rest.name}] = [{rest.name}] if {rest.name} in left else left",
        ]
    return lines


def _untaken(named: int) -> str:
    """The test of a column that feeds no other array."""
    return "not any(name in taken for taken in columns.values())" if named else "True"


def _named_columns(names: tuple[str, ...]) -> str:
    listed = ", ".join(map(literal, names))
    return f"matching(table, {listed})" if any(map(_is_pattern, names)) else f"[{listed}]"


def _class_lines(
    kind: Source, targets: tuple[Array, ...], model: Model, training: Training
) -> list[dict[str, str]]:
    """For every output with classes its name and an expression of their names."""
    lines: list[dict[str, str]] = []
    if not isinstance(kind, CSV):
        return lines
    arrays = {array.bare: array for array in targets}
    for term in training.losses:
        array = arrays.get(term.target)
        if array is None or term.kind.task != "classes" or array.limit is None:
            continue
        numbers = f"[str(number) for number in range({array.limit})]"
        if len(_sources(array, training)) == 1:
            numbers = f"categories.get({literal(_sources(array, training)[0])}) or {numbers}"
        lines.append({"name": literal(term.output), "value": numbers})
    return lines
