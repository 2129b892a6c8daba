"""Specs with training sections, each with a module written by hand for it.

They stand for all that a training script may hold: every source of data, several inputs and
outputs, penalties, schedules, precisions.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A spec and the PyTorch code of its model."""

    spec: str
    code: str
    class_name: str


FULL_CODE = """\
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(512, 24)
        self.dropout = nn.Dropout(0.1)
        self.logits = nn.Linear(24, 10)

    def forward(self, image):  # [B, 1, 8, 8]
        x = F.relu(self.conv1(image))  # [B, 16, 8, 8]
        x = F.max_pool2d(self.conv2(x), 2)  # [B, 32, 4, 4]
        x = F.relu(x)
        x = torch.flatten(x, 1)  # [B, 512]
        x = F.relu(self.fc1(x))  # [B, 24]
        x = self.dropout(x)
        return self.logits(x)  # [B, 10]


def build_model():
    return DigitsCNN()
"""

TOWERS_CODE = """\
class TwoTowers(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.u = nn.Linear(8, width)
        self.i = nn.Linear(8, width)
        self.h = nn.ModuleDict(
            {
                "embedding": nn.Embedding(1000, 32),
                "gru": nn.GRU(32, 64, batch_first=True),
                "linear": nn.Linear(64, width),
            }
        )
        self.click = nn.Linear(3 * width, 1)
        self.rating = nn.Linear(3 * width, 1)

    def forward(self, user, item, history):
        h = self.h["linear"](self.h["gru"](self.h["embedding"](history))[0][:, -1])
        joint = torch.cat((self.u(user), self.i(item), h), 1)
        return {"click": self.click(joint), "rating": self.rating(joint)}


def build_model():
    return TwoTowers()
"""

GPT_CODE = """\
class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(256, 32)
        self.layer_norm = nn.LayerNorm(32)
        self.logits = nn.Linear(32, 256)

    def forward(self, tokens):
        return self.logits(self.layer_norm(self.embed(tokens)))


def build_model():
    return GPT()
"""

VOTERS_CODE = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(21, 16)
        self.vote = nn.Linear(16, 1)

    def forward(self, x):
        return self.vote(F.relu(self.hidden(x)))


def build_model():
    return Net()
"""

VOTERS2_CODE = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(21, 16)
        self.vote = nn.Linear(16, 2)

    def forward(self, x):
        return self.vote(F.relu(self.hidden(x)))


def build_model():
    return Net()
"""

INVEST_CODE = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(14, 16)
        self.log_investment = nn.Linear(16, 1)

    def forward(self, x):
        return self.log_investment(F.relu(self.hidden(x)))


def build_model():
    return Net()
"""

SEA_CODE = """\
class Sea(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = nn.LSTM(1, 16, batch_first=True)
        self.next_month = nn.Linear(16, 1)

    def forward(self, months):
        return self.next_month(self.memory(months)[0][:, -1])


def build_model():
    return Sea()
"""

PYHOOK_CODE = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 16)
        self.y = nn.Linear(16, 3)

    def forward(self, x):
        return self.y(F.relu(self.hidden(x)))


def build_model():
    return Net()
"""

SEG_CODE = """\
class Seg(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.mask = nn.Conv2d(8, 4, 1)

    def forward(self, image):
        return self.mask(F.relu(self.conv(image)))


def build_model():
    return Seg()
"""

CASES = {
    "full": Case(
        """\
model DigitsCNN {
  input image: float32[1, 8, 8]
  conv1 = Conv2d(16, 3, padding=1) -> ReLU
  conv2 = Conv2d(32, 3, padding=1) -> MaxPool2d(2) -> ReLU
  Flatten
  fc1 = Linear(24) -> ReLU
  Dropout(0.1)
  output logits: float32[10] = Linear(10)
}

loss CrossEntropy(label_smoothing=0.1, weight=[1,1,1,1,1,1,1,1,1,2])
optimizer SGD(lr=0.05, momentum=0.9, nesterov=true, weight_decay=1e-4)
schedule Cosine(warmup=1epochs, min_lr=1e-4)
regularization {
  L2(1e-5)
  L1(1e-6) on "conv*.weight"
  ClipNorm(1.0)
  EarlyStopping(patience=2, monitor="val_accuracy")
  Augment(RandomCrop(8, padding=1), HorizontalFlip(0.3))
}
data CSV("digits.csv", target="label", validation=0.1, test=0.2, normalize="minmax")
train {
  epochs = 5; batch = 32; accumulate = 2; seed = 42; checkpoint = "all"
  metrics = [Accuracy, TopK(3), F1]
}
""",
        FULL_CODE,
        "DigitsCNN",
    ),
    "towers": Case(
        """\
model TwoTowers(width: int = 16) {
  input user: float32[8]
  input item: float32[8]
  input history: int64[time=20]
  u = user -> Linear(width)
  i = item -> Linear(width)
  h = history -> Embedding(1000, 32) -> GRU(64) -> Linear(width)
  joint = (u, i, h) -> Concat
  output click: float32[1] = joint -> Linear(1)
  output rating: float32[1] = joint -> Linear(1)
}
loss {
  click: BinaryCrossEntropy(pos_weight=3.0, label_smoothing=0.1) * 1.0
  rating: MSE * 0.5
}
optimizer RMSprop(lr=1e-3)
regularization { L2(1e-5); L1(1e-7) on "u.*"; EarlyStopping(patience=3) }
train {
  epochs = 2
  batch = 256
  metrics = [AUC on click, MAE on rating, RMSE on rating, F1 on click, Accuracy on click]
}
""",
        TOWERS_CODE,
        "TwoTowers",
    ),
    "gpt": Case(
        """\
model GPT {
  input tokens: int64[time=32]
  embed = Embedding(256, 32)
  LayerNorm
  output logits: float32[time, 256] = Linear(256)
}
loss CrossEntropy
optimizer AdamW(lr=6e-3, betas=[0.9, 0.95], weight_decay=0.1)
schedule Cosine(warmup=0.1, min_lr=6e-5)
regularization { ClipNorm(1.0) }
data Text("shakespeare.txt", validation=0.1, test=0.05)
train { steps = 150; batch = 12; accumulate = 4; seed = 1337; metrics = [Accuracy] }
device { precision = bfloat16; count = 8; strategy = "ddp" }
""",
        GPT_CODE,
        "GPT",
    ),
    "characters": Case(
        """\
model GPT {
  input tokens: int64[time=32]
  embed = Embedding(256, 32)
  LayerNorm
  output logits: float32[time, 256] = Linear(256)
}
loss CrossEntropy
optimizer AdamW(lr=6e-3, betas=[0.9, 0.95], weight_decay=0.1)
schedule Linear(warmup=10)
regularization { ClipNorm(1.0) }
data Text("shakespeare.txt", tokenizer="characters", validation=0.1, test=0.05)
train { steps = 150; batch = 12; accumulate = 4; seed = 1337; metrics = [Accuracy] }
device { precision = auto; compile = true }
""",
        GPT_CODE,
        "GPT",
    ),
    "voters": Case(
        """\
model Net {
  input x: float32[21]
  hidden = Linear(16) -> ReLU
  output vote = Linear(1)
}
loss BinaryCrossEntropy
optimizer Adam(lr=0.01, weight_decay=1e-4)
data CSV("voters.csv", target="vote", test=0.2)
train { epochs = 5; metrics = [AUC, Accuracy, F1] }
""",
        VOTERS_CODE,
        "Net",
    ),
    "voters2": Case(
        """\
model Net {
  input x: float32[21]
  hidden = Linear(16) -> ReLU
  output vote = Linear(2)
}
loss CrossEntropy
optimizer Adagrad(lr=0.05)
schedule Step(2epochs, 0.5)
data CSV("voters.csv", target="vote", test=0.2)
train { epochs = 5; metrics = [AUC, Accuracy, F1("binary")] }
""",
        VOTERS2_CODE,
        "Net",
    ),
    "invest": Case(
        """\
model Net {
  input x: float32[14]
  hidden = Linear(16) -> ReLU
  output log_investment = Linear(1)
}
loss SmoothL1
optimizer Adam
schedule Exponential(0.9)
regularization { ClipValue(0.5); EarlyStopping(patience=2, monitor="mae", min_delta=0.001) }
data CSV("investment.csv", target="log_investment", test=0.2)
train { epochs = 20; metrics = [MAE, RMSE] }
""",
        INVEST_CODE,
        "Net",
    ),
    "sea": Case(
        """\
model Sea {
  input months: float32[24, 1]
  memory = LSTM(16)
  output next_month = Linear(1)
}
loss MSE
optimizer Adam(lr=0.01)
data NPZ("sea_temperature.npz", validation=0.1, test=0.1, split="ordered", normalize=true)
train { epochs = 3; metrics = [RMSE] }
""",
        SEA_CODE,
        "Sea",
    ),
    "images": Case(
        """\
model DigitsCNN {
  input image: float32[1, 8, 8]
  conv1 = Conv2d(16, 3, padding=1) -> ReLU
  conv2 = Conv2d(32, 3, padding=1) -> MaxPool2d(2) -> ReLU
  Flatten
  fc1 = Linear(24) -> ReLU
  Dropout(0.1)
  output logits: float32[10] = Linear(10)
}

loss CrossEntropy
data ImageFolder("pictures", test=0.2)
regularization { Augment(RandomCrop(8, padding=1)) }
train { epochs = 4; metrics = [Accuracy] }
""",
        FULL_CODE,
        "DigitsCNN",
    ),
    "paths": Case(
        """\
model DigitsCNN {
  input image: float32[1, 8, 8]
  conv1 = Conv2d(16, 3, padding=1) -> ReLU
  conv2 = Conv2d(32, 3, padding=1) -> MaxPool2d(2) -> ReLU
  Flatten
  fc1 = Linear(24) -> ReLU
  Dropout(0.1)
  output logits: float32[10] = Linear(10)
}

loss CrossEntropy(target="digit")
data CSV("pictures.csv") { image: "file" }
train { epochs = 3; metrics = [Accuracy] }
device { precision = float16 }
""",
        FULL_CODE,
        "DigitsCNN",
    ),
    "pyhook": Case(
        """\
model Net {
  input x: float32[4]
  hidden = Linear(16) -> ReLU
  output y = Linear(3)
}
loss KLDivergence
data Python("hook.py", validation=0.2)
train { epochs = 2; batch = 16 }
""",
        PYHOOK_CODE,
        "Net",
    ),
    "synth": Case(
        """\
model Net {
  input x: float32[4]
  hidden = Linear(16) -> ReLU
  output y = Linear(3)
}
loss Hinge
data Synthetic(200, validation=0.0)
train { steps = 33; batch = 16; metrics = [Accuracy] }
""",
        PYHOOK_CODE,
        "Net",
    ),
    "seg": Case(
        """\
model Seg {
  input image: float32[3, 16, 16]
  conv = Conv2d(8, 3, padding=1) -> ReLU
  output mask = Conv2d(4, 1)
}
loss CrossEntropy(ignore_index=0)
optimizer Adam
train { epochs = 2; batch = 16; metrics = [Accuracy, F1, TopK(2)] }
""",
        SEG_CODE,
        "Seg",
    ),
    "model_only": Case(
        """\
model DigitsCNN {
  input image: float32[1, 8, 8]
  conv1 = Conv2d(16, 3, padding=1) -> ReLU
  conv2 = Conv2d(32, 3, padding=1) -> MaxPool2d(2) -> ReLU
  Flatten
  fc1 = Linear(24) -> ReLU
  Dropout(0.1)
  output logits: float32[10] = Linear(10)
}
""",
        FULL_CODE,
        "DigitsCNN",
    ),
}
"""Cases by name."""
