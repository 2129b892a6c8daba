"""Rules about users' files of devices (MSL7xx); their examples are such files, not specs."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity

_CARD = """\
[lab-card]
kind = "gpu"
family = "hopper"
memory = 79
bandwidth = {bandwidth}
fp32 = 67
bf16 = {bf16}
"""


def _card(bandwidth: float = 3350, bf16: float = 989) -> str:
    """A file of one card, much like an H100."""
    return _CARD.format(bandwidth=bandwidth, bf16=bf16)


RULES: tuple[Rule, ...] = (
    Rule(
        "MSL701",
        "device-file-unreadable",
        Severity.ERROR,
        "A file of devices that cannot be read, or is no TOML.",
        "Devices of your own are in `devices.toml`: in the project's root folder, in "
        "`~/.config/msl/`, or where `MSL_DEVICES` says. A device is a table, `[name]`, with "
        "settings such as `memory = 24` below it.",
        "[lab-card\n" + _card().partition("\n")[2],
        _card(),
        "# the card of the lab\n" + _card(),
    ),
    Rule(
        "MSL702",
        "device-setting",
        Severity.ERROR,
        "A device lacks a setting, or has one that does not exist or has no such value.",
        "A device of its own needs `kind`, `memory` in GiB, `bandwidth` in GB/s and `fp32` in "
        "TFLOP/s; one with `base`, or with the name of a known device, only what differs. Prices "
        "are dollars an hour.",
        _card() + "bandwith = 3350\n",
        _card(),
        _card() + "price = 2.10\n",
    ),
    Rule(
        "MSL703",
        "sparse-peak",
        Severity.ERROR,
        "A device's peak is not one of dense products that are summed in float32.",
        "Data sheets print the rate with 2:4 sparsity (1979 for an H100, 624 for an A100), which "
        "is twice the dense one, and for GeForce cards that of sums in float16 (142 for an RTX "
        "3090), twice that of sums in float32. Estimates from them are twice too fast. "
        "`dense = true` says that a peak is right all the same.",
        _card(bf16=1979),
        _card(),
        _card() + "fp8 = 1979\n",
    ),
    Rule(
        "MSL704",
        "implausible-device",
        Severity.ERROR,
        "A device's number has another unit, or is another device's.",
        "Memory is in GiB, bandwidth in GB/s, peaks in TFLOP/s. No device moves fewer than one "
        "byte in a thousand FLOPs, or more than one for each two.",
        _card(bandwidth=3.35),
        _card(),
        _card(bandwidth=2400),
    ),
)
