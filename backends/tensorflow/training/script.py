"""The whole of a generated TensorFlow file: header, imports, model, data, training, commands."""

from __future__ import annotations

from typing import Any

from backends.layers.mixture import is_balanced
from backends.pycode.literals import literal
from backends.scripting import TEMPLATES as SHARED
from backends.scripting import ModelCode, Origin
from backends.scripting.arrays import Array, target_arrays
from backends.scripting.generation import (
    command_context,
    generation_context,
    generation_imports,
)
from backends.scripting.imports import data_imports, import_groups
from backends.scripting.run import header, run_context
from backends.scripting.schedule import schedule_context
from backends.scripting.sources import data_context
from backends.tensorflow.layout import meaning_order, storage_order
from backends.tensorflow.training.losses import activation_code, loss_context
from backends.tensorflow.training.metrics import metric_context
from backends.tensorflow.training.optimizers import optimizer_context
from dsl.ir import Model, walk
from dsl.layers.extern import ExternLayer
from dsl.layers.mixture import MixtureOfExperts
from dsl.shapes.types import TensorType
from dsl.training.optimizers import Adam
from dsl.training.plan import Training

TEMPLATE = "script.py.jinja"
CHECKPOINT = "npz"
"""The ending of checkpoints' names."""

TEMPLATE_DIRS = (SHARED.parent / "tensorflow" / "templates", SHARED)
"""Where ``script.py.jinja`` and what it includes are looked for."""

IMAGE_RANK = 3
MIXED = ("bfloat16", "float16", "auto")


def script_context(
    model: Model, training: Training, model_code: ModelCode, origin: Origin
) -> dict[str, Any]:
    """Everything that the template is told.

    Args:
        model: The model, for its inputs, outputs and weights.
        training: The plan; without losses the file holds the model alone.
        model_code: The model's classes as text; `keys` are what `key_of` gives where that differs.
        origin: What the header says.
    """
    trains = bool(training.losses)
    context: dict[str, Any] = {
        **header(model, origin, trains, CHECKPOINT),
        "framework": "TensorFlow",
        "model_code": model_code.code.strip(),
        "trains": trains,
        "needs": "tensorflow and numpy" if model_code.generation else "tensorflow",
    }
    context |= generation_context(model_code, training)
    if trains:
        context |= _training(model, training, model_code, origin)
        context |= command_context(context["generation"], context["usage"], context["flags"])
    imports = {
        *model_code.imports,
        *generation_imports(context["generation"], "import tensorflow as tf"),
        *(_imports(context) if trains else ()),
    }
    context["imports"] = import_groups(imports)
    return context


def _imports(context: dict[str, Any]) -> set[str]:
    """What the training part needs."""
    found = data_imports(context) | {"import keras", "import tensorflow as tf"}
    tests = [context["decay_test"], *(item["test"] for item in context["penalties"])]
    if any("fnmatch" in test for test in tests):
        found.add("import fnmatch")
    if context["cells"]:
        found.add("import re")
    return found


def _training(
    model: Model, training: Training, model_code: ModelCode, origin: Origin
) -> dict[str, Any]:
    rate: Any = training.optimizer or Adam()
    schedule = schedule_context(training.schedule, rate.lr)
    data = data_context(model, training)
    layers = [visit.node.layer for visit in walk(model.body.nodes)]
    return {
        **data,
        **schedule,
        **run_context(training, origin.stem or "script", origin.data_path, CHECKPOINT),
        **loss_context(model, training),
        **optimizer_context(model, training, model_code.keys, bool(schedule["schedule"])),
        **metric_context(model, training),
        **_precision(training),
        **_augment(model, training),
        "model_call": _call(model),
        "mixture": any(map(is_balanced, layers)),
        "routed": any(isinstance(layer, MixtureOfExperts) for layer in layers),
        "random": any(layer.stochastic for layer in layers),
        "autograph": "" if _is_extern(layers) else "autograph=False, ",
        "next_of_all": data["text"]
        and not data["hidden"]
        and model.body.outputs[0].value.type.rank > 1,
        "transposed": _transposed(model, training),
        "casts": _casts(model),
        "compiled": bool(training.device.compile),
        "needs": _needs(data),
        "predictions": _predictions(model, training),
        "choices": _choices(model, training),
        "wide": any(output.value.type.rank > 1 for output in model.body.outputs)
        and not data["text"],
    }


def _is_extern(layers: list[Any]) -> bool:
    """Whether hand-written layers run, which may count on TensorFlow's rewriting of Python."""
    return any(isinstance(layer, ExternLayer) for layer in layers)


def _needs(data: dict[str, Any]) -> str:
    return "tensorflow, numpy and pillow" if data["pictures"] else "tensorflow and numpy"


def _call(model: Model) -> str:
    """The model applied to a batch."""
    inputs = [f"batch[{literal(name)}]" for name in model.body.names]
    given = inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"
    return f"model({given}, training=training)"


def _precision(training: Training) -> dict[str, Any]:
    precision = training.device.precision
    return {
        "amp": precision if precision in MIXED else "",
        "scaler": precision == "float16",
    }


def _augment(model: Model, training: Training) -> dict[str, Any]:
    """The augmentation of the input that is an image."""
    kinds = training.augment
    pairs = zip(model.body.names, model.body.inputs)
    image = next((name for name, value in pairs if value.type.rank == IMAGE_RANK), "")
    calls = []
    for number, kind in enumerate(kinds):
        values: dict[str, Any] = kind.values
        if kind.name == "RandomCrop":
            given = literal(tuple(values["padding"]))
            calls.append(f"random_crop(images, {given}, seeds[{number}])")
        else:
            calls.append(f"horizontal_flip(images, {literal(values['p'])}, seeds[{number}])")
    names = {kind.name for kind in kinds}
    return {
        "augment": {"name": literal(image), "calls": calls} if kinds else None,
        "crop": "RandomCrop" in names,
        "flip": "HorizontalFlip" in names,
    }


def _transposed(model: Model, training: Training) -> list[dict[str, str]]:
    """Arrays that Keras takes in another order of axes than the spec's, with that order."""
    targets: tuple[Array, ...] = target_arrays(model, training)
    types = {array.bare: array.type for array in targets}
    types |= {name: value.type for name, value in zip(model.body.names, model.body.inputs)}
    return [
        {"name": literal(name), "order": literal(storage_order(type_))}
        for name, type_ in types.items()
        if type_.is_image_like
    ]


def _casts(model: Model) -> list[dict[str, str]]:
    """Inputs of a type that NumPy lacks."""
    pairs = zip(model.body.names, model.body.inputs)
    return [
        {"name": literal(name), "dtype": literal("bfloat16")}
        for name, value in pairs
        if value.type.dtype == "bfloat16"
    ]


def _predictions(model: Model, training: Training) -> list[dict[str, str]]:
    """For every output its name and what `predict` gives of it, in the spec's order of axes."""
    several = len(model.body.outputs) > 1
    kinds = {term.output: term.kind for term in training.losses}
    found = []
    for output in model.body.outputs:
        type_: TensorType = output.value.type
        value = f"outputs[{literal(output.name)}]" if several else "outputs"
        if output.name in kinds:
            value = activation_code(kinds[output.name], type_, value)
        if type_.is_image_like:
            value = f"tf.transpose({value}, {literal(meaning_order(type_))})"
        found.append({"name": literal(output.name), "value": value})
    return found


def _choices(model: Model, training: Training) -> str:
    """The outputs that choose one of several classes, as a tuple, or "all" or none of them."""
    names = {term.output for term in training.losses if term.kind.task == "classes"}
    chosen = tuple(output.name for output in model.body.outputs if output.name in names)
    if len(chosen) == len(model.body.outputs):
        return "all"
    return literal(chosen) if chosen else ""
