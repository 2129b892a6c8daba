"""Language models, and models of language with images or sound, counted with transformers 5.

Counted on its `meta` device, FLOPs with PyTorch's `FlopCounterMode`. Tables of constants are left
out, and CLIP's one product of an image's direction with a text's.
"""

from __future__ import annotations

from tests.zoo.row import Row

NEWER: list[Row] = [
    Row(
        "hf/llama-3.1-8b",
        "llama",
        8_030_261_248,
        15_919_296_282_624,
        "Llama3_1_8B",
        symbols={"time": 1024},
    ),
    Row(
        "hf/llama-3.2-1b",
        "llama",
        1_235_814_400,
        2_668_248_432_640,
        "Llama3_2_1B",
        symbols={"time": 1024},
    ),
    Row(
        "hf/llama-3.2-3b",
        "llama",
        3_212_749_824,
        6_940_130_279_424,
        "Llama3_2_3B",
        symbols={"time": 1024},
    ),
    Row(
        "hf/smollm2-135m",
        "llama",
        134_515_008,
        347_892_350_976,
        "SmolLM2_135M",
        symbols={"time": 1024},
    ),
    Row(
        "hf/smollm2-360m",
        "llama",
        361_821_120,
        869_730_877_440,
        "SmolLM2_360M",
        symbols={"time": 1024},
    ),
    Row(
        "hf/granite-3.0-2b",
        "granite",
        2_533_531_648,
        5_531_930_460_160,
        "Granite3_2B",
        symbols={"time": 1024},
    ),
    Row(
        "hf/granite-3.0-8b",
        "granite",
        8_170_848_256,
        17_420_412_518_400,
        "Granite3_8B",
        symbols={"time": 1024},
    ),
    Row("hf/pegasus-large", "pegasus", 568_699_904, 348_389_113_856, "PegasusLarge"),
    Row("hf/clip-vit-base-patch32", "clip", 151_277_313, 14_777_163_776, "ClipB32"),
    Row("hf/clip-vit-base-patch16", "clip", 149_620_737, 41_086_447_616, "ClipB16"),
    Row("hf/hubert-base-ls960", "wav2vec2", 94_371_712, 13_822_748_672, "HubertBase"),
]
