"""Augmentations: random changes of training images, the arguments of ``Augment``."""

from __future__ import annotations

from typing import ClassVar

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import Float, Ints
from dsl.shapes.types import TensorType

MISFIT = "MSL452"


class Augmentation(Kind, abstract=True):
    """Base of augmentations; they take ``[channels, height, width]`` and give the same."""

    category: ClassVar[str] = "augmentation"

    def fits(self, image: TensorType) -> None:
        """Holds the augmentation against the model's image input.

        Raises:
            KindError: MSL452, it would not give an image of the same size.
        """


class RandomCrop(Augmentation):
    """A window of the image at a random place, after zeros were put around it.

    Formula: the image grows by `padding` zeros on each side; the window's top left corner is drawn
    evenly from all places where it fits. The window has the size of the model's input.
    Source: torchvision `transforms.RandomCrop`; Krizhevsky, Sutskever, Hinton 2012,
    doi:10.1145/3065386, 4.1.
    """

    size: tuple[int, int] = arg(Ints(2, 1), "Height and width of the window.", keras=("height",))
    padding: tuple[int, int] = arg(
        Ints(2, 0), "Zeros above and below, and to the left and right.", (0, 0)
    )

    def fits(self, image: TensorType) -> None:
        have = tuple(image.shape[1:])
        if have != self.size:
            shown = " x ".join(str(size) for size in have)
            raise KindError(
                f"the window is {self.size[0]} x {self.size[1]}, and the model takes {shown}",
                "size",
                "give the window the size of the input; `padding` makes room to move it",
                MISFIT,
            )
        if self.padding == (0, 0):
            raise KindError(
                "a window as large as the image has one place only: nothing would change",
                "padding",
                "add `padding=4`",
                MISFIT,
            )


class HorizontalFlip(Augmentation):
    """Mirrors the image left to right, at random.

    Formula: ``x[c, i, j] = x[c, i, width - 1 - j]`` with probability `p`, for each sample by
    itself.
    Source: torchvision `transforms.RandomHorizontalFlip`.
    """

    keras = ("RandomFlip",)

    p: float = arg(Float(0, 1), "Probability of mirroring.", 0.5)
