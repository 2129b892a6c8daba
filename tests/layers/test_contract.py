"""Every kind of layer is whole: documented, emitted or refused, and held to the reference."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

import backends.reference.families
import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
from backends.base import Emitters
from backends.reference import REFERENCE
from backends.tensorflow.layers import TENSORFLOW
from backends.torch.layers import TORCH
from dsl.kinds.kind import REGISTRY
from dsl.kinds.values import LayerRef
from dsl.layers.base import Layer
from tests.layers.harness import Case, family_cases, outputs_of

KINDS: list[type[Layer]] = list(REGISTRY["layer"].values())  # type: ignore[arg-type]
EACH = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture(scope="module")
def cases() -> dict[type[Layer], list[Case]]:
    """The cases of each kind."""
    found: dict[type[Layer], list[Case]] = defaultdict(list)
    for _, case in family_cases():
        found[case.kind].append(case)
    return found


def test_the_registry_is_full() -> None:
    assert len(KINDS) > 60


@EACH
def test_docstring_is_the_reference_page(
    kind: type[Layer], cases: dict[type[Layer], list[Case]]
) -> None:
    """The source always; shapes, weights and MACs wherever a case has something to tell."""
    text = vars(kind).get("__doc__") or ""
    assert text.splitlines()[0].endswith((".", ":"))
    wanted = {"Source:"}
    for case in cases[kind]:
        layer = case.layer
        first = next((x.shape for x in case.types if x), None)
        if any(y.shape != first for y in outputs_of(layer, case.types)):
            wanted.add("Shape:")
        if layer.weights(*case.types):
            wanted.add("Weights:")
        if layer.macs(case.types, outputs_of(layer, case.types)):
            wanted.add("MACs:")
    assert {section for section in wanted if section not in text} == set()


@EACH
def test_arguments_are_documented(kind: type[Layer]) -> None:
    for name, argument in kind.arguments.items():
        assert argument.doc.endswith("."), name
        assert not argument.doc[0].islower(), name


@EACH
@pytest.mark.parametrize("emitters", [TORCH, TENSORFLOW], ids=lambda emitters: emitters.backend)
def test_backends_emit_it_or_say_why_not(kind: type[Layer], emitters: Emitters) -> None:
    reason = emitters.reasons.get(kind, "")
    assert (kind in emitters.native) != bool(reason)


@EACH
def test_reference_and_cases(kind: type[Layer], cases: dict[type[Layer], list[Case]]) -> None:
    assert kind in REFERENCE
    assert cases[kind]


@EACH
def test_every_argument_is_varied(kind: type[Layer], cases: dict[type[Layer], list[Case]]) -> None:
    """What no case changes is not tested; another layer's weight needs a whole model."""
    seen = values_of(cases[kind])
    constant = [
        name
        for name, argument in kind.arguments.items()
        if len(seen[name]) < 2 and not isinstance(argument.type, LayerRef)
    ]
    assert constant == []


def test_pairs_that_no_case_covers(
    cases: dict[type[Layer], list[Case]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Prints them by kind: those that are left must be combinations that the kind refuses."""
    missing = {kind.name: uncovered(cases[kind]) for kind in KINDS}
    with capsys.disabled():
        for name, pairs in missing.items():
            if pairs:
                print(f"\n{name}: {len(pairs)} pairs not covered: {'; '.join(pairs)}", end="")


def values_of(cases: list[Case]) -> dict[str, set[str]]:
    """The values that each argument takes."""
    seen: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        for name, value in case.layer.values.items():
            seen[name].add(repr(value))
    return seen


def uncovered(cases: list[Case]) -> list[str]:
    """Pairs of values of two arguments, both tested, that no case has together."""
    seen = values_of(cases)
    held = {
        frozenset(pair)
        for case in cases
        for pair in itertools.combinations(
            [(name, repr(value)) for name, value in case.layer.values.items()], 2
        )
    }
    return [
        f"{a}={x} with {b}={y}"
        for a, b in itertools.combinations(seen, 2)
        for x, y in itertools.product(sorted(seen[a]), sorted(seen[b]))
        if frozenset([(a, x), (b, y)]) not in held
    ]
