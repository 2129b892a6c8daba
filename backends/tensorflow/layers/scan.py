"""Scans in Keras: `tf.scan`, since Keras' own gives results of the state's shape only."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_meaning, to_storage
from dsl.layers.scan import LinearRecurrence, SelectiveScan


@TENSORFLOW.emits(LinearRecurrence)
def linear_recurrence(layer: LinearRecurrence, site: Site) -> Emission:
    """A layer without weights, for `tf.scan` takes no symbolic values."""
    module = site.call(site.helper("LinearRecurrence"), name=Raw(site.name))
    return Emission(_applied(site), module)


@TENSORFLOW.emits(SelectiveScan)
def selective_scan(layer: SelectiveScan, site: Site) -> Emission:
    """A layer of its own, for Keras has none; another one where features form heads."""
    if layer.heads is None:
        module = site.call(site.helper("SelectiveScan"), name=Raw(site.name))
    else:
        groups = unless(1, layer.groups)
        helper = site.helper("SelectiveHeadScan", groups=groups is not None)
        module = site.call(helper, layer.heads, groups=groups, name=Raw(site.name))
    weights = KerasWeight("a_log", ("a_log",)), KerasWeight("d", ("d",))
    return Emission(_applied(site), module, weights)


def _applied(site: Site) -> str:
    """The layer on sequences ``[.., time, features]``, whatever way those are stored."""
    inputs = [to_meaning(x or "", type) for x, type in zip(site.x, site.types, strict=True)]
    return to_storage(f"{site.self}({', '.join(inputs)})", site.outputs[0])
