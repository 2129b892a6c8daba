"""Rules about values and arguments (MSL2xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity


def _net(line: str, top: str = "") -> str:
    """A whole spec around one line of a model's body."""
    return f"{top}model Net {{\n  input x: float32[8]\n{line}\n  output y = Tanh -> Linear(3)\n}}\n"


def _error(
    code: str, slug: str, summary: str, explanation: str, bad: str, good: str, near: str
) -> Rule:
    return Rule(code, slug, Severity.ERROR, summary, explanation, bad, good, near)


RULES: tuple[Rule, ...] = (
    _error(
        "MSL201",
        "unknown-argument",
        "A kind is given an argument that it does not have.",
        "Arguments have PyTorch's names, less what is inferred (there are no input sizes). Help "
        "names the nearest one, or the MSL word for a Keras spelling; `msl explain KIND` lists "
        "them all.",
        _net("  Linear(8, biass=false)"),
        _net("  Linear(8, bias=false)"),
        _net("  Linear(out_features=8, bias=false)"),
    ),
    _error(
        "MSL202",
        "too-many-values",
        "A kind is given more values without names than it takes.",
        "Values without names fill the arguments in their order. Input sizes are inferred and have "
        "no place: PyTorch's `Linear(8, 16)` is `Linear(16)`.",
        _net("  ReLU(8)"),
        _net("  ReLU"),
        _net("  LeakyReLU(0.1)"),
    ),
    _error(
        "MSL203",
        "repeated-argument",
        "An argument is given twice.",
        "It stands there by name twice, or by its place and by name. Keep one of them.",
        _net("  Linear(8, out_features=16)"),
        _net("  Linear(16)"),
        _net("  Linear(16, bias=true)"),
    ),
    _error(
        "MSL204",
        "missing-argument",
        "An argument that has no default is not given.",
        "The message says what the argument is; `msl explain KIND` shows how the kind is written.",
        _net("  Linear(bias=false)"),
        _net("  Linear(8, bias=false)"),
        _net("  Linear(bias=false, out_features=8)"),
    ),
    _error(
        "MSL205",
        "wrong-value",
        "A value is of another type than the argument, or out of its bounds.",
        "Numbers have bounds, strings a few choices, and an int is wanted where a float will not "
        "do: `width / 2` is a float where it does not come out even, `width // 2` never.",
        _net("  Dropout(1.5)"),
        _net("  Dropout(0.5)"),
        _net("  Dropout(1 / 2)"),
    ),
    _error(
        "MSL206",
        "wrong-type-of-value",
        "An operator, function or condition is given a value that it cannot take.",
        "Arithmetic takes numbers, `in` takes a list on its right, `and` and `or` take true or "
        "false, an index takes a list and an int. Lists are joined by `+`, repeated by `*` and "
        "sliced as `xs[1:]`. `auto` is no value: ask with `n == auto` whether `n` is given.",
        _net("  Linear(4 + true)"),
        _net("  Linear(4 + 1)"),
        _net("  Linear(4 if true else 1)"),
    ),
    _error(
        "MSL207",
        "arguments-disagree",
        "Arguments that are right one by one do not go together.",
        "The message names the two. Most often one of them has no effect without another, or they "
        "exclude each other.",
        _net("  Linear(8)") + "loss MSE\noptimizer SGD(nesterov=true)\n",
        _net("  Linear(8)") + "loss MSE\noptimizer SGD(momentum=0.9, nesterov=true)\n",
        _net("  Linear(8)") + "loss MSE\noptimizer SGD(momentum=0.9, nesterov=false)\n",
    ),
    _error(
        "MSL208",
        "no-real-result",
        "A calculation has no result among the real numbers.",
        "Nothing can be divided by zero, and an even root of a negative number is not real. The "
        "calculation is done at compile time with the parameters' values.",
        _net("  Linear(8 // groups)", "let groups = 0\n"),
        _net("  Linear(8 // groups)", "let groups = 2\n"),
        _net("  Linear(8 + groups)", "let groups = 0\n"),
    ),
    _error(
        "MSL209",
        "number-too-large",
        "The result of a calculation is too large.",
        "Integers stay below 2**63, since frameworks hold sizes in 64 bits; lists have at most "
        "10,000 items.",
        _net("  Linear(8 if 2 ** 63 > 1 else 4)"),
        _net("  Linear(8 if 2 ** 62 > 1 else 4)"),
        _net("  Linear(8 if 2.0 ** 63 > 1 else 4)"),
    ),
    _error(
        "MSL210",
        "no-such-item",
        "A list has no item at this index.",
        "Items are counted from 0; negative indices count from the end. A slice such as `xs[1:5]` "
        "takes what there is.",
        _net("  Linear(widths[2])", "let widths = [8, 16]\n"),
        _net("  Linear(widths[1])", "let widths = [8, 16]\n"),
        _net("  Linear(widths[-2])", "let widths = [8, 16]\n"),
    ),
    _error(
        "MSL211",
        "misplaced-on",
        "The word `on` stands where it has no meaning.",
        '`on` says which weights a penalty acts on (`L2(1e-4) on "conv*.weight"`) and which output '
        "a metric is taken of (`AUC on click`). A term of the loss has its output in front.",
        _net("  Linear(8)") + 'loss MSE\nregularization { ClipNorm(1.0) on "linear.weight" }\n',
        _net("  Linear(8)") + "loss MSE\nregularization { ClipNorm(1.0) }\n",
        _net("  Linear(8)") + 'loss MSE\nregularization { L2(1e-4) on "linear.weight" }\n',
    ),
    _error(
        "MSL212",
        "unknown-type",
        "A parameter is declared with a type that does not exist.",
        "Parameters are `int float bool string dtype axis layer`, or a list such as `list[int]`.",
        _net("  Linear(width)", "param width: integer = 8\n"),
        _net("  Linear(width)", "param width: int = 8\n"),
        _net("  Linear(widths[0])", "param widths: list[int] = [8]\n"),
    ),
    _error(
        "MSL213",
        "empty-bounds",
        "The bounds of a parameter hold no value.",
        "Bounds are inclusive and the lower one stands first: `in 1..512`.",
        _net("  Linear(width)", "param width: int = 8 in 64..1\n"),
        _net("  Linear(width)", "param width: int = 8 in 1..64\n"),
        _net("  Linear(width)", "param width: int = 8 in 8..8\n"),
    ),
)
