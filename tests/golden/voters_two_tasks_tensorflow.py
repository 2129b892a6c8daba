"""TwoTasks. Several inputs, shared weights, two outputs with a loss each: from where
voters place themselves and the candidates between left and right, and from who they
are, to their vote and party.

Generated from voters_two_tasks.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow and numpy.
3,784 parameters | 3,776 MACs forward per sample

    python voters_two_tasks_tensorflow.py
    python voters_two_tasks_tensorflow.py evaluate
    python voters_two_tasks_tensorflow.py predict --checkpoint runs/voters_two_tasks_tensorflow/best.npz --input FILE
msl: sha256=9119833cd36aefed8fd2d635bc0a1ffd
"""

import argparse
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

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings and errors only

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# --- model ---


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


class Tower(layers.Layer):
    def __init__(self, in_features, width, **kwargs):
        super().__init__(**kwargs)
        self.linear = dense(in_features, width, name="linear")
        self.dropout = layers.Dropout(0.2, name="dropout")

    def call(self, x):  # [B, 1]
        return self.dropout(keras.ops.relu(self.linear(x)))  # [B, 32]


class TwoTasks(keras.Model):
    def __init__(self, width=32):
        own = keras.Input((1,), name="own")  # [B, 1]
        clinton = keras.Input((1,), name="clinton")  # [B, 1]
        dole = keras.Input((1,), name="dole")  # [B, 1]
        person = keras.Input((11,), name="person")  # [B, 11]
        # three places on one scale, so one layer reads them all
        place_layer = Tower(1, width, name="place")
        x = place_layer(own)  # [B, 32]
        y = place_layer(clinton)  # [B, 32]
        views = keras.ops.concatenate([x, y, place_layer(dole)], axis=-1)  # [B, 96]
        x = keras.ops.concatenate([views, person], axis=-1)  # [B, 107]
        joint = keras.ops.relu(dense(3 * width + 11, width, name="joint")(x))  # [B, 32]
        vote = dense(width, 1, name="vote")(joint)  # [B, 1]
        party = dense(width, 7, name="party")(joint)  # [B, 7]
        super().__init__(
            inputs=[own, clinton, dole, person],
            outputs={"vote": vote, "party": party},
            name="TwoTasks",
        )


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


def cross_entropy(logits, target):
    """The mean of -log softmax at the true class."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
    return tf.reduce_mean(losses)


def loss_function(outputs, batch):
    """The mean loss of a batch."""
    vote_loss = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(batch["vote"], outputs["vote"])
    )
    party_loss = cross_entropy(outputs["party"], batch["party"])
    return vote_loss + 0.3 * party_loss


def penalty(model):
    """What the size of weights adds to the loss of a step."""
    weights = model.trainable_variables
    return 1e-5 * tf.add_n(
        [
            tf.reduce_sum(tf.abs(v))
            for v in weights
            if fnmatch.fnmatchcase(key_of(v), "place.*.weight")
        ]
    )


WORDS = {"kernel": "weight"}


def key_of(variable):
    """The key of a variable: its path with dots, in PyTorch's words (conv1.weight)."""
    *path, word = variable.path.replace("./", "/").split("/")
    return ".".join([*path, WORDS.get(word, word)])


class RMSprop:
    """RMSprop with epsilon outside the root, as in PyTorch."""

    def __init__(self, model):
        self.variables = model.trainable_variables
        self.square = [tf.Variable(tf.zeros_like(v)) for v in self.variables]

    def apply(self, gradients):
        """One step against the gradients."""
        for v, g, square in zip(self.variables, gradients, self.square):
            square.assign_add((1 - 0.99) * (tf.square(g) - square))
            v.assign_sub(0.001 * g / (tf.sqrt(square) + 1e-8))

    def state(self):
        """What the next step needs besides the weights, by name."""
        state = {}
        for v, square in zip(self.variables, self.square):
            state |= {f"square/{key_of(v)}": square}
        return state


def forward(model, batch, training=False):
    """The outputs for a batch."""
    return model(
        [batch["own"], batch["clinton"], batch["dole"], batch["person"]], training=training
    )


def train_step(model, optimizer, batch):
    """One step of the optimizer on a batch; gives the loss."""
    with tf.GradientTape() as tape:
        loss = loss_function(forward(model, batch, training=True), batch)
        cost = loss + penalty(model)
    gradients = tape.gradient(cost, optimizer.variables)
    optimizer.apply(gradients)
    return loss


def make_train_steps(model, optimizer, data):
    """One graph that takes many steps, one for each list of rows; gives their losses."""
    signature = [tf.TensorSpec([None, None], "int64")]

    def step(rows):
        batch = take(data, rows)
        return train_step(model, optimizer, batch)

    @tf.function(autograph=False, input_signature=signature)
    def train_steps(rows):  # [steps, batch]
        return tf.map_fn(step, rows, fn_output_signature="float32", parallel_iterations=1)

    return train_steps


def take(data, rows):
    """Some rows as a batch."""
    return {name: tf.gather(values, rows) for name, values in data.items()}


def to_tensors(data):
    """The arrays as tensors."""
    return {name: tf.constant(values) for name, values in data.items()}


def area_under_curve(scores, positive):
    """How often a positive case scores higher than a negative one; equal scores count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]
    wins, losses = positive.sum(), (~positive).sum()
    if not wins or not losses:
        return math.nan
    return (ranks[positive].sum() - wins * (wins + 1) / 2) / (wins * losses)


def class_ranks(scores, target):
    """How many classes score higher than the true one; of equal scores the first is the higher."""
    true = tf.gather(scores, target[..., None], batch_dims=len(target.shape))
    earlier = tf.range(scores.shape[-1], dtype=target.dtype) < target[..., None]
    above = (scores > true) | ((scores == true) & earlier)
    return tf.math.count_nonzero(above, -1)


def make_evaluate(model, data, size):
    """A function that gives the loss and the metrics over all rows, in batches of some size."""
    rows = all_rows(data)
    if not len(rows):
        raise SystemExit("there are no rows to evaluate on: the part is too small")

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], "int64")])
    def measure(part):
        batch = take(data, part)
        outputs = forward(model, batch)
        share = tf.cast(tf.shape(part)[0] / len(rows), "float32")
        return {
            "loss": loss_function(outputs, batch) * share,
            "vote_accuracy": tf.reduce_mean(
                tf.cast((outputs["vote"] > 0) == (batch["vote"] > 0.5), "float32")
            )
            * share,
            "vote_auc_scores": tf.reshape(outputs["vote"], [-1]),
            "vote_auc_truths": tf.reshape(batch["vote"] > 0.5, [-1]),
            "party_top_3": tf.reduce_mean(
                tf.cast(class_ranks(outputs["party"], batch["party"]) < 3, "float32")
            )
            * share,
        }

    def evaluate():
        parts = [measure(part) for part in np.split(rows, range(size, len(rows), size))]
        sums = {
            name: np.sum([part[name] for part in parts], axis=0, dtype=np.float64)
            for name in ("loss", "vote_accuracy", "party_top_3")
        }
        vote_auc_scores = np.concatenate([part["vote_auc_scores"] for part in parts])
        vote_auc_truths = np.concatenate([part["vote_auc_truths"] for part in parts])
        figures = {
            "loss": sums["loss"],
            "vote_accuracy": sums["vote_accuracy"],
            "vote_auc": area_under_curve(vote_auc_scores, vote_auc_truths),
            "party_top_3": sums["party_top_3"],
        }
        return {name: float(value) for name, value in figures.items()}

    return evaluate


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


def weights_of(model):
    """The weights of a model and its running statistics by key."""
    return {key_of(v): v for v in model.weights}


def progress_of(model, optimizer):
    """What a run needs to go on besides the weights, by name."""
    progress = {f"optimizer/{name}": v for name, v in optimizer.state().items()}
    seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
    return progress | {f"random/{number}": v for number, v in enumerate(seeds)}


def save_checkpoint(path, variables, notes):
    """Writes a checkpoint whole or not at all: an .npz of arrays, the notes in it as JSON."""
    arrays = {name: v.numpy() for name, v in variables.items()}
    arrays["notes/json"] = np.array(json.dumps(notes))
    write_file(path, lambda file: np.savez(file, **arrays))


def load_checkpoint(path):
    """A checkpoint's notes and arrays; none of it is executed. Its .npz may be left out."""
    path = path if path.endswith(".npz") else f"{path}.npz"
    if not os.path.exists(path):
        raise SystemExit(f"{path} does not exist: train first, or give --checkpoint")
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    return {**json.loads(str(arrays.pop("notes/json"))), "arrays": arrays}


def restore(variables, arrays):
    """Puts arrays of a checkpoint into variables of the same names."""
    for name, variable in variables.items():
        if name not in arrays or arrays[name].shape != tuple(variable.shape):
            raise SystemExit(f"the checkpoint is of another model: {name} does not fit")
        variable.assign(arrays[name])


def pick_device(name):
    """Lets TensorFlow see one device, by name; auto is the fastest there is."""
    kind, _, number = name.partition(":")
    cards = tf.config.list_physical_devices("GPU")
    if kind in ("cuda", "mps") and len(cards) <= int(number or 0):
        raise SystemExit(f"there is no {name} device here: give --device cpu")
    if kind not in ("auto", "cpu", "cuda", "mps"):
        raise SystemExit(f"{name} is no device: give auto, cpu, cuda, cuda:1 or mps")
    if cards:
        card = int(number or 0)
        tf.config.set_visible_devices([] if kind == "cpu" else cards[card : card + 1], "GPU")
        for visible in tf.config.get_visible_devices("GPU"):
            tf.config.experimental.set_memory_growth(visible, True)


def start_model(args):
    """The model with its first weights."""
    keras.utils.set_random_seed(args.seed)
    return build_model()


def train_round(train_steps, data, args, run, caught):
    """Trains until the epoch or the run ends, or a signal comes.

    Notes the losses in the run; gives the number of rows of each step of the epoch.
    """
    order, size = epoch_rows(data, args.seed, run["epoch"]), args.batch
    parts = np.split(order, range(size, len(order), size))
    done = run["step"] - (run["epoch"] - 1) * len(parts)
    first = done - len(run["losses"])
    stop = min(len(parts), done + run["steps"] - run["step"])
    count = 1
    while done < stop and not caught:
        start = time.monotonic()
        chosen = parts[done : min(done + count, stop)]
        if len(chosen) > 1 and len(chosen[-1]) < size:  # a short batch has a call of its own
            chosen.pop()
        losses = train_steps(np.stack(chosen)).numpy()
        run["losses"] += losses.tolist()
        run["step"], done = run["step"] + len(losses), done + len(losses)
        for step, loss in enumerate(losses, run["step"] - len(losses) + 1):
            if not math.isfinite(loss):
                raise SystemExit(f"the loss is {loss} at step {step}; the checkpoints are older")
        if sys.stdout.isatty():
            show_bar(run["epoch"], done, stop, losses[-1])
        pace = len(losses) / max(time.monotonic() - start, 1e-9)
        count = min(max(int(pace / 5), 1), 4 * count)  # a call takes a fifth of a second
    if sys.stdout.isatty():
        print("\r\x1b[K", end="")
    return [len(part) for part in parts[first:stop]]


def train(args):
    """Trains, with an evaluation, checkpoints and a line of metrics.csv after every epoch."""
    last, best = (os.path.join(args.out, name) for name in ("last.npz", "best.npz"))
    state = load_checkpoint(last) if args.resume else {}
    settings = settle(args, state)
    pick_device(args.device)
    parts, fitted = load_parts(args)
    training, validation = (to_tensors(part) for part in parts[:2])
    model = start_model(args)
    optimizer = RMSprop(model)
    run = {"epoch": 1, "step": 0, "losses": [], "best": math.inf, "history": []}
    if state:
        run = state["run"]
        restore(weights_of(model) | progress_of(model, optimizer), state["arrays"])
    epoch_steps = -(-len(all_rows(training)) // args.batch)
    if not epoch_steps:
        raise SystemExit("there is nothing to train on: the training part has no row")
    run["steps"] = run_length(args, epoch_steps, run.get("steps"))
    train_steps = make_train_steps(model, optimizer, training)
    evaluate = make_evaluate(model, validation, args.batch)

    def checkpoint(path, whole=True):
        """Keeps the weights and what predictions need; the whole of it to go on from, too."""
        variables, notes = weights_of(model), {"fitted": fitted, "settings": settings}
        if whole:
            variables |= progress_of(model, optimizer)
            notes["run"] = run
        save_checkpoint(path, variables, notes)

    os.makedirs(args.out, exist_ok=True)
    caught = catch_signals()
    while run["step"] < run["steps"]:
        start = time.perf_counter()
        sizes = train_round(train_steps, training, args, run, caught)
        if len(run["losses"]) == len(sizes):  # else a signal came in between
            loss = sum(map(operator.mul, run["losses"], sizes)) / sum(sizes)
            figures = {"epoch": run["epoch"], "step": run["step"], "loss": loss}
            figures |= {f"val_{name}": value for name, value in evaluate().items()}
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


def load_trained(args):
    """A trained model and its checkpoint."""
    best, last = (os.path.join(args.out, name) for name in ("best.npz", "last.npz"))
    state = load_checkpoint(args.checkpoint or (best if os.path.exists(best) else last))
    settle(args, state)
    model = start_model(args)
    restore(weights_of(model), state["arrays"])
    return model, state


def score(args):
    """Evaluates a checkpoint on the test rows, or on all rows of another file."""
    other = args.data and os.path.realpath(args.data)
    pick_device(args.device)
    model, state = load_trained(args)
    if other and other != state["settings"]["data"]:
        data = encode(read_data(other), state["fitted"], ARRAYS)
    else:
        data = load_parts(args)[0][2]
    count = len(all_rows(data))
    figures = make_evaluate(model, to_tensors(data), args.batch)()
    shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"{count} rows  {shown}")
    if args.output:
        write_file(args.output, lambda file: file.write(json.dumps(figures).encode()))


def predict(args):
    """Writes what a checkpoint makes of new rows, or of the test rows."""
    pick_device(args.device)
    model, state = load_trained(args)
    if args.input:
        data = encode(read_data(args.input), state["fitted"], INPUTS)
    else:
        data = load_parts(args)[0][2]
    data = to_tensors(data)

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], "int64")])
    def answers(rows):
        outputs = forward(model, take(data, rows))
        return {"vote": tf.sigmoid(outputs["vote"]), "party": tf.nn.softmax(outputs["party"])}

    rows = all_rows(data)
    parts = [answers(part) for part in np.split(rows, range(args.batch, len(rows), args.batch))]
    results = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    path = args.output or os.path.join(args.out, "predictions.csv")
    write_predictions(path, results, state["fitted"].get("classes", {}))
    print(f"{len(next(iter(results.values())))} rows in {path}")


def dry_run(args):
    """One step of training and one evaluation on random data: shows that everything fits."""
    settle(args, {})
    pick_device(args.device)
    data = to_tensors(synthetic_data(args.batch, args.seed))
    model = start_model(args)
    train_steps = make_train_steps(model, RMSprop(model), data)
    losses = train_steps(all_rows(data)[None])
    make_evaluate(model, data, args.batch)()
    print(f"dry run: a step and an evaluation went through, the loss was {float(losses[0]):.4g}")


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
        "--out",
        default="runs/voters_two_tasks_tensorflow",
        help="folder of checkpoints and metrics.csv",
    )
    add("--checkpoint", help="for evaluate and predict: best.npz of --out if not given")
    add("--output", help="file for figures (JSON) or predictions (CSV or NPZ)")
    add("--epochs", type=int, help="how long to train; 40 epochs if not given")
    add("--steps", type=int, help="the same in steps of the optimizer")
    add("--batch", type=int, help="rows in a batch; 32 if not given")
    add("--seed", type=int, help="of weights and order; 5 if not given")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    add("--resume", action="store_true", help="go on from last.npz of --out")
    add("--dry-run", action="store_true", help="one step on random data, to see that all fits")
    args = parser.parse_args()
    for path in (args.data, args.input):
        if path and not os.path.exists(path):
            parser.error(f"{path} does not exist")
    commands = {"train": train, "evaluate": score, "predict": predict}
    (dry_run if args.dry_run else commands[args.command])(args)


if __name__ == "__main__":
    main()
