"""The command `generate` of scripts: from a checkpoint and a prompt to a text."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import dsl
from tests.backends import harness_models as harness

pytestmark = pytest.mark.slow

NET = """\
msl 1
model Net {{
  input tokens: int64[time=8]
  Embedding({size}, 8)
  PositionEmbedding(16)
  residual {{ LayerNorm -> SelfAttention(2, causal=true) }}
  output following: float32[time, {size}] = Linear({size})
}}
loss CrossEntropy
{data}
train {{ steps = 3; batch = 4; seed = 5 }}
device {{ compile = true }}
"""
WORDS = "words.txt"
DATA = {
    "bytes": (300, f'data Text("{WORDS}")'),
    "characters": (20, f'data Text("{WORDS}", tokenizer="characters")'),
    "numbers": (12, 'data NPZ("numbers.npz")'),
}
TEXT = "the cat sat on the mat; a mat, the cat " * 30
Say = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data."""
    path = tmp_path_factory.mktemp("command")
    (path / WORDS).write_text(TEXT)
    numbers = np.random.default_rng(0).integers(0, 12, (60, 9))
    np.savez(path / "numbers.npz", tokens=numbers[:, :-1], following=numbers[:, 1:])
    return path


@pytest.fixture(scope="module", params=["torch", "tensorflow"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each framework."""
    return request.param


@pytest.fixture(scope="module")
def scripts(backend: str, folder: Path) -> dict[str, ModuleType]:
    """Trained scripts by what their tokens are."""
    made = {}
    for words, (size, data) in DATA.items():
        text = dsl.loads(NET.format(size=size, data=data)).compile(backend)
        made[words] = harness.module(text, folder, folder)
        speak(made[words], folder / f"{backend}_{words}", "train", "--no-compile")
    return made


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Handlers of signals as they were."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def speak(script: ModuleType, out: Path, *words: str) -> None:
    """Runs a script as from a command line."""
    before = sys.argv
    sys.argv = ["script", *words, "--out", str(out), "--device", "cpu"]
    try:
        script.main()
    finally:
        sys.argv = before


@pytest.fixture
def say(
    scripts: dict[str, ModuleType], backend: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> Say:
    """What `generate` prints."""

    def run(words: str, *flags: str) -> str:
        capsys.readouterr()
        speak(scripts[words], folder / f"{backend}_{words}", "generate", *flags)
        return capsys.readouterr().out.removesuffix("\n")

    return run


def test_characters_go_on_by_characters_of_the_text(say: Say) -> None:
    text = say("characters", "--prompt", "the ", "--tokens", "30", "--seed", "1")
    assert text.startswith("the ") and len(text) == 34
    assert set(text) <= {*TEXT, "\N{REPLACEMENT CHARACTER}"}
    assert text == say("characters", "--prompt", "the ", "--tokens", "30", "--seed", "1")
    assert text != say("characters", "--prompt", "the ", "--tokens", "30", "--seed", "2")


def test_a_character_that_training_did_not_have_is_named(say: Say) -> None:
    with pytest.raises(SystemExit, match="no character 'q'"):
        say("characters", "--prompt", "the q")
    with pytest.raises(SystemExit, match="no character 'X'"):
        say("characters", "--prompt", "the", "--stop", "X")


def test_bytes_go_on_from_any_text(say: Say) -> None:
    text = say("bytes", "--prompt", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "--tokens", "9")
    assert text.startswith("caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert say("bytes", "--tokens", "3").startswith("\n")


def test_numbers_are_given_and_come_back_as_numbers(say: Say, folder: Path) -> None:
    file = folder / "said.txt"
    text = say("numbers", "--prompt", "3, 1 4", "--tokens", "20", "--output", str(file))
    numbers = [*map(int, text.split())]
    assert numbers[:3] == [3, 1, 4] and len(numbers) == 23 and max(numbers) < 12
    assert file.read_text() == text
    greedy = say("numbers", "--prompt", "3", "--temperature", "0", "--tokens", "9")
    assert greedy == say("numbers", "--prompt", "3", "--top-k", "1", "--tokens", "9")


def test_stop_ends_the_text(say: Say) -> None:
    whole = say("numbers", "--prompt", "3", "--tokens", "12").split()
    place = whole[1:].index(whole[6]) + 1
    assert say("numbers", "--prompt", "3", "--tokens", "12", "--stop", whole[6]).split() == (
        whole[:place]
    )


@pytest.mark.parametrize(
    ("words", "flags", "reason"),
    [
        ("bytes", ["--prompt", ""], "at least one token"),
        ("numbers", [], "at least one token"),
        ("numbers", ["--prompt", "12"], "from 0 to 11"),
        ("numbers", ["--prompt", "one"], "one"),
        ("bytes", ["--top-p", "0"], "top_p"),
        ("bytes", ["--temperature", "-1"], "temperature"),
    ],
)
def test_what_cannot_be_is_said(say: Say, words: str, flags: list[str], reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        say(words, *flags)


def test_other_models_have_no_such_command(backend: str) -> None:
    text = NET.format(size=12, data=DATA["numbers"][1]).replace("causal=true", "causal=false")
    code = dsl.loads(text).compile(backend)
    assert "generate" not in code and "cache" not in code


def test_a_model_that_guesses_what_is_hidden_has_none(backend: str) -> None:
    data = f'data Text("{WORDS}", mask=0.2)'
    code = dsl.loads(NET.format(size=257, data=data)).compile(backend)
    assert "def generate" not in code and "contextlib" not in code
