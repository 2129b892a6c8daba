"""Optimizers in TensorFlow, by PyTorch's rules, with decay, penalties and clipping.

Keras' own optimizers compute something else: SGD has the rate inside the momentum, Adam adds
epsilon before the bias correction, RMSprop and Adagrad add it inside the root. So a script holds
the few lines of its own optimizer. Where weights are large it calls TensorFlow's fused kernels,
which pass over memory once; where they are small those kernels cost more than they save.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backends.pycode.literals import literal
from backends.tensorflow.training.weights import BY_RANK, Selector, key_context
from dsl.ir import Model, walk
from dsl.layers.embedding import Embedding
from dsl.layers.extern import ExternLayer
from dsl.training.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from dsl.training.plan import Training
from dsl.training.regularizers import L1, ClipNorm

FUSED_FROM = 16_384
"""Values of an average weight from which on fused kernels are faster on CPUs: at 128 x 128 both
take the same time, at 512 x 512 they are three times as fast, at 64 x 20 three times as slow."""

ZEROS = "tf.zeros_like(v)"


@dataclass
class Rule:
    """The step of an optimizer in Python.

    Attributes:
        doc: What it is and how it differs from Keras' own.
        slots: What it keeps for each weight: names and starting values.
        setup: Statements before the loop over the weights.
        update: Statements for a weight `v` and its gradient `g`.
        counts: Whether it needs the number of the step.
    """

    doc: str
    slots: dict[str, str] = field(default_factory=dict)
    setup: list[str] = field(default_factory=list)
    update: list[str] = field(default_factory=list)
    counts: bool = False


def optimizer_context(
    model: Model, training: Training, renamed: Mapping[str, str], scheduled: bool
) -> dict[str, Any]:
    """What the templates of optimizer and step are told.

    Args:
        model: The model.
        training: The plan.
        renamed: What the script calls each MSL key that differs from it.
        scheduled: Whether the rate is handed in, since a schedule acts on it.
    """
    kind: Any = training.optimizer or Adam()
    selector = Selector(model, renamed)
    rate = "rate" if scheduled else literal(kind.lr)
    rule = RULES[type(kind)](kind, rate, _is_large(selector))
    decays = bool(kind.weight_decay) and bool(training.decayed)
    test = selector.test(training.decayed) if decays else ""
    if scheduled:
        _cast_rate(kind, decays, rule)
    slots = [{"name": name, "start": start} for name, start in rule.slots.items()]
    return {
        "rate": literal(kind.lr) if scheduled else "",
        "first_rate": "LEARNING_RATE",
        "optimizer_name": kind.name,
        "optimizer_doc": f"{rule.doc}.",
        "slots": slots,
        "counts": rule.counts,
        "setup": rule.setup,
        "loop_names": ", ".join(["v", "g", *rule.slots]),
        "state_names": ", ".join(["v", *rule.slots]),
        "decay_test": test,
        "decay_note": "  # biases and norms do not decay" if test == BY_RANK else "",
        "decay_lines": [_decay(kind, rate)] if decays else [],
        "update": rule.update,
        "penalties": penalties(training, selector),
        "clips": [clip(kind) for kind in training.clip],
        "clip_norm": any(isinstance(kind, ClipNorm) for kind in training.clip),
        "sparse": _is_sparse(model),
        **_trained(model, training),
        **key_context(model),
    }


def _cast_rate(kind: Any, decays: bool, rule: Rule) -> None:
    """Adds the statement that brings the rate, which comes in float64, to the weights' type."""
    cast = "rate = tf.cast(rate, self.variables[0].dtype)"
    if not isinstance(kind, (Adam, AdamW)):
        rule.setup.insert(0, cast)
    elif isinstance(kind, AdamW) and decays:
        rule.setup.append(cast)  # after the step's size, which wants it in float64


def _is_large(selector: Selector) -> bool:
    sizes = [found.weight.count for found in selector.all.values()]
    return bool(sizes) and sum(sizes) >= FUSED_FROM * len(sizes)


def _is_sparse(model: Model) -> bool:
    """Whether the gradient of a weight may be sparse: that of a look-up, or of unknown code."""
    layers = (visit.node.layer for visit in walk(model.body.nodes))
    return any(isinstance(layer, (Embedding, ExternLayer)) for layer in layers)


def _trained(model: Model, training: Training) -> dict[str, Any]:
    """The variables that are trained: those that the loss, or a penalty, depends on."""
    with_loss = {term.output for term in training.losses}
    outputs = [output.name for output in model.body.outputs]
    lacking = not with_loss.issuperset(outputs)
    trained = "model.trainable_variables"
    if lacking and not training.penalties:
        ends = ", ".join(f"model.output[{literal(o)}]" for o in outputs if o in with_loss)
        trained = f"keras.Model(model.inputs, [{ends}]).trainable_variables"
    return {"trained": trained, "unconnected": lacking and bool(training.penalties)}


def _decay(kind: Any, rate: str) -> str:
    if isinstance(kind, AdamW):
        return f"v.assign_sub({rate} * {literal(kind.weight_decay)} * v)"
    return f"g += {literal(kind.weight_decay)} * v"


# --- the rules --------------------------------------------------------------------------


def _sgd(kind: Any, rate: str, large: bool) -> Rule:
    if not kind.momentum:
        return Rule("Gradient descent", update=[f"v.assign_sub({rate} * g)"])
    momentum = literal(kind.momentum)
    rule = Rule(
        "Gradient descent with momentum, the rate outside of it as in PyTorch",
        {"velocity": ZEROS},
    )
    if kind.dampening:
        rule.counts = True
        rule.setup = [
            "first = tf.cast(self.step.assign_add(1) == 1, self.variables[0].dtype)",
            f"share = {literal(1 - kind.dampening)} + {literal(kind.dampening)} * first",
        ]
        rule.update = [f"velocity.assign({momentum} * velocity + share * g)"]
    elif large:
        rule.update = [
            "tf.raw_ops.ResourceApplyMomentum(var=v.value.handle, accum=velocity.handle, "
            f"lr={rate}, grad=g, momentum={momentum}, use_nesterov={literal(kind.nesterov)})"
        ]
        return rule
    else:
        rule.update = [f"velocity.assign({momentum} * velocity + g)"]
    step = f"(g + {momentum} * velocity)" if kind.nesterov else "velocity"
    rule.update.append(f"v.assign_sub({rate} * {step})")
    return rule


def _adam(kind: Any, rate: str, large: bool) -> Rule:
    first, second = map(literal, kind.betas)
    rule = Rule(
        f"{kind.name} with epsilon after the bias correction, as in PyTorch",
        {"mean": ZEROS, "square": ZEROS},
        [
            't, dtype = tf.cast(self.step.assign_add(1), "float64"), self.variables[0].dtype',
            f"root = tf.sqrt(1 - {second}**t)",
            f"size = tf.cast({rate} * root / (1 - {first}**t), dtype)",
            f"epsilon = tf.cast({literal(kind.eps)} * root, dtype)",
        ],
        counts=True,
    )
    if large:
        rule.update = [
            "tf.raw_ops.ResourceApplyAdam(var=v.value.handle, m=mean.handle, v=square.handle, "
            f"beta1_power=0.0, beta2_power=0.0, lr=size, beta1={first}, beta2={second}, "
            "epsilon=epsilon, grad=g)"
        ]
    else:
        rule.update = [
            f"mean.assign_add((1 - {first}) * (g - mean))",
            f"square.assign_add((1 - {second}) * (tf.square(g) - square))",
            "v.assign_sub(size * mean / (tf.sqrt(square) + epsilon))",
        ]
    return rule


def _rmsprop(kind: Any, rate: str, _: bool) -> Rule:
    alpha, eps = literal(kind.alpha), literal(kind.eps)
    rule = Rule("RMSprop with epsilon outside the root, as in PyTorch", {"square": ZEROS})
    rule.update = [f"square.assign_add((1 - {alpha}) * (tf.square(g) - square))"]
    spread = "square"
    if kind.centered:
        rule.slots["mean"] = ZEROS
        rule.update.append(f"mean.assign_add((1 - {alpha}) * (g - mean))")
        spread = "square - tf.square(mean)"
    step = f"g / (tf.sqrt({spread}) + {eps})"
    if kind.momentum:
        rule.slots["velocity"] = ZEROS
        rule.update.append(f"velocity.assign({literal(kind.momentum)} * velocity + {step})")
        step = "velocity"
    rule.update.append(f"v.assign_sub({rate} * {step})")
    return rule


def _adagrad(kind: Any, rate: str, large: bool) -> Rule:
    start = kind.initial_accumulator_value
    total = f"{literal(start)} * tf.ones_like(v)" if start else ZEROS
    rule = Rule("Adagrad with epsilon outside the root, as in PyTorch", {"total": total})
    if kind.lr_decay:
        rule.counts = True
        decay = literal(kind.lr_decay)
        rule.setup = [
            "t = tf.cast(self.step.assign_add(1), self.variables[0].dtype)",
            f"size = {rate} / (1 + (t - 1) * {decay})",
        ]
        rate = "size"
    eps = literal(kind.eps)
    if large:
        rule.update = [
            "tf.raw_ops.ResourceApplyAdagradV2(var=v.value.handle, accum=total.handle, "
            f"lr={rate}, epsilon={eps}, grad=g)"
        ]
    else:
        rule.update = [
            "total.assign_add(tf.square(g))",
            f"v.assign_sub({rate} * g / (tf.sqrt(total) + {eps}))",
        ]
    return rule


RULES: dict[type, Callable[[Any, str, bool], Rule]] = {
    SGD: _sgd,
    Adam: _adam,
    AdamW: _adam,
    RMSprop: _rmsprop,
    Adagrad: _adagrad,
}


# --- penalties and clipping -------------------------------------------------------------


def clip(kind: Any) -> str:
    """The statement that clips gradients."""
    if isinstance(kind, ClipNorm):
        return f"gradients = clip_norm(gradients, {literal(kind.max_norm)})"
    most = literal(kind.value)
    return f"gradients = [tf.clip_by_value(g, -{most}, {most}) for g in gradients]"


def penalties(training: Training, selector: Selector) -> list[dict[str, str]]:
    """L1 and L2 terms: the factor, what is summed, and which weights."""
    found = []
    for penalty in training.penalties:
        kind: Any = penalty.kind
        absolute = isinstance(kind, L1)
        found.append(
            {
                "factor": literal(kind.l1 if absolute else kind.l2),
                "term": f"tf.reduce_sum(tf.{'abs' if absolute else 'square'}(v))",
                "test": selector.test(penalty.keys, penalty.patterns),
            }
        )
    return found
