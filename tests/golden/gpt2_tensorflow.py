"""GPT2. GPT-2: 124,439,808 parameters; the XL variant 1,557,611,200.

Generated from gpt2.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow and numpy.
124,439,808 parameters | 145,824,153,600 MACs forward per sample at time = 1,024

    python gpt2_tensorflow.py
    python gpt2_tensorflow.py evaluate
    python gpt2_tensorflow.py predict --checkpoint runs/gpt2_tensorflow/best.npz --input FILE
    python gpt2_tensorflow.py generate --prompt "Once" --temperature 0.8
msl: sha256=3c78cdd82bd50a4303ccb9054307f2f6
"""

import argparse
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


class MultiHeadAttention(layers.Layer):
    """Multi-head attention (Vaswani et al. 2017)."""

    def __init__(self, width, heads, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.cache = None  # of earlier positions, while a sequence is continued
        self.heads = heads
        self.dropout = layers.Dropout(dropout)
        self.query = dense(width, width, name="query")
        self.key = dense(width, width, name="key")
        self.value = dense(width, width, name="value")
        self.out = dense(width, width, name="out")

    def call(self, x):  # [.., T, width]
        shape = (*keras.ops.shape(x)[:-1], self.heads, x.shape[-1] // self.heads)
        q, k, v = (keras.ops.reshape(f(x), shape) for f in (self.query, self.key, self.value))
        start = self.cache.length if self.cache else 0
        if self.cache:
            k, v = self.cache.extend(self, k, v, axis=-3)
        scores = keras.ops.einsum("...qhd,...khd->...hqk", q * shape[-1] ** -0.5, k)
        scores = keras.ops.cast(scores, keras.backend.result_type(scores.dtype, "float32"))
        position = start + keras.ops.arange(keras.ops.shape(x)[-2])
        ahead = position[:, None] < keras.ops.arange(keras.ops.shape(k)[-3])
        scores = keras.ops.where(ahead, -3e38, scores)  # about the lowest of float32
        weights = self.dropout(keras.ops.cast(keras.ops.softmax(scores), v.dtype))
        y = keras.ops.einsum("...hqk,...khd->...qhd", weights, v)  # [.., T, heads, size]
        return self.out(keras.ops.reshape(y, keras.ops.shape(x)))  # [.., T, width]


class PositionEmbedding(layers.Layer):
    """Adds a learned vector for each position."""

    def __init__(self, length, **kwargs):
        super().__init__(**kwargs)
        self.cache = None  # of earlier positions, while a sequence is continued
        self.length = length

    def build(self, input_shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.embeddings = self.add_weight((self.length, input_shape[-1]), start, name="embeddings")

    def call(self, x):  # [.., T, D]
        start = self.cache.length if self.cache else 0
        return x + self.embeddings[start : start + keras.ops.shape(x)[-2]]  # [.., T, D]


class DecoderLayer(layers.Layer):
    def __init__(self, width, heads, drop, **kwargs):
        super().__init__(**kwargs)
        self.layer_norm = layers.LayerNormalization(epsilon=1e-5, name="layer_norm")
        self.self_attention = MultiHeadAttention(width, heads, dropout=drop, name="self_attention")
        self.dropout = layers.Dropout(drop, name="dropout")
        self.layer_norm_2 = layers.LayerNormalization(epsilon=1e-5, name="layer_norm_2")
        self.linear = dense(width, 4 * width, name="linear")
        self.linear_2 = dense(4 * width, width, name="linear_2")
        self.dropout_2 = layers.Dropout(drop, name="dropout_2")

    def call(self, x):  # [B, time, 768]
        y = self.layer_norm(x)  # [B, time, 768]
        y = self.self_attention(y)  # [B, time, 768]
        x = x + self.dropout(y)  # [B, time, 768]
        y = self.layer_norm_2(x)  # [B, time, 768]
        y = self.linear_2(keras.ops.gelu(self.linear(y), approximate=True))  # [B, time, 768]
        return x + self.dropout_2(y)  # [B, time, 768]


class GPT2(keras.Model):
    def __init__(self, depth=12, width=768, heads=12, vocab=50257, context=1024, drop=0.1):
        tokens = keras.Input((None,), dtype="int64", name="tokens")  # [B, time]
        token_embedding_layer = layers.Embedding(
            vocab,
            width,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="token_embedding",
        )
        token_embedding = token_embedding_layer(tokens)  # [B, time, 768]
        x = PositionEmbedding(context, name="position_embedding")(token_embedding)  # [B, time, 768]
        x = layers.Dropout(drop, name="dropout")(x)  # [B, time, 768]
        for i in range(depth):
            x = DecoderLayer(width, heads, drop=drop, name=f"decoder_layer.{i}")(x)
        x = layers.LayerNormalization(epsilon=1e-5, name="layer_norm")(x)  # [B, time, 768]
        logits = keras.ops.einsum("btd,vd->btv", x, token_embedding_layer.embeddings)
        super().__init__(inputs=tokens, outputs=logits, name="GPT2")


def build_model():
    return GPT2()


# --- data ---

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../specs/corpus.txt")
INPUTS = ("tokens",)  # in the order of the model
TIME = 1024  # tokens in a window


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
    validation, test = int(0.1 * len(text)), int(0.0 * len(text))
    parts = np.split(text, [len(text) - validation - test, len(text) - test])
    return [{name: part} for part in parts]


def synthetic_data(count, seed):
    """Random rows of the declared shapes."""
    rng = np.random.default_rng(seed)
    return {
        "tokens": rng.integers(0, 50257, count, "int32"),
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

LEARNING_RATE = 0.0006


def cross_entropy(logits, target):
    """The mean of -log softmax at the true class."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
    return tf.reduce_mean(losses)


def loss_function(outputs, batch):
    """The mean loss of a batch."""
    return cross_entropy(outputs, batch["logits"])


def schedule(step, steps):
    """Factor of the learning rate at a step, from 0: falls along half a cosine after a warmup."""
    low = 6e-5 / LEARNING_RATE
    warmup = 2000
    if step < warmup:
        return (step + 1) / warmup
    step, steps = step - warmup, steps - warmup
    progress = min(step / max(steps, 1), 1.0)
    return low + (1 - low) * (1 + math.cos(math.pi * progress)) / 2


WORDS = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}


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
        root = tf.sqrt(1 - 0.95**t)
        size = tf.cast(rate * root / (1 - 0.9**t), dtype)
        epsilon = tf.cast(1e-8 * root, dtype)
        rate = tf.cast(rate, self.variables[0].dtype)
        for v, g, mean, square in zip(self.variables, gradients, self.mean, self.square):
            if v.ndim > 1:  # biases and norms do not decay
                v.assign_sub(rate * 0.1 * v)
            tf.raw_ops.ResourceApplyAdam(
                var=v.value.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=0.0,
                beta2_power=0.0,
                lr=size,
                beta1=0.9,
                beta2=0.95,
                epsilon=epsilon,
                grad=g,
            )

    def state(self):
        """What the next step needs besides the weights, by name."""
        state = {"step": self.step}
        for v, mean, square in zip(self.variables, self.mean, self.square):
            state |= {f"mean/{key_of(v)}": mean, f"square/{key_of(v)}": square}
        return state


def forward(model, batch, training=False):
    """The outputs for a batch, in float32 whatever they were computed in."""
    return tf.cast(model(batch["tokens"], training=training), "float32")


def clip_norm(gradients, most):
    """The gradients, together made no longer than `most`."""
    factor = tf.minimum(most / (tf.linalg.global_norm(gradients) + 1e-6), 1)  # PyTorch's formula
    return [g * factor for g in gradients]


def train_step(model, optimizer, batch, rate):
    """One step of the optimizer on a batch; gives the loss."""
    size = tf.shape(batch[INPUTS[0]])[0]
    length = -(-size // 40)

    def add_part(sums, start):
        part = {name: values[start : start + length] for name, values in batch.items()}
        share = tf.shape(part[INPUTS[0]])[0] / size  # the last batch of an epoch may be short
        with tf.GradientTape() as tape:
            loss = loss_function(forward(model, part, training=True), part)
            loss *= tf.cast(share, loss.dtype)
        gradients = tape.gradient(loss, optimizer.variables)
        return sums[0] + loss, [total + g for total, g in zip(sums[1], gradients)]

    sums = tf.zeros((), optimizer.variables[0].dtype), [
        tf.zeros_like(v) for v in optimizer.variables
    ]
    loss, gradients = tf.foldl(add_part, tf.range(0, size, length), sums, parallel_iterations=1)
    gradients = clip_norm(gradients, 1.0)
    optimizer.apply(gradients, rate)
    return loss


def make_train_steps(model, optimizer, data, compiled):
    """One graph that takes many steps, one for each list of rows; gives their losses."""
    signature = [tf.TensorSpec([None, None], "int64"), tf.TensorSpec([None], "float64")]

    def step(item):
        rows, rate = item
        batch = take(data, rows)
        return train_step(model, optimizer, batch, rate)

    if compiled and tf.config.get_visible_devices("GPU"):  # on CPUs XLA is slower than TensorFlow
        step = tf.function(step, autograph=False, jit_compile=True)

    @tf.function(autograph=False, input_signature=signature)
    def train_steps(*items):  # [steps, batch], [steps]
        return tf.map_fn(step, items, fn_output_signature="float32", parallel_iterations=1)

    return train_steps


def take(data, starts):
    """Windows of the text as a batch, and under "logits" each token's successor."""
    places = starts[:, None] + tf.range(TIME + 1, dtype="int64")
    windows = tf.cast(tf.gather(data["tokens"], places), "int64")
    return {"tokens": windows[:, :-1], "logits": windows[:, 1:]}


def to_tensors(data):
    """The arrays as tensors."""
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
        }

    def evaluate():
        parts = [measure(part) for part in np.split(rows, range(size, len(rows), size))]
        sums = {
            name: np.sum([part[name] for part in parts], axis=0, dtype=np.float64)
            for name in ("loss",)
        }
        figures = {
            "loss": sums["loss"],
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
    """The model with its first weights, computing in bfloat16 on weights in float32."""
    keras.utils.set_random_seed(args.seed)
    keras.config.set_dtype_policy("mixed_bfloat16")
    return build_model()


def train_round(train_steps, data, args, run, caught):
    """Trains until the round of 1000 steps, the epoch or the run ends, or a signal comes.

    Notes the losses in the run; gives the number of rows of each step of the round.
    """
    order, size = epoch_rows(data, args.seed, run["epoch"]), args.batch * 40
    parts = np.split(order, range(size, len(order), size))
    done = run["step"] - (run["epoch"] - 1) * len(parts)
    first = done - len(run["losses"])
    stop = min(len(parts), done + run["steps"] - run["step"], first + 1000)
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
    """Trains, with an evaluation, checkpoints and a line of metrics.csv after every round."""
    if args.devices > 1:
        raise SystemExit(
            f"the spec asks for {args.devices} devices (ddp), but this script trains on one: "
            "give --devices 1"
        )
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
    epoch_steps = -(-len(all_rows(training)) // (args.batch * 40))
    if not epoch_steps:
        raise SystemExit("there is nothing to train on: the training part has no window")
    run["steps"] = run_length(args, epoch_steps, run.get("steps"))
    train_steps = make_train_steps(model, optimizer, training, args.compile)
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


# --- generation ---


class KVCache:
    """What layers keep of the positions so far: keys and values.

    Attributes:
        limit: The most positions.
        length: How many there are so far.
        kept: What each layer keeps.
    """

    def __init__(self, limit):
        self.limit = limit
        self.length = tf.Variable(0)
        self.kept = {}

    def reset(self):
        """Forgets everything."""
        self.length.assign(0)

    def extend(self, layer, keys, values, axis):
        """Takes in keys and values of further positions; gives those of all, free ones as zeros.

        Positions lie along the axis. What is free, and what is left of earlier runs, is ahead.
        """
        if layer not in self.kept:
            with tf.init_scope():
                shape = [*keys.shape]
                shape[axis] = self.limit
                self.kept[layer] = [tf.Variable(tf.zeros(shape, keys.dtype)) for _ in range(2)]
        place = slice(self.length, self.length + tf.shape(keys)[axis])
        index = (..., place, *[slice(None)] * (-axis - 1))
        for kept, new in zip(self.kept[layer], (keys, values)):
            kept[index].assign(new)
        return [tf.convert_to_tensor(kept) for kept in self.kept[layer]]


@contextlib.contextmanager
def remembering(model, limit):
    """While it lasts, each call of the model goes on where the one before ended."""
    cache = KVCache(limit)
    users = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, (MultiHeadAttention, PositionEmbedding))
    ]
    for layer in users:
        layer.cache = cache
    try:
        yield cache
    finally:
        for layer in users:
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


def generate(
    model, tokens, count, temperature=1.0, top_k=None, top_p=1.0, seed=None, stop=(), context=1024
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
    if not tokens or min(tokens) < 0 or max(tokens) >= 50257:
        raise ValueError("give at least one token, all from 0 to 50256")
    if temperature < 0 or not 0 < top_p <= 1 or (top_k is not None and top_k < 1):
        raise ValueError("temperature is 0 or more, top_k 1 or more, top_p above 0 and at most 1")
    rng, stop = np.random.default_rng(seed), list(stop)
    with remembering(model, min(context, prompt + count)) as cache:

        @tf.function(autograph=False, input_signature=[tf.TensorSpec([1, None], "int64")])
        def step(fresh):
            logits = model(fresh, training=False)[0, -1]
            cache.length.assign_add(tf.shape(fresh)[1])
            return tf.cast(logits, "float64")  # [vocabulary]

        length = 0  # of what is taken in
        fresh = tokens[-context:]
        for _ in range(count):
            if length + len(fresh) > context:  # all positions move: begin anew
                cache.reset()
                length, fresh = 0, tokens[-context:]
            length += len(fresh)
            logits = step(tf.constant([fresh], "int64")).numpy()
            fresh = [sample(logits, temperature, top_k, top_p, rng)]
            tokens += fresh
            if stop and tokens[prompt:][-len(stop) :] == stop:
                return tokens[prompt : -len(stop)]
    return tokens[prompt:]


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
    """Evaluates a checkpoint on the validation rows, or on all rows of another file."""
    other = args.data and os.path.realpath(args.data)
    pick_device(args.device)
    model, state = load_trained(args)
    if other and other != state["settings"]["data"]:
        data = encode(read_data(other), state["fitted"])
    else:
        data = load_parts(args)[0][1]
    count = len(all_rows(data))
    figures = make_evaluate(model, to_tensors(data), args.batch)()
    shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"{count} windows  {shown}")
    if args.output:
        write_file(args.output, lambda file: file.write(json.dumps(figures).encode()))


def predict(args):
    """Writes what a checkpoint expects after the end of a text."""
    pick_device(args.device)
    model, state = load_trained(args)
    if args.input:
        data = encode(read_data(args.input), state["fitted"])
    else:
        data = load_parts(args)[0][1]
    data = to_tensors(data)
    batch = {"tokens": tf.cast(data["tokens"][None, -TIME:], "int64")}
    outputs = forward(model, batch)[:, -1:]
    results = {"logits": tf.nn.softmax(outputs)[:, 0].numpy()}
    path = args.output or os.path.join(args.out, "predictions.csv")
    write_predictions(path, results, state["fitted"].get("classes", {}))
    print(f"{len(next(iter(results.values())))} rows in {path}")


def to_tokens(text, _):
    """The bytes of a text."""
    return list(text.encode())


def to_text(tokens, _):
    """The text of some bytes."""
    tokens = [token for token in tokens if token < 256]  # the others stand for nothing
    return bytes(tokens).decode(errors="replace")


def continue_prompt(args):
    """Continues a prompt, token by token, by what a checkpoint expects."""
    pick_device(args.device)
    model, state = load_trained(args)
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
    pick_device(args.device)
    data = to_tensors(synthetic_data(args.batch * TIME + 1, args.seed))
    model = start_model(args)
    train_steps = make_train_steps(model, AdamW(model), data, args.compile)
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
        "batch": 12,
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
    return before or 600000


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add("command", nargs="?", default="train", choices=["train", "evaluate", "predict", "generate"])
    add("--data", help="the file to train on, or to evaluate")
    add("--synthetic", action="store_true", default=None, help="train on random data")
    add("--input", help="for predict: the file to read; the validation part if not given")
    add("--out", default="runs/gpt2_tensorflow", help="folder of checkpoints and metrics.csv")
    add("--checkpoint", help="for evaluate and predict: best.npz of --out if not given")
    add("--output", help="file for figures (JSON) or predictions (CSV or NPZ)")
    add("--epochs", type=int, help="how long to train; 600000 steps if not given")
    add("--steps", type=int, help="the same in steps of the optimizer")
    add("--batch", type=int, help="rows in a batch; 12 if not given")
    add("--seed", type=int, help="of weights and order; 1337 if not given")
    add("--device", default="cuda", help="auto, cpu, cuda, cuda:1, mps")
    add("--compile", action=argparse.BooleanOptionalAction, default=True)
    add("--devices", type=int, default=8)
    add("--resume", action="store_true", help="go on from last.npz of --out")
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
