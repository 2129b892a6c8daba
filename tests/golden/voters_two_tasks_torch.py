"""TwoTasks. Several inputs, shared weights, two outputs with a loss each: from where
voters place themselves and the candidates between left and right, and from who they
are, to their vote and party.

Generated from voters_two_tasks.msl by MSL 0.1.0 for PyTorch. Needs torch and numpy.
3,784 parameters | 3,776 MACs forward per sample

    python voters_two_tasks_torch.py
    python voters_two_tasks_torch.py evaluate
    python voters_two_tasks_torch.py predict --checkpoint runs/voters_two_tasks_torch/best.pt --input FILE
msl: sha256=f654c79f4671a892320c4425fa7fb91e
"""

import argparse
import collections
import csv
import fnmatch
import io
import json
import math
import operator
import os
import signal
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# --- model ---


class Tower(nn.Module):
    def __init__(self, in_features, width):
        super().__init__()
        self.linear = nn.Linear(in_features, width)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):  # [B, 1]
        return self.dropout(F.relu(self.linear(x)))  # [B, 32]


class TwoTasks(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.place = Tower(1, width)
        self.joint = nn.Linear(3 * width + 11, width)
        self.vote = nn.Linear(width, 1)
        self.party = nn.Linear(width, 7)

    def forward(self, own, clinton, dole, person):  # [B, 1], [B, 1], [B, 1], [B, 11]
        x = self.place(own)  # [B, 32]
        y = self.place(clinton)  # [B, 32]
        views = torch.cat((x, y, self.place(dole)), dim=-1)  # [B, 96]
        joint = F.relu(self.joint(torch.cat((views, person), dim=-1)))  # [B, 32]
        vote = self.vote(joint)  # [B, 1]
        party = self.party(joint)  # [B, 7]
        return {"vote": vote, "party": party}


def build_model():
    return TwoTasks()


# --- data ---

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../examples/data/voters.csv")
INPUTS = ("own", "clinton", "dole", "person")  # in the order of the model
ARRAYS = {  # shape of a row, type, number of values of an integer
    "own": ((1,), "float32", None),
    "clinton": ((1,), "float32", None),
    "dole": ((1,), "float32", None),
    "person": ((11,), "float32", None),
    "vote": ((1,), "float32", None),
    "party": ((), "int64", 7),
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


def find_scale(values, axes):
    """Mean and deviation of the training rows over some axes."""
    mean, deviation = (f(axes, np.float64, keepdims=True)[0] for f in (values.mean, values.std))
    return [mean.tolist(), np.where(deviation > 0, deviation, 1).tolist()]


def scaled(values, scale):
    """The values on the scale of the training rows."""
    low, width = (np.array(part, np.float32) for part in scale)
    return (values - low) / width


def read_column(cells):
    """A column as whole numbers, as numbers or as text: the first that fits all of its cells."""
    for kind in (np.int64, np.float64):
        try:
            numbers = np.array(cells).astype(kind)
        except (ValueError, OverflowError):
            continue
        if np.isfinite(numbers).all():
            return numbers
    return np.array(cells)


def read_data(path):
    """The columns of a CSV file with a header line, by name."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        header, *rows = [row for row in csv.reader(file) if row] or [[]]
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise SystemExit(f"{path}, row {number}: {len(row)} cells under {len(header)} names")
        if "" in row:
            raise SystemExit(f"{path}, row {number}: the cell of {header[row.index('')]} is empty")
    table = {name: read_column(cells) for name, cells in zip(header, zip(*rows))}
    if not table:
        raise SystemExit(f"{path} holds no rows")
    return table


def columns_of(table, names, categories, one_hot):
    """Some columns side by side; a category as its position, or as 0 and 1 for each it may be."""
    parts = []
    for name in names:
        part = table[name][:, None]
        if name in categories:
            part = part.astype(str) == np.array(categories[name])
            if not one_hot:
                if not part.any(1).all():
                    raise SystemExit(f"{name} holds more than {', '.join(categories[name])}")
                part = part.argmax(1)[:, None]
        parts.append(part)
    return np.concatenate(parts, axis=1)


def fit(table):
    """What the training rows teach: columns of each array, categories, classes and scale."""
    columns = {
        "vote": ["vote"],
        "party": ["party"],
        "own": ["own_view"],
        "clinton": ["view_of_clinton"],
        "dole": ["view_of_dole"],
        "person": ["age", "income_bracket", "log_town_size", "tv_news_days", "education"],
    }
    categories = {
        name: np.unique(cells).astype(str).tolist()
        for name, cells in table.items()
        if cells.dtype.kind == "U"
    }
    fitted = {"columns": columns, "categories": categories}
    fitted["classes"] = {
        "party": categories.get("party") or [str(number) for number in range(7)],
    }
    fitted["scale"] = {}
    values = shaped("own", columns_of(table, columns["own"], categories, one_hot=True))
    low, width = find_scale(values, (0,))
    counts = [len(categories.get(name, "1")) for name in columns["own"]]
    still = np.repeat([name in categories for name in columns["own"]], counts)
    scale = np.where(still, 0, low), np.where(still, 1, width)  # 0 and 1 stay as they are
    fitted["scale"]["own"] = [part.tolist() for part in scale]
    values = shaped("clinton", columns_of(table, columns["clinton"], categories, one_hot=True))
    low, width = find_scale(values, (0,))
    counts = [len(categories.get(name, "1")) for name in columns["clinton"]]
    still = np.repeat([name in categories for name in columns["clinton"]], counts)
    scale = np.where(still, 0, low), np.where(still, 1, width)  # 0 and 1 stay as they are
    fitted["scale"]["clinton"] = [part.tolist() for part in scale]
    values = shaped("dole", columns_of(table, columns["dole"], categories, one_hot=True))
    low, width = find_scale(values, (0,))
    counts = [len(categories.get(name, "1")) for name in columns["dole"]]
    still = np.repeat([name in categories for name in columns["dole"]], counts)
    scale = np.where(still, 0, low), np.where(still, 1, width)  # 0 and 1 stay as they are
    fitted["scale"]["dole"] = [part.tolist() for part in scale]
    values = shaped("person", columns_of(table, columns["person"], categories, one_hot=True))
    low, width = find_scale(values, (0,))
    counts = [len(categories.get(name, "1")) for name in columns["person"]]
    still = np.repeat([name in categories for name in columns["person"]], counts)
    scale = np.where(still, 0, low), np.where(still, 1, width)  # 0 and 1 stay as they are
    fitted["scale"]["person"] = [part.tolist() for part in scale]
    return fitted


def encode(table, fitted, names):
    """Arrays of some names, as the model takes them."""
    columns, categories = fitted["columns"], fitted["categories"]
    for name in [name for array in names for name in columns[array]]:
        if name not in table:
            raise SystemExit(f"no column is called {name}, only {', '.join(table)}")
        if table[name].dtype.kind == "U" and name not in categories:
            raise SystemExit(f"column {name} held numbers in training, and now holds text")
    data = {}
    data["own"] = shaped("own", columns_of(table, columns["own"], categories, one_hot=True))
    data["own"] = scaled(data["own"], fitted["scale"]["own"])
    data["clinton"] = shaped(
        "clinton", columns_of(table, columns["clinton"], categories, one_hot=True)
    )
    data["clinton"] = scaled(data["clinton"], fitted["scale"]["clinton"])
    data["dole"] = shaped("dole", columns_of(table, columns["dole"], categories, one_hot=True))
    data["dole"] = scaled(data["dole"], fitted["scale"]["dole"])
    data["person"] = shaped(
        "person", columns_of(table, columns["person"], categories, one_hot=True)
    )
    data["person"] = scaled(data["person"], fitted["scale"]["person"])
    if "vote" in names:
        values = columns_of(table, columns["vote"], categories, one_hot=False)
        data["vote"] = shaped("vote", values)
    if "party" in names:
        values = columns_of(table, columns["party"], categories, one_hot=False)
        data["party"] = shaped("party", values)
    return data


def split(data):
    """The training, validation and test rows, drawn by a seed of their own."""
    count = len(next(iter(data.values())))
    validation, test = int(0.15 * count), int(0.2 * count)
    order = np.random.default_rng(0).permutation(count)
    parts = np.split(order, [count - validation - test, count - test])
    return [{name: values[rows] for name, values in data.items()} for rows in parts]


def synthetic_data(count, seed):
    """Random rows of the declared shapes."""
    rng = np.random.default_rng(seed)
    return {
        "own": rng.standard_normal((count, 1), np.float32),
        "clinton": rng.standard_normal((count, 1), np.float32),
        "dole": rng.standard_normal((count, 1), np.float32),
        "person": rng.standard_normal((count, 11), np.float32),
        "vote": rng.integers(0, 2, (count, 1)).astype(np.float32),
        "party": rng.integers(0, 7, count, "int64"),
    }


def load_parts(args):
    """The training, validation and test part, and what was fitted on the first of them."""
    if args.synthetic:
        return split(synthetic_data(1024, 0)), {}
    if not os.path.exists(args.data):
        raise SystemExit(f"{args.data} does not exist: give --data, or try --synthetic")
    parts = split(read_data(args.data))
    fitted = fit(parts[0])
    return [encode(part, fitted, ARRAYS) for part in parts], fitted


def all_rows(data):
    """The numbers of all rows."""
    return np.arange(len(data[INPUTS[0]]))


def epoch_rows(data, seed, epoch):
    """The rows in the order of an epoch, drawn by seed and epoch alone."""
    return np.random.default_rng((seed, epoch)).permutation(all_rows(data))


# --- training ---


def loss_function(outputs, batch):
    """The mean loss of a batch."""
    vote_loss = F.binary_cross_entropy_with_logits(outputs["vote"], batch["vote"])
    party_loss = F.cross_entropy(outputs["party"], batch["party"])
    return vote_loss + 0.3 * party_loss


def penalty(model):
    """What the size of weights adds to the loss of a step."""
    return 1e-5 * sum(
        p.abs().sum()
        for name, p in model.named_parameters()
        if fnmatch.fnmatchcase(name, "place.*.weight")
    )


def make_optimizer(model):
    """RMSprop on all parameters."""
    return torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.99, eps=1e-8)


def train_step(model, optimizer, batch):
    """One step of the optimizer on a batch; gives the loss, which stays on the device."""
    loss = loss_function(
        model(batch["own"], batch["clinton"], batch["dole"], batch["person"]), batch
    )
    (loss + penalty(model)).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


def take(data, rows):
    """Some rows as a batch."""
    return {name: values[rows] for name, values in data.items()}


def to_device(data, device):
    """The arrays as tensors on the device."""
    return {name: torch.from_numpy(values).to(device) for name, values in data.items()}


def area_under_curve(scores, positive):
    """How often a positive case scores higher than a negative one; equal scores count half."""
    _, place, counts = scores.unique(return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0) - (counts - 1) / 2.0).double()[place]
    wins = positive.sum().double()
    return ((ranks * positive).sum() - wins * (wins + 1) / 2) / (wins * (len(scores) - wins))


def class_ranks(scores, target):
    """How many classes score higher than the true one; of equal scores the first is the higher."""
    true = scores.gather(-1, target[..., None])
    earlier = torch.arange(scores.shape[-1], device=scores.device) < target[..., None]
    return ((scores > true) | (scores == true) & earlier).sum(-1)


@torch.inference_mode()
def evaluate(model, data, size):
    """The loss and the metrics over all rows, in batches of some size."""
    model.eval()
    rows = torch.from_numpy(all_rows(data)).to(data[INPUTS[0]].device)
    if not len(rows):
        raise SystemExit("there are no rows to evaluate on: the part is too small")
    sums = collections.defaultdict(int)
    vote_auc_scores = []
    vote_auc_truths = []
    for part in rows.split(size):
        batch = take(data, part)
        outputs = model(batch["own"], batch["clinton"], batch["dole"], batch["person"])
        share = len(part) / len(rows)
        sums["loss"] += share * loss_function(outputs, batch)
        sums["vote_accuracy"] += (
            share * ((outputs["vote"] > 0) == (batch["vote"] > 0.5)).float().mean()
        )
        vote_auc_scores.append(outputs["vote"].flatten())
        vote_auc_truths.append((batch["vote"] > 0.5).flatten())
        sums["party_top_3"] += (
            share * (class_ranks(outputs["party"], batch["party"]) < 3).float().mean()
        )
    figures = {
        "loss": sums["loss"],
        "vote_accuracy": sums["vote_accuracy"],
        "vote_auc": area_under_curve(torch.cat(vote_auc_scores), torch.cat(vote_auc_truths)),
        "party_top_3": sums["party_top_3"],
    }
    return {name: float(value) for name, value in figures.items()}


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


def random_states(device, states=None):
    """The states of the random numbers of CPU and device; sets them first if some are given."""
    sources = [torch] if device.type == "cpu" else [torch, torch.get_device_module(device)]
    for source, state in zip(sources, states or []):
        source.set_rng_state(state)
    return [source.get_rng_state() for source in sources]


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
    return device


def start_model(args, device):
    """The model with its first weights, on the device."""
    torch.manual_seed(args.seed)
    return build_model().to(device)


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
        random_states(device, state["random"])
    epoch_steps = -(-len(all_rows(training)) // args.batch)
    if not epoch_steps:
        raise SystemExit("there is nothing to train on: the training part has no row")
    run["steps"] = run_length(args, epoch_steps, run.get("steps"))

    def checkpoint(path, whole=True):
        """Keeps the weights and what predictions need; the whole of it to go on from, too."""
        state = {"model": model.state_dict(), "fitted": fitted, "settings": settings}
        if whole:
            state |= {"run": run, "optimizer": optimizer.state_dict()}
            state["random"] = random_states(device)
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
    """Evaluates a checkpoint on the test rows, or on all rows of another file."""
    other = args.data and os.path.realpath(args.data)
    device = pick_device(args.device)
    model, state = load_trained(args, device)
    if other and other != state["settings"]["data"]:
        data = encode(read_data(other), state["fitted"], ARRAYS)
    else:
        data = load_parts(args)[0][2]
    count = len(all_rows(data))
    figures = evaluate(model, to_device(data, device), args.batch)
    shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"{count} rows  {shown}")
    if args.output:
        write_file(args.output, lambda file: file.write(json.dumps(figures).encode()))


@torch.inference_mode()
def predict(args):
    """Writes what a checkpoint makes of new rows, or of the test rows."""
    device = pick_device(args.device)
    model, state = load_trained(args, device)
    model.eval()
    if args.input:
        data = encode(read_data(args.input), state["fitted"], INPUTS)
    else:
        data = load_parts(args)[0][2]
    data = to_device(data, device)
    results = {"vote": [], "party": []}
    for rows in torch.from_numpy(all_rows(data)).to(device).split(args.batch):
        batch = take(data, rows)
        outputs = model(batch["own"], batch["clinton"], batch["dole"], batch["person"])
        results["vote"].append(outputs["vote"].sigmoid().float().cpu().numpy())
        results["party"].append(outputs["party"].softmax(1).float().cpu().numpy())
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
        if name in ("party",):
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
        "data": DATA,
        "synthetic": False,
        "batch": 32,
        "seed": 5,
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
    return before or 40 * epoch_steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add("command", nargs="?", default="train", choices=["train", "evaluate", "predict"])
    add("--data", help="the file to train on, or to evaluate")
    add("--synthetic", action="store_true", default=None, help="train on random data")
    add("--input", help="for predict: the file to read; the test part if not given")
    add(
        "--out", default="runs/voters_two_tasks_torch", help="folder of checkpoints and metrics.csv"
    )
    add("--checkpoint", help="for evaluate and predict: best.pt of --out if not given")
    add("--output", help="file for figures (JSON) or predictions (CSV or NPZ)")
    add("--epochs", type=int, help="how long to train; 40 epochs if not given")
    add("--steps", type=int, help="the same in steps of the optimizer")
    add("--batch", type=int, help="rows in a batch; 32 if not given")
    add("--seed", type=int, help="of weights and order; 5 if not given")
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
