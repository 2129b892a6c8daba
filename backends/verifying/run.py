"""Holds the generated files of a spec against each other and against the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from math import prod
from tempfile import TemporaryDirectory
from typing import Any

from backends.verifying.bench import Bench, Failed, Job
from backends.verifying.compare import SINGLE, TOLERANCE, check
from backends.verifying.data import draw_data, draw_inputs, is_text, window
from backends.verifying.draws import Draws, Masks
from backends.verifying.figures import compare_figures
from backends.verifying.importing import beside, imported
from backends.verifying.locating import REFERENCE, Views
from backends.verifying.oracle import Oracle, consult
from backends.verifying.steps import take_steps
from backends.verifying.verdict import Verdict
from backends.verifying.weights import draw_weights
from dsl.cost.report import estimate
from dsl.ir import Model, weight_keys
from dsl.layers.dropout import AlphaDropout, Dropout, SpatialDropout, StochasticDepth
from dsl.layers.recurrent import Recurrent

NAMES = ("torch", "tensorflow")
DRAWING = (Dropout, AlphaDropout, SpatialDropout, StochasticDepth)
"""Layers that draw for each entry of their input; others draw inside."""

REFERENCE_LIMIT = 2_000_000_000
"""MACs beyond which the reference, which is made to be read, takes too long."""


FEW = 4
"""The number of values below which statistics of a batch are a poor measure."""


def verify(job: Job) -> Verdict:
    """Holds both backends against each other and, where it reaches, against the reference."""
    params = sum(item.weight.count for item in weight_keys(job.model.body.nodes)
                 if item.weight.trainable)  # fmt: skip
    steps = job.steps if job.training.losses else 0
    verdict = Verdict(job.model.name, params, dict(job.model.symbols), job.batch, steps)
    bench = Bench(job, verdict, Draws(job.seed))
    try:
        with TemporaryDirectory() as folder, beside(job.folder):
            _start(bench, folder)
            if _has_weights(bench):
                _feed(bench)
                for mode in ("evaluation", "training"):
                    _run(bench, mode)
                _run_single(bench)
                _load(bench)
                take_steps(bench) if job.training.losses else _slopes(bench)
    except Failed as failure:
        verdict.failure = str(failure)
    return verdict


def _start(bench: Bench, folder: str) -> None:
    """Imports both files and builds their models."""
    bench.off = frozenset(_unreplaced(bench.job.model))
    if bench.off:
        bench.verdict.notes.append(
            "dropout between recurrent layers with a mask keeps everything: "
            + ", ".join(sorted(bench.off))
        )
    for name in NAMES:
        text = bench.job.texts[name]
        code = bench.one(name, "when it is imported", lambda text=text: imported(text, folder))
        if hasattr(code, "TIME"):
            code.TIME = window(bench.job.model, bench.job.model.symbols)
        bench.codes[name] = code
    bench.twins = _twins(bench, "float64")


def _twins(bench: Bench, dtype: str) -> dict[str, Any]:
    """Both files at work in a type of real numbers."""
    model = bench.job.model
    layers = {step.path: _drawn(step.node) for step in consult(model, dict(model.symbols), {}, {},
              compute=False).steps}  # fmt: skip
    made = {}
    for name in NAMES:
        kind = import_module(f"backends.{name}.runtime").TWIN
        build = partial(kind, bench.codes[name], model, dtype, layers)
        made[name] = bench.one(name, "to build", build)
    return made


def _drawn(node: Any) -> Any:
    """The type of what a layer of `DRAWING` draws for."""
    layer = getattr(node, "layer", None)
    return node.inputs[0].type if isinstance(layer, DRAWING) else None


def _unreplaced(model: Model) -> Iterator[str]:
    """Layers whose draws have no order that both backends share."""
    for step in consult(model, dict(model.symbols), {}, {}, compute=False).steps:
        layer = getattr(step.node, "layer", None)
        if isinstance(layer, Recurrent) and layer.dropout and layer.layers > 1:
            if any(slot is not None for slot in step.inputs[1 + len(layer.state) :]):
                yield step.path


def _has_weights(bench: Bench) -> bool:
    """Whether both backends have the weights of the spec, which they then take."""
    wanted = draw_weights(bench.job.model, bench.draws)
    for name, twin in bench.twins.items():
        found = bench.one(name, "to name its weights", twin.weights)
        odd = [key for key in [*wanted, *found] if key not in found or key not in wanted
               or found[key].shape != wanted[key].shape]  # fmt: skip
        off = dict.fromkeys(wanted, 0.0) | dict.fromkeys(odd, float("inf"))
        check_ = check("keys and shapes", "weights", (name, "spec"), off, TOLERANCE)
        bench.verdict.checks.append(check_)
        if not odd and twin.trained() != bench.verdict.params:
            text = f"{name} trains {twin.trained():,} values, the spec {bench.verdict.params:,}"
            bench.verdict.failure = text
    bench.weights = wanted
    if not bench.verdict.ok:
        return False
    _load(bench)
    return True


def _load(bench: Bench) -> None:
    bench.each("to load weights", lambda twin: twin.load(bench.weights))


def _feed(bench: Bench) -> None:
    """Draws data, and the first batch of it."""
    job, sizes = bench.job, dict(bench.job.model.symbols)
    if not job.training.losses:
        data = draw_inputs(job.model, sizes, job.batch, bench.draws)
        bench.batches = bench.each("to take data", lambda twin: twin.cast(twin.place(data)))
    else:
        size = job.batch * job.training.train.accumulate
        data = draw_data(job.model, job.training, sizes, size * job.steps, bench.draws)
        _place(bench, data)
        bench.rows = bench.rows[: size * job.steps]
        first = bench.rows[:size]
        bench.batches = bench.each("to take a batch", lambda twin: twin.take(
            bench.data[twin.name], first))  # fmt: skip
    found = bench.each("to take data", lambda twin: twin.arrays(bench.batches[twin.name]))
    names = job.model.body.names
    given = {side: {name: arrays[name] for name in names} for side, arrays in found.items()}
    bench.compare("inputs of a batch", "data", given)
    bench.inputs = given["torch"]


def _place(bench: Bench, data: dict[str, Any]) -> None:
    """Gives both files the data, and has them say the order of its rows."""
    if is_text(bench.job.training) and hasattr(bench.codes["torch"], "hide"):
        hidden = {name: code.hide(data, (bench.job.seed, 1)) for name, code in bench.codes.items()}
        bench.compare("hidden tokens", "data", hidden)
        data = hidden["torch"]
    bench.arrays = data
    bench.data = bench.each("to take data", lambda twin: twin.place(data))
    orders = bench.each("to order rows", lambda twin: {
        f"epoch {epoch}": twin.order(bench.data[twin.name], bench.job.seed, epoch)
        for epoch in (1, 2)})  # fmt: skip
    bench.compare("order of rows", "data", orders)
    bench.rows = orders["torch"]["epoch 1"]


def _run(bench: Bench, mode: str) -> None:
    """Compares outputs and, layer by layer, what leads to them."""
    numbers = (lambda: None) if mode == "evaluation" else (lambda: bench.masks("forward"))
    seen: dict[str, Any] = {name: {} for name in NAMES}
    outputs = bench.each(f"in {mode}", lambda twin: twin.forward(
        bench.batches[twin.name], numbers(), seen[twin.name]))  # fmt: skip
    oracle = _consult(bench, numbers())
    views = Views(oracle, seen, outputs, TOLERANCE)
    bench.compare("outputs", mode, outputs)
    _note_values(bench, mode, outputs)
    if mode == "training":
        _note_few(bench, oracle)
    bench.verdict.checks.append(check("layers", mode, NAMES, views.against_each_other(), TOLERANCE))
    known = {name: slot.array for name, slot in oracle.outputs.items() if slot.array is not None}
    for name in NAMES:
        if any(slot.array is not None for step in oracle.steps for slot in step.outputs):
            own = {key: outputs[name][key] for key in known}
            bench.compare("outputs", mode, {name: own, REFERENCE: known})
            off = views.against_reference(name)
            bench.verdict.checks.append(check("layers", mode, (name, REFERENCE), off, TOLERANCE))
    if bench.verdict.first is None and not bench.verdict.ok:
        bench.verdict.first = views.first(mode)


def _consult(bench: Bench, masks: Masks | None) -> Oracle:
    """The run in the reference, as far as it reaches."""
    model, notes = bench.job.model, bench.verdict.notes
    cost = estimate(model, bench.job.batch).macs
    small = cost <= REFERENCE_LIMIT
    sizes = dict(model.symbols)
    oracle = consult(model, sizes, bench.inputs, bench.weights, masks, compute=small)
    found = [f"{path}: {why}" for path, why in oracle.unknown.items()]
    if not small:
        found = [f"no reference for {cost:,} MACs, only up to {REFERENCE_LIMIT:,}"]
    notes.extend(note for note in found if note not in notes)
    return oracle


def _note_values(bench: Bench, mode: str, outputs: Mapping[str, Mapping[str, Any]]) -> None:
    """Says so where an output tells little."""
    from numpy import isfinite

    for key, value in outputs["torch"].items():
        if value.size and not isfinite(value).all():
            share = 1 - isfinite(value).mean()
            bench.verdict.notes.append(f"{share:.0%} of {key} is not finite in {mode}")


def _note_few(bench: Bench, oracle: Oracle) -> None:
    """Says so where statistics of a batch are of so few values that rounding grows in them."""
    few = [
        step.path for step in oracle.steps if step.is_layer and step.node.layer.name == "BatchNorm"
        and bench.job.batch * prod(step.outputs[0].type.shape[1:]) < FEW
    ]  # fmt: skip
    if few:
        bench.verdict.notes.append(
            f"{few[0]} takes its statistics of fewer than {FEW} values, which magnifies rounding: "
            "a larger --batch is steadier"
        )


def _run_single(bench: Bench) -> None:
    """Compares outputs in float32, and what scripts report."""
    bench.each("to load weights", lambda twin: twin.load(bench.weights))
    double, bench.twins = bench.twins, _twins(bench, "float32")
    try:
        bench.each("to load weights", lambda twin: twin.load(bench.weights))
        outputs = bench.each("in float32", lambda twin: twin.forward(
            twin.cast(bench.batches[twin.name])))  # fmt: skip
        if bench.job.training.losses:
            compare_figures(bench)
    finally:
        bench.twins = double
    bench.compare("outputs", "float32", outputs, SINGLE)


def _slopes(bench: Bench) -> None:
    """Compares gradients of a weighted sum of the outputs."""
    shapes = {output.name: output.value.type for output in bench.job.model.body.outputs}
    sizes = dict(bench.job.model.symbols)
    mixes = {
        name: bench.draws.normal((bench.job.batch, *type_.sized(sizes).shape), "mix", name)
        for name, type_ in shapes.items()
        if type_.is_float
    }
    found = bench.each("to take gradients", lambda twin: twin.slopes(
        bench.batches[twin.name], bench.masks("slopes"), mixes))  # fmt: skip
    sums = {name: {"sum of outputs": total} for name, (total, _) in found.items()}
    bench.compare("losses", "training", sums)
    keys = trained_keys(bench.job.model)
    bench.compare("gradients", "training", {
        name: {k: v for k, v in slopes.items() if k in keys or k.startswith("(")}
        for name, (_, slopes) in found.items()})  # fmt: skip


def trained_keys(model: Model) -> set[str]:
    """The keys of the weights that gradients train."""
    return {item.key for item in weight_keys(model.body.nodes) if item.weight.trainable}
