"""Scans in Keras: `tf.scan`, since Keras' own gives results of the state's shape only."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_meaning, to_storage
from dsl.layers.scan import SelectiveScan


@TENSORFLOW.emits(SelectiveScan)
def selective_scan(layer: SelectiveScan, site: Site) -> Emission:
    """A layer of its own, for Keras has none; another one where features form heads."""
    inputs = [to_meaning(x or "", type) for x, type in zip(site.x, site.types, strict=True)]
    if layer.heads is None:
        module = site.call(site.helper("SelectiveScan"), name=Raw(site.name))
    else:
        groups = unless(1, layer.groups)
        helper = site.helper("SelectiveHeadScan", groups=groups is not None)
        module = site.call(helper, layer.heads, groups=groups, name=Raw(site.name))
    call = to_storage(f"{site.self}({', '.join(inputs)})", site.outputs[0])
    weights = KerasWeight("a_log", ("a_log",)), KerasWeight("d", ("d",))
    return Emission(call, module, weights)
