"""What a script calls the variables of a Keras model, and tests that pick some of them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from backends.pycode.literals import literal
from backends.tensorflow.names import layer_name
from dsl.ir import Key, Model, expand, join, walk, weight_keys
from dsl.layers.activation import PReLU
from dsl.layers.attention_bias import RelativePositionBias
from dsl.layers.conv import Convolution
from dsl.layers.embedding import Embedding, PositionEmbedding
from dsl.layers.linear import Linear
from dsl.layers.mixture import MixtureOfExperts
from dsl.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from dsl.layers.parameter import Parameter
from dsl.layers.projected import Projected
from dsl.layers.recurrent import GRU, LSTM, SimpleRNN

BY_RANK = "v.ndim > 1"
"""The usual test for weights that are neither biases nor parts of norms."""

_NORM = {"gamma": "weight", "beta": "bias"}
WORDS: dict[type, dict[str, str]] = {
    Linear: {"kernel": "weight"},
    Convolution: {"kernel": "weight"},
    Projected: {"kernel": "weight"},
    MixtureOfExperts: {"kernel": "weight"},
    Embedding: {"embeddings": "weight"},
    PositionEmbedding: {"embeddings": "weight"},
    RelativePositionBias: {"embeddings": "weight"},
    PReLU: {"alpha": "weight"},
    BatchNorm: {**_NORM, "moving_mean": "running_mean", "moving_variance": "running_var"},
    GroupNorm: _NORM,
    InstanceNorm: _NORM,
    LayerNorm: _NORM,
    RMSNorm: {"scale": "weight"},
    Parameter: {"value": ""},
}
"""For each layer with weights Keras' words for them, and the last level of their keys."""


def key_context(model: Model) -> dict[str, Any]:
    """What the template of `key_of` is told: the words of the layers that the model has."""
    found = [visit.node.layer for visit in walk(model.body.nodes)]
    tops = {visit.path.partition(".")[0] for visit in walk(model.body.nodes)}
    words: dict[str, str] = {}
    for base, known in WORDS.items():
        if any(isinstance(layer, base) for layer in found):
            words |= known
    cells = {SimpleRNN: "simple_rnn_cell", LSTM: "lstm_cell", GRU: "gru_cell"}
    used = tuple(cell for kind, cell in cells.items() if any(isinstance(x, kind) for x in found))
    return {
        "words": [{"keras": literal(k), "ours": literal(v)} for k, v in words.items()],
        "cells": literal(used) if used else "",
        "parameters": "value" in words,
        "dotted": any(layer_name(name) != name for name in tops),
    }


class Selector:
    """Writes tests of a variable `v` that are true of some of a model's keys only.

    Args:
        model: The model.
        renamed: What `key_of` gives for each MSL key that differs from it.
    """

    def __init__(self, model: Model, renamed: Mapping[str, str]) -> None:
        self.model = model
        self.renamed = {**dict(_second_biases(model)), **renamed}
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
        """A Python test of a variable that is true of some keys only; "" where it is of all."""
        if self.covers_all(keys):
            return ""
        chosen = set(keys)
        if chosen == {key for key, found in self.all.items() if self._rank(found) > 1}:
            return BY_RANK
        names = {self.renamed.get(key, key) for key in chosen}
        others = {self.renamed.get(key, key) for key in self.all} - names
        for candidate in (tuple(patterns), _general(names)):
            if candidate and _separates(candidate, names, others):
                return _match(candidate)
        return f"key_of(v) in ({', '.join(map(literal, sorted(names)))},)"

    def _rank(self, key: Key) -> int:
        """The rank of the Keras variable; both biases of a GRU lie in one of rank 2."""
        return 2 if key.key in self.renamed and _BIAS.search(key.key) else len(key.weight.shape)


_BIAS = re.compile(r"(?:^|\.)bias_[ih]h_l\d+(_reverse)?$")


def _second_biases(model: Model) -> Iterator[tuple[str, str]]:
    """The biases of GRUs with the key of the variable that holds both."""
    for visit in walk(model.body.nodes):
        if isinstance(visit.node.layer, GRU) and visit.owners:
            for path, weight in product(expand(visit.path), visit.node.weights):
                if weight.role.startswith("bias_"):
                    key = join(path, weight.role)
                    yield key, key.replace("bias_hh", "bias_ih")


def _general(names: Iterable[str]) -> tuple[str, ...]:
    """Patterns in which indices of repeats are open: ``layer.*.weight``."""
    return tuple(sorted({re.sub(r"(?<=\.)\d+(?=\.)", "*", name) for name in names}))


def _separates(patterns: Sequence[str], names: Iterable[str], others: Iterable[str]) -> bool:
    if any(pattern.startswith("!") for pattern in patterns):
        return False
    test = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
    return all(map(test, names)) and not any(map(test, others))


def _match(patterns: Sequence[str]) -> str:
    if len(patterns) == 1:
        return f"fnmatch.fnmatchcase(key_of(v), {literal(patterns[0])})"
    listed = ", ".join(map(literal, patterns))
    return f"any(fnmatch.fnmatchcase(key_of(v), pattern) for pattern in ({listed}))"
