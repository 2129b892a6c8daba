"""ResNet50. ResNet-50 v1.5 (stride in the 3x3 convolution): 25,557,032
parameters, 4.09 GMACs at 224x224.

Generated from resnet50.msl by MSL 0.1.0 for PyTorch. Needs torch and numpy.
25,557,032 parameters | 4,089,184,256 MACs forward per sample

    python resnet50_torch.py
    python resnet50_torch.py evaluate
    python resnet50_torch.py predict --checkpoint runs/resnet50_torch/best.pt --input FILE
msl: sha256=be6944f04688c1aa7fc639a32ce0bdf0
"""

import argparse
import collections
import csv
import io
import json
import math
import operator
import os
import signal
import sys
import time
from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# --- model ---


class Bottleneck(nn.Module):
    def __init__(self, in_channels, width, stride=1, project=False):
        super().__init__()
        self.conv2d = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.batch_norm = nn.BatchNorm2d(width)
        self.conv2d_2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.batch_norm_2 = nn.BatchNorm2d(width)
        self.conv2d_3 = nn.Conv2d(width, 4 * width, kernel_size=1, bias=False)
        self.batch_norm_3 = nn.BatchNorm2d(4 * width)
        self.shortcut = (
            nn.Sequential(
                OrderedDict(
                    conv2d=nn.Conv2d(
                        in_channels, 4 * width, kernel_size=1, stride=stride, bias=False
                    ),
                    batch_norm=nn.BatchNorm2d(4 * width),
                )
            )
            if project
            else nn.Identity()
        )

    def forward(self, x):  # [B, in_channels, H, W]
        y = F.relu(self.batch_norm(self.conv2d(x)))  # [B, width, H, W]
        y = F.relu(self.batch_norm_2(self.conv2d_2(y)))  # [B, width, H, W]
        y = self.batch_norm_3(self.conv2d_3(y))  # [B, 4 * width, H, W]
        y = self.shortcut(x) + y  # [B, 4 * width, H, W]
        return F.relu(y)  # [B, 4 * width, H, W]


class Stage(nn.Module):
    def __init__(self, in_channels, width, depth, stride):
        super().__init__()
        self.bottleneck = Bottleneck(in_channels, width, stride=stride, project=True)
        self.bottleneck_2 = nn.Sequential(*[Bottleneck(4 * width, width) for _ in range(depth - 1)])

    def forward(self, x):  # [B, in_channels, H, W]
        x = self.bottleneck(x)  # [B, 4 * width, H, W]
        return self.bottleneck_2(x)  # [B, 4 * width, H, W]


class ResNet50(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.conv2d = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.batch_norm = nn.BatchNorm2d(64)
        self.stage = Stage(64, 64, depth=3, stride=1)
        self.stage_2 = Stage(256, 128, depth=4, stride=2)
        self.stage_3 = Stage(512, 256, depth=6, stride=2)
        self.stage_4 = Stage(1024, 512, depth=3, stride=2)
        self.logits = nn.Linear(2048, classes)

    def forward(self, image):  # [B, 3, 224, 224]
        x = self.batch_norm(self.conv2d(image))  # [B, 64, 112, 112]
        # pooled before ReLU: the same values and gradients for less work
        x = F.relu(F.max_pool2d(x, kernel_size=3, stride=2, padding=1))  # [B, 64, 56, 56]
        x = self.stage(x)  # [B, 256, 56, 56]
        x = self.stage_2(x)  # [B, 512, 28, 28]
        x = self.stage_3(x)  # [B, 1024, 14, 14]
        x = self.stage_4(x)  # [B, 2048, 7, 7]
        features = x.mean(dim=(2, 3))  # [B, 2048]
        return self.logits(features)  # [B, 1000]


def build_model():
    return ResNet50()


# --- data ---

INPUTS = ("image",)  # in the order of the model
ARRAYS = {  # shape of a row, type, number of values of an integer
    "image": ((3, 224, 224), "float32", None),
    "logits": ((), "int64", 1000),
}


def shaped(name, values):
    """The values in their declared shape and type, or the end of the program with the reason."""
    shape, dtype, limit = ARRAYS[name]
    given = values.shape[1:]
    flat = len(given) == 1 and math.prod(given) == math.prod(shape)
    if flat or [n for n in given if n != 1] == [n for n in shape if n != 1]:
        values = values.reshape(-1, *shape)
    elif given != shape:
        raise SystemExit(f"{name} has rows of shape {list(given)}, the model takes {list(shape)}")
    known = values if limit else values[:0]
    if known.size and not (known.min() >= 0 and known.max() < limit and (known % 1 == 0).all()):
        raise SystemExit(f"{name} holds other values than the whole numbers from 0 to {limit - 1}")
    return np.ascontiguousarray(values, dtype)


def read_data(path):
    """The arrays of an .npz file by name, a row for each sample."""
    with np.load(path, allow_pickle=False) as file:
        return chosen(dict(file))


def chosen(arrays):
    """The arrays that the model takes, by its names for them, as far as they are there."""
    sources = {
        "image": "image",
        "logits": "logits",
    }
    left = [name for name in arrays if name not in sources.values()]
    if sources["image"] not in arrays and len(left) == 1:
        sources["image"] = left[0]  # the only input takes what is left
    missing = [sources[name] for name in INPUTS if sources[name] not in arrays]
    if missing:
        raise SystemExit(f"no array is called {missing[0]}, only {', '.join(arrays)}")
    found = {name: source for name, source in sources.items() if source in arrays}
    return {name: shaped(name, np.asarray(arrays[source])) for name, source in found.items()}


def encode(data, _, names):
    """Arrays of some names, as the model takes them."""
    missing = [name for name in names if name not in data]
    if missing:
        raise SystemExit(f"no array is called {missing[0]}, only {', '.join(data)}")
    return {name: data[name] for name in names}


def split(data):
    """The training, validation and test rows, drawn by a seed of their own."""
    count = len(next(iter(data.values())))
    if any(len(values) != count for values in data.values()):
        raise SystemExit("the arrays have different numbers of rows")
    validation, test = int(0.1 * count), int(0.0 * count)
    order = np.random.default_rng(0).permutation(count)
    parts = np.split(order, [count - validation - test, count - test])
    return [{name: values[rows] for name, values in data.items()} for rows in parts]


def synthetic_data(count, seed):
    """Random rows of the declared shapes."""
    rng = np.random.default_rng(seed)
    return {
        "image": rng.standard_normal((count, 3, 224, 224), np.float32),
        "logits": rng.integers(0, 1000, count, "int64"),
    }


def load_parts(args):
    """The training, validation and test part, and what was fitted on the first of them."""
    if args.synthetic:
        return split(synthetic_data(1024, 0)), {}
    if not args.data:
        raise SystemExit("the spec names no data: give --data FILE.npz, or try --synthetic")
    if not os.path.exists(args.data):
        raise SystemExit(f"{args.data} does not exist: give --data, or try --synthetic")
    parts = split(read_data(args.data))
    fitted = {}
    return [encode(part, fitted, ARRAYS) for part in parts], fitted


def all_rows(data):
    """The numbers of all rows."""
    return np.arange(len(data[INPUTS[0]]))


def epoch_rows(data, seed, epoch):
    """The rows in the order of an epoch, drawn by seed and epoch alone."""
    return np.random.default_rng((seed, epoch)).permutation(all_rows(data))


# --- training ---

LEARNING_RATE = 0.5


def loss_function(outputs, batch):
    """The mean loss of a batch."""
    return F.cross_entropy(outputs, batch["logits"], label_smoothing=0.1)


def penalty(model):
    """What the size of weights adds to the loss of a step."""
    return 1e-5 * sum(p.square().sum() for p in model.parameters() if p.ndim > 1)


def make_optimizer(model):
    """SGD on all parameters."""
    return torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, fused=True)


def schedule(step, steps, epoch_steps):
    """Factor of the learning rate at a step, from 0: falls along half a cosine after a warmup."""
    warmup = 5 * epoch_steps
    if step < warmup:
        return (step + 1) / warmup
    step, steps = step - warmup, steps - warmup
    progress = min(step / max(steps, 1), 1.0)
    return (1 + math.cos(math.pi * progress)) / 2


def train_step(model, optimizer, batch):
    """One step of the optimizer on a batch; gives the loss, which stays on the device."""
    loss = loss_function(model(batch["image"]), batch)
    (loss + penalty(model)).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


def take(data, rows):
    """Some rows as a batch."""
    return {name: values[rows] for name, values in data.items()}


def to_device(data, device):
    """The arrays as tensors on the device, images channels last."""
    data = {name: torch.from_numpy(values).to(device) for name, values in data.items()}
    data["image"] = data["image"].contiguous(memory_format=torch.channels_last)
    return data


@torch.inference_mode()
def evaluate(model, data, size):
    """The loss and the metrics over all rows, in batches of some size."""
    model.eval()
    rows = torch.from_numpy(all_rows(data)).to(data[INPUTS[0]].device)
    if not len(rows):
        raise SystemExit("there are no rows to evaluate on: the part is too small")
    sums = collections.defaultdict(int)
    for part in rows.split(size):
        batch = take(data, part)
        outputs = model(batch["image"])
        share = len(part) / len(rows)
        sums["loss"] += share * loss_function(outputs, batch)
    return {name: float(total) for name, total in sums.items()}


def write_file(path, write):
    """Writes a file whole or not at all."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_metrics(path, history):
    """Writes the figures of all epochs so far as CSV."""
    rows = [[f"{value:.6g}" for value in figures.values()] for figures in history]
    lines = [",".join(row) + "\n" for row in [history[0], *rows]]
    write_file(path, lambda file: file.write("".join(lines).encode()))


def catch_signals():
    """A list that tells of Ctrl-C or a request to terminate; the second one ends at once."""
    caught = []

    def catch(number, _):
        caught.append(number)
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, catch)
    signal.signal(signal.SIGTERM, catch)
    return caught


def show_bar(epoch, done, steps, loss):
    """A bar that grows in one line of the terminal."""
    bar = ("#" * (30 * done // steps)).ljust(30)
    print(f"\repoch {epoch} [{bar}] {done}/{steps}  loss {loss:.4f}\x1b[K", end="", flush=True)


def load_checkpoint(path):
    """A checkpoint, on the CPU; only tensors and plain values are read. Its .pt may be left out."""
    path = path if path.endswith(".pt") else f"{path}.pt"
    if not os.path.exists(path):
        raise SystemExit(f"{path} does not exist: train first, or give --checkpoint")
    return torch.load(path, map_location="cpu", weights_only=True)


def pick_device(name):
    """A device by name; auto is the fastest there is."""
    if name == "auto":
        mps = torch.backends.mps.is_available()
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    device = torch.device(name)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise SystemExit("there is no CUDA device here: give --device cpu")
        torch.set_float32_matmul_precision("high")  # TF32
        torch.backends.cudnn.benchmark = True
    return device


def start_model(args, device):
    """The model with its first weights, on the device, channels last."""
    torch.manual_seed(args.seed)
    return build_model().to(device, memory_format=torch.channels_last)


def train_round(model, optimizer, data, args, run, caught):
    """Trains until the epoch or the run ends, or a signal comes.

    Notes the losses in the run; gives the number of rows of each step of the epoch.
    """
    model.train()
    device = data[INPUTS[0]].device
    order = torch.from_numpy(epoch_rows(data, args.seed, run["epoch"])).to(device)
    parts = order.split(args.batch)
    losses, done = [], run["step"] - (run["epoch"] - 1) * len(parts)
    first = done - len(run["losses"])
    stop = min(len(parts), done + run["steps"] - run["step"])
    pause = 0.2 if sys.stdout.isatty() else 10.0
    look = time.monotonic() + pause
    for number in range(done, stop):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * schedule(run["step"], run["steps"], len(parts))
        batch = take(data, parts[number])
        losses.append(train_step(model, optimizer, batch))
        run["step"] += 1
        if caught:
            break
        if time.monotonic() > look:  # seldom, since reading the loss waits for the device
            loss = losses[-1].item()
            if not math.isfinite(loss):
                break
            if sys.stdout.isatty():
                show_bar(run["epoch"], number + 1, stop, loss)
            look = time.monotonic() + pause
    if sys.stdout.isatty():
        print("\r\x1b[K", end="")
    run["losses"] += torch.stack(losses).tolist()
    for step, loss in enumerate(run["losses"], run["step"] - len(run["losses"]) + 1):
        if not math.isfinite(loss):
            raise SystemExit(f"the loss is {loss} at step {step}; the checkpoints are older")
    return [len(part) for part in parts[first:stop]]


def train(args):
    """Trains, with an evaluation, checkpoints and a line of metrics.csv after every epoch."""
    last, best = (os.path.join(args.out, name) for name in ("last.pt", "best.pt"))
    state = load_checkpoint(last) if args.resume else {}
    settings = settle(args, state)
    device = pick_device(args.device)
    parts, fitted = load_parts(args)
    training, validation = (to_device(part, device) for part in parts[:2])
    model = start_model(args, device)
    optimizer = make_optimizer(model)
    run = {"epoch": 1, "step": 0, "losses": [], "best": math.inf, "history": []}
    if state:
        run = state["run"]
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    epoch_steps = -(-len(all_rows(training)) // args.batch)
    if not epoch_steps:
        raise SystemExit("there is nothing to train on: the training part has no row")
    run["steps"] = run_length(args, epoch_steps, run.get("steps"))

    def checkpoint(path, whole=True):
        """Keeps the weights and what predictions need; the whole of it to go on from, too."""
        state = {"model": model.state_dict(), "fitted": fitted, "settings": settings}
        if whole:
            state |= {"run": run, "optimizer": optimizer.state_dict()}
        write_file(path, lambda file: torch.save(state, file))

    os.makedirs(args.out, exist_ok=True)
    caught = catch_signals()
    while run["step"] < run["steps"]:
        start = time.perf_counter()
        sizes = train_round(model, optimizer, training, args, run, caught)
        if len(run["losses"]) == len(sizes):  # else a signal came in between
            loss = sum(map(operator.mul, run["losses"], sizes)) / sum(sizes)
            figures = {"epoch": run["epoch"], "step": run["step"], "loss": loss}
            scores = evaluate(model, validation, args.batch)
            figures |= {f"val_{name}": value for name, value in scores.items()}
            figures["seconds"] = time.perf_counter() - start
            run["history"].append(figures)
            run["epoch"], run["losses"] = run["step"] // epoch_steps + 1, []
            if figures["val_loss"] < run["best"]:
                run["best"] = figures["val_loss"]
                checkpoint(best, whole=False)
            write_metrics(os.path.join(args.out, "metrics.csv"), run["history"])
            print("  ".join(f"{name} {value:.4g}" for name, value in figures.items()), flush=True)
        checkpoint(last)
        if caught:
            print(f"stopped at step {run['step']}; --resume goes on from there", file=sys.stderr)
            sys.exit(128 + caught[0])


# --- commands ---


def load_trained(args, device):
    """A trained model on the device, and its checkpoint."""
    best, last = (os.path.join(args.out, name) for name in ("best.pt", "last.pt"))
    state = load_checkpoint(args.checkpoint or (best if os.path.exists(best) else last))
    settle(args, state)
    model = start_model(args, device)
    model.load_state_dict(state["model"])
    return model, state


def score(args):
    """Evaluates a checkpoint on the validation rows, or on all rows of another file."""
    other = args.data and os.path.realpath(args.data)
    device = pick_device(args.device)
    model, state = load_trained(args, device)
    if other and other != state["settings"]["data"]:
        data = encode(read_data(other), state["fitted"], ARRAYS)
    else:
        data = load_parts(args)[0][1]
    count = len(all_rows(data))
    figures = evaluate(model, to_device(data, device), args.batch)
    shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"{count} rows  {shown}")
    if args.output:
        write_file(args.output, lambda file: file.write(json.dumps(figures).encode()))


@torch.inference_mode()
def predict(args):
    """Writes what a checkpoint makes of new rows, or of the validation rows."""
    device = pick_device(args.device)
    model, state = load_trained(args, device)
    model.eval()
    if args.input:
        data = encode(read_data(args.input), state["fitted"], INPUTS)
    else:
        data = load_parts(args)[0][1]
    data = to_device(data, device)
    results = {"logits": []}
    for rows in torch.from_numpy(all_rows(data)).to(device).split(args.batch):
        batch = take(data, rows)
        outputs = model(batch["image"])
        results["logits"].append(outputs.softmax(1).float().cpu().numpy())
    results = {name: np.concatenate(parts) for name, parts in results.items()}
    path = args.output or os.path.join(args.out, "predictions.csv")
    write_predictions(path, results, state["fitted"].get("classes", {}))
    print(f"{len(next(iter(results.values())))} rows in {path}")


def dry_run(args):
    """One step of training and one evaluation on random data: shows that everything fits."""
    settle(args, {})
    device = pick_device(args.device)
    data = to_device(synthetic_data(args.batch, args.seed), device)
    model = start_model(args, device)
    optimizer = make_optimizer(model)
    batch = take(data, torch.from_numpy(all_rows(data)).to(device))
    loss = train_step(model, optimizer, batch)
    evaluate(model, data, args.batch)
    print(f"dry run: a step and an evaluation went through, the loss was {loss.item():.4g}")


def write_predictions(path, results, classes):
    """Writes predictions: .npz as arrays, anything else as CSV, a column for each number."""
    if path.endswith(".npz"):
        names = {f"{name}_classes": np.array(known) for name, known in classes.items()}
        return write_file(path, lambda file: np.savez(file, **results, **names))
    columns = {}
    for name, values in results.items():
        values = values.reshape(len(values), -1)
        labels = [*classes.get(name, []), *map(str, range(values.shape[1]))][: values.shape[1]]
        columns[name] = [labels[place] for place in values.argmax(1)]
        for label, numbers in zip(labels, values.T):
            column = f"{name}_{label}" if len(labels) > 1 else name
            columns[column] = [f"{number:.6g}" for number in numbers]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([columns, *zip(*columns.values())])
    return write_file(path, lambda file: file.write(text.getvalue().encode()))


def settle(args, state):
    """Fills in what was not asked for: from the run that a checkpoint is of, else from the spec."""
    defaults = {
        "data": None,
        "synthetic": False,
        "batch": 32,
        "seed": 0,
    }
    for name, value in {**defaults, **state.get("settings", {})}.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    args.data = args.data and os.path.realpath(args.data)
    return {name: getattr(args, name) for name in defaults}


def run_length(args, epoch_steps, before):
    """The number of steps: as asked for, else as of the run that goes on, else as in the spec."""
    if args.steps:
        return args.steps
    if args.epochs:
        return args.epochs * epoch_steps
    return before or 10 * epoch_steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add("command", nargs="?", default="train", choices=["train", "evaluate", "predict"])
    add("--data", help="the file to train on, or to evaluate")
    add("--synthetic", action="store_true", default=None, help="train on random data")
    add("--input", help="for predict: the file to read; the validation part if not given")
    add("--out", default="runs/resnet50_torch", help="folder of checkpoints and metrics.csv")
    add("--checkpoint", help="for evaluate and predict: best.pt of --out if not given")
    add("--output", help="file for figures (JSON) or predictions (CSV or NPZ)")
    add("--epochs", type=int, help="how long to train; 10 epochs if not given")
    add("--steps", type=int, help="the same in steps of the optimizer")
    add("--batch", type=int, help="rows in a batch; 32 if not given")
    add("--seed", type=int, help="of weights and order; 0 if not given")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    add("--resume", action="store_true", help="go on from last.pt of --out")
    add("--dry-run", action="store_true", help="one step on random data, to see that all fits")
    args = parser.parse_args()
    for path in (args.data, args.input):
        if path and not os.path.exists(path):
            parser.error(f"{path} does not exist")
    commands = {"train": train, "evaluate": score, "predict": predict}
    (dry_run if args.dry_run else commands[args.command])(args)


if __name__ == "__main__":
    main()
