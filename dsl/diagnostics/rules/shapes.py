"""Rules about shapes (MSL3xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity


def _positions(line: str) -> str:
    """A whole spec with a line that tells positions of a sequence of 20 apart."""
    return (
        f"model Net {{\n  input x: float32[20, 8]\n  {line}\n  output y = GRU(4) -> Linear(3)\n}}\n"
    )


def _words(line: str) -> str:
    """A whole spec with a line that looks up words."""
    return (
        f"model Net {{\n  input words: int64[20]\n  {line}\n  output y = GRU(4) -> Linear(3)\n}}\n"
    )


def _image(first: str, last: str) -> str:
    """A whole spec with two lines on an image of 32 x 32 pixels."""
    return f"model Net {{\n  input image: float32[3, 32, 32]\n  {first}\n  output y = {last}\n}}\n"


def _signal(line: str) -> str:
    """A whole spec with a line on a sequence of any length."""
    return f"model Net {{\n  input x: float32[time=20, 8]\n  output y = {line}\n}}\n"


def _pair(line: str) -> str:
    """A whole spec with a line that names two parts of an image."""
    output = "(a -> Flatten, b -> Flatten) -> Concat -> Linear(10)"
    return (
        "model Net {\n  input image: float32[3, 32, 32]\n" f"  {line}\n  output y = {output}\n}}\n"
    )


def _memory(line: str, length: int) -> str:
    """A whole spec with a line on a sequence of 20 positions and a memory of others."""
    return (
        f"model Net {{\n  input x: float32[20, 8]\n  input memory: float32[{length}, 8]\n"
        f"  {line}\n  output y = GRU(4) -> Linear(3)\n}}\n"
    )


def _tied(line: str) -> str:
    """A whole spec whose last layer is tied to an embedding of width 4."""
    return (
        "model Net {\n  input words: int64[20]\n  words_in = Embedding(9, 4)\n"
        f"  {line}\n  output y = Linear(9, tie=words_in)\n}}\n"
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "MSL301",
        "linear-on-image",
        Severity.ERROR,
        "`Linear` would act on the width of an image.",
        "A linear layer maps the last dimension. On an image that is the width, which is hardly "
        "ever meant: flatten the image first, map its channels with `Conv2d(n, 1)`, or turn it "
        "into a sequence of pixels with `ToSequence`.",
        _image("Conv2d(8, 3) -> ReLU", "Linear(10)"),
        _image("Conv2d(8, 3) -> ReLU", "Flatten -> Linear(10)"),
        _image("Conv2d(8, 3) -> ReLU", "GlobalAvgPool -> Linear(10)"),
    ),
    Rule(
        "MSL302",
        "wrong-rank",
        Severity.ERROR,
        "A layer is given a value of too many, too few or other dimensions.",
        "Convolutions and pooling take channels first and one, two or three dimensions behind "
        "them, by the digit in their name; other kinds say in `msl explain KIND` what they take.",
        _image("Flatten", "Conv2d(8, 3)"),
        _image("Conv2d(8, 3) -> ReLU", "Conv2d(8, 3)"),
        _image("Flatten -> Reshape([3, 1024])", "Conv1d(8, 3)"),
    ),
    Rule(
        "MSL303",
        "wrong-dtype",
        Severity.ERROR,
        "A layer is given integers where it takes real numbers, or the other way round.",
        "Weights are real numbers. Integers that stand for words or categories are looked up in "
        "an `Embedding` first; pixels are declared as `float32`.",
        "model Net {\n  input words: int64[20]\n  output y = Linear(10)\n}\n",
        "model Net {\n  input words: int64[20]\n  Embedding(100, 8) -> GRU(4)\n"
        "  output y = Linear(10)\n}\n",
        "model Net {\n  input words: float32[20]\n  output y = Linear(10)\n}\n",
    ),
    Rule(
        "MSL304",
        "kernel-larger-than-input",
        Severity.ERROR,
        "The window of a convolution or of pooling is larger than its input.",
        "A window of `k` cells with dilation `d` spans `d * (k - 1) + 1` of them, and fits "
        "`(size + 2 * padding - d * (k - 1) - 1) // stride + 1` times; less than once leaves "
        "nothing. It is often a sign that the size was halved once too often.",
        _image("MaxPool2d(16)", "Conv2d(8, 3)"),
        _image("MaxPool2d(16)", "Conv2d(8, 3, padding=1)"),
        _image("MaxPool2d(16)", "Conv2d(8, 2)"),
    ),
    Rule(
        "MSL305",
        "groups-do-not-divide",
        Severity.ERROR,
        "The channels of a grouped convolution do not fall into its groups.",
        "Each group takes an equal share of the channels on both sides, so `groups` divides the "
        "channels of the input and of the result.",
        _image("Conv2d(8, 3) -> ReLU", "Conv2d(12, 3, groups=3)"),
        _image("Conv2d(8, 3) -> ReLU", "Conv2d(12, 3, groups=4)"),
        _image("Conv2d(8, 3) -> ReLU", "Conv2d(16, 3, groups=8)"),
    ),
    Rule(
        "MSL306",
        "shapes-do-not-match",
        Severity.ERROR,
        "The shapes of values that are joined do not go together.",
        "`Add`, `Multiply` and the like compare sizes from the end, as NumPy does: they must be "
        "equal, or one of them 1. `Concat` lets the values differ along its axis alone; `MatMul` "
        "multiplies `[.., n, k]` by `[.., k, m]`. The batch is not counted.",
        _image("a = Conv2d(8, 3)", "(a, image -> Conv2d(4, 3)) -> Add"),
        _image("a = Conv2d(8, 3)", "(a, image -> Conv2d(8, 3)) -> Add"),
        _image("a = Conv2d(8, 3)", "(a, image -> Conv2d(1, 3)) -> Add"),
    ),
    Rule(
        "MSL307",
        "no-such-axis",
        Severity.ERROR,
        "A dimension is named or numbered that the value does not have.",
        "Dimensions count from 0 without the batch, from -1 at the end; names such as `channels` "
        "or `time` are those that the kind in front gives its result.",
        _image("Conv2d(8, 3) -> ReLU", "Select(0, dim=time) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3) -> ReLU", "Select(0, dim=width) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3) -> ReLU", "Select(0, dim=-3) -> Flatten -> Linear(10)"),
    ),
    Rule(
        "MSL308",
        "not-divisible",
        Severity.ERROR,
        "A size cannot be divided as a layer would have it.",
        "`Split` into a number of parts, and pixel shuffling, need a size that divides evenly. A "
        "list of sizes splits unevenly.",
        _pair("a, b = Split(2, dim=channels)"),
        _pair("a, b = Split([1, 2], dim=channels)"),
        _pair("a, b = Split(2, dim=width)"),
    ),
    Rule(
        "MSL309",
        "symbolic-size",
        Severity.ERROR,
        "A size that weights depend on is only known when the model runs.",
        "A symbol such as `time` stands for a length that differs from batch to batch. Weights "
        "have one size, so what they act on needs a number: channels, features, a kernel.",
        _signal("Conv1d(4, 3)"),
        _signal("Permute([features, time]) -> Conv1d(4, 3)"),
        _signal("GRU(4)"),
    ),
    Rule(
        "MSL310",
        "wrong-number-of-values",
        Severity.ERROR,
        "The numbers given do not add up to the value that they describe.",
        "A reshaped value has as many elements as before, parts of a `Split` make the whole "
        "dimension, and `Pad` and `Upsample` take a number for each dimension that they change.",
        _image("Conv2d(8, 3, padding=1)", "Reshape([8, 1000]) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3, padding=1)", "Reshape([8, 1024]) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3, padding=1)", "Reshape([8, -1]) -> Flatten -> Linear(10)"),
    ),
    Rule(
        "MSL311",
        "index-out-of-range",
        Severity.ERROR,
        "An index points behind the last element.",
        "Elements are counted from 0, so the last of `n` is `n - 1`; `padding_idx` of an "
        "`Embedding` is one of its rows.",
        _words("Embedding(100, 8, padding_idx=100)"),
        _words("Embedding(101, 8, padding_idx=100)"),
        _words("Embedding(100, 8, padding_idx=99)"),
    ),
    Rule(
        "MSL312",
        "needs-several-values",
        Severity.ERROR,
        "A kind is given more or fewer values than it takes.",
        "Several values go together in parentheses: `(a, b) -> Add`. Optional inputs are named: "
        "`(x, h=state) -> GRU(8)`.",
        "model Net {\n  input x: float32[8]\n  a = Linear(8)\n  output y = a -> Add\n}\n",
        "model Net {\n  input x: float32[8]\n  a = Linear(8)\n  output y = (a, x) -> Add\n}\n",
        "model Net {\n  input x: float32[8]\n  a = Linear(8)\n  output y = (a, x) -> Concat\n}\n",
    ),
    Rule(
        "MSL313",
        "head-count",
        Severity.ERROR,
        "The number of heads does not fit the size of what they attend to.",
        "Heads are equal parts of the width, so their number divides it, unless `head_dim` says "
        "how large each is. `kv_heads` divides `heads`, and rotary positions need an even size.",
        _positions("Linear(16) -> SelfAttention(5)"),
        _positions("Linear(16) -> SelfAttention(4)"),
        _positions("Linear(16) -> SelfAttention(5, head_dim=4)"),
    ),
    Rule(
        "MSL314",
        "positions-of-unlike-sequences",
        Severity.ERROR,
        "`causal` and `window` compare positions of sequences that differ in length.",
        "Which position of the other sequence is behind and which is ahead is unknown when their "
        "lengths differ. A mask of `[time_q, time_k]` says it.",
        _memory("(x, memory) -> CrossAttention(2, causal=true)", 30),
        _memory("(x, memory) -> CrossAttention(2)", 30),
        _memory("(x, memory) -> CrossAttention(2, causal=true)", 20),
    ),
    Rule(
        "MSL316",
        "type-differs",
        Severity.ERROR,
        "A declared type differs from that of the value.",
        "The type on an output, or on the input of a block, is an assertion: sizes and dtype must "
        "be those of the value. Without the batch, as everywhere.",
        _image("Conv2d(8, 3) -> ReLU", "Flatten -> Linear(10)").replace("y =", "y: float32[100] ="),
        _image("Conv2d(8, 3) -> ReLU", "Flatten -> Linear(10)").replace("y =", "y: float32[10] ="),
        _image("Conv2d(8, 3) -> ReLU", "Flatten -> Linear(10)").replace(
            "y =", "y: float32[20 // 2] ="
        ),
    ),
    Rule(
        "MSL317",
        "tied-shapes-differ",
        Severity.ERROR,
        "A layer is tied to a weight of another shape.",
        "`Linear(n, tie=layer)` on a value of width `d` uses a weight of `[n, d]`, as "
        "`Embedding(n, d)` has it. Bring the value to that width first, or give the layer a weight "
        "of its own.",
        _tied("Linear(8) -> Tanh"),
        _tied("Linear(4) -> Tanh"),
        _tied("Tanh"),
    ),
    Rule(
        "MSL320",
        "padding-leaves-nothing",
        Severity.ERROR,
        "The padding of a transposed convolution cuts off all of its result.",
        "Padding of a transposed convolution takes cells away: the result has `(size - 1) * "
        "stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1` of them.",
        _image("MaxPool2d(16)", "ConvTranspose2d(8, 1, padding=1)"),
        _image("MaxPool2d(16)", "ConvTranspose2d(8, 3, padding=1)"),
        _image("MaxPool2d(8)", "ConvTranspose2d(8, 1, padding=1)"),
    ),
    Rule(
        "MSL321",
        "parameter-without-batch",
        Severity.ERROR,
        "A layer that works on samples is given a learned `Parameter` alone.",
        "A `Parameter` has no batch. It gets one by meeting a value that has: add it, multiply by "
        "it or join it with one first.",
        "model Net {\n  input image: float32[3, 8, 8]\n"
        "  p = Parameter([3, 8, 8]) -> Conv2d(3, 1)\n  output y = (image, p) -> Add\n}\n",
        "model Net {\n  input image: float32[3, 8, 8]\n"
        "  p = Parameter([3, 8, 8])\n  output y = (image, p) -> Add -> Conv2d(3, 1)\n}\n",
        "model Net {\n  input image: float32[3, 8, 8]\n"
        "  p = Parameter([3, 1, 1])\n  output y = (image, p) -> Multiply -> Conv2d(3, 1)\n}\n",
    ),
    Rule(
        "MSL330",
        "no-channel-axis",
        Severity.ERROR,
        "A kind that acts on channels is given a value none of whose axes holds channels.",
        "`BatchNorm`, `GroupNorm`, `SpatialDropout` and the like act on the axis called channels, "
        "or else on features. An axis keeps its name through `Permute`, and kinds give names to "
        "their results; a value without such names says nothing of its channels. `Reshape` and "
        "`Permute` make one that does.",
        _image("Select(0, dim=channels)", "BatchNorm"),
        _image("Slice(0, 1, dim=channels)", "BatchNorm"),
        _image("Select(0, dim=height)", "BatchNorm"),
    ),
    Rule(
        "MSL331",
        "nothing-to-normalize",
        Severity.ERROR,
        "`InstanceNorm` is given one value per channel.",
        "It takes the mean of each channel of a sample away; of one value that leaves 0, whatever "
        "the value was. `LayerNorm` normalises over the features, `BatchNorm` over the batch.",
        _image("GlobalAvgPool", "InstanceNorm"),
        _image("GlobalAvgPool", "LayerNorm"),
        _image("MaxPool2d(16)", "InstanceNorm"),
    ),
    Rule(
        "MSL332",
        "norm-over-width",
        Severity.ERROR,
        "`LayerNorm` or `RMSNorm` would act on the width of an image.",
        "They normalise over the last dimension, which is the width of an image and hardly ever "
        "meant. `GroupNorm(1)` normalises over the whole image, `dims=3` does too with a weight "
        "for each pixel, and after `Permute([1, 2, 0])` the channels are last.",
        _image("Conv2d(8, 3)", "LayerNorm"),
        _image("Conv2d(8, 3)", "LayerNorm(dims=3)"),
        _image("Conv2d(8, 3) -> Permute([1, 2, 0])", "LayerNorm"),
    ),
    Rule(
        "MSL334",
        "slopes-per-channel",
        Severity.ERROR,
        "`PReLU` has several slopes, but not one for each channel.",
        "`num_parameters` is 1, for a slope that all share, or the number of channels.",
        _image("Conv2d(8, 3)", "PReLU(3)"),
        _image("Conv2d(8, 3)", "PReLU(8)"),
        _image("Conv2d(8, 3)", "PReLU"),
    ),
    Rule(
        "MSL340",
        "sequence-longer-than-table",
        Severity.ERROR,
        "A sequence has more steps than `PositionEmbedding` has positions.",
        "Each position has a learned vector of its own, so the table must be as long as the "
        "longest sequence. `SinusoidalPosition` computes its waves and takes any length.",
        _positions("PositionEmbedding(16)"),
        _positions("PositionEmbedding(20)"),
        _positions("SinusoidalPosition"),
    ),
    Rule(
        "MSL350",
        "attention-on-image",
        Severity.ERROR,
        "Attention would take positions of an image or a signal for features.",
        "Attention compares the features of positions, which are the last dimension; of an image "
        "that is the width. `ToSequence` makes a sequence of pixels, its channels the features.",
        _image("Conv2d(8, 3)", "SelfAttention(2) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3)", "ToSequence -> SelfAttention(2) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3) -> Permute([1, 2, 0])", "SelfAttention(2) -> Flatten -> Linear(10)"),
    ),
    Rule(
        "MSL351",
        "dimensions-out-of-order",
        Severity.ERROR,
        "`Flatten` is to end before it starts.",
        "It merges the dimensions from `start_dim` to `end_dim`, both included.",
        _image("Conv2d(8, 3)", "Flatten(2, 1) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3)", "Flatten(1, 2) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3)", "Flatten(1, 1) -> Flatten -> Linear(10)"),
    ),
    Rule(
        "MSL352",
        "not-a-permutation",
        Severity.ERROR,
        "`Permute` leaves a dimension out or names one twice.",
        "Every dimension stands in the list once, by number or by name, the batch not counted.",
        _image("Conv2d(8, 3)", "Permute([0, 2]) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3)", "Permute([0, 2, 1]) -> Flatten -> Linear(10)"),
        _image("Conv2d(8, 3)", "Permute([0, -1, 1]) -> Flatten -> Linear(10)"),
    ),
    Rule(
        "MSL353",
        "padding-larger-than-input",
        Severity.ERROR,
        "A dimension would be mirrored beyond its own size.",
        'With `mode="reflect"` the cells put in front are those behind the edge, which itself is '
        "not repeated: there is one fewer of them than the dimension has.",
        _image("AvgPool2d(8)", 'Pad(4, mode="reflect") -> Flatten -> Linear(10)'),
        _image("AvgPool2d(8)", 'Pad(3, mode="reflect") -> Flatten -> Linear(10)'),
        _image("AvgPool2d(8)", 'Pad(4, mode="replicate") -> Flatten -> Linear(10)'),
    ),
)
