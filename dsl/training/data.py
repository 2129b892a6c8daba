"""Data sources: where named arrays of samples come from.

A source yields arrays by name, one row for each sample. The model's inputs and the targets of its
losses take the arrays of their name; the only input that finds none takes what is left. Entries in
braces map others: ``data CSV("f.csv") { image: "path"; age: "age_*" }``. An array with as many
values as the type declares is reshaped to it, row by row (64 columns to ``[1, 8, 8]``).

Samples fall into three parts. `test` is set aside first, then `validation`; the rest is the
training part, and only it is augmented, shuffled and used to fit the normalisation. With
``split="random"`` the parts are drawn at random by `seed` alone, so that they stay the same
whatever seed the run has; with ``split="ordered"`` the last rows are the test part and those before
them the validation part. A share becomes ``floor(share * rows)`` rows.

Normalisation is fitted on the training part, once for each channel where the input has channels,
otherwise for each position of its last axis, and is saved with the weights: ``standard`` is
``(x - mean) / std`` with the population's deviation (1 where it is 0), ``minmax`` is
``(x - min) / (max - min)`` (0 where they are equal). It touches real-valued inputs only: targets,
integers and one-hot columns stay as they are.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import BadValue, Float, Int, ListOf, OneOf, String, ValueType, describe

MODES = ("standard", "minmax", "none")


class Normalize(ValueType):
    """How inputs are scaled; ``true`` is ``"standard"``, ``false`` is ``"none"``."""

    name = 'true, false, "standard", "minmax" or "none"'
    texts = MODES

    def coerce(self, value: Any) -> str:
        if value is True or value is False:
            return "standard" if value else "none"
        if not isinstance(value, str) or value not in MODES:
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return value


_SHARE = Float(0, 1, open_high=True)
_PATTERNS = OneOf(String(), ListOf(String(), least=1))


def _validation() -> Any:
    return arg(
        _SHARE, "Share of the samples for validation.", 0.1, keyword=True,
        keras=("validation_split",),
    )  # fmt: skip


def _test() -> Any:
    return arg(
        _SHARE, "Share of the samples for the final test.", 0.0, keyword=True, keras=("test_split",)
    )


def _normalize(default: str) -> Any:
    return arg(Normalize(), "How real-valued inputs are scaled.", default, keyword=True)


def _split() -> Any:
    return arg(
        String("random", "ordered"),
        "Whether the parts are drawn at random or cut from the end (for time series).",
        "random",
        keyword=True,
    )


def _seed() -> Any:
    return arg(Int(0, 2**32 - 1), "Seed of the split, apart from the run's.", 0, keyword=True)


class Source(Kind, abstract=True):
    """Base of data sources.

    Class attributes:
        mapped: Whether entries in braces may say which columns or arrays feed an input or target.
        reads: What an entry in braces names: ``column`` or ``array``.
    """

    category: ClassVar[str] = "data"
    mapped: ClassVar[bool] = False
    reads: ClassVar[str] = "array"

    validation: float
    test: float

    def check(self) -> None:
        if self.validation + self.test >= 1:
            raise KindError(
                f"validation = {self.validation:g} and test = {self.test:g} leave nothing to "
                "train on",
                "validation",
                "their sum must stay below 1",
            )


class CSV(Source):
    """A table of text, one row for each sample, with the names of its columns in the first row.

    A column is a number for each row, or a category: columns that hold anything but numbers in the
    training part, and those that `categories` names. A category of a real-valued input becomes one
    column of 0 and 1 for each value that the training part has, in sorted order (numbers by size);
    a value it does not have is all zeros. A category of an integer input or target becomes its
    index in that order, and an unknown one is an error. One column mapped to an image input holds
    the paths of image files, from the table's folder, read as `ImageFolder` reads them. An empty
    cell is an error that names its row. Quotes are as RFC 4180 has them; the text is UTF-8. A
    pattern such as ``"age_*"`` takes all columns that it matches, in the order of the table.
    Source: RFC 4180; pandas `read_csv`.
    """

    mapped = True
    reads = "column"

    path: str = arg(String(), "The file, from the spec's folder.", keras=("filepath_or_buffer",))
    target: str | tuple[str, ...] | None = arg(
        _PATTERNS,
        "The column, or columns, with the true values of the only loss term.",
        None,
        keyword=True,
        keras=("label_name", "label"),
    )
    validation: float = _validation()
    test: float = _test()
    normalize: str = _normalize("standard")
    categories: tuple[str, ...] = arg(
        ListOf(String()), "Patterns of columns that are categories though they hold numbers.", (),
        keyword=True,
    )  # fmt: skip
    drop: tuple[str, ...] = arg(
        ListOf(String()), "Patterns of columns to leave out.", (), keyword=True
    )
    delimiter: str = arg(
        String(",", ";", "\t", "|"), "What stands between two cells.", ",", keyword=True,
        keras=("sep", "field_delim"),
    )  # fmt: skip
    split: str = _split()
    seed: int = _seed()


class NPZ(Source):
    """Arrays by name in a NumPy archive, samples along the first axis.

    All arrays have the same number of rows. Sequences of several lengths are padded to one, and an
    array of truth values, or of 0 and 1, is their mask. Nothing in the file is executed: it is read
    without pickles.
    Source: NumPy `numpy.savez`, `numpy.lib.format`.
    """

    mapped = True

    path: str = arg(String(), "The file, from the spec's folder.")
    validation: float = _validation()
    test: float = _test()
    normalize: str = _normalize("none")
    split: str = _split()
    seed: int = _seed()


class ImageFolder(Source):
    """A folder with one folder of images for each class; classes are numbered in sorted order.

    Images are brought to the input's height and width by bilinear interpolation and to its number
    of channels (1 grey, 3 RGB, 4 RGBA), and their values divided by 255, before normalisation.
    Files that are no images by their ending are passed over.
    Source: torchvision `datasets.ImageFolder`.
    """

    path: str = arg(String(), "The folder, from the spec's folder.", keras=("directory", "root"))
    validation: float = _validation()
    test: float = _test()
    normalize: str = _normalize("standard")
    split: str = _split()
    seed: int = _seed()


class Text(Source):
    """A text as tokens, for models that say what comes next: the target is the input moved by one.

    With `mask`, for models that say what is hidden (masked language models): in each window of the
    input's length ``max(1, round(mask * length))`` tokens are chosen at random. Of these 80 %
    become the mask token, 10 % a random other one and 10 % stay; the target holds the chosen tokens
    at their places and -100, which `CrossEntropy` ignores, elsewhere. The mask token is the last
    class of the output, so that bytes need 257 classes. Training windows are drawn anew for each
    epoch by the run's seed, the same in every backend; those of the other parts stay the same.

    ``bytes``: the tokens are the bytes 0 to 255. ``characters``: the characters that the training
    part has, numbered in order of code points and saved with the weights; a character that it does
    not have is an error. The text is UTF-8.
    The parts are cut from the text in order: training, validation, test. An epoch visits the
    windows of the input's length that follow each other in the training part, in a new random
    order; the rest at the end is left out.
    Source: Karpathy, nanoGPT, github.com/karpathy/nanoGPT, `data/shakespeare_char/prepare.py`;
    hidden tokens: Devlin et al. 2019, arXiv:1810.04805, 3.1 and appendix A.1.
    """

    path: str = arg(String(), "The file, from the spec's folder.")
    tokenizer: str = arg(String("bytes", "characters"), "What a token is.", "bytes")
    mask: float | None = arg(
        Float(0, 1, open_low=True, open_high=True),
        "Share of each window's tokens that are hidden and to be guessed, such as 0.15.",
        None,
        keyword=True,
    )
    validation: float = _validation()
    test: float = _test()


class Synthetic(Source):
    """Random samples of the declared shapes: to try out speed and plumbing, not to learn from.

    Real-valued inputs and targets are standard normal, targets of yes or no are 0 or 1, class
    targets and tokens are drawn evenly from all that the model takes, distributions are softmaxes
    of standard normals.
    Source: PyTorch `torch.randn`, torchvision `datasets.FakeData`.
    """

    keras = ("FakeData",)

    samples: int = arg(Int(1), "How many samples.", 1024, keras=("size", "num_samples"))
    validation: float = _validation()
    test: float = _test()
    seed: int = _seed()


class Python(Source):
    """Arrays from a Python function of your own, called when training starts.

    The function takes no arguments and returns a dict of NumPy arrays by name, samples along the
    first axis; or a dict with ``train`` and, if there are any, ``validation`` and ``test``, each
    such a dict, and then `validation` and `test` here do not apply. It never runs at compile time.
    Sequences of several lengths are padded to one, and an array of truth values is their mask.
    Source: Keras' and PyTorch's own tutorials load data this way.
    """

    mapped = True

    path: str = arg(String(), "The Python file, from the spec's folder.")
    function: str = arg(String(), "The function to call.", "load", keyword=True)
    validation: float = _validation()
    test: float = _test()
    normalize: str = _normalize("none")
    split: str = _split()
    seed: int = _seed()

    def check(self) -> None:
        super().check()
        if not self.function.isidentifier():
            raise KindError(
                f'"{self.function}" is no name of a Python function', "function", "give its name"
            )
