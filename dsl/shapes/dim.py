"""Sizes: integers, or polynomials with integer coefficients over named symbols.

A symbol stands for a length that is only known when the model runs (`time` in
``input tokens: int64[time=1024]``). ``Dim`` arithmetic stays exact; a floor division that does
not come out even is kept as an atom of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Union

LARGEST = 2**63
MOST_TERMS = 16
LONGEST_FORMULA = 1000


class FloorDiv:
    """The atom ``numerator // denominator`` of a polynomial."""

    __slots__ = ("_text", "denominator", "numerator")

    def __init__(self, numerator: Poly, denominator: Dim) -> None:
        self.numerator = numerator
        self.denominator = denominator
        self._text = f"({_factor(numerator)} // {_factor(denominator)})"

    def __str__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FloorDiv) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The value with each symbol at its size."""
        return evaluate(self.numerator, sizes) // evaluate(self.denominator, sizes)


Atom = Union[str, FloorDiv]
Monomial = tuple[Atom, ...]


class Poly:
    """An immutable polynomial: a sum of integer multiples of products of atoms.

    Use the arithmetic operators; results that no longer hold a symbol are plain ints.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self.terms: dict[Monomial, int] = {key: terms[key] for key in sorted(terms, key=_order)}

    def __add__(self, other: Dim) -> Dim:
        if not isinstance(other, (int, Poly)):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, factor in _terms(other):
            terms[monomial] = terms.get(monomial, 0) + factor
        return _simplest(terms)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return self + (other * -1)

    def __rsub__(self, other: int) -> Dim:
        return (self * -1) + other

    def __mul__(self, other: Dim) -> Dim:
        if not isinstance(other, (int, Poly)):
            return NotImplemented
        terms: dict[Monomial, int] = {}
        for left, left_factor in self.terms.items():
            for right, right_factor in _terms(other):
                monomial = tuple(sorted(left + right, key=str))
                terms[monomial] = terms.get(monomial, 0) + left_factor * right_factor
        return _simplest(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        if isinstance(other, int) and other > 0:
            whole = {m: f // other for m, f in self.terms.items() if f % other == 0}
            rest = {m: f for m, f in self.terms.items() if f % other}
            if not rest:
                return _simplest(whole)
            if len(rest) == 1 and () in rest:
                return _simplest({**whole, (): rest[()] // other}) if whole else rest[()] // other
            atom = FloorDiv(Poly(rest), other)
            return _simplest(whole) + Poly({(atom,): 1})
        if self == other:
            return 1
        return Poly({(FloorDiv(self, other),): 1})

    def __rfloordiv__(self, other: int) -> Dim:
        return Poly({(FloorDiv(Poly({(): other}), self),): 1})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(tuple(self.terms.items()))

    def __str__(self) -> str:
        text = ""
        for monomial, factor in self.terms.items():
            term = _term(monomial, abs(factor))
            sign = "-" if factor < 0 else "+"
            text += f" {sign} {term}" if text else (f"-{term}" if factor < 0 else term)
        return text

    def __repr__(self) -> str:
        return f"Poly({self})"


Dim = Union[int, Poly]


def symbol(name: str) -> Poly:
    """The polynomial that is one symbol."""
    return Poly({(name,): 1})


def fits(dim: Dim) -> bool:
    """Whether a size can be worked with: no number beyond 2**63, no formula without end."""
    if isinstance(dim, int):
        return -LARGEST < dim < LARGEST
    if len(dim.terms) > MOST_TERMS or any(abs(item) >= LARGEST for item in dim.terms.values()):
        return False
    return len(str(dim)) <= LONGEST_FORMULA


def evaluate(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The value of a size with each symbol at `sizes[symbol]`.

    Raises:
        KeyError: A symbol has no size.
    """
    if isinstance(dim, int):
        return dim
    total = 0
    for monomial, factor in dim.terms.items():
        product = factor
        for atom in monomial:
            product *= sizes[atom] if isinstance(atom, str) else atom.evaluate(sizes)
        total += product
    return total


def symbols(dim: Dim) -> set[str]:
    """The names of the symbols in a size."""
    if isinstance(dim, int):
        return set()
    found: set[str] = set()
    for monomial in dim.terms:
        for atom in monomial:
            if isinstance(atom, str):
                found.add(atom)
            else:
                found |= symbols(atom.numerator) | symbols(atom.denominator)
    return found


def product(dims: tuple[Dim, ...]) -> Dim:
    """The number of elements of a shape."""
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


def _terms(dim: Dim) -> list[tuple[Monomial, int]]:
    return [((), int(dim))] if isinstance(dim, int) else list(dim.terms.items())


def _simplest(terms: Mapping[Monomial, int]) -> Dim:
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Poly(kept)


def _order(monomial: Monomial) -> tuple[int, tuple[str, ...]]:
    return -len(monomial), tuple(str(atom) for atom in monomial)


def _term(monomial: Monomial, factor: int) -> str:
    words = [str(atom) for atom in monomial]
    if factor != 1 or not words:
        words.insert(0, str(factor))
    return " * ".join(words)


def _factor(dim: Dim) -> str:
    """The text of a size as a factor: in parentheses unless it is one atom or number."""
    terms = _terms(dim)
    alone = all(len(monomial) + (factor != 1) <= 1 for monomial, factor in terms)
    return str(dim) if alone and len(terms) == 1 else f"({dim})"
