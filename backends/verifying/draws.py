"""Random numbers by name: whoever asks for the same name gets the same numbers.

The generator is Philox4x64-10 (Salmon et al. 2011), which counts instead of carrying a state. Its
128-bit key is the first half of the SHA-256 of the seed and the name, its parts joined by NUL; the
counter starts at zero. A uniform number is the upper 53 bits of 64, divided by 2**53.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from hashlib import sha256
from typing import Any

import numpy as np

Shape = tuple[int, ...]


class Draws:
    """Numbers by name.

    Args:
        seed: Other numbers for another seed.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def uniform(self, shape: Shape, *name: object) -> np.ndarray:
        """Uniform in [0, 1), float64."""
        return self._generator(name).random(shape)

    def normal(self, shape: Shape, *name: object) -> np.ndarray:
        """Normal of mean 0 and deviation 1, float64: ``sqrt(-2 log u) cos(2 pi v)``.

        Box and Muller (1958), which needs no more than uniform numbers.
        """
        u, v = self.uniform((2, *shape), *name)
        return np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)

    def below(self, limit: int, shape: Shape, *name: object) -> np.ndarray:
        """Whole numbers from 0 to `limit` - 1, int64."""
        return np.floor(self.uniform(shape, *name) * limit).astype(np.int64)

    def _generator(self, name: tuple[object, ...]) -> np.random.Generator:
        text = "\0".join(map(str, (self.seed, *name)))
        key = int.from_bytes(sha256(text.encode()).digest()[:16], "little")
        return np.random.Generator(np.random.Philox(key=key))


class Masks:
    """What a model draws while it runs, in place of its framework's random numbers.

    A draw is named by the step, the path of the layer and its number among that layer's draws of
    the step, so that the order in which layers run does not matter.

    Args:
        draws: Where numbers come from.
        step: Which step it is.
        off: Paths of layers whose draws cannot be replaced: they keep everything.
    """

    def __init__(self, draws: Draws, step: object, off: Collection[str] = ()) -> None:
        self.draws, self.step, self.off = draws, step, off
        self._counts: Counter[str] = Counter()

    def uniform(self, path: str, shape: Any) -> np.ndarray:
        """The next numbers of a layer, in [0, 1); 1 where its draws are off."""
        sizes = tuple(map(int, shape))
        if path in self.off:
            return np.ones(sizes)
        number = self._counts[path]
        self._counts[path] += 1
        return self.draws.uniform(sizes, "draw", self.step, path, number)
