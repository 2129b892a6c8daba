"""Images, signals and volumes of another size: padding, interpolation, pixel shuffling."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Axis, AxisName, Bool, Float, Int, ListOf, OneOf, Size, String
from dsl.layers.base import Layer, LayerError, MaybeTypes, Types, resolve_axis
from dsl.layers.reshape import Rearrangement, require_readable
from dsl.shapes.dim import Dim, Poly, product
from dsl.shapes.types import IMAGE, SIGNAL, VOLUME, TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_MIRRORS = ("reflect", "replicate")
_SMOOTH = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
_LERP, _CUBIC = 3, 7


class Pad(Rearrangement):
    """More cells around the edges.

    Shape: each padded dimension grows by what is put before and after it. Padded are the spatial
    dimensions, all but channels and features (of a plain vector, its features), or just `dim`.
    Order: ``[before, after]`` of each in the order of the dimensions, so `Pad([1, 2, 3, 4])` puts
    one row above, two below, three columns left and four right; an int goes everywhere.
    Modes: `zeros`, `constant` (`value`), `reflect` (mirrored, the edge once), `replicate` (the
    edge again and again).
    Deviation: PyTorch's `F.pad` counts dimensions from the last.
    Source: PyTorch `torch.nn.functional.pad`; NumPy `pad`.
    """

    keras = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")

    padding: int | tuple[int, ...] = arg(
        OneOf(Int(0), ListOf(Int(0), least=2)), "Cells [before, after] of each dimension."
    )
    mode: str = arg(String("zeros", "constant", *_MIRRORS), "What the cells hold.", "zeros")
    value: float = arg(Float(), 'What they hold with mode="constant".', 0.0)
    dim: int | AxisName | None = arg(
        Axis(), "The only dimension to pad: a number or a name.", None, keyword=True
    )

    def check(self) -> None:
        if "value" in self.given and self.mode != "constant":
            raise KindError(
                f'`value` has no effect with mode="{self.mode}"', "value", 'write mode="constant"'
            )

    def infer(self, x: TensorType) -> TensorType:
        pads = self.pads(x)
        self._check_values(x)
        shape = list(x.shape)
        for position, (before, after) in pads.items():
            size = shape[position]
            most = max(before, after)
            if self.mode == "reflect" and not isinstance(size, Poly) and most >= size:
                raise LayerError(
                    "MSL353", f"a dimension of {size} can be mirrored by at most {size - 1}, "
                    f"not {most}", arg="padding", notes=(f"the value is {x.named()}",),
                )  # fmt: skip
            shape[position] = size + before + after
        return x.with_shape(tuple(shape))

    def pads(self, x: TensorType) -> dict[int, tuple[int, int]]:
        """Cells before and after, by position, of each padded dimension.

        Raises:
            LayerError: MSL302, MSL307, or MSL310 where the list has another length.
        """
        positions = _spatial(x) if self.dim is None else (resolve_axis(self.dim, x),)
        if not positions:
            raise LayerError("MSL302", "`Pad` needs a dimension to pad, and a scalar has none")
        if not isinstance(self.padding, tuple):
            return dict.fromkeys(positions, (self.padding, self.padding))
        if len(self.padding) != 2 * len(positions):
            names = ", ".join(x.axes[position] or str(position) for position in positions)
            raise LayerError(
                "MSL310", f"{len(self.padding)} numbers cannot pad {len(positions)} "
                f"dimension{'s' * (len(positions) > 1)} ({names}): {2 * len(positions)} are needed",
                arg="padding", notes=(f"the value is {x.named()}",),
                help="give [before, after] for each, in order",
            )  # fmt: skip
        pairs = zip(self.padding[::2], self.padding[1::2], strict=True)
        return dict(zip(positions, pairs, strict=True))

    def _check_values(self, x: TensorType) -> None:
        if self.mode in _MIRRORS and not x.is_float:
            raise LayerError("MSL303", f'mode="{self.mode}" takes real numbers, not {x.dtype}')
        if self.mode in _MIRRORS and (x.rank > 4 or x.rank - min(self.pads(x)) > 3):
            raise LayerError(
                "MSL302", f'mode="{self.mode}" reaches the last 3 of at most 4 dimensions',
                arg="mode", notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        if not x.is_float and self.value != self.value // 1:
            raise LayerError(
                "MSL303", f"{x.dtype} cannot hold {self.value}", arg="value", help="pad by an int"
            )

    def rehearse(self, act: Act) -> Tensor:
        """Written out anew, forward and backward."""
        return act.tape.run("copy", (act.x,), act.shape, real=act.x.real)


class Upsample(Layer):
    """An image, signal or volume resized by interpolation.

    Shape: ``[C, H, W]`` to ``[C, H', W']``, likewise ``[C, time]`` and ``[C, L, H, W]``; either
    `size` or `scale_factor` says how large, with one number or one for each dimension.
    Modes: `nearest` takes cell ``floor(i * size_in / size_out)``. `linear`, `bilinear` and
    `trilinear` (for one, two, three dimensions) interpolate at ``(i + 0.5) * in / out - 0.5``,
    edges held; `bicubic` (for two) does with the cubics of Keys, a = -0.75, through four cells.
    With ``align_corners=true`` the place is ``i * (in - 1) / (out - 1)``. Shrinking does not
    average (no antialias).
    Deviation: scale factors are whole numbers; `size` reaches every other size. Where a size is no
    multiple, PyTorch's `nearest` may round a cell up in float32; here the floor is exact.
    Source: PyTorch `nn.Upsample`; Gonzalez and Woods, Digital Image Processing (2018), section 2.4;
    Keys, Cubic convolution interpolation (1981), eq. 4 with that a.
    """

    keeps = "nothing"

    keras = ("UpSampling1D", "UpSampling2D", "UpSampling3D")
    pytorch = ("interpolate", "Interpolate")

    size: Dim | tuple[Dim, ...] | None = arg(
        OneOf(Size(), ListOf(Size(), least=1)), "The new size, or one for each dimension.", None
    )
    scale_factor: int | tuple[int, ...] | None = arg(
        OneOf(Int(1), ListOf(Int(1), least=1)), "How many times as large.", None
    )
    mode: str = arg(
        String("nearest", *_SMOOTH), "How values are found.", "nearest", keras=("interpolation",)
    )
    align_corners: bool = arg(
        Bool(), "Whether the first and last cells keep their places, not the edges.", False
    )

    def check(self) -> None:
        if (self.size is None) == (self.scale_factor is None):
            raise KindError(
                "`Upsample` needs `size` or `scale_factor`, one of them",
                "size" if self.size is not None else "",
            )
        if self.align_corners and not self.smooth:
            raise KindError(
                '`align_corners` has no effect with mode="nearest"', "align_corners", "leave it out"
            )

    @property
    def smooth(self) -> bool:
        """Whether values are interpolated."""
        return self.mode in _SMOOTH

    def infer(self, x: TensorType) -> TensorType:
        _require_image(self, x)
        count = x.rank - 1
        if self.smooth and count != _SMOOTH[self.mode]:
            right = next(name for name, number in _SMOOTH.items() if number == count)
            raise LayerError(
                "MSL302", f'mode="{self.mode}" takes {_SMOOTH[self.mode]} spatial dimensions, and '
                f"the value has {count}", arg="mode", notes=(f"the value is {x.named()}",),
                help=f'write mode="{right}"',
            )  # fmt: skip
        if not x.is_float:
            raise LayerError("MSL303", f"`Upsample` takes real numbers, not {x.dtype}", input=0)
        shape = (x.shape[0], *self.resized(x))
        require_readable(shape, x, "size")
        return x.with_shape(shape)

    def resized(self, x: TensorType) -> tuple[Dim, ...]:
        """The new spatial sizes.

        Raises:
            LayerError: MSL310, a list of another length.
        """
        count = x.rank - 1
        arg = "size" if self.size is not None else "scale_factor"
        given = getattr(self, arg)
        if isinstance(given, tuple) and len(given) != count:
            raise LayerError(
                "MSL310", f"`{arg}` has {len(given)} numbers, and the value {count} spatial "
                f"dimension{'s' * (count > 1)}", arg=arg, notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        each = given if isinstance(given, tuple) else (given,) * count
        if self.size is not None:
            return each
        return tuple(size * factor for size, factor in zip(x.shape[1:], each, strict=True))

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Three, or seven for a cubic, per dimension and value; none for `nearest`."""
        if not self.smooth:
            return 0
        each = _CUBIC if self.mode == "bicubic" else _LERP
        return each * (outputs[0].rank - 1) * product(outputs[0].shape)


class _Shuffle(Rearrangement, abstract=True):
    """Pixel shuffling, one way or the other."""

    factor_arg: ClassVar[str]

    def infer(self, x: TensorType) -> TensorType:
        if not x.is_image_like or x.rank != 3:
            raise LayerError(
                "MSL302", f"`{self.name}` takes an image [channels, height, width], not "
                f"{x.named()}", input=0,
            )  # fmt: skip
        return x.with_shape(self.shuffled(x))

    def shuffled(self, x: TensorType) -> tuple[Dim, ...]:
        """The new shape."""
        raise TypeError(f"{type(self).__name__} has no shape rule")

    def rehearse(self, act: Act) -> Tensor:
        """Written out anew, forward and backward."""
        return act.tape.run("copy", (act.x,), act.shape, real=act.x.real)


class PixelShuffle(_Shuffle):
    """Channels rearranged into a finer image (sub-pixel convolution).

    Shape: ``[C * r * r, H, W]`` to ``[C, H * r, W * r]`` with r = `upscale_factor`.
    Formula: ``y[c, h r + i, w r + j] = x[c r r + i r + j, h, w]``.
    Source: Shi et al. 2016 (ESPCN), eq. 4; the order of channels is PyTorch's `nn.PixelShuffle`.
    """

    upscale_factor: int = arg(Int(1), "How many times as high and wide.", keras=("block_size",))

    def shuffled(self, x: TensorType) -> tuple[Dim, ...]:
        r = self.upscale_factor
        channels, height, width = x.shape
        _require_divisible(channels, r * r, "channels", f"{r} * {r}", "upscale_factor", x)
        return channels // (r * r), height * r, width * r


class PixelUnshuffle(_Shuffle):
    """An image rearranged into a coarser one with more channels; undoes `PixelShuffle`.

    Shape: ``[C, H * r, W * r]`` to ``[C * r * r, H, W]`` with r = `downscale_factor`.
    Formula: ``y[c r r + i r + j, h, w] = x[c, h r + i, w r + j]``.
    Source: Shi et al. 2016 (ESPCN), eq. 4, inverted; PyTorch `nn.PixelUnshuffle`.
    """

    downscale_factor: int = arg(Int(1), "How many times as low and narrow.", keras=("block_size",))

    def shuffled(self, x: TensorType) -> tuple[Dim, ...]:
        r = self.downscale_factor
        channels, height, width = x.shape
        for size, name in ((height, "rows"), (width, "columns")):
            _require_divisible(size, r, name, str(r), "downscale_factor", x)
        return channels * (r * r), height // r, width // r


class ChannelShuffle(Rearrangement):
    """Channels of several groups interleaved: the first of each group, the second of each, ...

    Formula: ``y[i * groups + g] = x[g * n + i]`` with `n` channels a group.
    Shape: ``[C, ..]``, channels first, kept; `groups` divides C.
    Source: Zhang et al., ShuffleNet (2018), section 3.1; PyTorch `nn.ChannelShuffle`.
    """

    groups: int = arg(Int(1), "Number of groups.")

    def infer(self, x: TensorType) -> TensorType:
        _require_image(self, x)
        _require_divisible(x.shape[0], self.groups, "channels", str(self.groups), "groups", x)
        return x

    def rehearse(self, act: Act) -> Tensor:
        """Written out anew, forward and backward."""
        return act.tape.run("copy", (act.x,), act.shape, real=act.x.real)


def _spatial(x: TensorType) -> tuple[int, ...]:
    """Positions of the dimensions that padding goes around."""
    found = tuple(i for i, name in enumerate(x.axes) if name not in ("channels", "features"))
    return found or tuple(range(x.rank))[-1:]


def _require_image(layer: Layer, x: TensorType) -> None:
    if not x.is_image_like or x.rank > 4:
        raise LayerError(
            "MSL302", f"`{layer.name}` takes an image, a signal or a volume, channels first, not "
            f"{x.named()}", input=0, help=_channels_first(x),
        )  # fmt: skip


def _channels_first(x: TensorType) -> str:
    """How to read a value of unnamed or other dimensions channels first."""
    names = {2: SIGNAL, 3: IMAGE, 4: VOLUME}.get(x.rank)
    if names is None:
        return ""
    sizes, quoted = ", ".join(map(str, x.shape)), ", ".join(f'"{name}"' for name in names)
    return f"if its first dimension is channels, say so: `Reshape([{sizes}], axes=[{quoted}])`"


def _require_divisible(size: Dim, by: int, what: str, shown: str, arg: str, x: TensorType) -> None:
    if size // by * by != size:
        raise LayerError(
            "MSL308", f"{size} {what} cannot be divided by {shown}", arg=arg,
            notes=(f"the value is {x.named()}",),
        )  # fmt: skip
