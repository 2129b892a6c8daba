"""A folder that a stranger sent: hostile specs among Python files that tell when they run."""

from __future__ import annotations

from pathlib import Path

TRAPS = (
    "black", "click", "jinja2", "json", "lark", "rich", "torch", "tensorflow", "keras", "numpy",
    "sitecustomize", "usercustomize", "canary_ops", "canary_data", "canary", "backends", "dsl",
)  # fmt: skip
TRAP = "import pathlib\npathlib.Path(__file__).with_suffix('.sprung').write_text('')\n"

EXTERN = """\
msl 1
# canary: {{ 7 * 7 }} {% raw %} __import__("os").system("touch canary")
extern layer Canary(levels: int = 3) from "canary_ops.py" {
  output = float32[8]
  params = 12
  flops = 24 * input.features
  torch = "CanaryTorch"
  tensorflow = "CanaryKeras"
}
model CanaryNet {
  input canary_in: float32[8]
  canary_layer = Canary(levels=2)
  output canary_out: float32[4] = Linear(4)
}
"""

TRAINING = """\
model CanaryNet {
  input x: float32[8]
  output canary_out = Linear(2)
}
loss CrossEntropy
optimizer SGD(lr=0.1)
data Python("canary_data.py")
train { epochs = 1; checkpoint = "last" }
"""

FILES = """\
model CanaryNet {
  input x: float32[8]
  output canary_out = Linear(2)
}
loss CrossEntropy
optimizer SGD(lr=0.1)
data CSV("https://canary.example/canary.csv", target="__import__('os').system('canary')")
regularization { L2(1e-4) on "*canary_out*" }
"""

ABSOLUTE = FILES.replace("https://canary.example/canary.csv", "/etc/passwd")

OUTSIDE = """\
import "../../../../etc/passwd"
import "/etc/passwd"
import "https://canary.example/blocks.msl"
model CanaryNet {
  input x: float32[8]
  output canary_out = Linear(2)
}
"""

SPECS = {
    "extern.msl": EXTERN,
    "training.msl": TRAINING,
    "files.msl": FILES,
    "absolute.msl": ABSOLUTE,
    "outside.msl": OUTSIDE,
    "broken.msl": EXTERN.replace("Linear(4)", "Linaer(4)").replace("}\nmodel", "model"),
}


def lay(folder: Path) -> None:
    """Lays the specs and the traps."""
    for name, text in SPECS.items():
        (folder / name).write_text(text)
    for name in TRAPS:
        (folder / f"{name}.py").write_text(TRAP)
    (folder / "pyproject.toml").write_text("[tool.black]\ninclude = 'canary'\n")


def sprung(folder: Path) -> list[str]:
    """The traps that ran."""
    return sorted(path.name for path in folder.glob("*.sprung"))
