"""The memory that PyTorch's tracker sees when generated code takes a step on stand-in tensors.

``python -m tests.cost.memtracker`` prints the whole table: architectures, optimizers, precisions.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import backends
import dsl
from dsl.cost.memory import Setup, rehearse
from dsl.ir import Model
from dsl.record import Record
from dsl.shapes.dim import evaluate
from dsl.training.optimizers import SGD, AdamW, Optimizer
from dsl.training.plan import Training
from tests.conftest import ROOT

OPTIMIZERS = {"sgd": SGD(), "momentum": SGD(momentum=0.9), "adamw": AdamW()}


class Case(Record):
    """One step of one architecture.

    Attributes:
        spec: The file, from the root of the repository.
        model: The model or variant, "" for the only one.
        define: Parameters, as ``depth=2``.
        batch: Samples.
        optimizer: One of `OPTIMIZERS`.
        precision: ``float32`` or ``bfloat16``.
        recompute: A block that runs again in the backward pass, "" for none.
        within: By what share the two may differ.
    """

    spec: str
    model: str = ""
    define: str = ""
    batch: int = 2
    optimizer: str = "adamw"
    precision: str = "float32"
    recompute: str = ""
    within: float = 0.01

    def __str__(self) -> str:
        parts = (self.spec, self.model, self.define, f"batch {self.batch}", self.optimizer,
            self.precision, self.recompute)  # fmt: skip
        return " ".join(filter(None, parts))

    def load(self) -> dsl.Spec:
        """The spec, elaborated."""
        define = dict(pair.split("=") for pair in self.define.split(";") if pair)
        return dsl.load(str(ROOT / self.spec), model=self.model, define=define)


def rehearsed(case: Case, spec: dsl.Spec) -> int:
    """Bytes at the peak as MSL counts them."""
    compilation = spec.compilation
    training = compilation.training.replace(optimizer=OPTIMIZERS[case.optimizer])
    setup = Setup(
        batch=case.batch, precision=case.precision, device="cpu",
        recompute=(case.recompute,) if case.recompute else (),
    )  # fmt: skip
    assert compilation.model is not None
    return rehearse(compilation.model, training, setup).live_peak


def tracked(case: Case, spec: dsl.Spec) -> int:
    """Bytes at the peak of a second step as the tracker sees them."""
    compilation = spec.compilation
    text = compilation.emit(backends.get("torch")).text
    assert text is not None and compilation.model is not None
    code = types.ModuleType("generated")
    code.__file__ = str(ROOT / case.spec)
    exec(compile(text, "generated.py", "exec"), code.__dict__)
    with FakeTensorMode():
        built = code.build_model().train()
        if case.recompute:
            for part in built.modules():
                if type(part).__name__ == case.recompute:
                    part.forward = partial(checkpoint, part.forward, use_reentrant=False)
        optimizer = _optimizer(OPTIMIZERS[case.optimizer], built)
        inputs = list(_inputs(compilation.model, case.batch))
        tracker = MemTracker()
        tracker.track_external(built, optimizer)
        with tracker:
            for number in range(2):
                _loss(compilation.training, compilation.model, built, inputs, case).backward()
                optimizer.step()
                optimizer.zero_grad()
                if not number:
                    tracker.reset_mod_stats()
    (peak,) = tracker.get_tracker_snapshot("peak").values()
    return next(size for kind, size in peak.items() if str(kind) == "Total")


def _optimizer(kind: Optimizer, built: Any) -> Any:
    if isinstance(kind, AdamW):
        return torch.optim.AdamW(built.parameters(), fused=True)
    return torch.optim.SGD(built.parameters(), lr=0.1, momentum=kind.momentum, fused=True)  # type: ignore[attr-defined]


def _inputs(model: Model, batch: int) -> Iterator[Any]:
    for value in model.body.inputs:
        shape = [evaluate(size, model.symbols) for size in value.type.shape]
        yield torch.zeros([batch, *shape], dtype=getattr(torch, value.type.dtype))


def _loss(training: Training, model: Model, built: Any, inputs: list[Any], case: Case) -> Any:
    """As generated scripts take it: outputs in float32, in no variable of their own."""
    terms = {term.output: term.kind.name for term in training.losses}
    lower = torch.autocast("cpu", torch.bfloat16) if case.precision != "float32" else nullcontext()
    outputs = _outputs(built, inputs, lower)
    losses = []
    while outputs:
        name = model.body.outputs[len(losses)].name
        losses.append(_term(terms.get(name), outputs.pop(0)))
    return sum(losses)


def _outputs(built: Any, inputs: list[Any], lower: Any) -> list[Any]:
    with lower:
        made = built(*inputs)
    several = list(made.values()) if isinstance(made, dict) else [made]
    return [value.float() for value in several]


def _term(kind: str | None, output: Any) -> Any:
    if kind is None:
        return output.mean()
    if kind == "CrossEntropy":
        flat = output.flatten(0, -2) if output.dim() == 3 else output
        classes = [size for axis, size in enumerate(flat.shape) if axis != 1]
        return functional.cross_entropy(flat, torch.zeros(classes, dtype=torch.long))
    return functional.binary_cross_entropy_with_logits(output, torch.zeros(output.shape))


ZOO = "examples/zoo/"
ARCHITECTURES = (
    Case(ZOO + "vit.msl", "ViT_B16", recompute="PreNormLayer"),
    Case(ZOO + "convnext.msl", "ConvNeXtTiny"),
    Case(ZOO + "swin.msl", "SwinT"),
    Case(ZOO + "mobilenet_v3.msl"),
    Case(ZOO + "efficientnet.msl", "EfficientNetB0"),
    Case(ZOO + "vgg.msl", "VGG11"),
    Case(ZOO + "bert.msl", "Bert"),
    Case(ZOO + "t5.msl", "T5Small"),
    Case("tests/specs/gpt2.msl", "GPT2", recompute="DecoderLayer"),
    Case("tests/specs/llama3_8b.msl", "", "depth=2", 1, recompute="LlamaLayer"),
    Case(ZOO + "regnet.msl", "RegNetY_400MF"),
    Case(ZOO + "shufflenet_v2.msl", "ShuffleNetV2_x1_0"),
    Case(ZOO + "googlenet.msl", "GoogLeNet"),
    Case(ZOO + "lstm_lm.msl", "LSTMLanguageModel", within=0.1),
    Case(ZOO + "whisper.msl", "WhisperTiny"),
    Case(ZOO + "squeezenet.msl", "SqueezeNet"),
    Case(ZOO + "resmlp.msl", "ResMLP_12"),
    Case("tests/specs/unet.msl"),
    Case("tests/specs/resnet50.msl"),
    Case("tests/specs/densenet121.msl"),
    Case(ZOO + "alexnet.msl"),
    Case("tests/specs/seed_cnn.msl"),
)  # fmt: skip


def table() -> Iterator[Case]:
    """Every architecture with every optimizer in both precisions, and recomputed where named."""
    for case in ARCHITECTURES:
        for optimizer in OPTIMIZERS:
            for precision in ("float32", "bfloat16"):
                yield case.replace(optimizer=optimizer, precision=precision, recompute="")
            if case.recompute:
                yield case.replace(optimizer=optimizer)


def main() -> None:
    """Prints the table."""
    for case in table():
        spec = case.load()
        counted, seen = rehearsed(case, spec), tracked(case, spec)
        print(f"{case}: {counted / 2**20:.1f} MiB counted, {seen / 2**20:.1f} seen, "
            f"{counted / seen - 1:+.2%}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
