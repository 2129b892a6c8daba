"""Lints about layers and what stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsl.layers.activation import Activation
from dsl.layers.axes import class_axis
from dsl.layers.conv import Conv, Convolution
from dsl.layers.dropout import _Dropout
from dsl.layers.linear import Linear
from dsl.layers.merge import Identity
from dsl.layers.pooling import Pool
from dsl.lint.edits import appended, removed, with_argument
from dsl.lint.graph import Site
from dsl.lint.subject import Subject
from dsl.shapes.dim import product

CENTRING = ("BatchNorm", "InstanceNorm")
NORMS = ("BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm", "RMSNorm")
IDEMPOTENT = ("ReLU", "ReLU6", "Hardtanh")
HEAVY = 0.8
OVERSIZED = 200_000_000


def check(subject: Subject) -> None:
    """Runs the lints of this file."""
    for site in subject.graph.sites:
        rules = _by_type(type(site.node.layer))
        for rule in rules:
            rule(subject, site)


def _by_type(kind: type) -> tuple[Callable[[Subject, Site], None], ...]:
    """The lints that look at a kind of layer."""
    if kind not in _CHOSEN:
        name = kind.__name__
        _CHOSEN[kind] = tuple(
            rule
            for bases, names, rule in _RULES
            if (bases and issubclass(kind, bases)) or name in names
        )
    return _CHOSEN[kind]


def _bias_before_norm(subject: Subject, site: Site) -> None:
    """MSL501: an offset that the normalisation behind takes away again."""
    layer: Any = site.node.layer
    value = site.node.outputs[0]
    takers = subject.graph.takers(value)
    channel = 0 if isinstance(layer, Convolution) else value.type.rank - 1
    if layer.bias is False or not takers or subject.graph.is_output(value):
        return
    if not all(_takes_means(taker, channel) for taker in takers):
        return
    norm = takers[0].node
    fix = with_argument(subject.places, site.node.span, layer.arguments, "bias", "false", safe=True)
    subject.findings.add(
        "MSL501", site, f"`{norm.layer.name}` takes the bias of `{layer.name}` away again",
        f"its {value.type.shape[channel]} offsets have no effect", fix=fix,
        others=((norm.span, "subtracts the mean of each channel"),), helps=("write `bias=false`",),
    )  # fmt: skip


def _takes_means(site: Site, channel: int) -> bool:
    """Whether a layer subtracts the mean of each index of an axis."""
    layer: Any = site.node.layer
    x: Any = site.node.inputs[0] and site.node.inputs[0].type
    names = [name for name in ("channels", "features") if name in x.axes]
    acts_on = x.axes.index(names[0]) if names else x.rank - 1
    if acts_on != channel:
        return False
    return layer.name in CENTRING or (
        layer.name == "GroupNorm" and layer.num_groups == x.shape[channel]
    )


def _missing_nonlinearity(subject: Subject, site: Site) -> None:
    """MSL514: two linear maps in a row, which are one."""
    layer: Any = site.node.layer
    value = site.node.outputs[0]
    takers = _behind(subject, site)
    if not takers or subject.graph.is_output(value) or not _is_whole(site):
        return
    everywhere = all(_continues(site, taker) for taker in takers)
    itself = site in takers and all(
        _continues(site, taker) for taker in subject.graph.takes_directly(value)
    )
    if not (everywhere or itself) or (everywhere and _is_narrow(site, takers)):
        return
    others = [taker for taker in takers if taker is not site]
    shown = () if itself else ((others[0].node.span, "the next linear map"),)
    subject.findings.add(
        "MSL514", site, f"`{layer.name}` feeds another `{layer.name}` with nothing in between",
        "two linear maps in a row are one", others=shown, always=itself,
        helps=("put an activation behind it: `-> ReLU`",),
        fix=appended(site.node.span, " -> ReLU", "put an activation behind it"),
    )  # fmt: skip


def _behind(subject: Subject, site: Site) -> list[Site]:
    """The layers that take a layer's result, dropout and identity passed."""
    found: dict[Site, None] = {}
    waiting, seen = [site], {site}
    while waiting:
        for taker in subject.graph.takers(waiting.pop().node.outputs[0]):
            if not isinstance(taker.node.layer, (_Dropout, Identity)):
                found[taker] = None
            elif taker not in seen:
                if subject.graph.is_output(taker.node.outputs[0]):
                    return []
                seen.add(taker)
                waiting.append(taker)
    return list(found)


def _is_whole(site: Site) -> bool:
    """Whether a layer mixes all it can reach, so that it could take another's place."""
    layer: Any = site.node.layer
    if isinstance(layer, Linear):
        return site.node.tied is None
    return layer.groups == 1 and all(size > 1 for size in layer.kernel_size)


def _continues(site: Site, taker: Site) -> bool:
    return type(taker.node.layer) is type(site.node.layer) and _is_whole(taker)


def _is_narrow(site: Site, takers: list[Site]) -> bool:
    """Whether a layer is narrower than what is on both sides: a factorisation, on purpose."""
    axis = -1 if isinstance(site.node.layer, Linear) else 0
    given = site.node.inputs[0]
    width: Any = site.node.outputs[0].type.shape[axis]
    wide: Any = given.type.shape[axis] if given is not None else 0
    results: Any = sum(taker.node.outputs[0].type.shape[axis] for taker in takers)
    return width < wide and width < results


def _repeated_norm(subject: Subject, site: Site) -> None:
    """MSL516: a normalisation of what is normalised."""
    before = subject.graph.maker(site.node.inputs[0])
    name = site.node.layer.name
    if before is None or before.node.layer.name != name or before is site:
        return
    if subject.graph.takers(before.node.outputs[0]) != [site]:
        return
    subject.findings.add(
        "MSL516", site, f"`{name}` acts on what `{name}` has just normalised",
        others=((before.node.span, "the first"),), helps=("keep one of the two",),
    )  # fmt: skip


def _repeated_activation(subject: Subject, site: Site) -> None:
    """MSL517: an activation of its own result."""
    before = subject.graph.maker(site.node.inputs[0])
    layer = site.node.layer
    if before is None or before is site or type(before.node.layer) is not type(layer):
        return
    if layer.name in ("GLU", "Softmin"):
        return
    changes_nothing = layer.name in IDEMPOTENT
    fix = removed(subject.places, site.node.span) if changes_nothing and not site.in_block else None
    subject.findings.add(
        "MSL517", site, f"`{layer.name}` acts on what `{layer.name}` has just made",
        "changes nothing" if changes_nothing else "", fix=fix,
        others=((before.node.span, "the first"),), helps=("keep one of the two",),
    )  # fmt: skip


def _repeated_dropout(subject: Subject, site: Site) -> None:
    """MSL518: dropout of what is dropped out already."""
    before = subject.graph.maker(site.node.inputs[0])
    first, second = before and before.node.layer, site.node.layer
    if before is None or before is site or not isinstance(first, _Dropout):
        return
    if not isinstance(second, _Dropout) or first.name != second.name or not first.p * second.p:
        return
    share = 1 - (1 - first.p) * (1 - second.p)
    subject.findings.add(
        "MSL518", site, f"`{second.name}` acts on what `{first.name}` has just thinned out",
        others=((before.node.span, "the first"),), helps=("keep one of the two",),
        notes=(f"1 - (1 - {first.p:g}) * (1 - {second.p:g}) = {share:g} is dropped in all",),
    )  # fmt: skip


def _heavy_dropout(subject: Subject, site: Site) -> None:
    """MSL519: dropout of nearly everything."""
    p = site.node.layer.p  # type: ignore[attr-defined]
    if p < HEAVY or site.node.layer.name == "StochasticDepth":
        return
    subject.findings.add(
        "MSL519", site, f"`{site.node.layer.name}` drops {p:.0%} of the values",
        f"keeps {1 - p:.0%}",
        helps=(f"`p` is the share that is dropped; to keep {p:.0%}, write {1 - p:g}",),
    )  # fmt: skip


def _oversized(subject: Subject, site: Site) -> None:
    """MSL523: a linear map of a whole image."""
    before = subject.graph.maker(site.node.inputs[0])
    if before is None or before.node.layer.name != "Flatten":
        return
    given = site.node.inputs[0]
    wide: Any = given.type.shape[-1] if given is not None else 0
    size = site.node.layer.out_features  # type: ignore[attr-defined]
    if isinstance(wide, int) and wide * size > OVERSIZED:
        subject.findings.add(
            "MSL523", site, f"this `Linear` alone has {wide * size:,} weights",
            others=((before.node.span, f"makes {wide:,} values"),),
            notes=(f"{wide:,} * {size:,} = {wide * size:,}",),
            helps=("make the image smaller first: `MaxPool2d(2)`, or `GlobalAvgPool`",),
        )  # fmt: skip


def _softmax_of_one(subject: Subject, site: Site) -> None:
    """MSL524: shares of one value."""
    layer: Any = site.node.layer
    x: Any = site.node.inputs[0] and site.node.inputs[0].type
    axis = class_axis(layer.dim, x)
    if x.shape[axis] != 1:
        return
    subject.findings.add(
        "MSL524", site, f"`{layer.name}` of one value is always {0 if 'Log' in layer.name else 1}",
        f"acts on {x.axes[axis] or f'dimension {axis}'}=1", notes=(f"the value is {x.named()}",),
        helps=("for yes or no, `Sigmoid`; or act on another axis with `dim=`",),
    )  # fmt: skip


def _norm_of_one(subject: Subject, site: Site) -> None:
    """MSL525: a normalisation that leaves nothing of its input."""
    layer: Any = site.node.layer
    x: Any = site.node.inputs[0] and site.node.inputs[0].type
    if layer.name == "GroupNorm":
        size: Any = product(x.shape)
        size = size // layer.num_groups if isinstance(size, int) else 0
    else:
        size = product(x.shape[x.rank - layer.dims :])
    if size == 1:
        result = "1 or -1" if layer.name == "RMSNorm" else "0"
        subject.findings.add(
            "MSL525", site, f"`{layer.name}` of one value is always {result}",
            notes=(f"the value is {x.named()}",),
            helps=("normalise over more values, or leave it out",),
        )  # fmt: skip


def _gaps(subject: Subject, site: Site) -> None:
    """MSL526: a window that jumps over values."""
    layer: Any = site.node.layer
    strides = layer.stride or layer.kernel_size
    dilations = getattr(layer, "dilation", None) or (1,) * len(strides)
    for kernel, stride, dilation in zip(layer.kernel_size, strides, dilations):
        reach = dilation * (kernel - 1) + 1
        if kernel > 1 and stride > reach:
            subject.findings.add(
                "MSL526", site, f"`{layer.name}` jumps over {stride - reach} of {stride} values",
                f"a window of {reach} every {stride}",
                helps=("take a stride up to the kernel's size",),
            )  # fmt: skip
            return


def _unbalanced(subject: Subject, site: Site) -> None:
    """MSL527: experts of which training may forget some."""
    layer: Any = site.node.layer
    if not subject.training.losses or layer.balance or layer.top_k == layer.experts:
        return
    fix = with_argument(
        subject.places, site.node.span, layer.arguments, "balance", "0.01", safe=False
    )
    subject.findings.add(
        "MSL527", site, f"nothing makes the router use all {layer.experts} experts", fix=fix,
        helps=("write `balance=0.01`, a penalty for uneven use",),
    )  # fmt: skip


_CHOSEN: dict[type, tuple[Callable[[Subject, Site], None], ...]] = {}
_RULES: tuple[tuple[tuple[type, ...], tuple[str, ...], Callable[[Subject, Site], None]], ...] = (
    ((Linear, Convolution), (), _bias_before_norm),
    ((Linear, Conv), (), _missing_nonlinearity),
    ((), NORMS, _repeated_norm),
    ((Activation,), (), _repeated_activation),
    ((_Dropout,), (), _repeated_dropout),
    ((_Dropout,), (), _heavy_dropout),
    ((Linear,), (), _oversized),
    ((), ("Softmax", "LogSoftmax"), _softmax_of_one),
    ((), ("LayerNorm", "RMSNorm", "GroupNorm"), _norm_of_one),
    ((Conv, Pool), (), _gaps),
    ((), ("MixtureOfExperts",), _unbalanced),
)
