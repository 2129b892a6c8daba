"""The whole of a generated PyTorch file: header, imports, model, data, training, commands."""

from __future__ import annotations

from typing import Any

from backends.layers.mixture import is_balanced
from backends.lowering.modelcode import Helpers, own_names
from backends.pycode.literals import literal
from backends.scripting import TEMPLATES as SHARED
from backends.scripting import ModelCode, Origin
from backends.scripting.generation import (
    command_context,
    generation_context,
    generation_imports,
)
from backends.scripting.imports import data_imports, import_groups
from backends.scripting.run import header, run_context
from backends.scripting.schedule import schedule_context
from backends.scripting.sources import data_context
from backends.torch.training.losses import activation_code, loss_context
from backends.torch.training.metrics import metric_context
from backends.torch.training.optimizers import optimizer_context
from dsl.ir import Model, walk
from dsl.layers.mixture import MixtureOfExperts
from dsl.shapes.dim import evaluate
from dsl.training.optimizers import Adam
from dsl.training.plan import Training

TEMPLATE = "script.py.jinja"
CHECKPOINT = "pt"
"""The ending of checkpoints' names."""

TEMPLATE_DIRS = (SHARED.parent / "torch" / "templates", SHARED)
"""Where ``script.py.jinja`` and what it includes are looked for."""

IMAGE_RANK = 3
AUTOCAST = {"bfloat16": "torch.bfloat16", "float16": "torch.float16"}


def script_context(
    model: Model, training: Training, model_code: ModelCode, origin: Origin
) -> dict[str, Any]:
    """Everything that the template is told.

    Args:
        model: The model, for its inputs, outputs and weights.
        training: The plan; without losses the file holds the model alone.
        model_code: The model's classes as text.
        origin: What the header says.
    """
    trains = bool(training.losses)
    context: dict[str, Any] = {
        **header(model, origin, trains, CHECKPOINT),
        "framework": "PyTorch",
        "model_code": model_code.code.strip(),
        "trains": trains,
        "needs": "torch and numpy" if model_code.generation else "torch",
    }
    context |= generation_context(model_code, training)
    if trains:
        context |= _training(model, training, model_code, origin)
        context |= command_context(context["generation"], context["usage"], context["flags"])
    imports = {
        *model_code.imports,
        *generation_imports(context["generation"], "import torch"),
        *(["import torch"] if trains else []),
        *(_imports(context) if trains else ()),
    }
    context["imports"] = import_groups(imports)
    return context


def _imports(context: dict[str, Any]) -> set[str]:
    """What the training part needs."""
    found = {*data_imports(context), "import collections"}
    tests = [context["decayed"], *(item["weights"] for item in context["penalties"])]
    if any("fnmatch" in test for test in tests):
        found.add("import fnmatch")
    if context["constants"]:
        found.add("import functools")
    if context["recomputed"]:
        found |= {"import functools", "from torch.utils.checkpoint import checkpoint as recompute"}
    if context["clips"]:
        found.add("from torch import nn")
    loss = [*context["loss_lines"], context["loss_result"]]
    if context["crop"] or any("F." in line for line in loss):
        found.add("from torch.nn import functional as F")
    return found


def _training(
    model: Model, training: Training, model_code: ModelCode, origin: Origin
) -> dict[str, Any]:
    rate: Any = training.optimizer or Adam()
    schedule = schedule_context(training.schedule, rate.lr)
    data = data_context(model, training)
    precision = _precision(training)
    calls = _calls(model, bool(precision["amp"]))
    return {
        **data,
        **schedule,
        **run_context(training, origin.stem or "script", origin.data_path, CHECKPOINT),
        **loss_context(model, training),
        **optimizer_context(model, training, model_code.keys, bool(schedule["schedule"])),
        **metric_context(model, training),
        **precision,
        **calls,
        **_augment(model, training),
        "mixture": _mixture(model),
        "random": bool(training.augment)
        or any(visit.node.layer.stochastic for visit in walk(model.body.nodes)),
        "next_of_all": data["text"]
        and not data["hidden"]
        and model.body.outputs[0].value.type.rank > 1,
        "channels_last": _channels_last(model),
        "casts": _casts(model),
        "compiled": bool(training.device.compile),
        "recomputed": _recomputed(training, model_code),
        "needs": _needs(data),
        "predictions": _predictions(model, training),
        "choices": _choices(model, training),
        "wide": any(output.value.type.rank > 1 for output in model.body.outputs)
        and not data["text"],
    }


def _recomputed(training: Training, model_code: ModelCode) -> str:
    """The classes that run again in the backward pass, as `isinstance` takes them."""
    names = [
        name for block in training.device.recompute for name in model_code.blocks.get(block, ())
    ]
    return names[0] if len(names) == 1 else f"({', '.join(names)})" if names else ""


def _mixture(model: Model) -> str:
    """The class of layers that penalise uneven use of their experts, "" for none."""
    balanced = any(is_balanced(visit.node.layer) for visit in walk(model.body.nodes))
    return Helpers("", own_names(model)).spelled(MixtureOfExperts.name) if balanced else ""


def _needs(data: dict[str, Any]) -> str:
    return "torch, numpy and pillow" if data["pictures"] else "torch and numpy"


def _calls(model: Model, amp: bool) -> dict[str, str]:
    """How the model is applied to a batch: directly, or with autocast around it."""
    inputs = ", ".join(f"batch[{literal(name)}]" for name in model.body.names)
    return {
        "model_call": f"model({inputs})",
        "apply": "forward(model, batch)" if amp else f"model({inputs})",
        "apply_part": (
            "forward(model, part)" if amp else f"model({inputs})".replace("batch", "part")
        ),
    }


def _precision(training: Training) -> dict[str, Any]:
    precision = training.device.precision
    amp = precision if precision in AUTOCAST else "auto" if precision == "auto" else ""
    return {
        "amp": amp,
        "dtype": AUTOCAST.get(precision, ""),
        "scaler": precision == "float16",
    }


def _augment(model: Model, training: Training) -> dict[str, Any]:
    """The augmentation of the input that is an image."""
    kinds = training.augment
    image = next(
        (n for n, v in zip(model.body.names, model.body.inputs) if v.type.rank == IMAGE_RANK), ""
    )
    calls = []
    for kind in kinds:
        values: dict[str, Any] = kind.values
        if kind.name == "RandomCrop":
            calls.append(f"random_crop(images, {literal(tuple(values['padding']))})")
        else:
            calls.append(f"horizontal_flip(images, {literal(values['p'])})")
    names = {kind.name for kind in kinds}
    return {
        "augment": {"name": literal(image), "calls": calls} if kinds else None,
        "crop": "RandomCrop" in names,
        "flip": "HorizontalFlip" in names,
    }


def _channels_last(model: Model) -> list[str]:
    """The image inputs of a model that spends most of its products in 2-d convolutions."""
    convolutions, others = 0, 0
    for visit in walk(model.body.nodes):
        types = tuple(value.type for value in visit.node.outputs)
        macs = visit.times * evaluate(visit.node.layer.macs(visit.node.types, types), model.symbols)
        if visit.node.layer.name in ("Conv2d", "ConvTranspose2d"):
            convolutions += macs
        else:
            others += macs
    if convolutions <= others:
        return []
    pairs = zip(model.body.names, model.body.inputs)
    return [literal(name) for name, value in pairs if value.type.rank == IMAGE_RANK]


def _casts(model: Model) -> list[dict[str, str]]:
    """Inputs of a type that NumPy lacks."""
    pairs = zip(model.body.names, model.body.inputs)
    return [
        {"name": literal(name), "dtype": "torch.bfloat16"}
        for name, value in pairs
        if value.type.dtype == "bfloat16"
    ]


def _predictions(model: Model, training: Training) -> list[dict[str, str]]:
    """For every output its name and what `predict` gives of it."""
    several = len(model.body.outputs) > 1
    kinds = {term.output: term.kind for term in training.losses}
    found = []
    for output in model.body.outputs:
        z = f"outputs[{literal(output.name)}]" if several else "outputs"
        kind = kinds.get(output.name)
        value = activation_code(kind, output.value.type, z) if kind else z
        found.append({"name": literal(output.name), "value": value})
    return found


def _choices(model: Model, training: Training) -> str:
    """The outputs that choose one of several classes, as a tuple, or "all" or none of them."""
    names = {term.output for term in training.losses if term.kind.task == "classes"}
    chosen = tuple(output.name for output in model.body.outputs if output.name in names)
    if len(chosen) == len(model.body.outputs):
        return "all"
    return literal(chosen) if chosen else ""
