"""Byte fuzzing: ``python -m tests.fuzz.byte_driver --n 1000000 --seed 1``.

With ``--guided`` the inputs come from atheris, which follows coverage; without, they are damaged
specs drawn from a seed. Either way each is held against what the compiler owes to any bytes, and
what breaks a law is written to a folder.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
HANG = 30
"""Seconds after which an input counts as one that does not end."""

TELL = 20_000
"""After how many inputs the driver says how far it is."""


def seeds(longest: int = 6000) -> list[bytes]:
    """The specs that inputs are made from."""
    paths = [path for folder in ("examples", "tests") for path in (ROOT / folder).rglob("*.msl")]
    texts = [path.read_bytes() for path in sorted(paths)]
    return [text for text in texts if len(text) <= longest]


def words(texts: Sequence[bytes]) -> list[bytes]:
    """The tokens of some texts, and values that are odd."""
    from dsl.fuzz.mutations import TOKEN, VALUES

    found = {token for text in texts for token in TOKEN.findall(text.decode("utf-8", "replace"))}
    odd = ("9" * 40, "(" * 70, "repeat 10**9 {", "-> ", "}\n}\n", '"\\u{41}"', "1e-3", "[]*9")
    pieces = sorted({*found, *VALUES, *odd})
    return [piece.encode("utf-8", "replace") for piece in pieces if piece.strip()]


def too_long(number: int, frame: object) -> None:
    """Ends an input that takes too long."""
    raise TimeoutError


class Trial:
    """Holds inputs against the laws and keeps what breaks one.

    Args:
        folder: Where findings are written.
        emits: Of how many valid inputs one is compiled as well.
    """

    def __init__(self, folder: Path, emits: int = 8) -> None:
        import backends
        from dsl.fuzz.laws import hold_bytes

        self.hold = hold_bytes
        self.writers = [backends.get(name) for name in ("torch", "tensorflow")]
        self.folder, self.emits = folder, emits
        self.tried, self.slowest = 0, 0.0
        self.laws: dict[str, bytes] = {}

    def __call__(self, data: bytes) -> None:
        """Tries one input."""
        begun = perf_counter()
        writers = self.writers if self.tried % self.emits == 0 else ()
        signal.alarm(HANG)
        try:
            breach = self.hold(data, writers)
        except TimeoutError:
            self._keep("ends at all", data)
        else:
            if breach is not None:
                self._keep(breach.law, data)
        signal.alarm(0)
        self.tried += 1
        self.slowest = max(self.slowest, perf_counter() - begun)
        if self.tried % TELL == 0:
            print(self, flush=True)

    def __str__(self) -> str:
        laws = f"{len(self.laws)} laws broken"
        return f"{self.tried} inputs, the slowest {self.slowest:.2f} s, {laws}"

    def _keep(self, law: str, data: bytes) -> None:
        if law in self.laws and len(self.laws[law]) <= len(data):
            return
        is_new = law not in self.laws
        self.laws[law] = data
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(law.encode()).hexdigest()[:12]
        (self.folder / f"{name}.msl").write_bytes(data)
        if is_new:
            print(f"breaks: {law} ({self.folder / name}.msl)", flush=True)


def drawn(trial: Callable[[bytes], None], number: int, seed: int) -> None:
    """Tries inputs that follow from a seed."""
    from dsl.fuzz.choices import Seeded
    from dsl.fuzz.noise import damaged_bytes

    texts = seeds()
    pieces = words(texts)
    for place in range(seed, seed + number):
        choices = Seeded(place)
        trial(damaged_bytes(choices, choices.pick(texts), pieces, texts))


def guided(trial: Callable[[bytes], None], number: int, seed: int) -> None:
    """Tries inputs that atheris makes; it ends the process itself."""
    import atheris

    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "seeds"
        start.mkdir()
        for place, text in enumerate(seeds()):
            (start / f"{place}.msl").write_bytes(text)
        lines = []
        for piece in words(seeds()):
            lines.append('"' + "".join(f"\\x{byte:02x}" for byte in piece[:60]) + '"')
        (Path(folder) / "words").write_text("\n".join(lines) + "\n")
        options = [f"-runs={number}", f"-seed={seed or 1}", "-max_len=8192", "-timeout=60",
            f"-dict={folder}/words"]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(start)], trial)
        atheris.Fuzz()


def main() -> int:
    """Runs the inputs; 1 where one broke a law."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true", help="let atheris follow coverage")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, too_long)
    if options.guided:
        import atheris

        with atheris.instrument_imports(include=["dsl"]):
            trial = Trial(options.out)
        guided(trial, options.n, options.seed)
    else:
        trial = Trial(options.out)
        drawn(trial, options.n, options.seed)
    print(trial)
    return int(bool(trial.laws))


if __name__ == "__main__":
    sys.exit(main())
