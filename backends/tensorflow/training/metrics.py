"""Metrics: tensors that a graph gives for each batch, and what NumPy makes of them at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backends.pycode.literals import literal
from backends.scripting.counting import counts_vary, ignored
from backends.tensorflow.layout import keras_axis, stored_axis
from backends.tensorflow.training.losses import classes_last, mask_code
from dsl.ir import Model
from dsl.shapes.dim import evaluate
from dsl.shapes.types import TensorType
from dsl.training.losses import class_axis
from dsl.training.metrics import AUC, F1, MAE, RMSE, Accuracy, Perplexity, TopK
from dsl.training.plan import LossTerm, MetricUse, Training

SHARE = 'share = tf.cast(tf.shape(part)[0] / len(rows), "float32")'


@dataclass
class Evaluation:
    """The evaluation function in the making.

    Attributes:
        lines: Statements of the graph.
        measured: What the graph gives for each batch: expressions by name.
        sums: Names of what is added up over batches.
        lists: Names of what is joined over batches.
        figures: Each figure with its expression at the end.
        helpers: Templates of functions that are needed.
    """

    lines: list[str] = field(default_factory=list)
    measured: list[dict[str, str]] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> str:
        """Adds a tensor up over batches; gives the expression of the sum."""
        item = {"name": literal(name), "value": value}
        if item not in self.measured:
            self.measured.append(item)
            self.sums.append(name)
        return f"sums[{literal(name)}]"

    def share(self, name: str, mean: str) -> str:
        """The mean over all rows of a mean over a batch."""
        if SHARE not in self.lines:
            self.lines.insert(0, SHARE)
        return self.add(name, f"{mean} * share")

    def join(self, name: str, value: str) -> str:
        """Joins the tensors of all batches; gives the name of the result."""
        self.measured.append({"name": literal(name), "value": value})
        self.lists.append(name)
        return name

    def show(self, name: str, value: str) -> None:
        """Names a figure."""
        self.figures.append({"name": literal(name), "value": value})

    def need(self, template: str) -> None:
        """Asks for a function."""
        if template not in self.helpers:
            self.helpers.append(template)

    @property
    def gathering(self) -> list[str]:
        """Statements that put the batches together."""
        total = "np.sum([part[name] for part in parts], axis=0, dtype=np.float64)"
        lines = [f"sums = {{name: {total} for name in {literal(tuple(self.sums))}}}"]
        joined = (
            f"{name} = np.concatenate([part[{literal(name)}] for part in parts])"
            for name in self.lists
        )
        return [*lines, *joined]


@dataclass(frozen=True, slots=True)
class Site:
    """What one metric reads.

    Attributes:
        name: Its name in logs.
        z, t: The expressions of output and target.
        type: The output's type.
        classes: The number of classes, where the output means classes.
        kept: The name of what tells which elements of the target count; "" where all do.
        ignored: Whether the target holds a class to be ignored.
    """

    name: str
    z: str
    t: str
    type: TensorType
    classes: int
    kept: str = ""
    ignored: bool = False

    @property
    def scores(self) -> str:
        """The output with its class axis last."""
        return classes_last(self.z, self.type)

    @property
    def answer(self) -> str:
        """The class of the highest score."""
        return f"tf.argmax({self.z}, {keras_axis(self.type, class_axis(self.type))})"


def metric_context(model: Model, training: Training) -> dict[str, Any]:
    """What the template of the evaluation is told."""
    evaluation = Evaluation()
    _loss(training, evaluation)
    for use in training.metrics:
        METRICS[type(use.kind)](use.kind, _site(use, model, training, evaluation), evaluation)
    return {
        "metric_lines": evaluation.lines,
        "measured": evaluation.measured,
        "gathering": evaluation.gathering,
        "figures": evaluation.figures,
        "metric_helpers": evaluation.helpers,
    }


def _loss(training: Training, evaluation: Evaluation) -> None:
    """The loss over all rows: of positions that count, where some do not."""
    if not counts_vary(training):
        evaluation.show("loss", evaluation.share("loss", "loss_function(outputs, batch)"))
        return
    several = len(training.losses) > 1
    terms = f"{'loss_terms' if several else 'loss_function'}(outputs, batch)"
    evaluation.lines.append("count = counted(batch)")
    total = evaluation.add("loss", f"tf.math.multiply_no_nan({terms}, count)")
    mean = f"{total} / {evaluation.add('count', 'count')}"
    evaluation.show("loss", f"({mean}).sum()" if several else mean)


def _site(use: MetricUse, model: Model, training: Training, evaluation: Evaluation) -> Site:
    term = next(term for term in training.losses if term.output == use.output)
    type_ = next(o.value.type for o in model.body.outputs if o.name == use.output)
    several = len(model.body.outputs) > 1
    classes = 0
    if term.kind.task == "classes":
        classes = int(evaluate(type_.shape[class_axis(type_)], model.symbols))
    z = f"outputs[{literal(use.output)}]" if several else "outputs"
    kept = ""
    test = _test(term, training, type_, z)
    if test:
        kept = f"{use.output}_kept" if several else "kept"
        line = f"{kept} = {test}"
        evaluation.lines += [] if line in evaluation.lines else [line]
    return Site(
        use.name or use.kind.label,
        z,
        f"batch[{literal(term.target)}]",
        type_,
        classes,
        kept,
        ignored(term, training) is not None,
    )


def _test(term: LossTerm, training: Training, output: TensorType, z: str) -> str:
    """Which elements of the target count, as an expression; "" where all do."""
    left_out, mask = ignored(term, training), f"batch[{literal(term.mask)}]" if term.mask else ""
    if left_out is not None:
        kept = f"batch[{literal(term.target)}] != {literal(left_out)}"
        return f"({kept}) & {mask}" if mask else kept
    if not mask or term.kind.task == "classes":
        return mask
    spread = mask_code(term, output, mask)
    return mask if spread == mask else f"tf.broadcast_to({spread}, tf.shape({z}))"


def _right(site: Site, evaluation: Evaluation, right: str) -> None:
    """The share of positions that count at which something holds."""
    if not site.kept:
        mean = f'tf.reduce_mean(tf.cast({right}, "float32"))'
        evaluation.show(site.name, evaluation.share(site.name, mean))
        return
    both = f"tf.math.count_nonzero(({right}) & {site.kept})"
    hits = evaluation.add(site.name, both)
    count = evaluation.add(site.kept, f"tf.math.count_nonzero({site.kept})")
    evaluation.show(site.name, f"{hits} / {count}")


def _mean_of(site: Site, evaluation: Evaluation, values: str) -> str:
    """The mean of real numbers, one for each element, over those that count."""
    if not site.kept:
        return evaluation.share(site.name, f"tf.reduce_mean({values})")
    total = evaluation.add(site.name, f"tf.reduce_sum(tf.boolean_mask({values}, {site.kept}))")
    return f"{total} / {evaluation.add(site.kept, f'tf.math.count_nonzero({site.kept})')}"


def _accuracy(_: Any, site: Site, evaluation: Evaluation) -> None:
    binary = f"({site.z} > 0) == ({site.t} > 0.5)"
    _right(site, evaluation, f"{site.answer} == {site.t}" if site.classes else binary)


def _top_k(kind: Any, site: Site, evaluation: Evaluation) -> None:
    evaluation.need("train_ranks.py.jinja")
    target = f"tf.maximum({site.t}, 0)" if site.ignored else site.t
    _right(site, evaluation, f"class_ranks({site.scores}, {target}) < {literal(kind.k)}")


def _perplexity(_: Any, site: Site, evaluation: Evaluation) -> None:
    target = f"tf.maximum({site.t}, 0)" if site.ignored else site.t
    losses = f"tf.nn.sparse_softmax_cross_entropy_with_logits({target}, {site.scores})"
    evaluation.show(site.name, f"np.exp({_mean_of(site, evaluation, losses)})")


def _mae(_: Any, site: Site, evaluation: Evaluation) -> None:
    evaluation.show(site.name, _mean_of(site, evaluation, f"tf.abs({site.z} - {site.t})"))


def _rmse(_: Any, site: Site, evaluation: Evaluation) -> None:
    mean = _mean_of(site, evaluation, f"tf.square({site.z} - {site.t})")
    evaluation.show(site.name, f"({mean}) ** 0.5" if site.kept else f"{mean} ** 0.5")


def _auc(_: Any, site: Site, evaluation: Evaluation) -> None:
    evaluation.need("train_auc.py.jinja")
    score, truth = site.z, f"{site.t} > 0.5"
    if site.classes:
        evaluation.lines.append(f"{site.name}_pair = {site.scores}")
        score, truth = f"{site.name}_pair[..., 1] - {site.name}_pair[..., 0]", f"{site.t} == 1"
    if site.kept:
        score, truth = (f"tf.boolean_mask({value}, {site.kept})" for value in (score, truth))
    scores = evaluation.join(f"{site.name}_scores", f"tf.reshape({score}, [-1])")
    truths = evaluation.join(f"{site.name}_truths", f"tf.reshape({truth}, [-1])")
    evaluation.show(site.name, f"area_under_curve({scores}, {truths})")


COUNTS = ("hits", "said", "true")


@dataclass(frozen=True, slots=True)
class _Task:
    """All that `F1.averaging` asks of a loss."""

    task: str


def _f1(kind: Any, site: Site, evaluation: Evaluation) -> None:
    """F1 from three counts: hits, what was said, what is true; ``2 * TP + FP + FN`` is the sum."""
    average = kind.averaging(_Task("classes" if site.classes else "binary"))
    counts = _classes(site, evaluation) if site.classes else _yes(site, evaluation, average)
    hits, said, true = (
        evaluation.add(f"{site.name}_{what}", value) for what, value in zip(COUNTS, counts)
    )
    if site.classes and average == "binary":
        hits, said, true = f"{hits}[1]", f"{said}[1]", f"{true}[1]"
    elif average == "micro":
        hits, said, true = f"{hits}.sum()", f"{said}.sum()", f"{true}.sum()"
    evaluation.need("train_f1.py.jinja")
    evaluation.show(site.name, f"f1_score({hits}, {said} + {true})")


def _classes(site: Site, evaluation: Evaluation) -> tuple[str, ...]:
    """Counts for each class."""
    said, true = f"{site.name}_said", f"{site.name}_true"
    answer, target = site.answer, site.t
    if site.kept:
        answer, target = (f"tf.boolean_mask({x}, {site.kept})" for x in (answer, target))
    evaluation.lines += [
        f'{said} = tf.cast(tf.reshape({answer}, [-1]), "int32")',
        f'{true} = tf.cast(tf.reshape({target}, [-1]), "int32")',
    ]
    hits = f"tf.boolean_mask({true}, {said} == {true})"
    size = f"minlength={site.classes}"
    return tuple(f"tf.math.bincount({values}, {size})" for values in (hits, said, true))


def _yes(site: Site, evaluation: Evaluation, average: str) -> tuple[str, ...]:
    """Counts of yes: for each position of the last axis, or all together."""
    said, true, over = f"{site.name}_said", f"{site.name}_true", ""
    if average == "macro" and site.type.rank:
        kept = stored_axis(site.type, -1)
        axes = [axis for axis in range(site.type.rank + 1) if axis != kept]
        over = f", {axes}"
    yes, really = f"{site.z} > 0", f"{site.t} > 0.5"
    if site.kept:
        yes, really = f"({yes}) & {site.kept}", f"({really}) & {site.kept}"
    evaluation.lines += [f"{said}, {true} = {yes}, {really}"]
    return tuple(
        f"tf.math.count_nonzero({values}{over})" for values in (f"{said} & {true}", said, true)
    )


METRICS: dict[type, Any] = {
    Accuracy: _accuracy,
    TopK: _top_k,
    Perplexity: _perplexity,
    MAE: _mae,
    RMSE: _rmse,
    AUC: _auc,
    F1: _f1,
}
