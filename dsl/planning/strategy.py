"""How several devices share a training step, and how that is written: ``fsdp``, ``tp=8,pp=4``."""

from __future__ import annotations

import re

from dsl.record import Record

DATA = {"ddp": "ddp", "zero1": "zero1", "zero2": "zero2", "zero3": "fsdp", "fsdp": "fsdp"}
"""Ways to train on different samples at once, by the words for them.

``ddp`` keeps everything on every device; ``zero1`` shares out the optimizer's state, ``zero2`` the
gradients as well, and ``fsdp`` (ZeRO-3) the weights as well (Rajbhandari et al. 2020, section 5).
"""

_DEGREE = re.compile(r"(tp|pp)=([1-9]\d{0,4})")


class BadStrategy(ValueError):
    """A text is no strategy.

    Attributes:
        help: What may be written.
    """

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class Strategy(Record):
    """How a step is shared.

    Attributes:
        data: One of the values of `DATA`, among the devices that are left to train on different
            samples.
        tensor: Devices that share each layer (Shoeybi et al. 2019).
        pipeline: Stages of layers, each on devices of its own (Huang et al. 2019; Narayanan et al.
            2021).
    """

    data: str = "ddp"
    tensor: int = 1
    pipeline: int = 1

    @property
    def devices(self) -> int:
        """How many hold one copy of the model between them, whatever `data` does."""
        return self.tensor * self.pipeline

    @property
    def name(self) -> str:
        """As it is written."""
        words = [f"tp={self.tensor}"] * (self.tensor > 1) + [f"pp={self.pipeline}"] * (
            self.pipeline > 1
        )
        return ",".join([*words, *([self.data] if self.data != "ddp" or not words else [])])

    def shares(self, copies: int) -> tuple[float, float, float]:
        """The parts of weights, gradients and optimizer state that each of some copies keeps."""
        part = 1 / copies
        return (
            part if self.data == "fsdp" else 1.0,
            part if self.data in ("zero2", "fsdp") else 1.0,
            part if self.data != "ddp" else 1.0,
        )


def strategy_of(text: str) -> Strategy:
    """The strategy that a text says: words of `DATA`, ``tp=N`` and ``pp=N``, commas between them.

    Raises:
        BadStrategy: It says none.
    """
    degrees: dict[str, int] = {}
    data: list[str] = []
    for word in filter(None, re.split(r"[,+\s]+", text.lower())):
        match = _DEGREE.fullmatch(word)
        if match and match[1] not in degrees:
            degrees[match[1]] = int(match[2])
        elif word in DATA and not data:
            data.append(DATA[word])
        else:
            raise _bad(word, twice=bool(match) or word in DATA)
    if not data and not degrees:
        raise BadStrategy("the strategy is empty", _known())
    return Strategy(data[0] if data else "ddp", degrees.get("tp", 1), degrees.get("pp", 1))


def _bad(word: str, twice: bool) -> BadStrategy:
    from dsl.diagnostics.suggest import nearest

    if twice:
        return BadStrategy(f"`{word}` is a second of its sort", _known())
    near = nearest(word, DATA)
    help = f"did you mean `{near[0]}`?" if near else _known()
    return BadStrategy(f"there is no strategy `{word}`", help)


def _known() -> str:
    return (
        f"there are {', '.join(DATA)}, `tp=8`, `pp=4`, and several with commas: `tp=8,pp=4,zero1`"
    )
