"""From the training sections of a spec to the plan, and what is said about mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.kinds.values import Quantity
from dsl.shapes.dim import symbol
from tests.training.harness import IMAGE, PAIR, TEXT, VECTOR, elaborate, only

# --- the contract's specs ---------------------------------------------------------------


def test_specs_are_clean(spec: Path):
    only(spec.read_text())


def test_two_towers(specs: Path):
    plan = only((specs / "two_towers.msl").read_text())
    assert [(t.output, t.kind.name, t.weight, t.target) for t in plan.losses] == [
        ("click", "BinaryCrossEntropy", 1.0, "click"),
        ("rating", "MSE", 0.5, "rating"),
    ]
    assert [(use.name, use.output) for use in plan.metrics] == [
        ("click_auc", "click"),
        ("rating_mae", "rating"),
    ]
    l2, l1 = plan.penalties
    assert (l2.patterns, l1.patterns) == ((), ("tower.*.weight",))
    assert l1.keys == ("tower.linear.weight", "tower.linear_2.weight")
    assert "h.embedding.weight" in l2.keys and not any(key.endswith("bias") for key in l2.keys)
    assert plan.early_stopping is not None and plan.early_stopping.patience == 3
    assert (plan.train.epochs, plan.train.batch) == (5, 256)


def test_gpt2(specs: Path):
    plan = only((specs / "gpt2.msl").read_text())
    assert plan.losses[0].target_type is not None
    assert plan.losses[0].target_type.shape == (symbol("time"),)
    assert (plan.train.steps, plan.train.epochs) == (600_000, None)
    assert len(plan.decayed) == 2 + 12 * 6
    assert (plan.device.target, plan.device.precision, plan.device.count) == ("cuda", "bfloat16", 8)
    assert plan.data is not None and plan.data.sources == {"tokens": (), "logits": ()}


def test_resnet50(specs: Path):
    plan = only((specs / "resnet50.msl").read_text())
    assert plan.schedule is not None and plan.schedule.warmup == Quantity(5, "epochs")
    assert len(plan.penalties[0].keys) == 54
    assert not any("norm" in key for key in plan.penalties[0].keys)


# --- what is filled in ------------------------------------------------------------------


def test_a_model_alone_has_no_plan():
    plan = only(VECTOR)
    assert (plan.losses, plan.optimizer, plan.given) == ((), None, frozenset())
    assert "optimizer" not in plan.resolved


def test_a_loss_alone_is_trained_by_adam():
    plan = only(VECTOR + "loss CrossEntropy\n")
    assert plan.optimizer is not None and plan.optimizer.name == "Adam"
    assert plan.resolved["optimizer"] == ("Adam", "default")
    assert plan.resolved["loss.y.label_smoothing"] == (0.0, "default")
    assert plan.resolved["train.epochs"] == (10, "default")


def test_resolved_tells_the_source_of_every_setting():
    text = VECTOR + "loss MSE\noptimizer SGD(0.1, momentum=0.9)\ntrain { batch = 8 }\n"
    resolved = only(text, {"train.epochs": "3", "optimizer.lr": "0.2"}).resolved
    assert resolved["optimizer.lr"] == (0.2, "--set")
    assert resolved["optimizer.momentum"] == (0.9, "spec")
    assert resolved["optimizer.nesterov"] == (False, "default")
    assert resolved["train.epochs"] == (3, "--set")
    assert resolved["train.batch"] == (8, "spec")


def test_constants_and_parameters_of_the_file_stand_in_sections():
    text = VECTOR + "param rate: float = 0.1\nlet big = 2 * 32\nlet objective = CrossEntropy\n"
    plan = only(text + "loss objective * (big / 2)\noptimizer SGD(rate)\ntrain { batch = big }\n")
    assert plan.optimizer is not None and plan.optimizer.lr == 0.1
    assert (plan.losses[0].weight, plan.train.batch) == (32.0, 64)


@pytest.mark.parametrize(
    ("term", "weight"),
    [
        ("CrossEntropy", 1.0),
        ("CrossEntropy * 0.5", 0.5),
        ("0.5 * CrossEntropy", 0.5),
        ("2 * CrossEntropy(label_smoothing=0.1) * 3", 6.0),
        ("(CrossEntropy) * (1 / 4)", 0.25),
        ("CrossEntropy * 0", 0.0),
    ],
)
def test_weights_of_terms(term: str, weight: float):
    plan = only(VECTOR + f"loss {term}\n")
    assert plan.losses[0].weight == weight
    assert only(VECTOR + f"loss {{ y: {term} }}\n").losses[0].weight == weight


def test_several_outputs():
    plan = only(PAIR + "loss { box: SmoothL1 * 0.5; digit: CrossEntropy }\n"
                "train { metrics = [Accuracy, MAE, TopK(2) on digit] }\n")  # fmt: skip
    assert [term.output for term in plan.losses] == ["box", "digit"]
    assert [use.name for use in plan.metrics] == ["digit_accuracy", "box_mae", "digit_top_2"]


def test_an_autoencoder_learns_its_input():
    text = "model Net {\n  input x: float32[8]\n  output y = Linear(2) -> Linear(8)\n}\n"
    assert only(text + 'loss MSE(target="x")\n').losses[0].target == "x"


def test_early_stopping_looks_the_right_way():
    def mode(figure: str, more: str = "") -> str:
        stop = f'regularization {{ EarlyStopping(monitor="{figure}"{more}) }}\n'
        metrics = "train { metrics = [Accuracy] }\n"
        return only(VECTOR + "loss CrossEntropy\n" + stop + metrics).stopping_mode

    assert (mode("val_loss"), mode("loss")) == ("min", "min")
    assert (mode("val_accuracy"), mode("accuracy")) == ("max", "max")
    assert mode("val_accuracy", ', mode="min"') == "min"


# --- patterns ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ('"*"', ["conv2d.weight", "conv2d.bias", "batch_norm.weight", "batch_norm.bias",
                 "y.weight", "y.bias"]),
        ('"*.bias"', ["conv2d.bias", "batch_norm.bias", "y.bias"]),
        ('["y.*", "conv2d.bias"]', ["conv2d.bias", "y.weight", "y.bias"]),
        ('["*", "!*norm*", "!*.bias"]', ["conv2d.weight", "y.weight"]),
        ('"!y.*"', ["conv2d.weight"]),
        ('"?.weight"', ["y.weight"]),
    ],
)  # fmt: skip
def test_patterns(pattern: str, keys: list[str]):
    text = IMAGE + f"loss CrossEntropy\nregularization {{ L2(1e-4) on {pattern} }}\n"
    assert list(only(text).penalties[0].keys) == keys
    decay = IMAGE + f"loss CrossEntropy\noptimizer AdamW(decay_on={pattern})\n"
    assert list(only(decay).decayed) == keys


def test_a_star_crosses_dots_and_rounds_are_listed_one_by_one():
    text = """\
model Net {
  input x: float32[8]
  repeat 3 { residual { Linear(8) -> ReLU -> Linear(8) } }
  output y = Linear(3)
}
loss CrossEntropy
regularization { L2(1e-4) on "*.1.*2.weight" }
"""
    assert only(text).penalties[0].keys == ("repeat.1.linear_2.weight",)


def test_a_pattern_of_buffers_is_no_pattern_of_weights():
    text = IMAGE + 'loss CrossEntropy\nregularization { L2(1e-4) on "*running*" }\n'
    result = elaborate(text)
    assert result.codes == ["MSL420"]
    assert "buffers" in result.diagnostics[0].notes[0]


def test_adam_without_decay_decays_nothing():
    assert only(VECTOR + "loss CrossEntropy\noptimizer Adam\n").decayed == ()
    decayed = only(VECTOR + "loss CrossEntropy\noptimizer Adam(weight_decay=0.1)\n").decayed
    assert decayed == ("hidden.weight", "y.weight")


# --- data -------------------------------------------------------------------------------


def test_a_table_s_target_feeds_the_only_term():
    plan = only(VECTOR + 'loss CrossEntropy\ndata CSV("f.csv", target="label")\n')
    assert plan.losses[0].target == "label"
    assert plan.data is not None and plan.data.sources == {"x": (), "label": ("label",)}


def test_several_target_columns_keep_the_output_s_name():
    plan = only(VECTOR + 'loss MSE\ndata CSV("f.csv", target=["a", "b_*"])\n')
    assert plan.losses[0].target == "y"
    assert plan.data is not None and plan.data.sources["y"] == ("a", "b_*")


def test_entries_map_columns():
    entries = '{ x: "x_*"; digit: "label"; box: ["l", "t", "w", "h"] }'
    plan = only(PAIR + f'loss {{ digit: CrossEntropy; box: MSE }}\ndata CSV("f.csv") {entries}\n')
    assert plan.data is not None
    assert plan.data.arrays == {
        "x": ("x_*",),
        "digit": ("label",),
        "box": ("l", "t", "w", "h"),
    }


def test_text_takes_scores_of_every_position_or_of_the_last():
    only(TEXT + 'loss CrossEntropy\ndata Text("f.txt")\n')
    last = TEXT.replace("return_sequences=true", "return_sequences=false")
    only(last + 'loss CrossEntropy\ndata Text("f.txt")\n')
    small = TEXT.replace("Linear(256)", "Linear(100)")
    only(small + 'loss CrossEntropy\ndata Text("f.txt", tokenizer="characters")\n')


def test_a_text_hides_tokens():
    more = TEXT.replace("256", "257")
    plan = only(more + 'loss CrossEntropy\ndata Text("f.txt", mask=0.15)\n')
    assert plan.data is not None and plan.data.kind.values["mask"] == 0.15


def test_a_mask_is_an_array_or_an_input():
    alone = only(TEXT + 'loss CrossEntropy(mask="valid")\ndata NPZ("f.npz") { valid: "lengths" }\n')
    (term,) = alone.losses
    assert (term.mask, str(term.mask_type)) == ("valid", "bool[time]")
    assert alone.data is not None and alone.data.sources["valid"] == ("lengths",)
    both = """\
model Net {
  input x: float32[time=8, 4]
  input valid: bool[time]
  (x, mask=valid) -> GRU(8, return_sequences=true)
  output y = Linear(2)
}
"""
    for loss in ('MSE(mask="valid")', 'KLDivergence(mask="valid")', 'CrossEntropy(mask="valid")'):
        (term,) = only(f"{both}loss {loss}\n").losses
        assert str(term.mask_type) == "bool[time]"
    (term,) = only(f'{both}loss MSE(mask="known")\n').losses
    assert str(term.mask_type) == "bool[time, 2]"


# --- search and budget ------------------------------------------------------------------


def test_search_names_parameters_and_settings():
    text = """\
param width: int = 64 in 16..512
model Net(depth: int = 2, act: layer = ReLU) {
  input x: float32[8]
  repeat depth { Linear(width) -> act }
  output y = Linear(3)
}
loss CrossEntropy
search {
  width = Choice(32, 64); depth = IntUniform(1, 4); act = Choice(ReLU, GELU)
  lr = LogUniform(1e-5, 1e-2); batch = Choice(16, 32); label_smoothing = Uniform(0, 0.2)
}
"""
    assert list(only(text).search) == [
        "width", "depth", "act", "optimizer.lr", "train.batch", "loss.label_smoothing",
    ]  # fmt: skip


def test_limits():
    plan = only(VECTOR + "budget { params <= 12M; params > 3; macs < 1.5G }\n")
    assert [(limit.quantity, limit.op, limit.bound) for limit in plan.budget] == [
        ("params", "<=", 12_000_000),
        ("params", ">", 3),
        ("macs", "<", 1_500_000_000),
    ]


def test_a_limit_says_by_how_much():
    result = elaborate(VECTOR + "budget { params < 195 }\n")
    assert result.codes == ["MSL432"]
    assert "195 trainable parameters" in result.diagnostics[0].message


# --- mistakes ---------------------------------------------------------------------------

MISTAKES = [
    # model, sections, code, marked text, a word of the help
    (VECTOR, "loss crossentropy", "MSL402", "crossentropy", "CrossEntropy"),
    (VECTOR, "loss CategoricalCrossentropy", "MSL104", "CategoricalCrossentropy", "CrossEntropy"),
    (VECTOR, "loss MeanSquaredError", "MSL104", "MeanSquaredError", "MSE"),
    (VECTOR, "loss Adam", "MSL104", "Adam", "optimizer"),
    (VECTOR, "loss CrossEntropy * -1", "MSL414", "-1", ""),
    (VECTOR, "loss CrossEntropy + MSE", "MSL414", "CrossEntropy + MSE", "braces"),
    (VECTOR, "loss CrossEntropy / 2", "MSL414", "CrossEntropy / 2", ""),
    (VECTOR, "loss CrossEntropy * MSE", "MSL414", "CrossEntropy * MSE", ""),
    (VECTOR, "loss 3", "MSL414", "3", ""),
    (VECTOR, "loss { }", "MSL402", "loss { }", ""),
    (VECTOR, "loss { y = CrossEntropy }", "MSL402", "y = CrossEntropy", ""),
    (VECTOR, "loss CrossEntropy { y: MSE }", "MSL402", "loss CrossEntropy { y: MSE }", ""),
    (VECTOR, "loss CrossEntropy on y", "MSL211", "y", "in front"),
    (VECTOR, "loss { y: CrossEntropy; y: CrossEntropy * 2 }", "MSL404", "y: CrossEntropy * 2", ""),
    (VECTOR, "loss { z: CrossEntropy }", "MSL410", "z", "`y`"),
    (VECTOR, 'loss MSE(target="x")', "MSL413", 'MSE(target="x")', ""),
    (VECTOR, 'loss { y: CrossEntropy; y: BinaryCrossEntropy(target="b") }', "MSL413",
     'y: BinaryCrossEntropy(target="b")', "output of its own"),
    (VECTOR, "loss MSE\noptimizer adam", "MSL402", "adam", "Adam"),
    (VECTOR, "loss MSE\noptimizer Adam(learning_rate=0.1)", "MSL201", "learning_rate=0.1", "lr"),
    (VECTOR, "loss MSE\noptimizer Adam { lr = 3 }", "MSL402", "optimizer Adam { lr = 3 }", ""),
    (VECTOR, "loss MSE\noptimizer { Adam }", "MSL402", "optimizer", "optimizer AdamW"),
    (VECTOR, 'loss MSE\noptimizer Adam on "y*"', "MSL211", '"y*"', ""),
    (VECTOR, 'loss MSE\noptimizer AdamW(decay_on="q*")', "MSL420", 'decay_on="q*"', "hidden"),
    (VECTOR, "loss MSE\nschedule Cosine(min_lr=1)", "MSL207", "min_lr=1", "rate"),
    (VECTOR, "loss MSE\nschedule Cosine(5min)", "MSL205", "5min", ""),
    (VECTOR, "loss MSE\nregularization L2(1e-4)", "MSL402", "L2(1e-4)", "regularization {"),
    (VECTOR, "loss MSE\nregularization { l2(1e-4) }", "MSL402", "l2", "L2"),
    (VECTOR, "loss MSE\nregularization { Dropout(0.1) }", "MSL104", "Dropout", "layer"),
    (VECTOR, "loss MSE\nregularization { ClipNorm(1); ClipNorm(2) }", "MSL404", "ClipNorm(2)", ""),
    (VECTOR, 'loss MSE\nregularization { L1(1) on ["y.bias", "!*"] }', "MSL420",
     '"y.bias", "!*"', ""),
    (VECTOR, "loss MSE\nregularization { Augment(HorizontalFlip) }", "MSL452",
     "Augment(HorizontalFlip)", "float32[channels"),
    (IMAGE, "loss MSE\nregularization { Augment(RandomCrop(32)) }", "MSL452", "RandomCrop",
     "padding"),
    (VECTOR, "loss MSE\ntrain { metrics = [accuracy] }", "MSL402", "accuracy", "Accuracy"),
    (VECTOR, 'loss MSE\ntrain { metrics = ["rmse"] }', "MSL402", '"rmse"', "RMSE"),
    (VECTOR, "loss MSE\ntrain { metrics = [Accuracy] }", "MSL415", "Accuracy", "MAE, RMSE"),
    (VECTOR, "loss CrossEntropy\ntrain { metrics = [AUC] }", "MSL415", "AUC", "F1"),
    (VECTOR, "loss CrossEntropy\ntrain { metrics = [TopK(3)] }", "MSL415", "3", "below 3"),
    (VECTOR, 'loss CrossEntropy\ntrain { metrics = [F1("binary")] }', "MSL415", '"binary"', ""),
    (VECTOR, 'loss MSE\ntrain { metrics = [MAE on "y"] }', "MSL421", '"y"', "`on y`"),
    (VECTOR, "loss MSE\ntrain { metrics = [MAE, MAE] }", "MSL404", "MAE", ""),
    (PAIR, "loss { digit: MSE }\ntrain { metrics = [MAE on box] }", "MSL415", "MAE on box", ""),
    (PAIR, "loss { digit: MSE; box: MSE }\ntrain { metrics = [MAE] }", "MSL411", "MAE", "on digit"),
    (VECTOR, "loss MSE\ntrain { epochs = 0 }", "MSL205", "0", ""),
    (VECTOR, "loss MSE\ntrain { epochs = 2.0 }", "MSL205", "2.0", "write 2"),
    (VECTOR, "loss MSE\ntrain { batch = 8GiB }", "MSL205", "8GiB", ""),
    (VECTOR, "loss MSE\ntrain { steps = 5epochs }", "MSL205", "5epochs", "write 5"),
    (VECTOR, "loss MSE\ntrain { checkpoint = best }", "MSL205", "best", '"best"'),
    (VECTOR, 'loss MSE\ntrain { target = "cpu" }', "MSL403", "target", "device"),
    (VECTOR, "loss MSE\ntrain { batch_size = 3 }", "MSL403", "batch_size", "`batch`"),
    (VECTOR, "loss MSE\ntrain { epochs <= 3 }", "MSL402", "epochs <= 3", ""),
    (VECTOR, "loss MSE\ntrain { Adam }", "MSL402", "Adam", ""),
    (VECTOR, "device { target = cuda }", "MSL205", "cuda", '"cuda"'),
    (VECTOR, 'device { target = "gpu" }', "MSL205", '"gpu"', "cuda"),
    (VECTOR, "device { precision = float64 }", "MSL205", "float64", "float16"),
    (VECTOR, "device { compile = 1 }", "MSL205", "1", ""),
    (VECTOR, "budget { params = 3M }", "MSL402", "params = 3M", ""),
    (VECTOR, "budget { train_memory <= 8G }", "MSL431", "8G", "8GiB"),
    (VECTOR, "budget { params <= 3MB }", "MSL431", "3MB", "3M"),
    (VECTOR, "budget { flop <= 3M }", "MSL430", "flop", "flops"),
    (VECTOR, "budget { params <= 3M; params <= 4M }", "MSL404", "params <= 4M", ""),
    (VECTOR, "loss MSE\nsearch { lr = 3 }", "MSL205", "3", "LogUniform"),
    (VECTOR, "loss MSE\nsearch { lr = Uniform(1, 0) }", "MSL207", "0", ""),
    (VECTOR, "loss MSE\nsearch { lr = Choice(0.1, 0.2); lr = Choice(1, 2) }", "MSL404", "lr", ""),
    (VECTOR, "param w: int = 8 in 4..9\nsearch { w = Choice(4, 10) }", "MSL441",
     "Choice(4, 10)", ""),
    (VECTOR, 'loss MSE\ndata "f.csv"', "MSL402", '"f.csv"', 'CSV("f.csv")'),
    (VECTOR, "loss MSE\ndata Synthetic { y: 3 }", "MSL402", "y: 3", ""),
    (VECTOR, 'loss MSE\ndata NPZ("f") { y: "a*" }', "MSL205", '"a*"', ""),
    (VECTOR, 'loss MSE\ndata NPZ("f") { y: "a"; y: "b" }', "MSL404", 'y: "b"', ""),
    (VECTOR, 'loss MSE\ndata CSV("f")', "MSL453", 'CSV("f")', "y_*"),
    (VECTOR, 'loss MSE\ndata CSV("f", target="a") { y: "b" }', "MSL454", 'target="a"', ""),
    (VECTOR, 'loss CrossEntropy\ndata ImageFolder("d")', "MSL450", 'ImageFolder("d")', "float32["),
    (IMAGE, 'loss BinaryCrossEntropy\ndata ImageFolder("d")', "MSL450", "BinaryCrossEntropy", ""),
    (TEXT, 'loss MSE\ndata Text("f")', "MSL450", "MSE", "CrossEntropy"),
    (TEXT.replace("Linear(256)", "Linear(99)"), 'loss CrossEntropy\ndata Text("f")', "MSL450",
     "CrossEntropy", "Linear(256)"),
    (TEXT, 'loss CrossEntropy\ndata Text("f", mask=0.15)', "MSL450", "CrossEntropy", "Linear(257)"),
    (TEXT, 'loss CrossEntropy\ndata Text("f", mask=1.5)', "MSL205", "mask=1.5", ""),
    (TEXT, 'loss CrossEntropy(mask="m")\ndata Text("f")', "MSL450", 'CrossEntropy(mask="m")',
     "NPZ"),
    (TEXT, 'loss CrossEntropy(mask="tokens")', "MSL416", 'CrossEntropy(mask="tokens")',
     "bool[time]"),
    (TEXT, 'loss CrossEntropy(mask="y")', "MSL416", 'CrossEntropy(mask="y")', "bool[time]"),
    (PAIR, 'loss { box: MSE(mask="m"); digit: CrossEntropy(mask="m") }', "MSL416",
     'digit: CrossEntropy(mask="m")', "bool[]"),
    (VECTOR, 'loss MSE\nregularization { EarlyStopping }\ndata NPZ("f", validation=0)', "MSL417",
     "EarlyStopping", "validation=0.1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "sections", "code", "marked", "word"), MISTAKES, ids=[case[1] for case in MISTAKES]
)
def test_a_mistake_is_one_finding_at_its_place(
    model: str, sections: str, code: str, marked: str, word: str
):
    result = elaborate(f"{model}{sections}\n")
    assert [result.codes, result.marked] == [[code], [marked]]
    assert word in result.helps


def test_moving_pixels_under_a_mask():
    text = "model Net {\n  input image: float32[1, 8, 8]\n  output mask = Conv2d(1, 1)\n}\n"
    result = elaborate(
        text + "loss BinaryCrossEntropy\nregularization { Augment(HorizontalFlip) }\n"
    )
    assert result.codes == ["MSL452"]


def test_several_mistakes_are_all_found():
    result = elaborate(
        VECTOR + "loss CrossEntropy(smoothing=1)\noptimizer Adm\ntrain { epochs = 0; batch = 0 }\n"
        'device { target = "x" }\nbudget { flop <= 3 }\n'
    )
    assert result.codes == ["MSL201", "MSL104", "MSL205", "MSL205", "MSL205", "MSL430"]


def test_a_repair_puts_the_right_sign():
    (finding,) = elaborate(VECTOR + "loss MSE\ntrain { epochs: 3 }\n").diagnostics
    assert finding.fix is not None
    (edit,) = finding.fix.edits
    assert (edit.span.text, edit.replacement) == (": ", " = ")


# --- one mistake, one finding -----------------------------------------------------------

EVERYTHING = """\
loss { z: CrossEntropy }
regularization { L2(1e-4) on "foo"; EarlyStopping(monitor="val_auc"); Augment(HorizontalFlip) }
optimizer AdamW(decay_on="foo")
train { metrics = [AUC on q, TopK(99)] }
search { widt = Choice(1, 2) }
data Text("x")
"""


def test_an_unknown_model_keeps_rules_about_it_silent():
    assert elaborate(VECTOR.replace("Linear(3)", "Liner(3)") + EVERYTHING).codes == ["MSL104"]


def test_an_unknown_loss_keeps_rules_about_it_silent():
    text = """\
loss Foo
train { metrics = [AUC, RMSE] }
regularization { EarlyStopping(monitor="val_auc") }
search { pos_weight = Choice(1, 2) }
data CSV("f.csv") { q: "s" }
"""
    assert elaborate(VECTOR + text).codes == ["MSL104"]


def test_a_broken_loss_is_not_a_missing_one():
    result = elaborate(VECTOR + "loss CrossEntropy(]\noptimizer Adam\ntrain { epochs = 3 }\n")
    assert "MSL407" not in result.codes and len(result.codes) == 1


def test_a_missing_loss_is_said_once():
    result = elaborate(VECTOR + "optimizer Adam\nschedule Cosine\ntrain { metrics = [Accuracy] }\n")
    assert result.codes == ["MSL407"]
    assert not result.diagnostics[0].is_error
