"""Convolutional networks since 2017, and those that mix positions without attention."""

from __future__ import annotations

from tests.zoo.row import Row

LATER: list[Row] = [
    Row(
        "torchvision/shufflenet_v2_x0_5",
        "shufflenet_v2",
        1_366_792,
        80_952_896,
        "ShuffleNetV2_x0_5",
    ),
    Row(
        "torchvision/shufflenet_v2_x1_0",
        "shufflenet_v2",
        2_278_604,
        289_815_984,
        "ShuffleNetV2_x1_0",
    ),
    Row("torchvision/mnasnet0_5", "mnasnet", 2_218_512, 208_911_936, "MnasNet0_5"),
    Row("torchvision/mnasnet1_0", "mnasnet", 4_383_312, 628_831_744, "MnasNet1_0"),
    Row("timm/mixer_s32_224", "mlp_mixer", 19_104_624, 2_004_852_736, "Mixer_S32"),
    Row("timm/mixer_b16_224", "mlp_mixer", 59_880_472, 25_203_535_872, "Mixer_B16"),
    Row("timm/resmlp_12_224", "resmlp", 15_350_872, 6_019_479_552, "ResMLP_12"),
    Row("timm/gmlp_s16_224", "gmlp", 19_422_656, 8_784_121_856, "GMLP_S16"),
    Row("timm/repvgg_a0", "repvgg", 9_108_968, 3_025_162_240, "RepVGG_A0"),
    Row("timm/repvgg_b0", "repvgg", 15_817_960, 6_794_383_360, "RepVGG_B0"),
    Row("timm/res2net50_26w_4s", "res2net", 25_699_120, 8_510_332_928, "Res2Net50_26w_4s"),
    Row("timm/seresnet50", "attentive_resnet", 28_088_024, 8_183_398_400, "SEResNet50"),
    Row("timm/ecaresnet50d", "attentive_resnet", 25_576_350, 8_657_825_280, "ECAResNet50D"),
    Row("timm/ecaresnetlight", "attentive_resnet", 30_162_046, 8_178_574_848, "ECAResNetLight"),
    Row("timm/skresnet18", "sknet", 11_958_056, 3_628_675_072, "SKResNet18"),
    Row("timm/resnetv2_50x1_bit", "bit", 25_549_352, 8_178_368_512, "BiT_R50x1"),
    Row("timm/dm_nfnet_f0", "nfnet", 71_489_284, 13_954_007_040, "NFNetF0"),
    Row("timm/convnextv2_tiny", "convnext", 28_635_496, 8_911_062_528, "ConvNeXtV2Tiny"),
    Row("timm/resnest14d", "resnest", 10_611_688, 5_498_810_368, "ResNeSt14D"),
    Row("timm/resnest50d", "resnest", 27_483_240, 10_742_321_152, "ResNeSt50D"),
    Row("timm/ghostnet_100", "ghostnet", 5_182_508, 282_301_024, "GhostNet"),
    Row("timm/vovnet39a", "vovnet", 22_600_296, 14_144_454_656, "VoVNet39A"),
    Row("timm/ese_vovnet19b_dw", "vovnet", 6_543_080, 2_666_979_648, "VoVNet19B_DW"),
    Row("timm/dpn68", "dpn", 12_611_602, 4_652_326_912, "DPN68"),
    Row("timm/dpn92", "dpn", 37_668_392, 13_003_368_448, "DPN92"),
    Row("timm/dla34", "dla", 15_742_104, 6_120_087_552, "DLA34"),
    Row("timm/darknet53", "darknet", 41_609_928, 18_570_231_808, "Darknet53"),
    Row("timm/cspdarknet53", "darknet", 27_642_184, 13_067_304_960, "CSPDarknet53"),
    Row("timm/lcnet_100", "lcnet", 2_953_800, 311_400_960, "LCNet_x1_0"),
    Row("timm/lcnet_050", "lcnet", 1_880_856, 89_462_016, "LCNet_x0_5"),
    Row("timm/fbnetc_100", "fbnet", 5_572_200, 769_920_320, "FBNet"),
    Row("timm/hardcorenas_a", "hardcorenas", 5_260_232, 448_455_872, "HardCoReNAS_A"),
    Row("timm/efficientnet_es", "efficientnet_edge", 5_438_392, 3_577_462_016, "EfficientNetEdgeS"),
    Row(
        "torchvision/efficientnet_b7", "efficientnet", 66_347_960, 75_491_768_384, "EfficientNetB7"
    ),
    Row("timm/tinynet_a", "efficientnet", 6_187_972, 673_735_424, "TinyNetA"),
    Row("timm/tinynet_e", "efficientnet", 2_042_972, 48_713_696, "TinyNetE"),
    Row("timm/mobileone_s0", "mobileone", 5_293_272, 2_103_870_464, "MobileOneS0"),
    Row("timm/mobileone_s1", "mobileone", 4_825_192, 1_660_124_160, "MobileOneS1"),
    Row("wav2vec2-base", "wav2vec2", 94_371_712, None, "Wav2Vec2Base"),
]
