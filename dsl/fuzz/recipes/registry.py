"""A recipe for each kind of layer: what it takes, and arguments that go with that.

`RECIPES` holds one for each kind of the registry. A recipe draws arguments that its kind takes;
where it cannot tell, the kind's own shape rule has the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dsl.fuzz.machine import Refused
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer

Fits = Callable[[TensorType], bool]
Make = Callable[["Writer"], None]

RECIPES: dict[str, tuple[Fits, Make]] = {}
"""For each kind what values it takes, and how to pass one through it."""


def recipe(fits: Fits, *kinds: str) -> Callable[[Make], Make]:
    """Registers the recipe of some kinds."""

    def register(make: Make) -> Make:
        RECIPES.update(dict.fromkeys(kinds, (fits, make)))
        return make

    return register


def simple(
    fits: Fits, kind: str, draw: Callable[[Writer], tuple[list[Any], dict[str, Any]]]
) -> None:
    """Registers a kind that is one link with drawn arguments."""

    def make(w: Writer) -> None:
        args, named = draw(w)
        w.link(kind, *args, **named)

    RECIPES[kind] = fits, make


def draw_layer(w: Writer) -> None:
    """Passes the current value through a kind that takes it."""
    fitting = [kind for kind, (fits, _) in RECIPES.items() if fits(w.x)]
    if not fitting:
        raise Refused("no kind takes the value")
    RECIPES[w.d.pick(fitting)][1](w)


def whole(x: TensorType) -> bool:
    """Whether all sizes are known."""
    return all(type(size) is int for size in x.shape)


def any_float(x: TensorType) -> bool:
    """Whether a value has a batch, dimensions, and real numbers."""
    return x.is_float and x.batched and x.rank > 0


def fixed(x: TensorType) -> bool:
    """Whether it has known sizes as well."""
    return any_float(x) and whole(x)


def fits_vector(x: TensorType) -> bool:
    """Whether the last dimension is one of features, of known size."""
    return any_float(x) and x.axes[-1] not in ("width", "height", "depth") and (
        type(x.shape[-1]) is int and not x.is_image_like
    )  # fmt: skip


def sequence(x: TensorType) -> bool:
    """Whether a value is a sequence of vectors of known size."""
    return any_float(x) and x.axes == ("time", "features") and type(x.shape[1]) is int


def fixed_sequence(x: TensorType) -> bool:
    """Whether the number of its steps is known as well."""
    return sequence(x) and whole(x)


def channels_first(x: TensorType) -> bool:
    """Whether channels come first, and all sizes are known."""
    return fixed(x) and x.is_image_like


def fits_image(x: TensorType) -> bool:
    """Whether a value is an image of known size."""
    return channels_first(x) and x.rank == 3


def signal(x: TensorType) -> bool:
    """Whether a value has channels over time, or may be read so."""
    return fixed(x) and x.rank == 2 and x.axes in (("channels", "time"), ("time", "features"))


def volume(x: TensorType) -> bool:
    """Whether a value has channels over depth, height and width."""
    return channels_first(x) and x.rank == 4


def integers(x: TensorType) -> bool:
    """Whether a value has whole numbers."""
    return x.dtype in ("int64", "int32") and x.batched


SPATIAL: dict[int, Fits] = {1: signal, 2: fits_image, 3: volume}
