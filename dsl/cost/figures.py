"""What a model takes as plain data: every number with its unit and where it is from."""

from __future__ import annotations

from typing import Any

from dsl.cost.estimate import Outlook
from dsl.cost.interval import Interval

CONVENTIONS = {
    "flops": "1 multiply-accumulate is 2 FLOPs; products and convolutions; causal attention in "
    "full, its backward pass unfused",
    "memory": "bytes; live tensors of a steady-state step of the generated PyTorch code, as "
    "PyTorch's MemTracker counts them; inputs and targets of the batch are listed apart; what "
    "penalties, masks of losses and clipping need for a moment is not counted",
    "memory.device": "bytes of the process on the device, low and high",
    "time": "seconds of an optimizer step, or of a forward pass where nothing is trained",
}
"""What the numbers mean."""


def record(outlook: Outlook) -> dict[str, Any]:
    """Everything as ``msl cost --json`` prints it."""
    made = {**outlook.cost.record(), "memory": memory_record(outlook)}
    made["setup"] = setup_record(outlook)
    if outlook.device is not None and outlook.time is not None:
        made["device"] = outlook.device.name
        made["fits"] = outlook.fits
        made["time"] = time_record(outlook)
    made["basis"] = basis(outlook)
    made["conventions"] = CONVENTIONS
    layers = made.pop("layers")
    return {**made, "layers": layers}


def memory_record(outlook: Outlook) -> dict[str, Any]:
    """Live bytes by what they are for, their peak, and the device's."""
    memory = outlook.memory
    made: dict[str, Any] = {
        "weights": memory.weights,
        "buffers": memory.buffers,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "activations": memory.activations,
        "inputs": memory.inputs,
        "live_peak": memory.live_peak,
        "peak_at": {"phase": memory.peak.phase, "path": memory.peak.path},
    }
    if outlook.needed is not None:
        made["device"] = [round(outlook.needed.low), round(outlook.needed.high)]
    return made


def time_record(outlook: Outlook) -> dict[str, Any]:
    """Seconds of a step and what they come to."""
    time = outlook.time
    assert time is not None
    return {
        "step_seconds": bounds(time.step),
        "samples_per_second": time.samples_per_second,
        "samples_per_step": time.batch,
        "parts": time.parts,
        "bound": time.bound,
    }


def setup_record(outlook: Outlook) -> dict[str, Any]:
    """How the step is run."""
    setup = outlook.setup
    return {
        "training": setup.training,
        "batch": setup.batch,
        "accumulate": setup.accumulate,
        "precision": setup.precision,
        "recompute": list(setup.recompute),
        "optimizer": outlook.optimizer,
    }


def bounds(interval: Interval) -> list[float]:
    """Low, mid and high."""
    return [interval.low, interval.mid, interval.high]


def basis(outlook: Outlook) -> dict[str, str]:
    """Where the numbers are from: counted, fitted to measurements, or assumed."""
    made = {"params": "exact", "flops": "exact", "memory": "exact"}
    if outlook.needed is not None and outlook.time is not None:
        made |= {"memory.device": outlook.needed.basis, "time": outlook.time.step.basis}
    return made
