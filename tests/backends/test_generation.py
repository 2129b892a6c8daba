"""Language models of generated code: what they add to a sequence, token by token."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import dsl
from backends.lowering.generation import generation
from tests.backends import harness_models as harness

LAYER = """\
block Layer(heads: int, kv_heads: int, window: int) {
  residual {
    RMSNorm
    SelfAttention(heads, kv_heads=kv_heads, causal=true, rope=100.0, bias=false, window=window)
  }
  residual { RMSNorm -> Linear(12, bias=false) -> SiLU -> Linear(input.features, bias=false) }
}
"""
MODELS = {
    "gpt": """\
block Layer(heads: int) {
  residual { LayerNorm -> SelfAttention(heads, causal=true, dropout=0.1) }
  residual { LayerNorm -> Linear(2 * input.features) -> GELU -> Linear(input.features) }
}
model Net {
  input tokens: int64[time=8]
  words = Embedding(11, 8)
  PositionEmbedding(8)
  Dropout(0.1)
  repeat 2 { Layer(2) }
  LayerNorm
  output following: float32[time, 11] = Linear(11, bias=false, tie=words)
}
""",
    "llama": LAYER.replace(", window: int", "").replace(", window=window", "")
    + """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 8)
  repeat 2 { Layer(4, 2) }
  RMSNorm
  output following: float32[time, 11] = Linear(11, bias=false)
}
""",
    "mistral": LAYER
    + """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 8)
  repeat 2 { Layer(4, 2, 3) }
  RMSNorm
  output following: float32[time, 11] = Linear(11, bias=false)
}
""",
    "pythia": """\
model Net {
  input tokens: int64[time=10]
  Embedding(11, 8)
  parallel { { LayerNorm -> SelfAttention(1, causal=true, rope=100.0, rope_dim=4) } { } } -> Add
  output following: float32[time, 11] = Linear(11)
}
""",
    "lstm": """\
model Net {
  input tokens: int64[time=8]
  Embedding(11, 6)
  LSTM(5, layers=2, return_sequences=true)
  output following: float32[time, 11] = Linear(11)
}
""",
    "gru_and_attention": """\
model Net {
  input tokens: int64[time=8]
  Embedding(11, 6)
  GRU(8, return_sequences=true)
  residual { SelfAttention(2, causal=true) }
  SimpleRNN(8, return_sequences=true)
  output following: float32[time, 11] = Linear(11)
}
""",
    "bloom": """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 6)
  repeat 2 { residual { SelfAttention(3, causal=true, alibi=true) } }
  output following: float32[time, 11] = Linear(11)
}
""",
    "gemma": """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 8)
  residual {
    SelfAttention(4, kv_heads=2, causal=true, rope=50.0, softcap=2.0, qk_norm=1e-6, sinks=true)
  }
  residual { SelfAttention(2, causal=true, rope=50.0, softcap=2.0, window=3) }
  output following: float32[time, 11] = Linear(11)
}
""",
    "mixtral": """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 8)
  residual { RMSNorm -> SelfAttention(4, kv_heads=2, causal=true, rope=100.0, bias=false) }
  residual { RMSNorm -> MixtureOfExperts(4, 2, 6, balance=0.01) }
  output following: float32[time, 11] = Linear(11, bias=false)
}
""",
    "mamba": """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 6)
  x = Transpose(0, 1) -> Pad([3, 0]) -> Conv1d(6, 4, groups=6) -> SiLU -> ToSequence
  delta = x -> Linear(6) -> Softplus
  b = x -> Linear(3)
  c = x -> Linear(3)
  (x, delta, b, c) -> SelectiveScan
  output following: float32[time, 11] = Linear(11)
}
""",
    "rwkv": """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 6)
  key = Linear(6)
  decay = Parameter([6]) -> Sigmoid
  weight = key -> Exp
  past = (weight, decay) -> LinearRecurrence -> Pad([1, 0], dim=time) -> Slice(stop=-1, dim=time)
  (key, past) -> Add
  output following: float32[time, 11] = Linear(11)
}
""",
    "t5_decoder": """\
model Net {
  input tokens: int64[time=9]
  x = Embedding(11, 8)
  near = RelativePositionBias(2, buckets=4, max_distance=6, bidirectional=false)
  (x, bias=near) -> SelfAttention(2, causal=true, scale=1.0)
  output following: float32[time, 11] = Linear(11)
}
""",
    "bigrams": """\
model Net {
  input tokens: int64[time=9]
  Embedding(11, 8) -> ReLU
  output following: float32[time, 11] = Linear(11)
}
""",
    "waves": """\
model Net {
  input tokens: int64[time=8]
  Embedding(11, 6)
  SinusoidalPosition
  residual { SelfAttention(2, causal=true) }
  output following: float32[time, 11] = Linear(11)
}
""",
}
SOURCES = {
    "whisper": """\
block DecoderLayer(heads: int) {
  input x
  input memory
  x -> residual { LayerNorm -> SelfAttention(heads, causal=true) }
  residual { (LayerNorm, memory) -> CrossAttention(heads) }
}
model Net {
  input waves: float32[4, 10]
  input tokens: int64[time=9]
  waves -> Conv1d(8, 3, stride=2, padding=1) -> GELU -> ToSequence -> PositionEmbedding(5)
  memory = residual { LayerNorm -> SelfAttention(2) }
  tokens -> Embedding(11, 8) -> PositionEmbedding(9)
  repeat 2 { (input, memory) -> DecoderLayer(2) }
  output following: float32[time, 11] = Linear(11)
}
""",
    "translator": """\
model Net {
  input tokens: int64[source_time=6]
  input translation: int64[time=9]
  shared words = Embedding(11, 8)
  near = tokens -> words -> RelativePositionBias(2, buckets=4, max_distance=6)
  memory = (tokens -> words, bias=near) -> SelfAttention(2)
  x = translation -> words
  back = x -> RelativePositionBias(2, buckets=4, max_distance=6, bidirectional=false)
  h = (x, bias=back) -> SelfAttention(2, causal=true)
  (h, memory) -> CrossAttention(2)
  output following: float32[time, 11] = Linear(11)
}
""",
}
BACKENDS = ("torch", "tensorflow")
TEXT = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9]


def spec(name: str) -> str:
    """The text of a model."""
    return "msl 1\n" + {**MODELS, **SOURCES}[name]


@cache
def written(name: str, backend: str) -> str:
    """A model's file."""
    return dsl.loads(spec(name)).compile(backend)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Gives the module of a model in a backend and the model itself, in float64."""
    folder = tmp_path_factory.mktemp("generation")

    @cache
    def build(name: str, backend: str) -> tuple[ModuleType, Any]:
        made = harness.module(written(name, backend), folder, folder)
        return made, (in_torch(made) if backend == "torch" else in_keras(name, made))

    def in_torch(made: ModuleType) -> Any:
        import torch

        torch.manual_seed(0)
        return made.build_model().double().eval()

    def in_keras(name: str, made: ModuleType) -> Any:
        from backends.tensorflow.runtime.precision import computing_in
        from backends.tensorflow.weights import load

        model = harness.traced(dsl.loads(spec(name)))
        with computing_in("float64"):
            found = made.build_model()
        load(model, found, harness.torch_state(model, build(name, "torch")[1]), np)
        return found

    return build


def scores(model: Any, backend: str, tokens: list[int], *source: Any) -> Any:
    """What a model computes for a whole sequence at once."""
    given = [np.asarray(x)[None] for x in (*source, tokens)]
    if backend == "torch":
        import torch

        with torch.no_grad():
            return model(*map(torch.from_numpy, given))[0].numpy()
    return model(given if source else given[0], training=False)[0].numpy()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", MODELS)
def test_each_token_follows_from_all_before(
    name: str, backend: str, built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, model = built(name, backend)
    seen: list[Any] = []

    def sample(logits: Any, *_: Any) -> int:
        seen.append(logits)
        return TEXT[3 + len(seen)]

    monkeypatch.setattr(made, "sample", sample)
    assert made.generate(model, TEXT[:4], 9) == TEXT[4:]
    found = generation(harness.traced(dsl.loads(spec(name))))
    assert found is not None
    for number, logits in enumerate(seen):
        text = TEXT[: 4 + number][-(found.context or len(TEXT)) :]
        wanted = scores(model, backend, text)[-1]
        np.testing.assert_allclose(logits, wanted, rtol=1e-9, atol=1e-12, err_msg=str(number))


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_followed_by_tokens_one_by_one(name: str, built: Any) -> None:
    source = np.random.default_rng(0).normal(size=(4, 10)) if name == "whisper" else [1, 5, 2, 8]
    ways = []
    for backend in BACKENDS:
        made, model = built(name, backend)
        ways.append(made.generate(model, source, [0], 8, temperature=0))
        best = [int(row.argmax()) for row in scores(model, backend, [0, *ways[-1]], source)]
        assert ways[-1] == best[:-1]
    assert ways[0] == ways[1]


REFUSED = {
    "looks ahead": "SelfAttention(2)",
    "both ways": "LSTM(4, bidirectional=true, return_sequences=true)",
    "ahead by a kernel": "Transpose(0, 1) -> Conv1d(8, 3, padding=1) -> ToSequence",
    "over positions": "Softmax(dim=0)",
    "norm over positions": "L2Normalize(dim=0)",
    "window ahead": "SelfAttention(2, window=3)",
    "padded with later ones": 'Pad([2, 0], mode="reflect", dim=time) -> Slice(0, -2, dim=time)',
}


@pytest.mark.parametrize("layers", REFUSED.values(), ids=REFUSED)
def test_a_model_that_hears_of_later_tokens_continues_nothing(layers: str) -> None:
    assert found_in(f"Embedding(11, 8) -> {layers}\n  Linear(11)") is None


@pytest.mark.parametrize(
    "body", ["Embedding(9, 8) -> Linear(11)", "Embedding(11, 8) -> Linear(11) -> Softmax"]
)
def test_what_the_output_scores_must_be_the_tokens(body: str) -> None:
    assert found_in(body) is None


def test_a_causal_convolution_is_one() -> None:
    layers = "Conv1d(8, 3, padding=4, dilation=2) -> Slice(0, -4, dim=time)"
    body = f"Embedding(11, 8) -> Transpose(0, 1) -> {layers} -> ToSequence -> Linear(11)"
    found = found_in(body)
    assert found is not None and not found.cached
    assert found_in(body.replace("padding=4", "padding=3").replace("-4", "-2")) is None


def test_a_layer_at_several_places_keeps_nothing() -> None:
    body = """shared attend = SelfAttention(2, causal=true)
  Embedding(11, 8) -> attend -> attend -> Linear(11)"""
    found = found_in(body)
    assert found is not None and not found.cached and found.recomputed == ("SelfAttention",)


def test_attention_beside_the_tokens_keeps_nothing() -> None:
    body = """given = Parameter([3, 8]) -> SelfAttention(2) -> Mean(dim=0)
  x = tokens -> Embedding(11, 8) -> SelfAttention(2, causal=true)
  (x, given) -> Add -> Linear(11)"""
    found = found_in(body)
    assert found is not None and not found.cached


def test_norms_and_shifts_written_out_are_followed() -> None:
    body = """x = Embedding(11, 8)
  size = x -> Mean(dim=features, keepdim=true)
  last = x -> Pad([1, 0], dim=time) -> Slice(0, -1, dim=time)
  (x, size, last) -> Add -> Linear(11)"""
    found = found_in(body)
    assert found is not None and found.recomputed == ("Pad",)
    assert (
        found_in(body.replace("Pad([1, 0]", "Pad([0, 1]").replace("Slice(0, -1", "Slice(1")) is None
    )
    assert found_in(body.replace("dim=features", "dim=time")) is None


def found_in(body: str) -> Any:
    """How a model with this body continues its tokens."""
    text = f"""msl 1
model Net {{
  input tokens: int64[time=8]
  {body}
  output following: float32[time, 11]
}}
"""
    return generation(harness.traced(dsl.loads(text)))


@pytest.mark.parametrize("name", MODELS)
def test_both_backends_take_the_same_greedy_way(name: str, built: Any) -> None:
    first, second = (
        made.generate(model, [1, 2], 10, temperature=0)
        for made, model in (built(name, backend) for backend in BACKENDS)
    )
    assert first == second
    assert len(first) == 10


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_seed_repeats_what_is_drawn_and_is_the_same_in_both(backend: str, built: Any) -> None:
    made, model = built("llama", backend)
    first = made.generate(model, [1], 12, temperature=5.0, seed=1)
    assert first == made.generate(model, [1], 12, temperature=5.0, seed=1)
    assert first != made.generate(model, [1], 12, temperature=5.0, seed=2)
    made, model = built("llama", "torch")
    assert first == made.generate(model, [1], 12, temperature=5.0, seed=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_prompt_longer_than_the_context_is_cut_at_its_start(backend: str, built: Any) -> None:
    made, model = built("gpt", backend)
    assert made.generate(model, TEXT, 5, temperature=0) == made.generate(
        model, TEXT[-8:], 5, temperature=0
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_stop_ends_the_text_and_is_left_out(backend: str, built: Any) -> None:
    made, model = built("lstm", backend)
    whole = made.generate(model, [1], 20, temperature=3.0, seed=4)
    stop = whole[6:8]
    place = next(i for i in range(20) if whole[i : i + 2] == stop)
    assert made.generate(model, [1], 20, temperature=3.0, seed=4, stop=stop) == whole[:place]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_model_is_as_before_after_a_text(backend: str, built: Any) -> None:
    made, model = built("gru_and_attention", backend)
    before = scores(model, backend, TEXT[:6])
    made.generate(model, TEXT[:3], 4)
    np.testing.assert_array_equal(scores(model, backend, TEXT[:6]), before)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "tokens, options",
    [
        ([], {}),
        ([11], {}),
        ([-1], {}),
        ([1], {"temperature": -1.0}),
        ([1], {"top_k": 0}),
        ([1], {"top_p": 0.0}),
    ],
)
def test_what_cannot_be_is_refused(
    backend: str, tokens: list[int], options: dict[str, Any], built: Any
) -> None:
    made, model = built("gpt", backend)
    with pytest.raises(ValueError, match=r"at least one token|temperature"):
        made.generate(model, tokens, 3, **options)


def test_drawing_keeps_to_temperature_top_k_and_top_p(built: Any) -> None:
    sample = built("gpt", "torch")[0].sample
    rng = np.random.default_rng(0)
    chances = np.array([0.1, 0.4, 0.3, 0.2])
    logits = np.log(chances)

    def shares(*options: Any) -> Any:
        drawn = [sample(logits, *options, rng) for _ in range(4000)]
        return np.bincount(drawn, minlength=4) / 4000

    np.testing.assert_allclose(shares(1.0, None, 1.0), chances, atol=0.03)
    np.testing.assert_allclose(shares(1.0, 2, 1.0), [0, 4 / 7, 3 / 7, 0], atol=0.03)
    np.testing.assert_allclose(shares(1.0, None, 0.6), [0, 4 / 7, 3 / 7, 0], atol=0.03)
    np.testing.assert_allclose(shares(1.0, None, 0.4), [0, 1, 0, 0])
    squared = chances**2 / (chances**2).sum()
    np.testing.assert_allclose(shares(0.5, None, 1.0), squared, atol=0.03)
    assert sample(logits, 0, None, 1.0, rng) == 1
