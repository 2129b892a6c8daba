"""DigitsCNN: Handwritten digits, 8 by 8 grey pixels, in ten classes. Source of
the data: data/README.md.

Generated from digits_cnn.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow and numpy.
25,978 parameters | 601,600 MACs forward per sample

    python digits_cnn_tensorflow.py
    python digits_cnn_tensorflow.py evaluate
    python digits_cnn_tensorflow.py predict --checkpoint runs/digits_cnn_tensorflow/best.npz --input FILE
msl: sha256=55667395e0fc143a024d3d82cb77be93
"""

import argparse
import csv
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


def uniform(fan_in):
    """Uniform in +-1/sqrt(fan_in), which keeps the scale of activations; a new one at each call."""
    bound = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)


class BatchNorm(layers.Layer):
    """Batch normalization of the last axis; its running variance is unbiased."""

    def build(self, input_shape):
        def vector(name, start, **options):
            return self.add_weight(input_shape[-1:], start, name=name, autocast=False, **options)

        self.gamma = vector("gamma", "ones")
        self.beta = vector("beta", "zeros")
        self.moving_mean = vector("moving_mean", "zeros", trainable=False)
        self.moving_variance = vector("moving_variance", "ones", trainable=False)

    def call(self, x, training=False):  # [B, .., C]
        if not training:
            return self.scaled(x, self.moving_mean, self.moving_variance)
        if self.variable_dtype == "float64":  # which the fused kernel does not take
            mean, variance = keras.ops.moments(x, list(range(len(x.shape) - 1)))  # [C], [C]
            y = self.scaled(x, mean, variance)
            n = keras.ops.cast(keras.ops.size(x) // x.shape[-1], x.dtype)
            variance = variance * n / keras.ops.maximum(n - 1, 1)
        else:
            gamma, beta = self.gamma.value, self.beta.value
            y = keras.ops.reshape(x, (keras.ops.shape(x)[0], -1, 1, x.shape[-1]))
            y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=y, scale=gamma, offset=beta, mean=[], variance=[], epsilon=1e-5
            )
            y = keras.ops.reshape(y, keras.ops.shape(x))
        for running, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running + 0.1 * (batch - running))
        return y

    def scaled(self, x, mean, variance):  # [B, .., C], [C], [C]
        """Each channel to mean 0 and variance 1, then scaled and moved as learned."""
        x = keras.ops.cast(x, self.variable_dtype)
        y = keras.ops.batch_normalization(x, mean, variance, -1, self.beta, self.gamma, 1e-5)
        return keras.ops.cast(y, self.compute_dtype)


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


class ConvUnit(layers.Layer):
    def __init__(self, in_channels, channels, **kwargs):
        super().__init__(**kwargs)
        self.conv2d = layers.Conv2D(
            channels,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=uniform(in_channels * 9),
            name="conv2d",
        )
        self.batch_norm = BatchNorm(name="batch_norm")

    def call(self, x):  # [B, H, W, in_channels]
        # a norm follows, which has a bias of its own
        x = self.conv2d(x)  # [B, H, W, channels]
        x = self.batch_norm(x)  # [B, H, W, channels]
        return keras.ops.relu(x)  # [B, H, W, channels]


class DigitsCNN(keras.Model):
    """Channels last: image is [1, 8, 8] in the spec, [B, 8, 8, 1] here."""

    def __init__(self, width=16, classes=10):
        image = keras.Input((8, 8, 1), name="image")  # [B, 8, 8, 1]
        x = ConvUnit(1, width, name="conv_unit")(image)  # [B, 8, 8, 16]
        x = ConvUnit(width, 2 * width, name="conv_unit_2")(x)  # [B, 8, 8, 32]
        x = keras.ops.max_pool(x, 2)  # [B, 4, 4, 32]
        x = ConvUnit(2 * width, 4 * width, name="conv_unit_3")(x)  # [B, 4, 4, 64]
        x = keras.ops.max_pool(x, 2)  # [B, 2, 2, 64]
        x = keras.ops.reshape(keras.ops.transpose(x, (0, 3, 1, 2)), (-1, 4 * width * 2 * 2))
        x = layers.Dropout(0.3, name="dropout")(x)  # [B, 256]
        label = dense(4 * width * 2 * 2, classes, name="label")(x)  # [B, 10]
        super().__init__(inputs=image, outputs=label, name="DigitsCNN")


def build_model():
    return DigitsCNN()


# --- data ---

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../examples/data/digits.csv")
INPUTS = ("image",)  # in the order of the model
ARRAYS = {  # shape of a row, type, number of values of an integer
    "image": ((1, 8, 8), "float32", None),
    "label": ((), "int64", 10),
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
    columns = {"label": ["label"]}
    left = [name for name in table if not any(name in taken for taken in columns.values())]
    columns["image"] = ["image"] if "image" in left else left
    categories = {
        name: np.unique(cells).astype(str).tolist()
        for name, cells in table.items()
        if cells.dtype.kind == "U"
    }
    fitted = {"columns": columns, "categories": categories}
    fitted["classes"] = {
        "label": categories.get("label") or [str(number) for number in range(10)],
    }
    fitted["scale"] = {}
    values = shaped("image", columns_of(table, columns["image"], categories, one_hot=True))
    fitted["scale"]["image"] = find_scale(values, (0, 2, 3))
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
    data["image"] = shaped("image", columns_of(table, columns["image"], categories, one_hot=True))
    data["image"] = scaled(data["image"], fitted["scale"]["image"])
    if "label" in names:
        values = columns_of(table, columns["label"], categories, one_hot=False)
        data["label"] = shaped("label", values)
    return data


def split(data):
    """The training, validation and test rows, drawn by a seed of their own."""
    count = len(next(iter(data.values())))
    validation, test = int(0.1 * count), int(0.2 * count)
    order = np.random.default_rng(0).permutation(count)
    parts = np.split(order, [count - validation - test, count - test])
    return [{name: values[rows] for name, values in data.items()} for rows in parts]


def synthetic_data(count, seed):
    """Random rows of the declared shapes."""
    rng = np.random.default_rng(seed)
    return {
        "image": rng.standard_normal((count, 1, 8, 8), np.float32),
        "label": rng.integers(0, 10, count, "int64"),
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

LEARNING_RATE = 0.003


def cross_entropy(logits, target, smoothing):
    """The mean of -log softmax at the true class."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
    scores = tf.nn.log_softmax(logits)
    losses = (1 - smoothing) * losses - smoothing * tf.reduce_mean(scores, -1)
    return tf.reduce_mean(losses)


def loss_function(outputs, batch):
    """The mean loss of a batch."""
    return cross_entropy(outputs, batch["label"], smoothing=0.05)


def schedule(step, steps):
    """Factor of the learning rate at a step, from 0: falls along half a cosine after a warmup."""
    warmup = math.floor(0.1 * steps + 0.5)
    if step < warmup:
        return (step + 1) / warmup
    step, steps = step - warmup, steps - warmup
    progress = min(step / max(steps, 1), 1.0)
    return (1 + math.cos(math.pi * progress)) / 2


WORDS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def key_of(variable):
    """The key of a variable: its path with dots, in PyTorch's words (conv1.weight)."""
    *path, word = variable.path.split("/")
    return ".".join([*path, WORDS.get(word, word)])


class AdamW:
    """AdamW with epsilon after the bias correction, as in PyTorch."""

    def __init__(self, model):
        self.variables = model.trainable_variables
        self.step = tf.Variable(0, dtype="int64")
        self.mean = [tf.Variable(tf.zeros_like(v)) for v in self.variables]
        self.square = [tf.Variable(tf.zeros_like(v)) for v in self.variables]

    def apply(self, gradients, rate):
        """One step against the gradients."""
        t, dtype = tf.cast(self.step.assign_add(1), "float64"), self.variables[0].dtype
        root = tf.sqrt(1 - 0.999**t)
        size = tf.cast(rate * root / (1 - 0.9**t), dtype)
        epsilon = tf.cast(1e-8 * root, dtype)
        rate = tf.cast(rate, self.variables[0].dtype)
        for v, g, mean, square in zip(self.variables, gradients, self.mean, self.square):
            if v.ndim > 1:  # biases and norms do not decay
                v.assign_sub(rate * 0.05 * v)
            mean.assign_add((1 - 0.9) * (g - mean))
            square.assign_add((1 - 0.999) * (tf.square(g) - square))
            v.assign_sub(size * mean / (tf.sqrt(square) + epsilon))

    def state(self):
        """What the next step needs besides the weights, by name."""
        state = {"step": self.step}
        for v, mean, square in zip(self.variables, self.mean, self.square):
            state |= {f"mean/{key_of(v)}": mean, f"square/{key_of(v)}": square}
        return state


def forward(model, batch, training=False):
    """The outputs for a batch."""
    return model(batch["image"], training=training)


def train_step(model, optimizer, batch, rate):
    """One step of the optimizer on a batch; gives the loss."""
    with tf.GradientTape() as tape:
        loss = loss_function(forward(model, batch, training=True), batch)
    gradients = tape.gradient(loss, optimizer.variables)
    optimizer.apply(gradients, rate)
    return loss


def make_train_steps(model, optimizer, data):
    """One graph that takes many steps, one for each list of rows; gives their losses."""
    signature = [tf.TensorSpec([None, None], "int64"), tf.TensorSpec([None], "float64")]

    def step(item):
        rows, rate = item
        batch = take(data, rows)
        return train_step(model, optimizer, batch, rate)

    @tf.function(autograph=False, input_signature=signature)
    def train_steps(*items):  # [steps, batch], [steps]
        return tf.map_fn(step, items, fn_output_signature="float32", parallel_iterations=1)

    return train_steps


def take(data, rows):
    """Some rows as a batch."""
    return {name: tf.gather(values, rows) for name, values in data.items()}


def to_tensors(data):
    """The arrays as tensors, images channels last."""
    order = {"image": (0, 2, 3, 1)}
    data = {name: x.transpose(order[name]) if name in order else x for name, x in data.items()}
    return {name: tf.constant(values) for name, values in data.items()}


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
            "accuracy": tf.reduce_mean(tf.cast(tf.argmax(outputs, -1) == batch["label"], "float32"))
            * share,
        }

    def evaluate():
        parts = [measure(part) for part in np.split(rows, range(size, len(rows), size))]
        sums = {
            name: np.sum([part[name] for part in parts], axis=0, dtype=np.float64)
            for name in ("loss", "accuracy")
        }
        figures = {
            "loss": sums["loss"],
            "accuracy": sums["accuracy"],
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
        steps = range(run["step"], run["step"] + len(chosen))
        rates = [LEARNING_RATE * schedule(step, run["steps"]) for step in steps]
        losses = train_steps(np.stack(chosen), rates).numpy()
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
    optimizer = AdamW(model)
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
        return {"label": tf.nn.softmax(outputs)}

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
    train_steps = make_train_steps(model, AdamW(model), data)
    losses = train_steps(all_rows(data)[None], [LEARNING_RATE])
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
        "batch": 64,
        "seed": 42,
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
    return before or 20 * epoch_steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add("command", nargs="?", default="train", choices=["train", "evaluate", "predict"])
    add("--data", help="the file to train on, or to evaluate")
    add("--synthetic", action="store_true", default=None, help="train on random data")
    add("--input", help="for predict: the file to read; the test part if not given")
    add("--out", default="runs/digits_cnn_tensorflow", help="folder of checkpoints and metrics.csv")
    add("--checkpoint", help="for evaluate and predict: best.npz of --out if not given")
    add("--output", help="file for figures (JSON) or predictions (CSV or NPZ)")
    add("--epochs", type=int, help="how long to train; 20 epochs if not given")
    add("--steps", type=int, help="the same in steps of the optimizer")
    add("--batch", type=int, help="rows in a batch; 64 if not given")
    add("--seed", type=int, help="of weights and order; 42 if not given")
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
