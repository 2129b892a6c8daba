"""Layers written by hand, in Keras."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, Unsupported
from backends.tensorflow.layers import TENSORFLOW
from dsl.layers.extern import ExternLayer


@TENSORFLOW.emits(ExternLayer)
def extern(layer: ExternLayer, site: Site) -> Emission:
    """The user's class, constructed with the arguments by name, on values as Keras stores them."""
    made = layer.classes.get("tensorflow")
    if made is None:
        raise Unsupported(
            f"extern layer `{layer.name}` names no class for it",
            'add `tensorflow = "..."` with the name of the class',
        )
    return Emission(f"{site.self}({site.x[0]})", site.call(made, **layer.args, name=Raw(site.name)))
