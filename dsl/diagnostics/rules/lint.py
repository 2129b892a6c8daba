"""Rules about models that are legal and doubtful (MSL5xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity

_VECTOR = """\
model Net {
  input x: float32[8]
  hidden = Linear(16) -> ReLU
  output y = Linear(3)
}
"""
_TEXT = """\
model Net {
  input tokens: int64[time=16]
  Embedding(256, 8) -> GRU(8, return_sequences=true)
  output y = Linear(256)
}
"""


def _rule(
    code: str, slug: str, summary: str, explanation: str, bad: str, good: str, near: str,
    severity: Severity = Severity.WARNING,
) -> Rule:  # fmt: skip
    return Rule(code, slug, severity, summary, explanation, bad, good, near)


def _net(lines: str, sections: str = "") -> str:
    """A whole spec around lines of a model on a vector."""
    return f"model Net {{\n  input x: float32[8]\n{lines}\n}}\n{sections}"


def _image(lines: str, sections: str = "") -> str:
    """A whole spec around lines of a model on an image."""
    return f"model Net {{\n  input image: float32[3, 32, 32]\n{lines}\n}}\n{sections}"


def _trained(sections: str, model: str = _VECTOR) -> str:
    return f"{model}\n{sections}\n"


def _attention(settings: str, data: str = 'data Text("corpus.txt")\n') -> str:
    return (
        "model Net {\n  input tokens: int64[time=16]\n  Embedding(256, 8)\n"
        f"  residual {{ LayerNorm -> SelfAttention(2{settings}) }}\n"
        f"  output y = Linear(256)\n}}\nloss CrossEntropy\n{data}"
    )


_OUTPUTS = (
    _rule(
        "MSL502",
        "softmax-before-cross-entropy",
        "An activation stands in front of a loss that applies softmax itself.",
        "`CrossEntropy` and `KLDivergence` take logits, the plain scores, which is exact "
        "where probabilities are tiny. A softmax in front leaves scores between 0 and 1: the loss "
        "cannot come near 0 and gradients are small. The generated `predict` applies softmax.",
        _net("  output y = Linear(3) -> Softmax", "loss CrossEntropy\n"),
        _net("  output y = Linear(3)", "loss CrossEntropy\n"),
        _net(
            "  scores = Linear(3)\n  gate = scores -> Softmax\n"
            "  output y = (scores, gate) -> Multiply",
            "loss CrossEntropy\n",
        ),
        Severity.ERROR,
    ),
    _rule(
        "MSL503",
        "sigmoid-before-binary-cross-entropy",
        "An activation stands in front of a loss that applies sigmoid itself.",
        "`BinaryCrossEntropy` takes logits. A sigmoid in front leaves values between 0 and 1, of "
        "which the loss takes the sigmoid again: no probability above 0.73 can come out. The "
        "generated `predict` applies sigmoid.",
        _net("  output y = Linear(1) -> Sigmoid", "loss BinaryCrossEntropy\n"),
        _net("  output y = Linear(1)", "loss BinaryCrossEntropy\n"),
        _net("  output y = Linear(1) -> Sigmoid", "loss MSE\n"),
        Severity.ERROR,
    ),
    _rule(
        "MSL505",
        "fewer-scores-than-classes",
        "An output has fewer scores than there are classes.",
        "Each class needs a score of its own. The number of classes is known from a constant or "
        "parameter called `classes` (or `num_classes`, `labels`).",
        "let classes = 10\n" + _net("  output y = Linear(classes - 1)", "loss CrossEntropy\n"),
        "let classes = 10\n" + _net("  output y = Linear(classes)", "loss CrossEntropy\n"),
        "let classes = 10\n" + _net("  output y = Linear(classes + 1)", "loss CrossEntropy\n"),
    ),
    _rule(
        "MSL508",
        "dropout-after-logits",
        "Dropout acts on what the loss is taken of.",
        "While training, scores or predictions are set to 0 at random, which no weight can mend. "
        "Dropout belongs between layers.",
        _net("  output y = Linear(3) -> Dropout(0.2)", "loss CrossEntropy\n"),
        _net("  output y = Linear(3)", "loss CrossEntropy\n"),
        _net("  output y = Dropout(0.2) -> Linear(3)", "loss CrossEntropy\n"),
    ),
    _rule(
        "MSL509",
        "activation-after-logits",
        "An activation bends the logits that a loss takes.",
        "Logits are scores of any sign and size. Behind a `ReLU` no class can get a score below 0, "
        "and classes at 0 get no gradient.",
        _net("  output y = Linear(3) -> ReLU", "loss CrossEntropy\n"),
        _net("  output y = Linear(3)", "loss CrossEntropy\n"),
        _net("  output y = Linear(1) -> ReLU", "loss MSE\n"),
    ),
)

_LAYERS = (
    _rule(
        "MSL501",
        "bias-before-norm",
        "A layer learns a bias that the normalisation behind it takes away.",
        "`BatchNorm` and `InstanceNorm` subtract the mean of each channel, and with it what "
        "the layer in front has added to the channel. The bias gets no gradient and only costs "
        "memory.",
        _image("  Conv2d(8, 3) -> BatchNorm -> ReLU\n  output y = GlobalAvgPool -> Linear(3)"),
        _image(
            "  Conv2d(8, 3, bias=false) -> BatchNorm -> ReLU\n"
            "  output y = GlobalAvgPool -> Linear(3)"
        ),
        _image(
            "  c = Conv2d(8, 3)\n  a = c -> BatchNorm -> ReLU\n"
            "  output y = (a, c) -> Add -> GlobalAvgPool -> Linear(3)"
        ),
    ),
    _rule(
        "MSL513",
        "saturating-stack",
        "Many saturating activations follow each other with nothing to carry gradients past them.",
        "The slope of a sigmoid is 1/4 at most and nearly 0 where it saturates; through many in a "
        "row hardly any gradient is left for the first layers. `ReLU` and its kin, a norm or a "
        "`residual` let gradients through.",
        _net("  repeat 5 { Linear(16) -> Sigmoid }\n  output y = Linear(3)"),
        _net("  repeat 5 { Linear(16) -> ReLU }\n  output y = Linear(3)"),
        _net("  repeat 5 { Linear(16) -> LayerNorm -> Sigmoid }\n  output y = Linear(3)"),
    ),
    _rule(
        "MSL514",
        "missing-nonlinearity",
        "A linear layer feeds only another linear layer.",
        "Two linear maps in a row are one linear map with more weights: without an activation in "
        "between the second adds nothing. A layer that is narrower than what is in front and "
        "behind is a factorisation and not meant.",
        _net("  Linear(16)\n  output y = Linear(3)"),
        _net("  Linear(16) -> ReLU\n  output y = Linear(3)"),
        _net("  Linear(2, bias=false)\n  output y = Linear(16)"),
    ),
    _rule(
        "MSL516",
        "repeated-norm",
        "A normalisation acts on what the same kind has just normalised.",
        "The second changes next to nothing; most often one was left behind when blocks were put "
        "together.",
        _net("  Linear(16) -> LayerNorm -> LayerNorm -> ReLU\n  output y = Linear(3)"),
        _net("  Linear(16) -> LayerNorm -> ReLU\n  output y = Linear(3)"),
        _net(
            "  Linear(16) -> LayerNorm\n  residual { LayerNorm -> Linear(16) -> ReLU }\n"
            "  output y = Linear(3)"
        ),
    ),
    _rule(
        "MSL517",
        "repeated-activation",
        "An activation acts on what the same activation has just made.",
        "`ReLU` of `ReLU` is `ReLU`; others squash what is squashed already. Most often one was "
        "left behind when blocks were put together.",
        _net("  Linear(16) -> ReLU -> ReLU\n  output y = Linear(3)"),
        _net("  Linear(16) -> ReLU\n  output y = Linear(3)"),
        _net("  Linear(16) -> ReLU -> Tanh\n  output y = Linear(3)"),
    ),
    _rule(
        "MSL518",
        "repeated-dropout",
        "Dropout acts on what dropout has just thinned out.",
        "Two shares `p` and `q` in a row drop `1 - (1 - p) * (1 - q)`: say that number once.",
        _net("  Linear(16) -> ReLU -> Dropout(0.2) -> Dropout(0.2)\n  output y = Linear(3)"),
        _net("  Linear(16) -> ReLU -> Dropout(0.36)\n  output y = Linear(3)"),
        _net("  Dropout(0.2) -> Linear(16) -> ReLU -> Dropout(0.2)\n  output y = Linear(3)"),
    ),
    _rule(
        "MSL519",
        "heavy-dropout",
        "Dropout drops four fifths of the values or more.",
        "`p` is the share that is dropped, as in PyTorch and Keras. Older code gives the share "
        "that is kept.",
        _net("  Linear(16) -> ReLU -> Dropout(0.8)\n  output y = Linear(3)"),
        _net("  Linear(16) -> ReLU -> Dropout(0.2)\n  output y = Linear(3)"),
        _net("  Linear(16) -> ReLU -> Dropout(0.75)\n  output y = Linear(3)"),
    ),
    _rule(
        "MSL523",
        "oversized-linear",
        "A linear layer on a flattened image has hundreds of millions of weights.",
        "It has a weight for each value of the image and each result. Pool the image first, or "
        "take the mean of each channel with `GlobalAvgPool`.",
        _image("  Upsample(scale_factor=16) -> Flatten\n  output y = Linear(1000)"),
        _image("  Upsample(scale_factor=16) -> GlobalAvgPool\n  output y = Linear(1000)"),
        _image("  Flatten\n  output y = Linear(1000)"),
    ),
    _rule(
        "MSL524",
        "softmax-of-one",
        "Softmax acts on an axis of size 1.",
        "The share of one value among itself is always 1, whatever the value is. For yes or no "
        "there is `Sigmoid`; `dim=` names another axis.",
        _net("  output y = Linear(1) -> Softmax"),
        _net("  output y = Linear(1) -> Sigmoid"),
        _net("  output y = Linear(2) -> Softmax"),
    ),
    _rule(
        "MSL525",
        "norm-of-one",
        "A normalisation acts on one value at a time.",
        "A value less its own mean is 0, and divided by its own size it is 1 or -1: nothing of the "
        "input is left.",
        _net("  output y = Linear(1) -> LayerNorm"),
        _net("  output y = Linear(1)"),
        _net("  output y = Linear(2) -> LayerNorm"),
    ),
    _rule(
        "MSL526",
        "stride-skips-values",
        "A window jumps over values, since its stride is larger than itself.",
        "What lies between two positions of the window is never looked at. A kernel of 1 with a "
        "stride is a way to take every second value and is not meant.",
        _image("  MaxPool2d(2, stride=3)\n  output y = Flatten -> Linear(3)"),
        _image("  MaxPool2d(3, stride=3)\n  output y = Flatten -> Linear(3)"),
        _image("  Conv2d(8, 1, stride=2) -> ReLU\n  output y = Flatten -> Linear(3)"),
    ),
)

_TRAINING = (
    _rule(
        "MSL504",
        "decayed-twice",
        "An `L2` penalty and the optimizer's weight decay act on the same weights.",
        "Both draw weights to 0, `L2` through the gradient and `AdamW` directly, and their effects "
        "add up in a way that is hard to tune. `AdamW` decays by 0.01 unless told otherwise.",
        _trained("loss CrossEntropy\noptimizer AdamW\nregularization { L2(1e-4) }"),
        _trained("loss CrossEntropy\noptimizer AdamW"),
        _trained("loss CrossEntropy\noptimizer AdamW(weight_decay=0)\nregularization { L2(1e-4) }"),
    ),
    _rule(
        "MSL506",
        "warmup-longer-than-run",
        "The warmup takes longer than the run.",
        "The learning rate then never reaches its full height. Found where the run's length is "
        "known: from `steps`, from `epochs` where the warmup is in epochs, or from synthetic data.",
        _trained("loss CrossEntropy\nschedule Cosine(warmup=500)\ntrain { steps = 400 }"),
        _trained("loss CrossEntropy\nschedule Cosine(warmup=0.1)\ntrain { steps = 400 }"),
        _trained("loss CrossEntropy\nschedule Cosine(warmup=500)\ntrain { epochs = 4 }"),
    ),
    _rule(
        "MSL507",
        "schedule-never-falls",
        "The first fall of the learning rate comes after the run.",
        "`Step` multiplies the rate by `gamma` after each `step_size`, and the run is over before "
        "the first.",
        _trained("loss CrossEntropy\nschedule Step(30epochs)\ntrain { epochs = 20 }"),
        _trained("loss CrossEntropy\nschedule Step(10epochs)\ntrain { epochs = 20 }"),
        _trained("loss CrossEntropy\nschedule Step(30_000)\ntrain { epochs = 20 }"),
    ),
    _rule(
        "MSL512",
        "vocabulary-too-small",
        "An embedding has fewer rows than there are tokens.",
        '`Text` with `tokenizer="bytes"` yields 256 tokens, and each needs a row; others are an '
        "error when the model runs.",
        _trained(
            'loss CrossEntropy\ndata Text("corpus.txt")', _TEXT.replace("(256, 8)", "(128, 8)")
        ),
        _trained('loss CrossEntropy\ndata Text("corpus.txt")', _TEXT),
        _trained(
            'loss CrossEntropy\ndata Text("corpus.txt", tokenizer="characters")',
            _TEXT.replace("(256, 8)", "(128, 8)"),
        ),
    ),
    _rule(
        "MSL515",
        "batch-norm-on-one-sample",
        "`BatchNorm` is trained with one sample at a time.",
        "Its mean and variance are taken over the batch. Of one sample they say little, and of one "
        "value per channel nothing: PyTorch refuses that. `accumulate` does not change it.",
        _trained(
            "loss CrossEntropy\ntrain { batch = 1 }",
            _VECTOR.replace("Linear(16)", "Linear(16, bias=false) -> BatchNorm"),
        ),
        _trained(
            "loss CrossEntropy\ntrain { batch = 32 }",
            _VECTOR.replace("Linear(16)", "Linear(16, bias=false) -> BatchNorm"),
        ),
        _trained(
            "loss CrossEntropy\ntrain { batch = 1 }",
            _VECTOR.replace("Linear(16)", "Linear(16) -> LayerNorm"),
        ),
    ),
    _rule(
        "MSL520",
        "unusual-learning-rate",
        "The learning rate is far from those that work with this optimizer.",
        "`Adam` and its kin move each weight by about the rate itself, so that rates above 0.05 "
        "hardly ever work; `SGD` takes larger ones.",
        _trained("loss CrossEntropy\noptimizer Adam(lr=0.1)"),
        _trained("loss CrossEntropy\noptimizer Adam(lr=0.001)"),
        _trained("loss CrossEntropy\noptimizer SGD(lr=0.1)"),
    ),
    _rule(
        "MSL521",
        "sees-the-future",
        "A model that is to say what comes next in a text can look at it.",
        "`Text` asks at each place for the next token. Attention without `causal=true`, or a "
        "recurrent layer that also reads backwards, finds it in its input: the loss falls to 0 and "
        "nothing is learned.",
        _attention(""),
        _attention(", causal=true"),
        _attention("", ""),
    ),
    _rule(
        "MSL522",
        "nothing-to-train",
        "There is a loss and no weight that it could train.",
        "The model computes a fixed function. Layers such as `Linear`, `Conv2d` and `Embedding` "
        "have weights; activations, pooling and arithmetic have none.",
        _net("  output y = ReLU", "loss MSE\n"),
        _net("  output y = Linear(8)", "loss MSE\n"),
        _net("  output y = ReLU"),
    ),
    _rule(
        "MSL527",
        "unbalanced-experts",
        "A mixture of experts is trained, and nothing makes its router use all of them.",
        "An expert that is chosen more often learns faster and is then chosen more often still: "
        "routers left alone come to use a few (Shazeer et al. 2017, section 4). `balance` adds a "
        "penalty for uneven use to the loss; 0.01 is usual.",
        _net("  output y = MixtureOfExperts(4, 2, 16)", "loss MSE\n"),
        _net("  output y = MixtureOfExperts(4, 2, 16, balance=0.01)", "loss MSE\n"),
        _net("  output y = MixtureOfExperts(4, 2, 16)"),
    ),
)

_NAMES = (
    _rule(
        "MSL510",
        "unused-constant",
        "A constant is declared and nothing reads it.",
        "Names that begin with an underscore are left alone.",
        "let width = 16\n" + _VECTOR,
        "let width = 16\n" + _VECTOR.replace("Linear(16)", "Linear(width)"),
        "let _width = 16\n" + _VECTOR,
    ),
    _rule(
        "MSL511",
        "unused-parameter",
        "A parameter of a file, block or model is declared and nothing reads it.",
        "Setting it has no effect, which is hardly ever meant: most often a number stands where "
        "the parameter should.",
        _VECTOR.replace("Net", "Net(width: int = 16)"),
        _VECTOR.replace("Net", "Net(width: int = 16)").replace("Linear(16)", "Linear(width)"),
        "param width: int = 16\n" + _VECTOR.replace("Linear(16)", "Linear(2 * width)"),
    ),
)

RULES: tuple[Rule, ...] = tuple(
    sorted((*_OUTPUTS, *_LAYERS, *_TRAINING, *_NAMES), key=lambda rule: rule.code)
)
