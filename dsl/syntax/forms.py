"""How statements are written, for the help of findings."""

from __future__ import annotations

FORMS = {
    "msl": "msl 1",
    "import": 'import "blocks.msl"',
    "let": "let classes = 10",
    "param": "param width: int = 64 in 16..512",
    "block": "block ConvUnit(channels: int, stride: int = 1) { ... }",
    "model": "model Classifier(depth: int = 3) { ... }",
    "variant": "variant Small = Classifier(depth=2)",
    "extern": 'extern layer Wavelet(levels: int = 3) from "my_ops.py" { ... }',
    "input": "input image: float32[3, 32, 32]",
    "output": "output logits: float32[10] = Linear(10)",
    "shared": "shared tower = Tower(128)",
    "repeat": "repeat 3 as i { Linear(64) }",
    "when": "when stride > 1 { MaxPool2d(stride) } otherwise { Identity }",
    "residual": "residual { Linear(64) } shortcut { Linear(64) }",
    "parallel": "parallel { { Linear(8) } { Linear(16) } } -> Concat",
    "loss": "loss CrossEntropy(label_smoothing=0.1)",
    "optimizer": "optimizer AdamW(lr=3e-4)",
    "schedule": "schedule Cosine(warmup=500)",
    "regularization": "regularization { L2(1e-4); ClipNorm(1.0) }",
    "data": 'data CSV("digits.csv", target="label")',
    "train": "train { epochs = 20; batch = 64 }",
    "device": "device { target = auto; precision = bfloat16 }",
    "budget": "budget { params <= 12M }",
    "search": "search { lr = LogUniform(1e-5, 1e-2) }",
}
"""How each statement is written, by its first word."""

OTHER_WORDS = {
    "if": "`when condition { ... } otherwise { ... }`",
    "else": "`otherwise { ... }` after `when condition { ... }`",
    "elif": "a `when` inside `otherwise { ... }`",
    "for": "`repeat 3 as i { ... }`",
    "while": "`repeat 3 as i { ... }`",
    "loop": "`repeat 3 as i { ... }`",
    "def": "`block Name(width: int) { ... }`",
    "class": "`model Name { ... }` or `block Name { ... }`",
    "module": "`model Name { ... }` or `block Name { ... }`",
    "network": "`model Name { ... }`",
    "layer": "`block Name { ... }`",
    "return": "`output name = ...`",
    "const": "`let name = value`",
    "var": "`let name = value`",
    "set": "`let name = value`",
    "training": "`train { ... }`",
    "dataset": "`data CSV(...)`",
    "metrics": "`train { metrics = [Accuracy] }`",
    "regularizer": "`regularization { ... }`",
    "scheduler": "`schedule Cosine(...)`",
    "losses": "`loss { ... }`",
    "include": '`import "file.msl"`',
    "skip": "`residual { ... }`",
}
"""What words of other languages are called here."""
