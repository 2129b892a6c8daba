"""Rules about names and references (MSL1xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING

RULES: tuple[Rule, ...] = (
    Rule("MSL101", "unknown-name", ERROR, "A name that nothing declares."),
    Rule("MSL102", "unknown-function", ERROR, "A function that the language does not have."),
    Rule("MSL103", "unknown-size", ERROR, "A size that a value does not have."),
    Rule("MSL104", "unknown-kind", ERROR, "A kind that neither MSL nor the file has."),
    Rule("MSL105", "unused-input", ERROR, "An input that nothing uses."),
    Rule("MSL106", "unused-result", ERROR, "A result that nothing uses."),
    Rule("MSL107", "name-taken", ERROR, "A name that can already be seen is declared again."),
    Rule("MSL108", "no-current-value", ERROR, "A layer with nothing in front to work on."),
    Rule("MSL109", "declared-twice", ERROR, "Two declarations of one name in a file."),
    Rule("MSL110", "model-without-output", ERROR, "A model that has no output."),
    Rule("MSL111", "block-without-value", ERROR, "A block that yields nothing."),
    Rule("MSL112", "input-without-type", ERROR, "An input of a model without a type."),
    Rule("MSL113", "unknown-dtype", ERROR, "A dtype that does not exist."),
    Rule("MSL114", "type-without-shape", ERROR, "A type that lacks its shape."),
    Rule("MSL115", "wrong-size", ERROR, "A size that is no positive integer."),
    Rule("MSL116", "symbol-outside-input", ERROR, "A symbol declared outside of a model's input."),
    Rule("MSL117", "symbol-with-two-sizes", ERROR, "One symbol with two sizes."),
    Rule("MSL118", "wrong-number-of-results", ERROR, "More or fewer names than results."),
    Rule("MSL119", "value-applied", ERROR, "An arrow into a value."),
    Rule("MSL120", "number-in-chain", ERROR, "A number where a value of the model is wanted."),
    Rule("MSL121", "ambiguous-input", ERROR, "`input` where several inputs are declared."),
    Rule("MSL122", "unknown-port", ERROR, "A named input that a kind does not have."),
    Rule("MSL123", "tie-without-weight", ERROR, "A tie to something without a weight."),
    Rule("MSL124", "endless-blocks", ERROR, "Blocks that apply one another without end."),
    Rule("MSL125", "misplaced-declaration", ERROR, "`input` or `output` inside an inner body."),
    Rule("MSL126", "too-many-rounds", ERROR, "A repeat with too many distinct rounds."),
    Rule("MSL127", "wrong-repeat-count", ERROR, "A repeat over neither a count nor a list."),
    Rule("MSL128", "wrong-row", ERROR, "A row that does not fit the names of a repeat."),
    Rule("MSL129", "unknown-extern-setting", ERROR, "A setting that extern layers do not have."),
    Rule("MSL130", "incomplete-extern", ERROR, "An extern layer that lacks its type or class."),
    Rule("MSL131", "unknown-version", ERROR, "A version of the language that is not known."),
    Rule("MSL132", "misplaced-version", ERROR, "`msl 1` anywhere but once at the beginning."),
    Rule("MSL133", "import-failed", ERROR, "A file that cannot be imported."),
    Rule("MSL134", "import-cycle", ERROR, "Files that import one another in a circle."),
    Rule("MSL135", "hides-builtin", WARNING, "A block with the name of a built-in layer."),
    Rule("MSL136", "parameter-without-value", ERROR, "A parameter that has no value."),
    Rule("MSL137", "unknown-variant-base", ERROR, "A variant of a model that does not exist."),
    Rule("MSL138", "unknown-model", ERROR, "`--model` names no model or variant."),
    Rule("MSL139", "no-model", ERROR, "A file without a model."),
    Rule("MSL140", "several-models", ERROR, "Several models, and none is asked for."),
    Rule("MSL141", "unknown-parameter", ERROR, "`-D` names no parameter."),
)
