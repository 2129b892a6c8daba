"""Small versions of the transformers: both frameworks build them and compute the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.harness_models import Subject
from tests.backends.test_models import hold, in_double, make  # noqa: F401
from tests.zoo.test_transformers import ZOO

SMALL = {"depth": "2", "width": "24", "heads": "4"}
IMAGES = {"size": "32", "classes": "5", "depths": "[2, 1, 2]"}
WORDS = SMALL | {"vocab": "17", "context": "9"}
PAIRS = WORDS | {"kinds": "5"}
GROUPED = WORDS | {"kv_heads": "2", "hidden": "20"}
MIXED = GROUPED | {"experts": "4", "top_k": "2"}
SCANNED = {"depth": "2", "width": "24", "vocab": "17", "context": "9"}
CASES = [
    ("vit", "ViT", SMALL | {"size": "12", "patch": "4", "classes": "5"}),
    ("cait", "CaiT", SMALL | {"size": "12", "patch": "4", "classes": "5"}),
    ("mobilevit", "MobileViT", {"size": "64", "classes": "5", "last": "12",
        "channels": "[4, 5, 6, 7, 8]", "widths": "[8, 12, 16]"}),
    ("swin", "Swin", IMAGES | {"window": "2", "embed_dim": "8", "heads": "[1, 2, 4]"}),
    ("swin_v2", "SwinV2", IMAGES | {"window": "2", "embed_dim": "8", "heads": "[1, 2, 4]"}),
    ("maxvit", "MaxViT", IMAGES | {"side": "2", "widths": "[8, 8, 12]", "head_dim": "4"}),
    ("coatnet", "CoAtNet", {"size": "32", "classes": "5", "stem": "[4, 6]",
        "depths": "[1, 2, 2, 1]", "widths": "[8, 12, 12, 16]", "head_dim": "4"}),
    ("convmixer", "ConvMixer", {"depth": "2", "width": "8", "kernel": "3", "size": "21",
        "classes": "5"}),
    ("davit", "DaViT", {"depths": "[1, 1]", "width": "4", "head_dim": "2", "window": "2",
        "size": "16", "classes": "5"}),
    ("deit", "DeiT3", SMALL | {"size": "12", "patch": "4", "classes": "5"}),
    ("deit", "DistilledDeiT", SMALL | {"size": "12", "patch": "4", "classes": "5"}),
    ("beit", "BEiT", SMALL | {"size": "12", "patch": "4", "classes": "5"}),
    ("pvt_v2", "PVT", {"depths": "[1, 2]", "width": "4", "heads": "[1, 2]", "ratios": "[2, 1]",
        "hidden": "[2, 2]", "size": "32", "classes": "5"}),
    ("twins", "Twins", {"depths": "[2, 4]", "width": "4", "head_dim": "2", "window": "2",
        "ratios": "[2, 1]", "size": "32", "classes": "5"}),
    ("gpt2", "GPT2", WORDS),
    ("bert", "Bert", PAIRS),
    ("bert", "BertMLM", PAIRS),
    ("electra", "ElectraDiscriminator", PAIRS | {"embedding": "6"}),
    ("albert", "Albert", PAIRS | {"embedding": "6"}),
    ("llama", "Llama", GROUPED),
    ("llama", "Llama", GROUPED | {"tied": "true", "rope_scaling": "[3, 0.5, 1.5, 9]"}),
    ("granite", "Granite", GROUPED),
    ("clip", "Clip", {"patch": "4", "size": "8", "depth": "1", "width": "64", "text_width": "64",
        "shared_width": "6", "vocab": "17", "context": "5"}),
    ("pegasus", "Pegasus", WORDS | {"summary": "5"}),
    ("mistral", "Mistral", GROUPED | {"window": "3"}),
    ("mixtral", "Mixtral", MIXED),
    ("olmoe", "OLMoE", WORDS | {"hidden": "20", "experts": "4", "top_k": "2"}),
    ("qwen2_moe", "Qwen2MoE", MIXED | {"shared_hidden": "12"}),
    ("qwen3_moe", "Qwen3MoE", MIXED | {"head_dim": "8"}),
    ("deepseek_moe", "DeepSeekMoE", WORDS | {"hidden": "20", "experts": "6", "top_k": "3",
        "shared_hidden": "12", "first_hidden": "16"}),
    ("switch_transformer", "SwitchTransformer", WORDS | {"hidden": "20", "experts": "4"}),
    ("qwen2", "Qwen2", GROUPED),
    ("qwen2", "Qwen2", GROUPED | {"tied": "true"}),
    ("gemma", "Gemma", GROUPED | {"head_dim": "8"}),
    ("phi", "Phi", WORDS | {"rope_dim": "4"}),
    ("mamba", "Mamba", SCANNED),
    ("mamba", "FalconMamba7B", SCANNED),
    ("mamba2", "Mamba2", SCANNED | {"width": "64"}),
    ("rwkv", "RWKV", SCANNED),
    ("recurrent_gemma", "RecurrentGemma", WORDS | {"depth": "3", "head_dim": "8", "hidden": "20",
        "window": "3"}),
    ("transformer", "Transformer", SMALL | {"hidden": "20"}),
    ("whisper", "Whisper", WORDS | {"mels": "5", "frames": "14"}),
    ("t5", "T5", WORDS | {"hidden": "20", "head_dim": "8"}),
    ("t5", "T5", WORDS | {"hidden": "20", "gated": "true"}),
    ("bart", "Bart", WORDS),
    ("bloom", "Bloom", WORDS | {"heads": "6"}),
    ("mpt", "MPT", WORDS),
    ("gemma2", "Gemma2", GROUPED | {"head_dim": "8", "window": "3"}),
    ("gemma3", "Gemma3", GROUPED | {"depth": "6", "head_dim": "12", "window": "3"}),
    ("qwen3", "Qwen3", GROUPED | {"head_dim": "8"}),
    ("gpt_j", "GPTJ", WORDS | {"rope_dim": "4"}),
    ("gpt_neox", "GPTNeoX", WORDS | {"heads": "3"}),
    ("gpt_neo", "GPTNeo", WORDS | {"window": "3"}),
    ("falcon", "Falcon", WORDS),
    ("falcon", "Falcon", WORDS | {"kv_heads": "2", "norms": "2"}),
    ("opt", "OPT", WORDS),
    ("olmo2", "Olmo2", WORDS | {"hidden": "20"}),
    ("command_r", "CommandR", GROUPED),
    ("starcoder2", "StarCoder2", WORDS | {"kv_heads": "2", "window": "3"}),
    ("stablelm", "StableLM", WORDS | {"heads": "3", "hidden": "20"}),
    ("roberta", "Roberta", WORDS),
    ("distilbert", "DistilBert", WORDS),
    ("gpt_bigcode", "GPTBigCode", WORDS),
    ("phi3", "Phi3Mini", GROUPED | {"window": "3"}),
]  # fmt: skip


@pytest.mark.torch
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "file, model, define", CASES, ids=lambda item: item if isinstance(item, str) else ""
)
def test_both_frameworks_agree(
    file: str, model: str, define: dict[str, str], tmp_path: Path
) -> None:
    case = Subject(ZOO / f"{file}.msl", define, model=model)
    hold(case, make(case, "torch", tmp_path), make(case, "tensorflow", tmp_path), define, grow=-2)
