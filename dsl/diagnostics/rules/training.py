"""Rules about training sections (MSL4xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity

_VECTOR = """\
model Net {
  input x: float32[8]
  hidden = Linear(16) -> ReLU
  output y = Linear(3)
}
"""
_PAIR = """\
model Net {
  input x: float32[8]
  hidden = Linear(16) -> ReLU
  output digit = hidden -> Linear(3)
  output box = hidden -> Linear(4)
}
"""
_IMAGE = """\
model Net {
  input image: float32[3, 32, 32]
  Conv2d(8, 3, padding="same") -> ReLU
  output y = GlobalAvgPool -> Linear(3)
}
"""
_TEXT = """\
model Net {
  input tokens: int64[time=16]
  Embedding(256, 8) -> GRU(8, return_sequences=true)
  output y = Linear(256)
}
"""
_TAGS = """\
model Net {
  input words: int64[time=16]
  input valid: bool[time]
  seen = words -> Embedding(100, 8)
  (seen, mask=valid) -> SelfAttention(2)
  output tags = Linear(5)
}
"""
_WORDS = """\
model Net {
  input x: float32[8]
  input z: float32[8]
  output y = (x, z) -> Concat -> Linear(3)
}
"""


def _rule(
    code: str,
    slug: str,
    summary: str,
    explanation: str,
    model: str,
    bad: str,
    good: str,
    near: str,
    severity: Severity = Severity.ERROR,
) -> Rule:
    """A rule whose examples differ in the lines after the model."""
    examples = (f"{model}{lines}\n" for lines in (bad, good, near))
    return Rule(code, slug, severity, summary, explanation, *examples)


def _blocks(norm: str, named: str) -> str:
    """A whole spec of one block, and what is to be recomputed."""
    return (
        f"block Layer {{\n  Linear(8) -> {norm} -> ReLU\n}}\nmodel Net {{\n  input x: float32[8]\n"
        f"  repeat 3 {{ Layer }}\n  output y = Linear(3)\n}}\nloss CrossEntropy\n"
        f'device {{ recompute = ["{named}"] }}\n'
    )


_SECTIONS = (
    _rule(
        "MSL401",
        "repeated-section",
        "A section stands in the file twice.",
        "Each section is said once. Put the two together; several terms of a loss stand in braces.",
        _VECTOR,
        "loss CrossEntropy\ntrain { epochs = 3 }\ntrain { batch = 8 }",
        "loss CrossEntropy\ntrain { epochs = 3; batch = 8 }",
        "loss CrossEntropy\ntrain { epochs = 3 }\ndevice { compile = true }",
    ),
    _rule(
        "MSL402",
        "section-form",
        "A section is not written the way its word wants it.",
        "`loss`, `optimizer`, `schedule` and `data` name a kind with its arguments; others hold "
        "entries in braces: `name = value` in `train`, `device` and `search`, kinds in "
        "`regularization`, comparisons in `budget`.",
        _VECTOR,
        "loss CrossEntropy\ntrain { epochs: 3 }",
        "loss CrossEntropy\ntrain { epochs = 3 }",
        "loss { y: CrossEntropy }\ntrain { epochs = 3 }",
    ),
    _rule(
        "MSL403",
        "unknown-setting",
        "A section has no setting of this name.",
        "`msl explain train` and `msl explain device` list them.",
        _VECTOR,
        "loss CrossEntropy\ntrain { batch_size = 3 }",
        "loss CrossEntropy\ntrain { batch = 3 }",
        "loss CrossEntropy\ntrain { batch = 3; accumulate = 2 }",
    ),
    _rule(
        "MSL404",
        "repeated-entry",
        "A section says the same thing twice.",
        "A setting, a limit, a metric of one output, a term of the loss and a regularizer on the "
        "same weights each stand there once.",
        _VECTOR,
        "loss CrossEntropy\ntrain { batch = 3; batch = 4 }",
        "loss CrossEntropy\ntrain { batch = 4 }",
        'loss CrossEntropy\nregularization { L2(1e-4); L2(1e-5) on "hidden*" }',
    ),
    _rule(
        "MSL406",
        "epochs-and-steps",
        "The length of the run is given twice.",
        "A run is `epochs` passes over the training part, or `steps` optimizer steps.",
        _VECTOR,
        "loss CrossEntropy\ntrain { epochs = 3; steps = 100 }",
        "loss CrossEntropy\ntrain { steps = 100 }",
        "loss CrossEntropy\nschedule Cosine(warmup=1epochs)\ntrain { epochs = 3 }",
    ),
    _rule(
        "MSL407",
        "no-loss",
        "A section has no effect, since there is no loss.",
        "Without a `loss` the file compiles to the model alone, and how to train it is left out.",
        _VECTOR,
        "optimizer Adam",
        "loss CrossEntropy\noptimizer Adam",
        "device { compile = true }",
        Severity.WARNING,
    ),
)

_OBJECTIVE = (
    _rule(
        "MSL410",
        "unknown-output",
        "A loss or metric names an output that the model does not have.",
        "Outputs are declared in the model: `output digit = ..`.",
        _PAIR,
        "loss { digt: CrossEntropy; box: SmoothL1 }",
        "loss { digit: CrossEntropy; box: SmoothL1 }",
        "loss { digit: CrossEntropy }",
    ),
    _rule(
        "MSL411",
        "ambiguous-output",
        "A loss or metric does not say which of several outputs it is taken of.",
        "A term of the loss has its output in front, a metric names it after `on`. A metric that "
        "fits one output only needs no name.",
        _PAIR,
        "loss CrossEntropy",
        "loss { digit: CrossEntropy }",
        "loss { digit: CrossEntropy; box: MSE }\ntrain { metrics = [Accuracy, MAE] }",
    ),
    _rule(
        "MSL412",
        "loss-does-not-fit",
        "A loss cannot be taken of this output.",
        "Losses want real numbers; `CrossEntropy` wants a score for each of two or more classes on "
        "the axis `channels`, or the last one, and as many class weights as there are classes.",
        _VECTOR,
        "loss CrossEntropy(weight=[1.0, 2.0])",
        "loss CrossEntropy(weight=[1.0, 2.0, 1.0])",
        "loss MSE",
    ),
    _rule(
        "MSL413",
        "targets-disagree",
        "Two terms of the loss want different things of one array or one output.",
        "An array of targets has one type, and an output one meaning. Give a term an array of its "
        "own with `target=`, or an output of its own.",
        _VECTOR,
        "loss { y: CrossEntropy; y: MSE * 0.1 }",
        'loss { y: CrossEntropy; y: MSE(target="scores") * 0.1 }',
        "loss { y: MSE; y: MAE * 0.1 }",
    ),
    _rule(
        "MSL414",
        "loss-term-form",
        "A term of the loss is not one kind times a weight.",
        "Terms stand in braces, each for its output; weights are numbers from 0 up.",
        _PAIR,
        "loss { digit: CrossEntropy + 0.5; box: SmoothL1 }",
        "loss { digit: CrossEntropy * 0.5; box: SmoothL1 }",
        "loss { digit: 0.5 * CrossEntropy; box: SmoothL1(beta=0.5) * (1 / 2) }",
    ),
    _rule(
        "MSL415",
        "metric-does-not-fit",
        "A metric says nothing about this output.",
        "What an output means follows from its loss: scores of classes (`CrossEntropy`), yes or no "
        "(`BinaryCrossEntropy`, `Hinge`) or values (`MSE` and the like). An output without a loss "
        "has no target to compare with.",
        _VECTOR,
        "loss CrossEntropy\ntrain { metrics = [RMSE] }",
        "loss MSE\ntrain { metrics = [RMSE] }",
        "loss CrossEntropy\ntrain { metrics = [Accuracy, TopK(2)] }",
    ),
    _rule(
        "MSL416",
        "mask-does-not-fit",
        "A loss cannot use this mask.",
        "A mask says which positions count: an array of the data, or an input, of truth values "
        "(bool), with the shape of the target. Where a target has an axis of features, the mask "
        "may do without it.",
        _TAGS,
        'loss CrossEntropy(mask="words")',
        'loss CrossEntropy(mask="valid")',
        'loss CrossEntropy(mask="known", target="tags")',
    ),
    _rule(
        "MSL417",
        "unknown-figure",
        "EarlyStopping watches a figure that the run does not have.",
        'A run writes down `loss` and each metric of `train`, on the validation part `"val_loss"` '
        "and so on; with several outputs a metric's name begins with its output's.",
        _VECTOR,
        'loss CrossEntropy\nregularization { EarlyStopping(monitor="val_accuracy") }',
        'loss CrossEntropy\nregularization { EarlyStopping(monitor="val_accuracy") }\n'
        "train { metrics = [Accuracy] }",
        'loss CrossEntropy\nregularization { EarlyStopping(monitor="loss") }',
    ),
)

_WEIGHTS = (
    _rule(
        "MSL420",
        "pattern-matches-nothing",
        "A pattern names no weight of the model.",
        "Patterns are matched against whole keys such as `hidden.weight` (`msl cost` lists them); "
        '`*` stands for any text, dots included, and `"!p"` takes away. Buffers such as running '
        "statistics are no weights.",
        _VECTOR,
        'loss CrossEntropy\nregularization { L2(1e-4) on "hiden.*" }',
        'loss CrossEntropy\nregularization { L2(1e-4) on "hidden.*" }',
        'loss CrossEntropy\nregularization { L2(1e-4) on ["*", "!*.bias"] }',
    ),
    _rule(
        "MSL421",
        "pattern-form",
        "What stands after `on` is of the wrong sort.",
        "Patterns of weights are quoted, names of outputs are bare.",
        _VECTOR,
        "loss CrossEntropy\nregularization { L2(1e-4) on hidden }",
        'loss CrossEntropy\nregularization { L2(1e-4) on "hidden*" }',
        "loss CrossEntropy\ntrain { metrics = [Accuracy on y] }",
    ),
)

_RECOMPUTE = (
    Rule(
        "MSL408",
        "no-such-block",
        Severity.ERROR,
        "What is to be recomputed is no block that the model uses.",
        "`recompute` names blocks by their names; a layer outside of blocks keeps what it needs.",
        _blocks("LayerNorm", "Layr"),
        _blocks("LayerNorm", "Layer"),
        _blocks("LayerNorm", "Layer") + "train { epochs = 1 }\n",
    ),
    Rule(
        "MSL409",
        "recomputed-statistics",
        Severity.ERROR,
        "A block that is to be recomputed holds running statistics, which would move twice a step.",
        "`device` asks something of the machine and never changes what the model means. "
        "`LayerNorm`, `GroupNorm` and `RMSNorm` keep no statistics.",
        _blocks("BatchNorm", "Layer"),
        _blocks("LayerNorm", "Layer"),
        _blocks("GroupNorm(2)", "Layer"),
    ),
)

_BUDGET = (
    _rule(
        "MSL430",
        "unknown-limit",
        "A budget limits something that has no figure.",
        "There are `params`, `flops`, `macs`, `memory` and `train_memory`.",
        _VECTOR,
        "budget { weights <= 1M }",
        "budget { params <= 1M }",
        "budget { params <= 1M; params > 10 }",
    ),
    _rule(
        "MSL431",
        "unit-of-limit",
        "A limit has the wrong unit.",
        "Parameters, FLOPs and MACs are counts (`12M`); memory is bytes (`8GiB`).",
        _VECTOR,
        "budget { params <= 1MB }",
        "budget { params <= 1M }",
        "budget { params <= 0.001B }",
    ),
    _rule(
        "MSL432",
        "over-budget",
        "The model does not keep to its budget.",
        "`msl cost` shows where parameters and operations are. FLOPs and MACs are those of one "
        "sample's forward pass; memory is that of the live tensors of a step of the spec's batch, "
        "without what a device needs on top.",
        _VECTOR,
        "budget { params <= 100 }",
        "budget { params <= 195 }",
        "budget { params == 195 }",
    ),
)

_SEARCH = (
    _rule(
        "MSL440",
        "unknown-search",
        "A search names nothing that can be changed, or several things at once.",
        "It may be a `param` of the file, a parameter of the model, or a setting of `train`, the "
        "optimizer, the schedule or the only loss, by its bare name.",
        _VECTOR,
        "loss CrossEntropy\nsearch { learning = LogUniform(1e-5, 1e-2) }",
        "loss CrossEntropy\nsearch { lr = LogUniform(1e-5, 1e-2) }",
        "loss CrossEntropy\nsearch { batch = Choice(16, 32) }",
    ),
    _rule(
        "MSL441",
        "search-out-of-bounds",
        "A distribution may draw a value that cannot be set.",
        "Whatever is drawn must be of the parameter's type and within its bounds; whole numbers "
        "come from `IntUniform` or `Choice`.",
        _VECTOR,
        "loss CrossEntropy\nsearch { batch = Uniform(16, 64) }",
        "loss CrossEntropy\nsearch { batch = IntUniform(16, 64) }",
        "loss CrossEntropy\nsearch { lr = Uniform(0, 1) }",
    ),
)

_DATA = (
    _rule(
        "MSL450",
        "data-does-not-fit",
        "A data source cannot feed this model.",
        "`Text` yields rows of integer tokens and their successors, `ImageFolder` images of "
        "`[channels, height, width]` and one class each.",
        _IMAGE,
        'loss CrossEntropy\ndata Text("corpus.txt")',
        'loss CrossEntropy\ndata ImageFolder("photos")',
        'loss CrossEntropy\ndata CSV("pixels.csv", target="label")',
    ),
    _rule(
        "MSL451",
        "unknown-array",
        "An entry of `data` names neither an input nor a target.",
        "Entries map columns or arrays to the model's inputs and to the targets of its losses; a "
        "target is called after its output unless the loss has `target=`.",
        _VECTOR,
        'loss CrossEntropy\ndata CSV("f.csv") { label: "class" }',
        'loss CrossEntropy\ndata CSV("f.csv") { y: "class" }',
        'loss CrossEntropy(target="label")\ndata CSV("f.csv") { label: "class" }',
    ),
    _rule(
        "MSL452",
        "augmentation-does-not-fit",
        "An augmentation cannot act on this model's data.",
        "Augmentations change one image input and keep its size; where the target is an image too, "
        "the two would no longer fit each other.",
        _IMAGE,
        "loss CrossEntropy\nregularization { Augment(RandomCrop(28, padding=4)) }",
        "loss CrossEntropy\nregularization { Augment(RandomCrop(32, padding=4)) }",
        "loss CrossEntropy\nregularization { Augment(HorizontalFlip) }",
    ),
    _rule(
        "MSL453",
        "columns-not-named",
        "Nothing says which columns of a table feed an input or target of several values.",
        "Only one input may be left to take the columns that remain. Name those of others, with "
        "a pattern if you like.",
        _WORDS,
        'loss CrossEntropy\ndata CSV("f.csv", target="label")',
        'loss CrossEntropy\ndata CSV("f.csv", target="label") { x: "x_*"; z: "z_*" }',
        'loss CrossEntropy\ndata CSV("f.csv", target="label") { x: "x_*" }',
    ),
    _rule(
        "MSL454",
        "target-named-twice",
        "`target=` of a table and the loss disagree about the target.",
        "`CSV(target=)` names the columns of the only loss term. With several terms, or where the "
        "term names its own array, the entries in braces do it.",
        _PAIR,
        'loss { digit: CrossEntropy; box: MSE }\ndata CSV("f.csv", target="label")',
        'loss { digit: CrossEntropy; box: MSE }\ndata CSV("f.csv") { digit: "label"; box: "b_*" }',
        'loss { digit: CrossEntropy }\ndata CSV("f.csv", target="label")',
    ),
)

_OUTSIDE = (
    Rule(
        "MSL460",
        "unknown-override",
        Severity.ERROR,
        "`--set` names nothing that can be set.",
        "A path is a section and a setting (`train.epochs`), a section and an argument of its kind "
        "(`optimizer.lr`, `data.path`), a loss term and its argument (`loss.click.pos_weight`), "
        "a regularizer and its argument (`regularization.EarlyStopping.patience`), a limit "
        "(`budget.params`), or a section whose kind is replaced (`optimizer=SGD(lr=0.1)`).",
        _VECTOR + "loss CrossEntropy\n",
        _VECTOR + "loss CrossEntropy\nschedule Cosine\n",
        _VECTOR + "loss CrossEntropy\nschedule Constant(warmup=100)\n",
    ),
)

RULES: tuple[Rule, ...] = (
    *_SECTIONS, *_OBJECTIVE, *_WEIGHTS, *_RECOMPUTE, *_BUDGET, *_SEARCH, *_DATA, *_OUTSIDE,
)  # fmt: skip
