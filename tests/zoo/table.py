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
        active: Trainable values that one position meets; all of them where not given.
    """

    name: str
    file: str
    params: int
    flops: int | None = None
    model: str = ""
    define: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    symbols: Mapping[str, int] = field(default_factory=dict)
    active: int | None = None


CONVOLUTIONAL: list[Row] = [
    Row("lenet-5", "lenet", 61_706),
    Row("pytorch-examples-mnist", "mnist", 1_199_882, 23_984_896),
    Row("torchvision/alexnet", "alexnet", 61_100_840, 1_428_376_960),
    Row("torchvision/vgg16", "vgg", 138_357_544, 30_940_528_640, "VGG16"),
    Row("torchvision/vgg16_bn", "vgg", 138_365_992, 30_940_528_640, "VGG16BN"),
    Row("torchvision/vgg19", "vgg", 143_667_240, 39_264_124_928, "VGG19"),
    Row("torchvision/resnet18", "resnet", 11_689_512, 3_628_146_688, "ResNet18"),
    Row("torchvision/resnet34", "resnet", 21_797_672, None, "ResNet34"),
    Row(
        "torchvision/resnet50",
        "resnet",
        25_557_032,
        8_178_368_512,
        "ResNet50",
        shapes={
            "repeat.0.repeat.2.bottleneck.relu": (256, 56, 56),
            "repeat.1.repeat.3.bottleneck.relu": (512, 28, 28),
            "repeat.2.repeat.5.bottleneck.relu": (1024, 14, 14),
            "repeat.3.repeat.2.bottleneck.relu": (2048, 7, 7),
        },
    ),
    Row("torchvision/resnet101", "resnet", 44_549_160, None, "ResNet101"),
    Row("torchvision/resnet152", "resnet", 60_192_808, 23_027_253_248, "ResNet152"),
    Row("torchvision/resnext50_32x4d", "resnet", 25_028_904, 8_460_959_744, "ResNeXt50_32x4d"),
    Row("torchvision/resnext101_32x8d", "resnet", 88_791_336, None, "ResNeXt101_32x8d"),
    Row("torchvision/wide_resnet50_2", "resnet", 68_883_240, None, "WideResNet50_2"),
    Row("torchvision/densenet121", "densenet", 7_978_856, 5_668_323_328, "DenseNet121"),
    Row("torchvision/densenet169", "densenet", 14_149_480, None, "DenseNet169"),
    Row("torchvision/densenet201", "densenet", 20_013_928, None, "DenseNet201"),
    Row("torchvision/densenet161", "densenet", 28_681_000, None, "DenseNet161"),
    Row("torchvision/squeezenet1_0", "squeezenet", 1_248_424, 1_637_849_152),
    Row("torchvision/googlenet", "googlenet", 6_624_904, 2_996_752_384),
    Row("torchvision/mobilenet_v2", "mobilenet_v2", 3_504_872, 601_548_544),
    Row(
        "torchvision/mobilenet_v3_large", "mobilenet_v3", 5_483_032, 433_179_520, "MobileNetV3Large"
    ),
    Row("torchvision/mobilenet_v3_small", "mobilenet_v3", 2_542_856, None, "MobileNetV3Small"),
    Row("torchvision/efficientnet_b0", "efficientnet", 5_288_548, 771_629_504, "EfficientNetB0"),
    Row("torchvision/efficientnet_b1", "efficientnet", 7_794_184, None, "EfficientNetB1"),
    Row("torchvision/efficientnet_b2", "efficientnet", 9_109_994, None, "EfficientNetB2"),
    Row("torchvision/efficientnet_b3", "efficientnet", 12_233_232, None, "EfficientNetB3"),
    Row("timm/efficientnet_lite0", "efficientnet", 4_652_008, 770_375_104, "EfficientNetLite0"),
    Row("torchvision/efficientnet_v2_s", "efficientnet_v2", 21_458_488, None, "EfficientNetV2S"),
    Row("torchvision/regnet_y_400mf", "regnet", 4_344_144, 803_685_696, "RegNetY_400MF"),
    Row("torchvision/regnet_y_800mf", "regnet", 6_432_512, None, "RegNetY_800MF"),
    Row("torchvision/regnet_x_400mf", "regnet", 5_495_976, None, "RegNetX_400MF"),
    Row("torchvision/convnext_tiny", "convnext", 28_589_128, 8_911_062_528, "ConvNeXtTiny"),
    Row("torchvision/convnext_small", "convnext", 50_223_688, None, "ConvNeXtSmall"),
    Row("torchvision/convnext_base", "convnext", 88_591_464, None, "ConvNeXtBase"),
    Row("timm/poolformer_s12", "poolformer", 11_915_176, 3_624_534_016, "PoolFormerS12"),
    Row("timm/xception41", "xception_aligned", 26_969_560, 18_408_268_624, "Xception41"),
    Row("timm/hrnet_w18", "hrnet", 21_299_004, 8_567_074_144, "HRNetW18"),
    Row("UNet(milesial,3->2,convT)", "unet", 31_037_698, 385_372_651_520),
    Row("keras.applications/VGG16", "vgg", 138_357_544, None, "VGG16"),
    Row("keras.applications/ResNet50", "resnet_v1", 25_583_592, None, "ResNet50V1"),
    Row("keras.applications/ResNet101", "resnet_v1", 44_601_832, None, "ResNet101V1"),
    Row("keras.applications/ResNet152", "resnet_v1", 60_268_520, None, "ResNet152V1"),
    Row("keras.applications/ResNet50V2", "resnet_v2", 25_568_360, None, "ResNet50V2"),
    Row(
        "keras.applications/InceptionV3",
        "inception_v3",
        23_817_352,
        shapes={"stem.max_pool2d_2": (192, 35, 35), "inception_c.1.concat": (2048, 8, 8)},
    ),
    Row("keras.applications/InceptionResNetV2", "inception_resnet_v2", 55_813_192),
    Row("keras.applications/Xception", "xception", 22_855_952),
    Row("keras.applications/MobileNet", "mobilenet_v1", 4_231_976, None, "MobileNet"),
    Row("keras.applications/MobileNetV2", "mobilenet_v2", 3_504_872),
    Row("keras.applications/MobileNetV3Small", "mobilenet_v3", 2_542_856, None, "MobileNetV3Small"),
    Row("keras.applications/MobileNetV3Large", "mobilenet_v3", 5_483_032, None, "MobileNetV3Large"),
    Row("keras.applications/DenseNet121", "densenet", 7_978_856, None, "DenseNet121"),
    Row("keras.applications/EfficientNetB0", "efficientnet", 5_288_548, None, "EfficientNetB0"),
    Row(
        "keras.applications/EfficientNetV2B0",
        "efficientnet_v2",
        7_139_704,
        None,
        "EfficientNetV2B0",
    ),
    Row("keras.applications/NASNetMobile", "nasnet", 5_289_978, None, "NASNetMobile"),
    Row("keras.applications/ConvNeXtTiny", "convnext", 28_589_128, None, "ConvNeXtTiny"),
    Row("lab/lstm-lm torch", "lstm_lm", 11_368_208, 2_250_244_096, "LSTMLanguageModelTwoBiases"),
    Row("lab/lstm-lm keras", "lstm_lm", 11_364_112, None, "LSTMLanguageModel"),
]

TRANSFORMERS: list[Row] = [
    Row(
        "torchvision/vit_b_16",
        "vit",
        86_567_656,
        35_127_656_448,
        "ViT_B16",
        shapes={"patches": (768, 14, 14), "pre_norm_layer.0..11.add_2": (197, 768)},
    ),
    Row("torchvision/vit_b_32", "vit", 88_224_232, None, "ViT_B32"),
    Row("torchvision/vit_l_16", "vit", 304_326_632, 123_109_425_152, "ViT_L16"),
    Row("hf/vit-base-patch16-224(HF,cls)", "vit", 86_567_656, 35_127_656_448, "ViT_B16"),
    Row(
        "timm/cait_xxs24_224",
        "cait",
        11_956_264,
        5_046_950_400,
        "CaiT_XXS24",
        shapes={"patches.0..23.add_2": (196, 192), "token.1.add_2": (1, 192)},
    ),
    Row(
        "timm/mobilevit_s",
        "mobilevit",
        5_578_632,
        4_001_662_976,
        "MobileViT_S",
        shapes={
            f"repeat.{i}.mobile_vit_block.conv_norm_2.conv2d": (c, n, n)
            for i, c, n in ((0, 96, 32), (1, 128, 16), (2, 160, 8))
        },
    ),
    Row(
        "torchvision/swin_t",
        "swin",
        28_288_354,
        8_981_133_312,
        "SwinT",
        shapes={"repeat.2.swin_block.5.add_2": (14, 14, 384)},
    ),
    Row("torchvision/swin_s", "swin", 49_606_258, 17_481_750_528, "SwinS"),
    Row("torchvision/swin_b", "swin", 87_768_224, 30_861_893_632, "SwinB"),
    Row(
        "torchvision/swin_v2_t",
        "swin_v2",
        28_351_570,
        11_879_380_992,
        "SwinV2T",
        shapes={"repeat.1.swin_block.1.window_attention.bias.scale": (6, 64, 64)},
    ),
    Row("torchvision/swin_v2_s", "swin_v2", 49_737_442, 23_091_714_048, "SwinV2S"),
    Row("torchvision/swin_v2_b", "swin_v2", 87_930_848, 40_650_268_672, "SwinV2B"),
    Row(
        "torchvision/maxvit_t",
        "maxvit",
        30_919_624,
        11_116_093_440,
        "MaxViT_T",
        shapes={"repeat.2.max_vit_layer_2.3.grid_attention.window_merge": (14, 14, 256)},
    ),
    Row(
        "timm/coatnet_0_rw_224",
        "coatnet",
        27_435_562,
        8_812_601_856,
        "CoAtNet0",
        shapes={
            f"attention_stage.{i}.to_image": (c, n, n) for i, c, n in ((0, 384, 14), (1, 768, 7))
        },
    ),
    Row("hf/gpt2", "gpt2", 124_439_808, 291_648_307_200, "GPT2"),
    Row("hf/gpt2-medium", "gpt2", 354_823_168, 826_951_073_792, "GPT2Medium"),
    Row("hf/gpt2-large", "gpt2", 774_030_080, None, "GPT2Large"),
    Row("hf/gpt2-xl", "gpt2", 1_557_611_200, 3_506_703_564_800, "GPT2XL"),
    Row(
        "hf/bert-base-uncased(BertModel)",
        "bert",
        109_482_240,
        96_637_943_808,
        "Bert",
        shapes={"states.post_norm_layer.0..11.layer_norm_2": (512, 768), "pooled": (768,)},
    ),
    Row("hf/bert-base-uncased(MLM)", "bert", 109_514_298, 121_244_221_440, "BertMLM"),
    Row("hf/bert-large-uncased(BertModel)", "bert", 335_141_888, None, "BertLarge"),
    Row("electra-small-disc", "electra", 13_483_008, None, "ElectraSmall"),
    Row("hf/electra-base-disc", "electra", 108_891_648, None, "ElectraBase"),
    Row("hf/albert-base-v2", "albert", 11_683_584, None, "AlbertBase"),
    Row("hf/albert-large-v2", "albert", 17_683_968, None, "AlbertLarge"),
    Row("hf/llama-2-7b", "llama", 6_738_415_616, None, "Llama2_7B"),
    Row("hf/llama-2-13b", "llama", 13_015_864_320, 119_024_281_190_400, "Llama2_13B"),
    Row(
        "hf/llama-3-8b",
        "llama",
        8_030_261_248,
        158_140_695_838_720,
        "Llama3_8B",
        shapes={"llama_layer.0..31.add_2": (8192, 4096)},
    ),
    Row("hf/llama-3-70b", "llama", 70_553_706_496, 1_314_637_949_698_048, "Llama3_70B"),
    Row("hf/tinyllama-1.1b", "llama", 1_100_048_384, 4_992_899_481_600, "TinyLlama"),
    Row("hf/mistral-7b-v0.1", "mistral", 7_241_732_096),
    Row(
        "hf/mixtral-8x7b-v0.1",
        "mixtral",
        46_702_792_704,
        None,
        "Mixtral8x7B",
        shapes={"mixtral_layer.0..31.mixture_of_experts": (4096, 4096)},
        active=12_879_925_248,
    ),
    Row(
        "hf/mixtral-8x22b-v0.1",
        "mixtral",
        140_620_634_112,
        None,
        "Mixtral8x22B",
        active=39_152_031_744,
    ),
    Row("hf/olmoe-1b-7b", "olmoe", 6_919_161_856, None, "OLMoE_1B_7B", active=1_282_017_280),
    Row(
        "hf/qwen1.5-moe-a2.7b",
        "qwen2_moe",
        14_315_784_192,
        None,
        "Qwen1_5_MoE_A2_7B",
        active=2_689_173_504,
    ),
    Row(
        "hf/qwen2-57b-a14b",
        "qwen2_moe",
        57_408_658_944,
        None,
        "Qwen2_57B_A14B",
        active=14_249_270_784,
    ),
    Row(
        "hf/qwen3-30b-a3b", "qwen3_moe", 30_532_122_624, None, "Qwen3_30B_A3B", active=3_353_032_704
    ),
    Row(
        "hf/qwen3-235b-a22b",
        "qwen3_moe",
        235_093_634_560,
        None,
        "Qwen3_235B_A22B",
        active=22_190_763_520,
    ),
    Row(
        "hf/deepseek-moe-16b",
        "deepseek_moe",
        16_375_728_128,
        None,
        "DeepSeekMoE16B",
        active=2_828_650_496,
    ),
    Row(
        "hf/switch-base-8",
        "switch_transformer",
        619_339_008,
        None,
        "SwitchBase8",
        active=222_977_280,
    ),
    Row(
        "hf/switch-base-64",
        "switch_transformer",
        3_790_748_928,
        None,
        "SwitchBase64",
        active=223_493_376,
    ),
    Row(
        "hf/switch-base-128",
        "switch_transformer",
        7_415_217_408,
        None,
        "SwitchBase128",
        active=224_083_200,
    ),
    Row("qwen2.5-7b", "qwen2", 7_615_616_512, None, "Qwen2_5_7B"),
    Row("hf/qwen2.5-0.5b", "qwen2", 494_032_768, None, "Qwen2_5_0_5B"),
    Row("hf/qwen2.5-1.5b", "qwen2", 1_543_714_304, None, "Qwen2_5_1_5B"),
    Row("hf/gemma-2b", "gemma", 2_506_172_416, None, "Gemma2B"),
    Row("hf/gemma-7b", "gemma", 8_537_680_896, None, "Gemma7B"),
    Row("hf/phi-2", "phi", 2_779_683_840, None, "Phi2"),
    Row("hf/phi-1_5", "phi", 1_418_270_720, None, "Phi1_5"),
    Row(
        "hf/mamba-130m",
        "mamba",
        129_135_360,
        None,
        "Mamba130M",
        shapes={"repeat.0..23.mixer.scan": (2048, 1536), "repeat.0..23.add": (2048, 768)},
    ),
    Row("hf/mamba-370m", "mamba", 371_516_416, None, "Mamba370M"),
    Row("hf/mamba-790m", "mamba", 793_204_224, None, "Mamba790M"),
    Row("hf/mamba-1.4b", "mamba", 1_372_178_432, None, "Mamba1_4B"),
    Row("hf/mamba-2.8b", "mamba", 2_768_345_600, None, "Mamba2_8B"),
    Row("hf/falcon-mamba-7b", "mamba", 7_272_665_088, None, "FalconMamba7B"),
    Row(
        "hf/mamba2-130m",
        "mamba2",
        128_989_632,
        None,
        "Mamba2_130M",
        shapes={"repeat.0..23.mixer.scan": (2048, 1536), "repeat.0..23.add": (2048, 768)},
    ),
    Row("hf/mamba2-370m", "mamba2", 368_346_624, None, "Mamba2_370M"),
    Row("hf/mamba2-780m", "mamba2", 780_161_280, None, "Mamba2_780M"),
    Row("hf/mamba2-1.3b", "mamba2", 1_343_757_312, None, "Mamba2_1_3B"),
    Row("hf/mamba2-2.7b", "mamba2", 2_702_599_680, None, "Mamba2_2_7B"),
    Row("hf/rwkv-4-169m-pile", "rwkv", 169_342_464, None, "RWKV4_169M"),
    Row("hf/rwkv-4-430m-pile", "rwkv", 430_397_440, None, "RWKV4_430M"),
    Row("hf/rwkv-4-1b5-pile", "rwkv", 1_515_106_304, None, "RWKV4_1B5"),
    Row("hf/rwkv-4-3b-pile", "rwkv", 2_984_627_200, None, "RWKV4_3B"),
    Row("hf/rwkv-4-7b-pile", "rwkv", 7_392_649_216, None, "RWKV4_7B"),
    Row("hf/rwkv-4-14b-pile", "rwkv", 14_148_597_760, None, "RWKV4_14B"),
    Row(
        "transformer-base(nn.Transformer core)", "transformer", 44_140_544, None, "TransformerBase"
    ),
    Row("hf/whisper-tiny", "whisper", 37_760_640, None, "WhisperTiny"),
    Row(
        "hf/whisper-small",
        "whisper",
        241_734_912,
        543_275_778_048,
        "WhisperSmall",
        shapes={
            "conv1d_2": (768, 1500),
            "whisper_encoder_layer.0..11.add_2": (1500, 768),
            "whisper_decoder_layer.0..11.add_3": (448, 768),
        },
    ),
]

ROWS: list[Row] = [*CONVOLUTIONAL, *TRANSFORMERS]
