"""Metrics as statements of the evaluation loop and expressions of what they summed up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backends.pycode.literals import literal
from backends.scripting.counting import counts_vary, ignored
from backends.torch.training.losses import mask_code
from dsl.ir import Model
from dsl.shapes.dim import evaluate
from dsl.shapes.types import TensorType
from dsl.training.losses import class_axis
from dsl.training.metrics import AUC, F1, MAE, RMSE, Accuracy, Perplexity, TopK
from dsl.training.plan import LossTerm, MetricUse, Training


@dataclass
class Evaluation:
    """The evaluation function in the making.

    Attributes:
        sums: Names of the running sums.
        lists: Names of lists that collect values of every batch.
        lines: Statements for each batch.
        figures: Each figure with its expression at the end.
        helpers: Templates of functions that are needed.
    """

    sums: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> str:
        """Adds to a running sum; gives its expression."""
        place = f"sums[{literal(name)}]"
        line = f"{place} += {value}"
        if line not in self.lines:
            self.sums.append(name)
            self.lines.append(line)
        return place

    def need(self, template: str) -> None:
        """Asks for a helper function."""
        if template not in self.helpers:
            self.helpers.append(template)


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
        axis = class_axis(self.type)
        return self.z if axis == self.type.rank - 1 else f"{self.z}.movedim({axis + 1}, -1)"


def metric_context(model: Model, training: Training) -> dict[str, Any]:
    """What the template of the evaluation is told."""
    evaluation = Evaluation()
    _loss(training, evaluation)
    for use in training.metrics:
        site = _site(use, model, training, evaluation)
        METRICS[type(use.kind)](use.kind, site, evaluation)
    return {
        "uses_share": any("share" in line for line in evaluation.lines),
        "metric_setup": [f"{name} = []" for name in evaluation.lists],
        "metric_lines": evaluation.lines,
        "figures": evaluation.figures,
        "plain_sums": [f"sums[{item['name']}]" for item in evaluation.figures]
        == [item["value"] for item in evaluation.figures],
        "metric_helpers": evaluation.helpers,
    }


def _loss(training: Training, evaluation: Evaluation) -> None:
    """The loss over all rows: of positions that count, where some do not."""
    if counts_vary(training):
        several = len(training.losses) > 1
        terms = f"{'loss_terms' if several else 'loss_function'}(outputs, batch)"
        evaluation.lines.append("count = counted(batch)")
        total = evaluation.add("loss", f"torch.where(count > 0, {terms} * count, 0)")
        mean = f"{total} / {evaluation.add('count', 'count')}"
        mean = f"({mean}).sum()" if several else mean
        evaluation.figures.append({"name": '"loss"', "value": mean})
        return
    place = evaluation.add("loss", "share * loss_function(outputs, batch)")
    evaluation.figures.append({"name": '"loss"', "value": place})


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
    return mask if spread == mask else f"{spread}.expand_as({z})"


def _mean(site: Site, evaluation: Evaluation, right: str) -> str:
    """The mean of a tensor over all positions that count."""
    if not site.kept:
        return evaluation.add(site.name, f"share * ({right}).float().mean()")
    right = evaluation.add(site.name, f"({right} & {site.kept}).sum()")
    return f"{right} / {evaluation.add(site.kept, f'{site.kept}.sum()')}"


def _mean_of(site: Site, evaluation: Evaluation, values: str) -> str:
    """The mean of real numbers, one for each element, over those that count."""
    if not site.kept:
        return evaluation.add(site.name, f"share * {values}.mean()")
    total = evaluation.add(site.name, f"{values}[{site.kept}].sum()")
    return f"{total} / {evaluation.add(site.kept, f'{site.kept}.sum()')}"


def _figure(site: Site, evaluation: Evaluation, value: str) -> None:
    evaluation.figures.append({"name": literal(site.name), "value": value})


def _accuracy(_: Any, site: Site, evaluation: Evaluation) -> None:
    if site.classes:
        right = f"{site.z}.argmax({class_axis(site.type) + 1}) == {site.t}"
    else:
        right = f"({site.z} > 0) == ({site.t} > 0.5)"
    right = f"({right})" if site.kept else right
    _figure(site, evaluation, _mean(site, evaluation, right))


def _top_k(kind: Any, site: Site, evaluation: Evaluation) -> None:
    evaluation.need("train_ranks.py.jinja")
    target = f"{site.t}.clamp(min=0)" if site.ignored else site.t
    right = f"class_ranks({site.scores}, {target}) < {literal(kind.k)}"
    right = f"({right})" if site.kept else right
    _figure(site, evaluation, _mean(site, evaluation, right))


def _perplexity(_: Any, site: Site, evaluation: Evaluation) -> None:
    """PyTorch's loss has the classes in the second place."""
    axis, z, t = class_axis(site.type), site.z, site.t
    if axis > 0:
        z = f"{z}.movedim({axis + 1}, 1)"
    if site.kept:
        t = f"{t}.masked_fill(~{site.kept}, -100)"
        total = evaluation.add(site.name, f'F.cross_entropy({z}, {t}, reduction="sum")')
        mean = f"{total} / {evaluation.add(site.kept, f'{site.kept}.sum()')}"
    else:
        mean = evaluation.add(site.name, f"share * F.cross_entropy({z}, {t})")
    _figure(site, evaluation, f"({mean}).exp()" if site.kept else f"{mean}.exp()")


def _mae(_: Any, site: Site, evaluation: Evaluation) -> None:
    mean = _mean_of(site, evaluation, f"({site.z} - {site.t}).abs()")
    _figure(site, evaluation, mean)


def _rmse(_: Any, site: Site, evaluation: Evaluation) -> None:
    mean = _mean_of(site, evaluation, f"({site.z} - {site.t}).square()")
    _figure(site, evaluation, f"({mean}) ** 0.5" if site.kept else f"{mean} ** 0.5")


def _auc(_: Any, site: Site, evaluation: Evaluation) -> None:
    evaluation.need("train_auc.py.jinja")
    scores, truths = f"{site.name}_scores", f"{site.name}_truths"
    evaluation.lists += [scores, truths]
    score, truth = f"{site.z}.flatten()", f"({site.t} > 0.5).flatten()"
    if site.classes:
        score, truth = f"{site.scores}.diff(dim=-1).flatten()", f"{site.t}.flatten() == 1"
    if site.kept:
        kept = f"{site.kept}.flatten()"
        score, truth = f"{score}[{kept}]", f"({truth})[{kept}]"
    evaluation.lines += [f"{scores}.append({score})", f"{truths}.append({truth})"]
    _figure(site, evaluation, f"area_under_curve(torch.cat({scores}), torch.cat({truths}))")


def _f1(kind: Any, site: Site, evaluation: Evaluation) -> None:
    """F1 from three counts: hits, what was said, what is true; ``2 * TP + FP + FN`` is the sum."""
    task = "classes" if site.classes else "binary"
    average = kind.averaging(_Task(task))
    if site.classes:
        _count_classes(site, evaluation)
    else:
        _count_yes(site, evaluation, average)
    hits, said, true = (f"sums[{literal(f'{site.name}_{what}')}]" for what in COUNTS)
    if site.classes and average == "binary":
        hits, said, true = f"{hits}[1]", f"{said}[1]", f"{true}[1]"
    elif average == "micro":
        hits, said, true = f"{hits}.sum()", f"{said}.sum()", f"{true}.sum()"
    evaluation.need("train_f1.py.jinja")
    _figure(site, evaluation, f"f1_score({hits}, {said} + {true})")


COUNTS = ("hits", "said", "true")


@dataclass(frozen=True, slots=True)
class _Task:
    """All that `F1.averaging` asks of a loss."""

    task: str


def _count_classes(site: Site, evaluation: Evaluation) -> None:
    count, name = site.classes, site.name
    target = f"{name}_target"
    said = f"{site.z}.argmax({class_axis(site.type) + 1})"
    if site.kept:
        said, true = f"{said}[{site.kept}]", f"{site.t}[{site.kept}]"
    else:
        said, true = f"{said}.flatten()", f"{site.t}.flatten()"
    evaluation.lines += [f"{name}_answer, {target} = {said}, {true}"]
    right = f"{target}[{name}_answer == {target}]"
    for what, values in zip(COUNTS, (right, f"{name}_answer", target)):
        evaluation.add(f"{name}_{what}", f"torch.bincount({values}, minlength={count})")


def _count_yes(site: Site, evaluation: Evaluation, average: str) -> None:
    name, over = site.name, ""
    if average == "macro" and site.type.rank:
        over = literal(tuple(range(site.type.rank)))
    said, true = f"{site.z} > 0", f"{site.t} > 0.5"
    if site.kept:
        said, true = f"({said}) & {site.kept}", f"({true}) & {site.kept}"
    evaluation.lines += [f"{name}_answer, {name}_target = {said}, {true}"]
    both = (f"({name}_answer & {name}_target)", f"{name}_answer", f"{name}_target")
    for what, values in zip(COUNTS, both):
        evaluation.add(f"{name}_{what}", f"{values}.sum({over})")


METRICS: dict[type, Any] = {
    Accuracy: _accuracy,
    TopK: _top_k,
    Perplexity: _perplexity,
    MAE: _mae,
    RMSE: _rmse,
    AUC: _auc,
    F1: _f1,
}
