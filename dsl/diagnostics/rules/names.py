"""Rules about names and references (MSL1xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity


def _error(
    code: str, slug: str, summary: str, explanation: str, bad: str, good: str, near: str
) -> Rule:
    return Rule(code, slug, Severity.ERROR, summary, explanation, bad, good, near)


def _net(lines: str, top: str = "") -> str:
    """A whole spec around lines of a model on a vector."""
    return f"{top}model Net {{\n  input x: float32[8]\n{lines}\n}}\n"


def _block(block: str, use: str = "Half") -> str:
    """A whole spec around a block and its use."""
    return _net(f"  output y = {use} -> Linear(3)", f"block Half{block}\n\n")


def _extern(settings: str) -> str:
    """A whole spec around the settings of an extern layer."""
    lines = "".join(f"  {setting}\n" for setting in settings.split("; "))
    return _net(
        "  output y = Wavelet",
        f'extern layer Wavelet from "my_ops.py" {{\n{lines}}}\n\n',
    )


def _sequence(output: str) -> str:
    """A whole spec around the declaration of its output."""
    return f"model Net {{\n  input x: float32[time=32, 8]\n  output {output} = Linear(3)\n}}\n"


def _pair(first: str, second: str) -> str:
    """A whole spec around the first dimensions of two inputs."""
    return (
        f"model Net {{\n  input a: float32[{first}, 8]\n  input b: float32[{second}, 8]\n"
        "  output y = (a, b) -> Add -> GRU(4) -> Linear(3)\n}\n"
    )


_TYPE = "output = float32[input.features]"

_NAMES = (
    _error(
        "MSL101",
        "unknown-name",
        "A name that nothing declares.",
        "Values, constants and parameters are declared before they are used, and live to the end "
        "of their braces. A block sees the file's `let` and `param` and its own arguments, never "
        "its caller's names.",
        _net("  hidden = Linear(8) -> ReLU\n  output y = hiden -> Linear(3)"),
        _net("  hidden = Linear(8) -> ReLU\n  output y = hidden -> Linear(3)"),
        _net("  hidden = Linear(8) -> ReLU\n  output y = Linear(3)"),
    ),
    _error(
        "MSL102",
        "unknown-function",
        "A function that the language does not have.",
        "There are `min max sum len abs ceil floor round sqrt log`. All are evaluated at compile "
        "time.",
        _net("  output y = Linear(maximum(3, 4))"),
        _net("  output y = Linear(max(3, 4))"),
        _net("  output y = Linear(ceil(3.5))"),
    ),
    _error(
        "MSL103",
        "unknown-size",
        "A size that a value does not have.",
        "A value's sizes are called after its axes: `features`, `time`, `channels`, `height`, "
        "`width`, `depth`; `shape[i]` and `rank` every value has.",
        _net("  output y = Linear(x.channels)"),
        _net("  output y = Linear(x.features)"),
        _net("  output y = Linear(x.shape[0])"),
    ),
    _error(
        "MSL104",
        "unknown-kind",
        "A kind that neither MSL nor the file has.",
        "Help names the nearest one, or the word that MSL has for a Keras or PyTorch spelling. "
        "Blocks of other files are reached by `import`.",
        _net("  output y = Dense(3)"),
        _net("  output y = Linear(3)"),
        _net("  output y = Dense(3)", "block Dense(units: int) {\n  Linear(units)\n}\n"),
    ),
    _error(
        "MSL105",
        "unused-input",
        "An input that nothing uses.",
        "Data would be loaded for nothing; most often the input was meant to join the others.",
        _net("  input z: float32[8]\n  output y = x -> Linear(3)"),
        _net("  input z: float32[8]\n  output y = (x, z) -> Concat -> Linear(3)"),
        _net(
            "  input z: float32[8]\n  input mask: bool[8]\n"
            "  output y = (x, z) -> Add -> Linear(mask.time)"
        ),
    ),
    _error(
        "MSL106",
        "unused-result",
        "A result that nothing uses.",
        "Each statement takes the result of the one before unless it starts from a name. What is "
        "computed and then left behind is a mistake; a name that begins with an underscore says "
        "that it is meant.",
        _net("  Linear(8) -> ReLU\n  output y = x -> Linear(3)"),
        _net("  Linear(8) -> ReLU\n  output y = Linear(3)"),
        _net("  _probe = Linear(8) -> ReLU\n  output y = x -> Linear(3)"),
    ),
    _error(
        "MSL107",
        "name-taken",
        "A name that can already be seen is declared again.",
        "A name means one thing wherever it can be seen. Only a block's or model's own arguments "
        "and values may hide a `let` or `param` of the file.",
        _net("  h = Linear(8) -> ReLU\n  h = Linear(8) -> ReLU\n  output y = Linear(3)"),
        _net("  h = Linear(8) -> ReLU\n  k = Linear(8) -> ReLU\n  output y = Linear(3)"),
        _net("  h = Linear(n) -> ReLU\n  output y = Linear(h.features)", "let n = 8\n"),
    ),
    _error(
        "MSL108",
        "no-current-value",
        "A layer has nothing in front to work on.",
        "With several inputs, none is the first current value: a statement names the one it starts "
        "from.",
        _net("  input z: float32[8]\n  Linear(8)\n  output y = (x, z) -> Add"),
        _net("  input z: float32[8]\n  h = z -> Linear(8)\n  output y = (x, h) -> Add"),
        _net("  Linear(8) -> ReLU\n  output y = Linear(3)"),
    ),
    _error(
        "MSL109",
        "declared-twice",
        "A file declares one name twice.",
        "Blocks, models, variants, extern layers, `let` and `param` share one set of names, with "
        "those that are imported.",
        _net("  output y = Linear(n)", "let n = 3\nlet n = 4\n"),
        _net("  output y = Linear(n)", "let n = 4\n"),
        _net("  let n = 4\n  output y = Linear(n)", "let _n = 3\n"),
    ),
)

_BODIES = (
    _error(
        "MSL110",
        "model-without-output",
        "A model has no output.",
        "A model names its results: `output logits = Linear(10)`; a block yields its last value "
        "without that.",
        _net("  Linear(3)"),
        _net("  output y = Linear(3)"),
        _net("  y = Linear(3)\n  output y"),
    ),
    _error(
        "MSL111",
        "block-without-value",
        "A block yields nothing.",
        "A block yields the value of its last statement, or its `output`s. One with several inputs "
        "and no statement that names one has neither.",
        _net(
            "  output y = (x, x) -> Pair -> Linear(3)",
            "block Pair {\n  input a\n  input b\n}\n",
        ),
        _net(
            "  output y = (x, x) -> Pair -> Linear(3)",
            "block Pair {\n  input a\n  input b\n  (a, b) -> Add\n}\n",
        ),
        _block(" {\n  input a\n}"),
    ),
    _error(
        "MSL112",
        "input-without-type",
        "An input of a model has no type.",
        "Sizes are inferred from the inputs on, so theirs must be said: `input image: "
        "float32[3, 32, 32]`, without the batch. Inputs of a block take the type that they are "
        "given.",
        "model Net {\n  input x\n  output y = Linear(3)\n}\n",
        "model Net {\n  input x: float32[8]\n  output y = Linear(3)\n}\n",
        _block(" {\n  input a\n  a -> Linear(a.features // 2) -> ReLU\n}"),
    ),
    _error(
        "MSL113",
        "unknown-dtype",
        "A dtype that does not exist.",
        "There are `float32 float16 bfloat16 int64 int32 uint8 bool`.",
        "model Net {\n  input x: float[8]\n  output y = Linear(3)\n}\n",
        "model Net {\n  input x: float32[8]\n  output y = Linear(3)\n}\n",
        "model Net {\n  input x: int32[8]\n  output y = Embedding(9, 3)\n}\n",
    ),
    _error(
        "MSL114",
        "type-without-shape",
        "A type lacks its shape.",
        "Sizes stand in brackets, without the batch; one number for each sample is `float32[]`.",
        "model Net {\n  input x: float32\n  output y = Linear(3)\n}\n",
        "model Net {\n  input x: float32[8]\n  output y = Linear(3)\n}\n",
        "model Net {\n  input x: int64[]\n  output y = Embedding(9, 3)\n}\n",
    ),
    _error(
        "MSL115",
        "wrong-size",
        "A size is no positive integer.",
        "Sizes are counted in whole cells, from 1 up. `width / 2` is a float where it does not "
        "come out even; `width // 2` never is.",
        "model Net {\n  input x: float32[15 / 2]\n  output y = Linear(3)\n}\n",
        "model Net {\n  input x: float32[15 // 2]\n  output y = Linear(3)\n}\n",
        "model Net {\n  input x: float32[16 / 2]\n  output y = Linear(3)\n}\n",
    ),
    _error(
        "MSL116",
        "symbol-outside-input",
        "A symbol is declared outside of a model's input.",
        "`time=32` in the type of a model's input declares the symbol `time`, with 32 as the size "
        "that costs are quoted at. Elsewhere the symbol is used by its bare name.",
        _sequence("y: float32[time=32, 3]"),
        _sequence("y: float32[time, 3]"),
        _sequence("y: float32[1 * time, 3]"),
    ),
    _error(
        "MSL117",
        "symbol-with-two-sizes",
        "One symbol is declared with two sizes.",
        "Inputs that share a symbol have that size in common.",
        _pair("time=16", "time=32"),
        _pair("time=16", "time=16"),
        _pair("time=16", "time"),
    ),
    _error(
        "MSL118",
        "wrong-number-of-results",
        "There are more or fewer names than results.",
        "`a, b = Split(2)` names both parts. A layer with one result has one name, and an output "
        "is one value.",
        _net("  a, b, c = Split(2, dim=0)\n  output y = (a, b, c) -> Add"),
        _net("  a, b = Split(2, dim=0)\n  output y = (a, b) -> Add"),
        _net("  a, b, c, d = Split(4, dim=0)\n  output y = (a, b, c, d) -> Add"),
    ),
    _error(
        "MSL119",
        "value-applied",
        "An arrow leads into a value.",
        "Arrows lead into layers and structures. Two values are brought together by a kind that "
        "takes both: `(a, b) -> Add`.",
        _net("  h = Linear(8) -> ReLU\n  output y = x -> h"),
        _net("  h = Linear(8) -> ReLU\n  output y = (x, h) -> Add"),
        _net("  shared h = Linear(8)\n  output y = x -> h"),
    ),
    _error(
        "MSL120",
        "number-in-chain",
        "A number stands where a value of the model is wanted.",
        "Constants and parameters are known at compile time and configure layers. A learned number "
        "is a `Parameter`. A `layer` parameter that is not given is applied under "
        "`when act != auto { act }`.",
        _net("  output y = (x, scale) -> Multiply", "let scale = 2\n"),
        _net(
            "  scale = Parameter([8])\n  output y = (x, scale) -> Multiply",
        ),
        _net("  output y = Linear(scale)", "let scale = 2\n"),
    ),
    _error(
        "MSL121",
        "ambiguous-input",
        "`input` stands where several inputs are declared.",
        "With one input, `input` is another name for it; several are used by their names.",
        _net("  input z: float32[8]\n  h = (x, z) -> Add\n  output y = (h, input) -> Concat"),
        _net("  input z: float32[8]\n  h = (x, z) -> Add\n  output y = (h, x) -> Concat"),
        _net("  h = Linear(8) -> ReLU\n  output y = (h, input) -> Concat"),
    ),
    _error(
        "MSL122",
        "unknown-port",
        "A named input that a kind does not have.",
        "Optional inputs are handed over by name, such as `mask=` of attention and `h=` of "
        "recurrent layers; `msl explain KIND` lists them.",
        _net("  output y = (x, mask=x) -> Linear(3)"),
        _net("  output y = Linear(3)"),
        _net("  h = Linear(4)\n  output y = (x -> Reshape([2, 4]), h=h) -> GRU(4)"),
    ),
    _error(
        "MSL123",
        "tie-without-weight",
        "A layer is tied to something that has no weight.",
        "`tie=` names a layer that owns a `weight`, by its dotted path from the enclosing body.",
        "model Net {\n  input x: int64[4]\n  e = Embedding(9, 8)\n  h = Tanh\n"
        "  output y = Linear(9, tie=h)\n}\n",
        "model Net {\n  input x: int64[4]\n  e = Embedding(9, 8)\n  Tanh\n"
        "  output y = Linear(9, tie=e)\n}\n",
        "model Net {\n  input x: int64[4]\n  h = Embedding(9, 8) -> Tanh\n"
        "  output y = Linear(9, tie=h)\n}\n",
    ),
)

_STRUCTURES = (
    _error(
        "MSL124",
        "endless-blocks",
        "Blocks apply one another without end.",
        "A block may apply itself under a `when` that becomes false; 256 levels are the limit.",
        _block("(n: int) {\n  Linear(n) -> ReLU\n  Half(n)\n}", "Half(8)"),
        _block("(n: int) {\n  Linear(n) -> ReLU\n  when n > 1 { Half(n // 2) }\n}", "Half(8)"),
        _block("(n: int) {\n  Linear(n) -> ReLU\n}", "Half(8) -> Half(4)"),
    ),
    _error(
        "MSL125",
        "misplaced-declaration",
        "`input` or `output` is declared inside an inner body.",
        "Inputs and outputs belong to blocks and models. The body of a `residual`, `repeat`, "
        "`parallel` or `when` yields its last value.",
        _net("  residual { output h = Linear(8) -> ReLU }\n  output y = Linear(3)"),
        _net("  residual { h = Linear(8) -> ReLU }\n  output y = Linear(3)"),
        _net("  h = residual { Linear(8) -> ReLU }\n  output y = Linear(3)\n  output h"),
    ),
    _error(
        "MSL126",
        "too-many-rounds",
        "A repeat has more than 10,000 rounds that differ from one another.",
        "Rounds that leave shapes and arguments as they are count as one, however many there are.",
        _net("  repeat 10_001 as i { LeakyReLU(1 / (i + 2)) }\n  output y = Linear(3)"),
        _net("  repeat 5 as i { LeakyReLU(1 / (i + 2)) -> Tanh }\n  output y = Linear(3)"),
        _net("  repeat 10_001 { Linear(8) -> ReLU }\n  output y = Linear(3)"),
    ),
    _error(
        "MSL127",
        "wrong-repeat-count",
        "A repeat is over neither a count nor a list.",
        "`repeat 3 { .. }` counts, `repeat rows as a, b { .. }` goes through a list; a count of 0 "
        "hands its input on.",
        _net("  repeat 1.5 { Linear(8) -> ReLU }\n  output y = Linear(3)"),
        _net("  repeat 2 { Linear(8) -> ReLU }\n  output y = Linear(3)"),
        _net("  repeat 0 { Linear(8) -> ReLU }\n  output y = Linear(3)"),
    ),
    _error(
        "MSL128",
        "wrong-row",
        "A row of a repeat does not fit its names.",
        "Each row has a value for each name after `as`; over a count there is one name, the index. "
        "Over rows the index stands in front: `as i, (n, k)`.",
        _net("  repeat [[8, 1], [4]] as n, k { Linear(n * k) -> ReLU }\n  output y = Linear(3)"),
        _net("  repeat [[8, 1], [4, 2]] as n, k { Linear(n * k) -> ReLU }\n  output y = Linear(3)"),
        _net("  repeat [8, 4] as n { Linear(n) -> ReLU }\n  output y = Linear(3)"),
    ),
    _error(
        "MSL129",
        "unknown-extern-setting",
        "An extern layer is given a setting that it does not have.",
        "It has `output`, `params`, `flops`, `torch` and `tensorflow`.",
        _extern(f'{_TYPE}; pytorch = "Wavelet"'),
        _extern(f'{_TYPE}; torch = "Wavelet"'),
        _extern(f'{_TYPE}; params = 8; tensorflow = "ops.Wavelet"'),
    ),
    _error(
        "MSL130",
        "incomplete-extern",
        "An extern layer lacks its type or its class.",
        "`output` is the type of its result; `torch` or `tensorflow` names the class that computes "
        "it.",
        _extern(_TYPE),
        _extern(f'{_TYPE}; torch = "Wavelet"'),
        _extern(f'{_TYPE}; torch = "Wavelet"; tensorflow = "WaveletKeras"'),
    ),
)

_FILES = (
    _error(
        "MSL131",
        "unknown-version",
        "A file asks for a version of the language that is not known.",
        "This is version 1. A file without a version is read as version 1.",
        "msl 2\n" + _net("  output y = Linear(3)"),
        "msl 1\n" + _net("  output y = Linear(3)"),
        _net("  output y = Linear(3)"),
    ),
    _error(
        "MSL133",
        "import-failed",
        "A file cannot be imported.",
        "Paths are relative to the file that imports, and stay inside the project: the nearest "
        "folder above that holds `pyproject.toml`, `.git` or `msl.toml`.",
        'import "blocs.msl"\n' + _net("  output y = Linear(3)"),
        'import "blocks.msl"\n' + _net("  output y = Half -> Linear(3)"),
        _net('  output y = Linear(3)  # import "blocs.msl"'),
    ),
    _error(
        "MSL134",
        "import-cycle",
        "Files import one another in a circle.",
        "Put what both need into a third file.",
        'import "circle.msl"\n' + _net("  output y = Linear(3)"),
        'import "blocks.msl"\n' + _net("  output y = Half -> Linear(3)"),
        'import "blocks.msl"\nimport "more.msl"\n' + _net("  output y = Half -> Third"),
    ),
    Rule(
        "MSL135",
        "hides-builtin",
        Severity.WARNING,
        "A block has the name of a built-in layer.",
        "In this file, and in those that import it, the name then means the block.",
        _net("  output y = Linear(3)", "block Linear(n: int) {\n  Conv1d(n, 1)\n}\n").replace(
            "float32[8]", "float32[8, 8]"
        ),
        _net("  output y = Map(3)", "block Map(n: int) {\n  Conv1d(n, 1)\n}\n").replace(
            "float32[8]", "float32[8, 8]"
        ),
        _net("  output y = MSE(3)", "block MSE(n: int) {\n  Linear(n)\n}\n"),
    ),
    _error(
        "MSL136",
        "parameter-without-value",
        "A parameter has no value.",
        "Parameters of a file or model have a default, or are given with `-D name=value`. Those of "
        "a block are given where it is applied.",
        _net("  output y = Linear(width)", "param width: int\n"),
        _net("  output y = Linear(width)", "param width: int = 3\n"),
        _block("(width: int) {\n  Linear(width) -> ReLU\n}", "Half(4)"),
    ),
    _error(
        "MSL137",
        "unknown-variant-base",
        "A variant of a model that does not exist.",
        "A variant names a model of the file, or of one it imports, with other arguments.",
        _net("  output y = Linear(3)") + "variant Small = Nett\n",
        _net("  output y = Linear(3)") + "variant Small = Net\n",
        _net("  output y = Linear(n)").replace("Net", "Net(n: int = 3)")
        + "variant Small = Net(n=2)\n",
    ),
    _error(
        "MSL138",
        "unknown-model",
        "`--model` names no model or variant of the file.",
        "Imported models and variants count too.",
        _net("  output y = Linear(3)"),
        _net("  output y = Linear(3)").replace("Net", "Small"),
        _net("  output y = Linear(3)") + "variant Small = Net\n",
    ),
    _error(
        "MSL139",
        "no-model",
        "A file has no model.",
        "A file of blocks is there to be imported; what is checked, costed or compiled is a model.",
        "block Half {\n  Linear(4) -> ReLU\n}\n",
        _block(" {\n  Linear(4) -> ReLU\n}"),
        _net("  output y = Linear(3)"),
    ),
    _error(
        "MSL140",
        "several-models",
        "A file has several models, and none is asked for.",
        "The model meant is the one that no other model uses; where that is not one, `--model "
        "NAME` says it.",
        _net("  output y = Linear(3)") + _net("  output y = Linear(3)").replace("Net", "Other"),
        _net("  output y = Linear(3)"),
        _net("  output y = Linear(3)")
        + _net("  output y = Net -> Linear(5)").replace("model Net", "model Other"),
    ),
    _error(
        "MSL141",
        "unknown-parameter",
        "`-D` names no parameter.",
        "It sets a `param` of the file, or an argument of the model.",
        _net("  output y = Linear(3)"),
        _net("  output y = Linear(width)", "param width: int = 3\n"),
        _net("  output y = Linear(width)").replace("Net", "Net(width: int = 3)"),
    ),
)

RULES: tuple[Rule, ...] = (*_NAMES, *_BODIES, *_STRUCTURES, *_FILES)
