"""Continuing a sequence: what the templates of `generate` and its command are told."""

from __future__ import annotations

from typing import Any

from backends.base import Generation
from backends.pycode.literals import prose, quote
from backends.scripting import ModelCode
from backends.scripting.sources import source_of
from dsl.training.data import Text
from dsl.training.plan import Training

BYTES = 256


def generation_context(code: ModelCode, training: Training) -> dict[str, Any]:
    """What the templates are told; `generation` is None where the model continues nothing."""
    found = code.generation
    if found is None or getattr(source_of(training), "mask", None):  # guesses what is hidden
        return {"generation": None}
    return {
        "generation": {
            "given": _sources(found),
            "call": _call(found),
            "vocabulary": found.vocabulary,
            "context": found.context,
            "cached": found.cached,
            "kept": _kept(found),
            "attends": found.attends,
            "recurrent": found.recurrent,
            "recomputed": _why(found),
            "users": _users(code.remembers),
            "cache": code.cache,
            "words": _words(training),
            "command": _is_trained_for_it(found, training),
            "compiles": bool(training.device.compile),
        }
    }


def generation_imports(generation: dict[str, Any] | None, framework: str) -> set[str]:
    """What the function needs; argument of the line that imports the framework."""
    if generation is None:
        return set()
    return {framework, "import numpy as np", *(["import contextlib"] * generation["cached"])}


def command_context(
    generation: dict[str, Any] | None, usage: list[str], flags: list[str]
) -> dict[str, list[str]]:
    """How the script is called, and the arguments of ``add_argument``, with the command's own."""
    if generation is None or not generation["command"]:
        return {}
    ids = generation["words"] == "numbers"
    what = 'numbers of tokens: \\"1 2 3\\"' if ids else "the text to continue"
    own = [
        f'"--prompt"{"" if ids else f", default={quote(chr(10))}"}, help="for generate: {what}"',
        '"--tokens", type=int, default=200, help="for generate: how many to add"',
        '"--temperature", type=float, default=1.0, help="0 takes the likeliest token each time"',
        '"--top-k", type=int, help="draw from so many of the likeliest tokens only"',
        '"--top-p", type=float, default=1.0, help="draw from the fewest of this probability"',
        '"--stop", help="for generate: what ends the text, and is left out"',
    ]
    prompt = '"1 2 3"' if ids else '"Once"'
    call = f"{usage[0]} generate --prompt {prompt} --temperature 0.8"
    return {"usage": [*usage, call], "flags": [*flags, *own]}


def _sources(found: Generation) -> list[dict[str, str]]:
    """The inputs beside the tokens, with the names that they have as parameters."""
    several = len(found.given) > 1
    return [
        {"name": prose(name), "variable": f"source_{number}" if several else "source"}
        for number, name in enumerate(found.given, 1)
    ]


def _call(found: Generation) -> str:
    """What the model is called with where it takes all positions in every step."""
    values = [item["variable"] for item in _sources(found)]
    values.insert(found.place, "seen")
    return ", ".join(values)


def _kept(found: Generation) -> str:
    """What layers keep between steps, in words."""
    kinds = ["keys and values"] * found.attends + ["the states of recurrent ones"] * found.recurrent
    return " and ".join(kinds) or "nothing"


def _is_trained_for_it(found: Generation, training: Training) -> bool:
    """Whether training is by the scores of the right tokens, and a prompt is all that it takes."""
    tasks = {term.kind.task for term in training.losses}
    return tasks == {"classes"} and not found.given


def _why(found: Generation) -> str:
    """Why every step runs over all tokens; "" where it does not."""
    if found.given:
        return f"Every step runs over {' and '.join(found.given)} and all tokens."
    if not found.recomputed:
        return ""
    kinds = " and ".join(found.recomputed)
    return f"Every step runs over all tokens: {kinds} keeps nothing of the steps before."


def _users(classes: tuple[str, ...]) -> str:
    """The classes of layers that use the cache, as the second argument of `isinstance`."""
    return classes[0] if len(classes) == 1 else f"({', '.join(classes)})" if classes else ""


def _words(training: Training) -> str:
    """What a token stands for: bytes, characters, or numbers for nothing that is known."""
    source = source_of(training)
    return str(source.tokenizer) if isinstance(source, Text) else "numbers"
