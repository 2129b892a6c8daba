"""Shakespeare: A small transformer that reads Shakespeare byte by byte and
says which byte comes next.

Generated from shakespeare.msl by MSL 0.1.0 for PyTorch. Needs torch and numpy.
384,864 parameters | 39,518,208 MACs forward per sample at time = 96

    python shakespeare_torch.py
    python shakespeare_torch.py evaluate
    python shakespeare_torch.py predict --checkpoint runs/shakespeare_torch/best.pt --input FILE
    python shakespeare_torch.py generate --prompt "Once" --temperature 0.8
msl: sha256=2ba3db2ecda63762527524130e793d3c
"""

import argparse
import collections
import contextlib
import csv
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


def rotate(x, base, start):  # [.., T, head_dim]
    """Rotary position embedding (Su et al. 2021): turns the halves of each head as pairs."""
    half = x.shape[-1] // 2
    dtype = torch.promote_types(x.dtype, torch.float32)
    frequency = base ** (-torch.arange(half, dtype=dtype, device=x.device) / half)
    position = torch.arange(start, start + x.shape[-2], dtype=dtype, device=x.device)
    angle = torch.outer(position, frequency)  # [T, head_dim / 2]
    cos, sin = angle.cos(), angle.sin()
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017)."""

    def __init__(self, width, heads, rope=10000.0):
        super().__init__()
        self.cache = None  # of earlier positions, while a sequence is continued
        self.heads = heads
        self.rope = rope
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x):  # [.., T, width]
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(-3, -2)  # [.., heads, T, size]
        k = self.key(x).unflatten(-1, (self.heads, -1)).transpose(-3, -2)
        v = self.value(x).unflatten(-1, (self.heads, -1)).transpose(-3, -2)
        start = self.cache.length if self.cache else 0
        q, k = rotate(q, self.rope, start), rotate(k, self.rope, start)
        if self.cache:
            k, v = self.cache.extend(self, k, v)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[-2] > 1)
        return self.out(y.transpose(-3, -2).flatten(-2))  # [.., T, width]


class DecoderLayer(nn.Module):
    def __init__(self, width, heads, drop):
        super().__init__()
        self.layer_norm = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads, rope=10000.0)
        self.dropout = nn.Dropout(drop)
        self.layer_norm_2 = nn.LayerNorm(width)
        self.linear = nn.Linear(width, 4 * width)
        self.linear_2 = nn.Linear(4 * width, width)
        self.dropout_2 = nn.Dropout(drop)

    def forward(self, x):  # [B, time, 96]
        x = x + self.dropout(self.self_attention(self.layer_norm(x)))  # [B, time, 96]
        y = self.layer_norm_2(x)  # [B, time, 96]
        y = self.linear_2(F.gelu(self.linear(y)))  # [B, time, 96]
        return x + self.dropout_2(y)  # [B, time, 96]


class Shakespeare(nn.Module):
    def __init__(self, depth=3, width=96, heads=4, drop=0.1):
        super().__init__()
        self.embedding = nn.Embedding(256, width)
        self.decoder_layer = nn.Sequential(
            *[DecoderLayer(width, heads, drop=drop) for _ in range(depth)]
        )
        self.layer_norm = nn.LayerNorm(width)
        self.next_byte = nn.Linear(width, 256, bias=False)

    def forward(self, tokens):  # [B, time]
        x = self.embedding(tokens)  # [B, time, 96]
        x = self.decoder_layer(x)  # [B, time, 96]
        x = self.layer_norm(x)  # [B, time, 96]
        return self.next_byte(x)  # [B, time, 256]


def build_model():
    return Shakespeare()


# --- data ---

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../examples/data/shakespeare.txt")
INPUTS = ("tokens",)  # in the order of the model
TIME = 96  # tokens in a window


def read_data(path):
    """A text as its bytes."""
    with open(path, "rb") as file:
        return {"text": np.frombuffer(file.read(), np.uint8)}


def encode(raw, _):
    """The text as tokens."""
    return {"tokens": raw["text"].copy()}


def split(data):
    """The training, validation and test part of a text, in its own order."""
    [(name, text)] = data.items()
    validation, test = int(0.1 * len(text)), int(0.1 * len(text))
    parts = np.split(text, [len(text) - validation - test, len(text) - test])
    return [{name: part} for part in parts]


def synthetic_data(count, seed):
    """Random rows of the declared shapes."""
    rng = np.random.default_rng(seed)
    return {
        "tokens": rng.integers(0, 256, count, "int32"),
    }


def load_parts(args):
    """The training, validation and test part, and what was fitted on the first of them."""
    if args.synthetic:
        return split(synthetic_data(1024 * TIME, 0)), {}
    if not os.path.exists(args.data):
        raise SystemExit(f"{args.data} does not exist: give --data, or try --synthetic")
    parts = split(read_data(args.data))
    fitted = {}
    return [encode(part, fitted) for part in parts], fitted


def all_rows(data):
    """Where the windows start that follow each other in a text."""
    return np.arange((len(data["tokens"]) - 1) // TIME) * TIME


def epoch_rows(data, seed, epoch):
    """The windows in the order of an epoch, drawn by seed and epoch alone."""
    return np.random.default_rng((seed, epoch)).permutation(all_rows(data))


# --- training ---

LEARNING_RATE = 0.003


def loss_function(outputs, batch):
    """The mean loss of a batch."""
    return F.cross_entropy(outputs.flatten(0, -2), batch["next_byte"].flatten())


def make_optimizer(model):
    """AdamW, with decay of weights, not of biases and norms."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": 0.1},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=LEARNING_RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
    )


def schedule(step, steps):
    """Factor of the learning rate at a step, from 0: falls along half a cosine after a warmup."""
    low = 0.0001 / LEARNING_RATE
    warmup = 50
    if step < warmup:
        return (step + 1) / warmup
    step, steps = step - warmup, steps - warmup
    progress = min(step / max(steps, 1), 1.0)
    return low + (1 - low) * (1 + math.cos(math.pi * progress)) / 2


def train_step(model, optimizer, batch):
    """One step of the optimizer on a batch; gives the loss, which stays on the device."""
    loss = loss_function(model(batch["tokens"]), batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


def take(data, starts):
    """Windows of the text as a batch, and under "next_byte" each token's successor."""
    places = starts[:, None] + torch.arange(TIME + 1, device=starts.device)
    windows = data["tokens"][places].long()
    return {"tokens": windows[:, :-1], "next_byte": windows[:, 1:]}


def to_device(data, device):
    """The arrays as tensors on the device."""
    return {name: torch.from_numpy(values).to(device) for name, values in data.items()}


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
        outputs = model(batch["tokens"])
        share = len(part) / len(rows)
        sums["loss"] += share * loss_function(outputs, batch)
        sums["accuracy"] += share * (outputs.argmax(2) == batch["next_byte"]).float().mean()
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
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * schedule(run["step"], run["steps"])
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
        raise SystemExit("there is nothing to train on: the training part has no window")
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


# --- generation ---


class KVCache:
    """What layers keep of the positions so far: keys and values.

    Attributes:
        limit: The most positions.
        length: How many there are so far.
        kept: What each layer keeps.
    """

    def __init__(self, limit):
        self.limit, self.length, self.kept = limit, 0, {}

    def extend(self, layer, keys, values):  # [.., T, size]
        """Takes in keys and values of further positions; gives those of all positions so far."""
        if layer not in self.kept:
            self.kept[layer] = [
                x.new_empty((*x.shape[:-2], self.limit, x.shape[-1])) for x in (keys, values)
            ]
        stop = self.length + keys.shape[-2]
        for kept, new in zip(self.kept[layer], (keys, values)):
            kept[..., self.length : stop, :] = new
        return (kept[..., :stop, :] for kept in self.kept[layer])


@contextlib.contextmanager
def remembering(model, limit):
    """While it lasts, each call of the model goes on where the one before ended."""
    cache = KVCache(limit)
    layers = [module for module in model.modules() if isinstance(module, Attention)]
    for layer in layers:
        layer.cache = cache
    try:
        yield cache
    finally:
        for layer in layers:
            layer.cache = None


def sample(logits, temperature, top_k, top_p, rng):  # [vocabulary]
    """A token drawn from softmax(logits / temperature); the likeliest one at temperature 0.

    Only the `top_k` likeliest take part (Fan et al. 2018), and of these only the fewest that
    together reach the probability `top_p` (Holtzman et al. 2020).
    """
    if temperature == 0:
        return int(logits.argmax())
    order = np.argsort(-logits, kind="stable")[:top_k]  # the likeliest first
    chances = np.exp((logits[order] - logits[order[0]]) / temperature)
    chances /= chances.sum()
    chances[np.cumsum(chances) - chances >= top_p] = 0
    return int(rng.choice(order, p=chances / chances.sum()))


@torch.inference_mode()
def generate(
    model, tokens, count, temperature=1.0, top_k=None, top_p=1.0, seed=None, stop=(), context=96
):
    """The tokens that follow some others, each drawn from what the model expects after all before.

    Args:
        model: The model.
        tokens: The tokens to continue, at least one.
        count: How many to draw at most.
        temperature: Below 1 keeps to the likely, 0 always takes the likeliest.
        top_k: Draw from the `top_k` likeliest only, if given.
        top_p: Draw from the fewest that together have this probability.
        seed: Makes the drawing repeatable.
        stop: Tokens that end it; they are not returned.
        context: The most tokens that the model looks at: the last ones.
    """
    tokens, prompt = list(tokens), len(tokens)
    if not tokens or min(tokens) < 0 or max(tokens) >= 256:
        raise ValueError("give at least one token, all from 0 to 255")
    if temperature < 0 or not 0 < top_p <= 1 or (top_k is not None and top_k < 1):
        raise ValueError("temperature is 0 or more, top_k 1 or more, top_p above 0 and at most 1")
    rng, stop = np.random.default_rng(seed), list(stop)
    model.eval()
    device = next(model.parameters()).device
    with remembering(model, min(context, prompt + count)) as cache:
        fresh = tokens[-context:]
        for _ in range(count):
            if cache.length + len(fresh) > context:  # all positions move: begin anew
                cache.length, fresh = 0, tokens[-context:]
            logits = model(torch.tensor([fresh], device=device))[0, -1]  # [vocabulary]
            cache.length += len(fresh)
            fresh = [sample(logits.cpu().double().numpy(), temperature, top_k, top_p, rng)]
            tokens += fresh
            if stop and tokens[prompt:][-len(stop) :] == stop:
                return tokens[prompt : -len(stop)]
    return tokens[prompt:]


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
        data = encode(read_data(other), state["fitted"])
    else:
        data = load_parts(args)[0][2]
    count = len(all_rows(data))
    figures = evaluate(model, to_device(data, device), args.batch)
    shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"{count} windows  {shown}")
    if args.output:
        write_file(args.output, lambda file: file.write(json.dumps(figures).encode()))


@torch.inference_mode()
def predict(args):
    """Writes what a checkpoint expects after the end of a text."""
    device = pick_device(args.device)
    model, state = load_trained(args, device)
    model.eval()
    if args.input:
        data = encode(read_data(args.input), state["fitted"])
    else:
        data = load_parts(args)[0][2]
    data = to_device(data, device)
    batch = {"tokens": data["tokens"][None, -TIME:].long()}
    outputs = model(batch["tokens"])[:, -1:]
    results = {"next_byte": outputs.softmax(2)[:, 0].cpu().numpy()}
    path = args.output or os.path.join(args.out, "predictions.csv")
    write_predictions(path, results, state["fitted"].get("classes", {}))
    print(f"{len(next(iter(results.values())))} rows in {path}")


def to_tokens(text, _):
    """The bytes of a text."""
    return list(text.encode())


def to_text(tokens, _):
    """The text of some bytes."""
    return bytes(tokens).decode(errors="replace")


def continue_prompt(args):
    """Continues a prompt, token by token, by what a checkpoint expects."""
    device = pick_device(args.device)
    model, state = load_trained(args, device)
    fitted = state["fitted"]
    try:
        prompt, stop = (to_tokens(text or "", fitted) for text in (args.prompt, args.stop))
        tokens = generate(
            model, prompt, args.tokens, args.temperature, args.top_k, args.top_p, args.seed, stop
        )
    except ValueError as problem:
        raise SystemExit(f"cannot continue {args.prompt!r}: {problem}") from None
    text = to_text([*prompt, *tokens], fitted)
    print(text)
    if args.output:
        write_file(args.output, lambda file: file.write(text.encode()))


def dry_run(args):
    """One step of training and one evaluation on random data: shows that everything fits."""
    settle(args, {})
    device = pick_device(args.device)
    data = to_device(synthetic_data(args.batch * TIME + 1, args.seed), device)
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
        "data": DATA,
        "synthetic": False,
        "batch": 32,
        "seed": 1337,
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
    return before or 6 * epoch_steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add("command", nargs="?", default="train", choices=["train", "evaluate", "predict", "generate"])
    add("--data", help="the file to train on, or to evaluate")
    add("--synthetic", action="store_true", default=None, help="train on random data")
    add("--input", help="for predict: the file to read; the test part if not given")
    add("--out", default="runs/shakespeare_torch", help="folder of checkpoints and metrics.csv")
    add("--checkpoint", help="for evaluate and predict: best.pt of --out if not given")
    add("--output", help="file for figures (JSON) or predictions (CSV or NPZ)")
    add("--epochs", type=int, help="how long to train; 6 epochs if not given")
    add("--steps", type=int, help="the same in steps of the optimizer")
    add("--batch", type=int, help="rows in a batch; 32 if not given")
    add("--seed", type=int, help="of weights and order; 1337 if not given")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    add("--resume", action="store_true", help="go on from last.pt of --out")
    add("--dry-run", action="store_true", help="one step on random data, to see that all fits")
    add("--prompt", default="\n", help="for generate: the text to continue")
    add("--tokens", type=int, default=200, help="for generate: how many to add")
    add("--temperature", type=float, default=1.0, help="0 takes the likeliest token each time")
    add("--top-k", type=int, help="draw from so many of the likeliest tokens only")
    add("--top-p", type=float, default=1.0, help="draw from the fewest of this probability")
    add("--stop", help="for generate: what ends the text, and is left out")
    args = parser.parse_args()
    for path in (args.data, args.input):
        if path and not os.path.exists(path):
            parser.error(f"{path} does not exist")
    commands = {"train": train, "evaluate": score, "predict": predict, "generate": continue_prompt}
    (dry_run if args.dry_run else commands[args.command])(args)


if __name__ == "__main__":
    main()
