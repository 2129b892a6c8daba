"""Optimizers, decay groups, penalties and clipping in PyTorch."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from backends.pycode.literals import literal
from backends.scripting.wrap import wrapped_call
from dsl.ir import Key, Model, weight_keys
from dsl.training.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from dsl.training.plan import Training
from dsl.training.regularizers import L1, ClipNorm

BY_RANK = "p.ndim > 1"
"""The usual test for weights that are neither biases nor parts of norms."""


def optimizer_context(
    model: Model, training: Training, keys: Mapping[str, str], has_rate: bool
) -> dict[str, Any]:
    """What the template of the optimizer is told.

    Args:
        model: The model.
        training: The plan.
        keys: The parameter's name in the module for each MSL key that differs from it.
        has_rate: Whether the rate is a constant of the script, since a schedule acts on it.
    """
    kind: Any = training.optimizer or Adam()
    selector = Selector(model, keys)
    decays = bool(kind.weight_decay) and bool(training.decayed)
    everything = decays and selector.covers_all(training.decayed)
    test = "" if not decays or everything else selector.test(training.decayed)
    params = "groups" if test else "model.parameters()"
    decay = kind.weight_decay if everything else 0.0
    return {
        "rate": literal(kind.lr) if has_rate else "",
        "optimizer": write(kind, params, "LEARNING_RATE" if has_rate else literal(kind.lr), decay),
        "optimizer_name": kind.name,
        "decayed": _weights(test) if test else "",
        "others": _weights("p.ndim <= 1" if test == BY_RANK else f"not ({test})") if test else "",
        "weight_decay": literal(kind.weight_decay),
        "penalties": penalties(training, selector),
        "clips": [clip(kind) for kind in training.clip],
    }


def write(kind: Any, params: str, rate: str, decay: float) -> str:
    """The statement that returns an optimizer, with every value that shapes its steps."""
    given = {"lr": rate, **{name: literal(value) for name, value in _values(kind).items()}}
    given["weight_decay"] = literal(decay)
    if not decay and kind.name != "AdamW":
        del given["weight_decay"]  # 0 is PyTorch's default too
    if isinstance(kind, (SGD, Adam, AdamW, Adagrad)):
        given["fused"] = "True"
    arguments = [params, *(f"{name}={value}" for name, value in given.items())]
    return wrapped_call(4, "return ", f"torch.optim.{kind.name}", arguments)


def _values(kind: Any) -> dict[str, Any]:
    """The arguments that MSL names, less those that are off."""
    always = {
        SGD: ("momentum",),
        Adam: ("betas", "eps"),
        AdamW: ("betas", "eps"),
        RMSprop: ("alpha", "eps"),
        Adagrad: ("eps",),
    }[type(kind)]
    skip = ("lr", "weight_decay", "decay_on")
    values = {name: value for name, value in kind.values.items() if name not in skip}
    return {name: value for name, value in values.items() if value or name in always}


def clip(kind: Any) -> str:
    """The statement that clips gradients."""
    if isinstance(kind, ClipNorm):
        return f"nn.utils.clip_grad_norm_(model.parameters(), {literal(kind.max_norm)})"
    return f"nn.utils.clip_grad_value_(model.parameters(), {literal(kind.value)})"


def penalties(training: Training, selector: Selector) -> list[dict[str, str]]:
    """L1 and L2 terms: the factor, what is summed, and which weights."""
    found = []
    for penalty in training.penalties:
        kind: Any = penalty.kind
        absolute = isinstance(kind, L1)
        test = selector.test(penalty.keys, penalty.patterns)
        found.append(
            {
                "name": f"term_{len(found) + 1}",
                "factor": literal(kind.l1 if absolute else kind.l2),
                "term": "p.abs().sum()" if absolute else "p.square().sum()",
                "weights": _weights(test),
            }
        )
    return found


def _weights(test: str) -> str:
    """A loop over the parameters that a test names."""
    if "name" in test:
        return f"for name, p in model.named_parameters() if {test}"
    return f"for p in model.parameters() if {test}" if test else "for p in model.parameters()"


class Selector:
    """Writes tests that pick some of a model's parameters by rank or by name."""

    def __init__(self, model: Model, keys: Mapping[str, str]) -> None:
        self.model, self.renamed = model, keys
        self._all: dict[str, Key] | None = None

    @property
    def all(self) -> dict[str, Key]:
        """Every trainable weight by MSL key."""
        if self._all is None:
            found = (key for key in weight_keys(self.model.body.nodes) if key.weight.trainable)
            self._all = {key.key: key for key in found}
        return self._all

    def covers_all(self, keys: Sequence[str]) -> bool:
        """Whether some keys are all there are."""
        return set(keys) == set(self.all)

    def test(self, keys: Sequence[str], patterns: Sequence[str] = ()) -> str:
        """A Python test of a parameter `p` called `name` that is true of some keys only."""
        chosen = set(keys)
        if self.covers_all(keys):
            return ""
        if chosen == {key for key, found in self.all.items() if len(found.weight.shape) > 1}:
            return BY_RANK
        names = {self.renamed.get(key, key) for key in chosen}
        others = {self.renamed.get(key, key) for key in self.all} - names
        for candidate in (tuple(patterns), _general(names)):
            if candidate and _separates(candidate, names, others):
                return _match(candidate)
        return f"name in ({', '.join(map(literal, sorted(names)))},)"


def _general(names: Iterable[str]) -> tuple[str, ...]:
    """Patterns in which indices of repeats are open: ``layer.*.weight``."""
    return tuple(sorted({re.sub(r"(?<=\.)\d+(?=\.)", "*", name) for name in names}))


def _separates(patterns: Sequence[str], names: Iterable[str], others: Iterable[str]) -> bool:
    if any(pattern.startswith("!") for pattern in patterns):
        return False
    test: Callable[[str], bool] = re.compile(
        "|".join(fnmatch.translate(pattern) for pattern in patterns)
    ).match  # type: ignore[assignment]
    return all(map(test, names)) and not any(map(test, others))


def _match(patterns: Sequence[str]) -> str:
    if len(patterns) == 1:
        return f"fnmatch.fnmatchcase(name, {literal(patterns[0])})"
    listed = ", ".join(map(literal, patterns))
    return f"any(fnmatch.fnmatchcase(name, pattern) for pattern in ({listed}))"
