"""Convolutional networks of fixed widths, on small images: both frameworks compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backends.tensorflow.weights import load
from tests.backends.harness_models import (
    Subject,
    arrays,
    expected_keys,
    scramble,
    torch_state,
    traced,
)
from tests.backends.test_models import in_double, make  # noqa: F401  (a fixture)
from tests.conftest import EXAMPLES

TINY = {"size": "32", "classes": "5"}
CASES = [
    ("lenet", "LeNet5", {}),
    ("alexnet", "AlexNet", {"size": "64", "classes": "5"}),
    ("vgg", "VGG", TINY | {"depths": "[1, 1, 1, 1, 1]", "norm": "BatchNorm"}),
    ("googlenet", "GoogLeNet", TINY),
    ("inception_v3", "InceptionV3", {"size": "75", "classes": "5"}),
    ("inception_v4", "InceptionV4", {"size": "75", "depths": "[1, 1, 1]", "classes": "5"}),
    ("inception_resnet_v2", "InceptionResNetV2", {"size": "75", "classes": "5"}),
    ("xception", "Xception", {"size": "71", "classes": "5"}),
    ("xception_aligned", "AlignedXception", {"size": "32", "middle": "1", "classes": "5"}),
    ("densenet", "DenseNet", TINY | {"depths": "[2, 2, 2]", "growth": "8", "stem": "16"}),
    ("resnet_v1", "ResNetV1", TINY | {"depths": "[1, 1]"}),
    ("resnet_v2", "ResNetV2", TINY | {"depths": "[2, 2]"}),
    ("mobilenet_v1", "MobileNet", TINY | {"width": "0.25"}),
    ("mobilenet_v2", "MobileNetV2", TINY),
    ("mobilenet_v3", "MobileNetV3", TINY | {"lean": "true"}),
    ("efficientnet", "EfficientNet", TINY | {"drop": "0.0"}),
    ("efficientnet_v2", "EfficientNetV2", TINY),
    ("efficientnet_edge", "EfficientNetEdge", TINY),
    ("fbnet", "FBNet", TINY),
    ("ghostnet", "GhostNet", TINY),
    ("hardcorenas", "HardCoReNAS", TINY),
    ("hrnet", "HRNet", TINY | {"width": "4"}),
    ("nasnet", "NASNet", TINY | {"stem": "8", "width": "8", "depth": "2"}),
    ("nfnet", "NFNet", TINY),
    ("poolformer", "PoolFormer", TINY | {"depths": "[1, 2]", "widths": "[8, 12]"}),
    ("regnet", "RegNet", TINY | {"depth": "6", "start": "8", "slope": "4.0", "ratio": "2.0",
        "group_width": "8"}),
    ("segmentation", "Segmentation", {"size": "64", "classes": "5", "head": "FCNHead"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "define"), CASES)
def test_both_frameworks_agree(
    name: str, model: str, define: dict[str, str], tmp_path: Path
) -> None:
    """Counts, keys and results; gradients of these layers are held on smaller models."""
    case = Subject(EXAMPLES / "zoo" / f"{name}.msl", define, (), (), model)
    spec = case.elaborated()
    built, other = make(case, "torch", tmp_path), make(case, "tensorflow", tmp_path)
    count = spec.cost().params
    assert sum(item.numel() for item in built.parameters()) == count
    assert sum(int(np.prod(item.shape)) for item in other.trainable_weights) == count
    built = built.double().eval()
    scramble(built)
    state = torch_state(traced(spec), built)
    assert sorted(state) == sorted(expected_keys(spec.compilation.model))
    load(traced(spec), other, state, np)
    (image,) = arrays(traced(spec))
    with torch.inference_mode():
        wanted = built(torch.from_numpy(image)).numpy()
    got = other(np.moveaxis(image, 1, -1), training=False).numpy()
    got = np.moveaxis(got, -1, 1) if got.ndim == 4 else got
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6 * float(abs(wanted).max()))
