"""Inputs and targets by name, of any size of their symbols."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backends.scripting.arrays import BYTE_VALUES, Array, input_arrays, target_arrays
from backends.scripting.counting import hides
from backends.verifying.draws import Draws
from dsl.ir import Model
from dsl.training.data import Text
from dsl.training.plan import Training

Arrays = dict[str, np.ndarray]

COUNTING = 0.8
"""The share of positions at which a mask is true."""


def draw_inputs(model: Model, sizes: dict[str, int], count: int, draws: Draws) -> Arrays:
    """Rows for each input of a model, in the order of the meaning, batch first."""
    arrays = input_arrays(model, Training())
    return {array.bare: _rows(replace(array, sizes=sizes), count, draws) for array in arrays}


def draw_data(
    model: Model, training: Training, sizes: dict[str, int], count: int, draws: Draws
) -> Arrays:
    """Rows for each array of a script: its inputs and its targets.

    A text is one stream, long enough for `count` windows.
    """
    inputs, targets = input_arrays(model, training), target_arrays(model, training)
    if is_text(training):
        hidden = hides(training)
        limit = (inputs[0].limit or BYTE_VALUES) - hidden
        length = count * window(model, sizes) + (not hidden)
        stream = draws.below(limit, (length,), "data", inputs[0].bare)
        return {inputs[0].bare: stream.astype(np.int32)}
    arrays = (replace(array, sizes=sizes) for array in (*inputs, *targets))
    return {array.bare: _rows(array, count, draws) for array in arrays}


def is_text(training: Training) -> bool:
    """Whether the data is a text, of which a batch takes windows."""
    return training.data is not None and isinstance(training.data.kind, Text)


def window(model: Model, sizes: dict[str, int]) -> int:
    """The length of a window of a text."""
    return int(model.body.inputs[0].type.sized(sizes).shape[0])  # type: ignore[arg-type]


def _rows(array: Array, count: int, draws: Draws) -> np.ndarray:
    """Rows of one array, as a script takes them; reals as float64 that float32 holds."""
    shape, name = (count, *array.quoted), ("data", array.bare)
    if array.picture:
        return draws.below(BYTE_VALUES, shape, *name).astype(np.uint8)
    if array.task == "binary":
        return draws.below(2, shape, *name).astype(np.float64)
    if array.task == "distribution":
        scores = np.exp(draws.normal(shape, *name))
        return scores / scores.sum(array.axis + 1, keepdims=True)
    if array.type.is_float:
        return draws.normal(shape, *name).astype(np.float32).astype(np.float64)
    if array.type.dtype == "bool":
        mask = draws.uniform(shape, *name) < COUNTING
        if mask.ndim > 1:
            mask[(slice(None), *(0,) * (mask.ndim - 1))] = True  # something always counts
        return mask
    return draws.below(array.limit or 2, shape, *name).astype(array.type.dtype)
