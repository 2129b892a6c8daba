"""Published architectures, their sizes, and the spec under ``examples/zoo`` that is each of them.

Counts are those of torchvision 0.29, timm 1.0.31, transformers 5.23 and keras.applications 3.15
(trainable values), FLOPs those of PyTorch's `FlopCounterMode`, two for each multiply-add, batch 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One published architecture.

    Attributes:
        name: As the source calls it.
        file: Name of the spec in ``examples/zoo``, without its ending.
        params: Trainable values.
        flops: Of one sample's forward pass; None where none are published.
        model: Model or variant; "" for the file's own choice.
        define: Parameters by name, as on the command line.
        shapes: Output shapes by layer path, at the ends of blocks.
        symbols: Sizes to quote symbols at, by name; those of the spec where not given.
    """

    name: str
    file: str
    params: int
    flops: int | None = None
    model: str = ""
    define: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    symbols: Mapping[str, int] = field(default_factory=dict)


CONVOLUTIONAL: list[Row] = [
    Row("torchvision/alexnet", "alexnet", 61_100_840, 1_428_376_960),
]

TRANSFORMERS: list[Row] = [
    Row("torchvision/vit_b_16", "vit", 86_567_656, 35_127_656_448, "ViT_B16"),
    Row("torchvision/vit_b_32", "vit", 88_224_232, None, "ViT_B32"),
    Row("torchvision/vit_l_16", "vit", 304_326_632, 123_109_425_152, "ViT_L16"),
    Row("hf/vit-base-patch16-224(HF,cls)", "vit", 86_567_656, 35_127_656_448, "ViT_B16"),
    Row("timm/cait_xxs24_224", "cait", 11_956_264, 5_046_950_400, "CaiT_XXS24"),
    Row("timm/mobilevit_s", "mobilevit", 5_578_632, 4_001_662_976, "MobileViT_S"),
    Row("hf/gpt2", "gpt2", 124_439_808, 291_648_307_200, "GPT2"),
    Row("hf/gpt2-medium", "gpt2", 354_823_168, 826_951_073_792, "GPT2Medium"),
    Row("hf/gpt2-large", "gpt2", 774_030_080, None, "GPT2Large"),
    Row("hf/gpt2-xl", "gpt2", 1_557_611_200, 3_506_703_564_800, "GPT2XL"),
    Row("hf/bert-base-uncased(BertModel)", "bert", 109_482_240, 96_637_943_808, "Bert"),
    Row("hf/bert-base-uncased(MLM)", "bert", 109_514_298, 121_244_221_440, "BertMLM"),
    Row("hf/bert-large-uncased(BertModel)", "bert", 335_141_888, None, "BertLarge"),
    Row("electra-small-disc", "electra", 13_483_008, None, "ElectraSmall"),
    Row("hf/electra-base-disc", "electra", 108_891_648, None, "ElectraBase"),
    Row("hf/albert-base-v2", "albert", 11_683_584, None, "AlbertBase"),
    Row("hf/albert-large-v2", "albert", 17_683_968, None, "AlbertLarge"),
    Row("hf/llama-2-7b", "llama", 6_738_415_616, None, "Llama2_7B"),
    Row("hf/llama-2-13b", "llama", 13_015_864_320, 119_024_281_190_400, "Llama2_13B"),
    Row("hf/llama-3-8b", "llama", 8_030_261_248, 158_140_695_838_720, "Llama3_8B"),
    Row("hf/llama-3-70b", "llama", 70_553_706_496, 1_314_637_949_698_048, "Llama3_70B"),
    Row("hf/tinyllama-1.1b", "llama", 1_100_048_384, 4_992_899_481_600, "TinyLlama"),
    Row("hf/mistral-7b-v0.1", "mistral", 7_241_732_096),
    Row("qwen2.5-7b", "qwen2", 7_615_616_512, None, "Qwen2_5_7B"),
    Row("hf/qwen2.5-0.5b", "qwen2", 494_032_768, None, "Qwen2_5_0_5B"),
    Row("hf/qwen2.5-1.5b", "qwen2", 1_543_714_304, None, "Qwen2_5_1_5B"),
    Row("hf/gemma-2b", "gemma", 2_506_172_416, None, "Gemma2B"),
    Row("hf/gemma-7b", "gemma", 8_537_680_896, None, "Gemma7B"),
    Row("hf/phi-2", "phi", 2_779_683_840, None, "Phi2"),
    Row("hf/phi-1_5", "phi", 1_418_270_720, None, "Phi1_5"),
    Row("transformer-base(nn.Transformer core)", "transformer", 44_140_544, None, "TransformerBase"),
    Row("hf/whisper-tiny", "whisper", 37_760_640, None, "WhisperTiny"),
    Row("hf/whisper-small", "whisper", 241_734_912, 543_275_778_048, "WhisperSmall"),
]

ROWS: list[Row] = [*CONVOLUTIONAL, *TRANSFORMERS]
