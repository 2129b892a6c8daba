"""Small versions of the later convolutional networks: both frameworks compute the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.harness_models import Subject
from tests.backends.test_models import hold, in_double, make  # noqa: F401  (a fixture)
from tests.conftest import EXAMPLES

TINY = {"size": "32", "classes": "5"}
PATCHES = {"patch": "8", "depth": "2", "width": "16", "size": "16", "classes": "5"}
TWO = TINY | {"depths": "[1, 2]"}
CASES = [
    ("shufflenet_v2", "ShuffleNetV2", TWO | {"widths": "[8, 12]", "last": "16"}),
    ("mnasnet", "MnasNet", TINY | {"widths": "[8, 4, 4, 8, 8, 8, 8, 8]"}),
    ("mlp_mixer", "MLPMixer", PATCHES),
    ("resmlp", "ResMLP", PATCHES),
    ("gmlp", "GMLP", PATCHES),
    ("repvgg", "RepVGG", TWO | {"widths": "[6, 8]"}),
    ("mobileone", "MobileOne", TWO | {"widths": "[6, 8]", "four": "true"}),
    ("res2net", "Res2Net", TWO | {"base": "4"}),
    ("attentive_resnet", "AttentiveResNet", TWO | {"attention": "ChannelSqueeze"}),
    ("attentive_resnet", "AttentiveResNet", TWO | {"attention": "EfficientChannelAttention",
        "deep_stem": "true", "pooled": "true"}),
    ("sknet", "SKResNet", TWO),
    ("resnest", "ResNeSt", TWO),
    ("bit", "BiT", TWO),
    ("convnext", "ConvNeXt", TWO | {"widths": "[8, 12]", "drop": "0.0", "v2": "true"}),
    ("vovnet", "VoVNet", TINY | {"stem": "8", "blocks": "[1, 1, 1, 1]", "layers": "2",
        "lean": "true"}),
    ("dpn", "DPN", TWO | {"stem": "8", "kernel": "3", "widths": "[8, 16]", "inner": "32",
        "growths": "[4, 6]"}),
    ("dla", "DLA34", {"widths": "[4, 4, 6, 8, 8, 10]", "size": "64", "classes": "5"}),
    ("darknet", "Darknet", TWO),
    ("darknet", "Darknet", TWO | {"cross": "true"}),
    ("lcnet", "LCNet", TINY | {"scale": "0.5"}),
    ("starnet", "StarNet", TWO | {"width": "8"}),
    ("fasternet", "FasterNet", TWO | {"width": "8"}),
    ("video_resnet", "VideoResNet", TINY | {"forms": '["turns", "space", "both"]', "size": "16",
        "frames": "4"}),
    ("mobilenet_v4", "MobileNetV4ConvSmall", TINY),
    ("fastvit", "FastViT", TWO | {"widths": "[8, 16]"}),
    ("levit", "LeViT", TWO | {"widths": "[16, 24]", "heads": "[2, 3]", "head_dim": "4",
        "size": "64"}),
    ("efficientformer", "EfficientFormer", TINY | {"depths": "[1, 1, 1, 2]",
        "widths": "[4, 4, 6, 8]", "attentive": "1", "size": "64"}),
    ("volo", "VOLO", TINY | {"outlookers": "1", "layers": "1", "widths": "[8, 12]",
        "heads": "[2, 2]"}),
    ("wav2vec2", "Wav2Vec2", {"depth": "2", "width": "32", "heads": "4", "features": "8",
        "samples": "3200", "frames": "9"}),
]  # fmt: skip


@pytest.mark.torch
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "file, model, define", CASES, ids=lambda item: item if isinstance(item, str) else ""
)
def test_both_frameworks_agree(
    file: str, model: str, define: dict[str, str], tmp_path: Path
) -> None:
    case = Subject(EXAMPLES / "zoo" / f"{file}.msl", define, (), (), model)
    hold(case, make(case, "torch", tmp_path), make(case, "tensorflow", tmp_path), define)
