"""How much of a device's peak the training of language models reaches, as published runs show.

A model FLOP is one of the forward and the backward pass, none of what is computed twice (Chowdhery
et al. 2022, appendix B). The shares below are constants: 209 runs of 125M to 70B parameters lie
around them with a median error of 6 to 8 %, and 90 % of them within 16 to 21 %. Those runs are
tuned: fused attention, large batches, overlapped communication. What is small or runs untuned
reaches less: GPT-2 of 124M parameters in early PyTorch 2.0 13 % of eight A100 without its compiler
and 25 % with it.

Source: github.com/mosaicml/llm-foundry, scripts/train/benchmarking/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsl.cost.interval import Interval
from dsl.devices.device import Device
from dsl.tape.work import Work

PUBLISHED = {"hopper": 0.40, "ampere-dc": 0.54}
"""Share of the 16-bit peak by family."""

SMALL_A100 = 0.51
"""The same on A100 with 40 GB."""

OTHERS = 0.40
"""Where no published run was looked at."""

SPREAD, WIDE_SPREAD = 1.22, 1.6
"""How far off the share may be, as a factor: where it is published, and where it is not."""

_GIB_40 = 50e9


def is_language(work: Iterable[Work]) -> bool:
    """Whether a model is one of language, as published runs are: it looks words up and attends."""
    categories = {item.category for item in work}
    return {"lookup", "attention"} <= categories and "conv" not in categories


def language_share(device: Device, precision: str) -> Interval:
    """Model FLOPs of a language model that is trained, as a share of the device's peak.

    Args:
        device: What it is trained on.
        precision: Of the products; published runs are of 16 bits.
    """
    known = PUBLISHED.get(device.family)
    if known and device.family == "ampere-dc" and device.memory < _GIB_40:
        known = SMALL_A100
    if known is None or precision == "float32":
        return Interval(OTHERS / WIDE_SPREAD, OTHERS, OTHERS * WIDE_SPREAD, "prior")
    return Interval(known / SPREAD, known, known * SPREAD)
