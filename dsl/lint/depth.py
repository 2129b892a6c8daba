"""The lint about gradients that fade in a deep stack."""

from __future__ import annotations

from typing import NamedTuple

from dsl.layers.conv import Convolution
from dsl.layers.dropout import _Dropout
from dsl.layers.linear import Linear
from dsl.layers.merge import Identity
from dsl.layers.pooling import AdaptivePool, GlobalPool, Pool
from dsl.layers.reshape import Rearrangement
from dsl.lint.graph import Site
from dsl.lint.subject import Subject

LIMITS = {"Sigmoid": 4, "Hardsigmoid": 4, "Tanh": 10, "Hardtanh": 10, "Softsign": 10}
"""How many of a kind in a row are too many: a sigmoid's slope is 1/4 at most, a tanh's 1."""

_STEPS = (
    Linear, Convolution, _Dropout, Identity, Pool, AdaptivePool, GlobalPool, Rearrangement,
)  # fmt: skip


class _Stack(NamedTuple):
    """Activations of one kind in a row, up to some layer."""

    first: Site
    count: int


def check(subject: Subject) -> None:
    """MSL513: many saturating activations with nothing that lets gradients past them."""
    stacks: dict[Site, _Stack] = {}
    deepest: dict[Site, _Stack] = {}
    for site in subject.graph.sites:
        if site.node.layer.name not in LIMITS:
            continue
        before, recurs = _before(subject, site)
        earlier = stacks.get(before) if before is not None else None
        own = site.rounds if recurs else 1
        stack = _Stack(earlier.first, earlier.count + own) if earlier else _Stack(site, own)
        stacks[site] = deepest[stack.first] = stack
    for first, stack in deepest.items():
        name = first.node.layer.name
        if stack.count >= LIMITS[name]:
            _report(subject, first, name, stack.count)


def _report(subject: Subject, first: Site, name: str, count: int) -> None:
    notes = (f"its slope is at most 1/4, and 0.25 ** {count} = {0.25**count:.1g}",)
    subject.findings.add(
        "MSL513", first, f"{count} times `{name}` in a row let hardly any gradient through",
        "the first of them", always=True, notes=notes if LIMITS[name] == 4 else (),
        helps=("use `ReLU` or `GELU`, or a norm or `residual` in between",),
    )  # fmt: skip


def _before(subject: Subject, site: Site) -> tuple[Site | None, bool]:
    """The activation of the same kind in front, and whether a layer follows itself in a repeat."""
    recurs = False
    here = site
    while True:
        makers = subject.graph.makers(here.node.inputs[0])
        earlier = [maker for maker in makers if maker is None or maker.index < here.index]
        later = [maker for maker in makers if maker is not None and maker.index >= here.index]
        recurs |= any(_comes_from(subject, maker, site) for maker in later)
        if len(earlier) != 1 or earlier[0] is None:
            return None, recurs
        here = earlier[0]
        if here.node.layer.name == site.node.layer.name:
            return here, recurs
        if not isinstance(here.node.layer, _STEPS):
            return None, recurs


def _comes_from(subject: Subject, site: Site | None, source: Site) -> bool:
    """Whether a layer's value is another's, with no more than steps in between."""
    seen: set[Site] = set()
    while site is not None and site is not source and site not in seen:
        seen.add(site)
        if not isinstance(site.node.layer, _STEPS):
            return False
        site = subject.graph.maker(site.node.inputs[0])
    return site is source
