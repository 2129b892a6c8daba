"""Joining values in Keras: operators and functions, on one layout."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import keras_axis, to_meaning, to_storage
from dsl.layers import merge as kinds
from dsl.shapes.types import TensorType

OPERATORS = {kinds.Add: " + ", kinds.Subtract: " - ", kinds.Multiply: " * ", kinds.Divide: " / "}


@TENSORFLOW.emits(kinds.Identity)
def identity(layer: kinds.Identity, site: Site) -> Emission:
    """The value itself."""
    return Emission(str(site.x[0]))


@TENSORFLOW.emits(kinds.Scale)
def scale(layer: kinds.Scale, site: Site) -> Emission:
    """`layers.Rescaling`: Keras 3.15 takes a symbolic tensor times a number for a sparse one."""
    offset = unless(0.0, layer.offset)
    module = site.call("layers.Rescaling", layer.factor, offset=offset, name=Raw(site.name))
    return Emission(f"{site.self}({site.x[0]})", module)


@TENSORFLOW.emits(kinds.Concat)
def concat(layer: kinds.Concat, site: Site) -> Emission:
    """`keras.ops.concatenate`; a learned value is first repeated for every sample."""
    result, parts, module = site.outputs[0], aligned(site), None
    if result.batched and not all(type.batched for type in site.types):
        module = f"{site.helper('ExpandBatch')}()"
        batch = next(x for x, type in zip(site.x, site.types, strict=True) if type.batched)
        parts = [
            part if type.batched else f"{site.self}({part}, {batch})"
            for part, type in zip(parts, site.types, strict=True)
        ]
    axis = keras_axis(result, layer.position(site.types))
    return Emission(f"keras.ops.concatenate([{', '.join(parts)}], axis={axis})", module)


@TENSORFLOW.emits(*OPERATORS)
def operator(layer: kinds.Arithmetic, site: Site) -> Emission:
    """Python's operator."""
    return Emission(OPERATORS[type(layer)].join(aligned(site)))


@TENSORFLOW.emits(kinds.Average)
def average(layer: kinds.Average, site: Site) -> Emission:
    """The sum by the number."""
    return Emission(f"({' + '.join(aligned(site))}) / {len(site.x)}")


@TENSORFLOW.emits(kinds.Maximum, kinds.Minimum)
def extremum(layer: kinds.Maximum | kinds.Minimum, site: Site) -> Emission:
    """`keras.ops.maximum` or `minimum` of two values at a time."""
    first, *others = aligned(site)
    for other in others:
        first = f"keras.ops.{layer.name.lower()}({first}, {other})"
    return Emission(first)


@TENSORFLOW.emits(kinds.MatMul)
def matmul(layer: kinds.MatMul, site: Site) -> Emission:
    """`keras.ops.matmul`, on matrices in the order of the meaning."""
    result = site.outputs[0]
    parts = []
    for x, type, swap in zip(
        site.x, site.types, (layer.transpose_a, layer.transpose_b), strict=True
    ):
        part = _with_ones(to_meaning(str(x), type), type, result)
        parts.append(f"keras.ops.swapaxes({part}, -2, -1)" if swap else part)
    return Emission(to_storage(f"keras.ops.matmul({', '.join(parts)})", result))


def aligned(site: Site) -> list[str]:
    """The values in the result's layout and with its number of dimensions."""
    result = site.outputs[0]
    return [_converted(str(x), type, result) for x, type in zip(site.x, site.types, strict=True)]


def _converted(x: str, type: TensorType, result: TensorType) -> str:
    """A value in the result's layout; ones stand for dimensions that it lacks."""
    if type.rank == result.rank and type.is_image_like == result.is_image_like:
        return x
    meant = _with_ones(to_meaning(x, type), type, result)
    return to_storage(meant, result.replace(batched=type.batched))


def _with_ones(x: str, type: TensorType, result: TensorType) -> str:
    """A value in meaning's order with the result's number of dimensions."""
    missing = range(type.batched, type.batched + result.rank - type.rank)
    if not missing:
        return x
    axis = missing[0] if len(missing) == 1 else tuple(missing)
    return f"keras.ops.expand_dims({x}, {axis})"
