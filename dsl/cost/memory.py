"""The memory of a training step, or of inference: every live tensor, counted as it comes and goes.

What is counted are the tensors of generated PyTorch code: weights, buffers, gradients, the
optimizer's state, and what the layers make and keep. What a device needs on top - the framework's
context, the allocator's rounding, workspaces of kernels - is no part of it, nor is what penalties,
masks of losses, label smoothing and the clipping of gradients need for a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dsl.cost.rehearsal import Rehearsal
from dsl.ir import Model, walk
from dsl.record import Record
from dsl.tape.memory import Moment, Peak
from dsl.tape.tape import Tape
from dsl.tape.tensors import Storage, Tensor
from dsl.tape.work import Work
from dsl.training.plan import LossTerm, Training

MOST_LAYERS = 20_000
"""Layers that are run one by one; in larger models one round of a long repeat stands for many."""

ROUNDS = 3
"""Rounds that are then run of a repeat: the first, one for those between, and the last."""

LOWER = {"float32": 0, "bfloat16": 2, "float16": 2}
"""Bytes of an element in products, where they are fewer than 4."""


class Setup(Record):
    """How a step is run.

    Attributes:
        batch: Samples of one forward and backward pass.
        training: Whether there is a backward pass.
        precision: ``float32 bfloat16 float16``; of the products, weights stay float32.
        accumulate: Forward and backward passes of one optimizer step.
        recompute: Blocks that run again in the backward pass instead of keeping what they need.
        sizes: Sizes of symbols that differ from the declared ones.
        device: ``cuda`` or ``cpu``, which fuse different kernels.
        gathered: Whether weights are gathered from several devices for each use, in the precision
            of the products, in which then everything up to the loss is computed.
        fused_attention: Whether attention runs in a fused kernel, as since PyTorch 2.0.
        channels_last: Whether images lie in memory with their channels last, as in generated code.
    """

    batch: int = 1
    training: bool = True
    precision: str = "float32"
    accumulate: int = 1
    recompute: tuple[str, ...] = ()
    sizes: Mapping[str, int] = {}
    device: str = "cuda"
    gathered: bool = False
    fused_attention: bool = True
    channels_last: bool = True


class MemoryReport(Record):
    """Live tensors, in bytes.

    Attributes:
        weights: Trainable values.
        buffers: Values that are kept but not trained.
        gradients: Of all weights, at the end of the backward pass.
        optimizer: What the optimizer keeps between steps.
        activations: What is live at the end of the forward pass beside weights and state.
        live_peak: The most there is at one time, without the batch's own inputs and targets.
        peak: When that is, and what comes and goes by then.
        moments: Bytes without weights and state after each layer of each phase, in order.
        work: The operations, for estimates of time.
        levels: Each size of the gradients during the step, with the most live bytes beside them,
            weights and state: what the peak is where devices share the gradients.
        kept: By path, the bytes that a layer is the first to keep for the backward pass: inputs,
            results, masks, copies of weights.
        inputs: Inputs and targets of the batch, which are there from the start.
    """

    weights: int
    buffers: int
    gradients: int
    optimizer: int
    activations: int
    live_peak: int
    peak: Peak
    moments: tuple[Moment, ...]
    work: tuple[Work, ...]
    levels: tuple[tuple[int, int], ...] = ()
    kept: Mapping[str, int] = {}
    inputs: int = 0

    @property
    def held(self) -> int:
        """The most there is at one time, with the batch."""
        return self.live_peak + self.inputs

    def tide(self, share: float) -> float:
        """The most of activations, temporaries and a share of the gradients at one time."""
        return max((beside + share * gradients for gradients, beside in self.levels), default=0.0)


def rehearse(model: Model, training: Training | None, setup: Setup) -> MemoryReport:
    """Counts the memory of a steady-state step: not the first, whose optimizer has no state yet.

    Args:
        model: The model.
        training: Its loss and optimizer; without losses, each output's mean is taken.
        setup: How the step is run.
    """
    lower = LOWER[setup.precision]
    tape = Tape(setup.training, lower, setup.device != "cpu", setup.gathered, setup.fused_attention)
    layers = sum(visit.times for visit in walk(model.body.nodes))
    rounds = ROUNDS if layers > MOST_LAYERS else None
    run = Rehearsal(model, tape, setup.batch, setup.sizes, setup.recompute, rounds)
    losses = training.losses if training else ()
    outputs = run.forward()
    activations = tape.memory.live
    kept = _kept(tape)
    weights, buffers = run.weights, run.buffers
    if setup.accumulate > 1:
        _earlier(tape, run)
    if setup.training:
        _backward(run, outputs, losses)
        tape.memory.phase = tape.memory.path = "step"
        tape.memory.mark()
    tape.memory.learned(0)
    optimizer: Any = training and training.optimizer
    state = optimizer.state_slots * weights if optimizer and setup.training else 0
    return MemoryReport(
        weights, buffers, weights * setup.training, state, activations,
        tape.memory.highest + weights + buffers + state, tape.memory.peak,
        tuple(tape.memory.moments), tuple(tape.work), tuple(tape.memory.levels), kept, run.inputs,
    )  # fmt: skip


def _kept(tape: Tape) -> dict[str, int]:
    """What the backward pass needs, each tensor with the first layer that keeps it."""
    kept: dict[str, int] = {}
    seen: set[Storage] = set()
    for step in tape.steps:
        for storage in step.kept:
            if storage not in seen:
                seen.add(storage)
                kept[step.path] = kept.get(step.path, 0) + storage.bytes
    return kept


def _earlier(tape: Tape, run: Rehearsal) -> None:
    """Gradients of earlier passes of the same step are there from the start."""
    for group in run.params.values():
        for param in group.values():
            if param.needs:
                param.gradient = Storage(param.bytes)
    tape.memory.beside(run.weights)


def _backward(run: Rehearsal, outputs: tuple[Tensor, ...], terms: Iterable[LossTerm]) -> None:
    tape = run.tape
    raised = [tape.cast(output, 4) if output.real else output for output in outputs]
    for before, after in zip(outputs, raised):
        if before is not after:
            tape.release(before)
    tape.end_forward()
    tape.memory.phase, tape.memory.path = "loss", "loss"
    named = {out.name: x for out, x in zip(run.model.body.outputs, raised)}
    losses = [_loss(run, named[term.output], term) for term in terms if term.output in named]
    if not losses:
        losses = [tape.run("reduce", (x,), ()) for x in raised if x.needs]
    for x in raised:
        tape.release(x)
    tape.finish(losses)
    tape.memory.mark()
    tape.backward(losses)
    tape.memory.mark()


def _loss(run: Rehearsal, output: Tensor, term: LossTerm) -> Tensor:
    type_ = term.target_type
    assert type_ is not None
    shape = run.shape(type_)
    target = run.given(shape, type_)
    kind: Any = term.kind
    return kind.rehearse(run.tape, output, target)
