"""One spec with a slot for each thing that has a name, and names that mean something elsewhere."""

from __future__ import annotations

import keyword

import backends
from backends.lowering.scribe import POOL
from dsl.compilation import Compilation
from dsl.source import Source

SPEC = """\
let {constant} = 5
param {knob}: int = 4 in 1..9
block {block}({argument}: int = 2) {{
  {inner} = Linear({argument} * {constant})
  let {local} = {argument} + 1
  Linear({local})
}}
model {model}({size}: int = 2) {{
  input {first}: float32[{symbol}=6, 8]
  input {second}: float32[{symbol}, 8]
  softmax = {first} -> Linear(8)
  ({first}, {second}, softmax) -> Add
  shared {shared} = Linear(8)
  {shared} -> {shared}
  {value} = {block}({argument}={size})
  {group} = residual {{ Linear({size} + 1); ReLU }}
  repeat 3 as {index} {{ Linear({knob} + {index}); ReLU }}
  {layer} = Linear(7)
  output {one} = Linear({knob})
  output {two} = {layer} -> Linear(3)
}}
loss {{ {one}: MSE; {two}: SmoothL1 * 0.5 }}
optimizer SGD(lr=0.1)
train {{ epochs = 1; metrics = [MAE on {one}] }}
"""

CAPITAL = ("block", "model")
SMALL = tuple(
    "constant knob argument inner local size first second symbol shared value group index layer one"
    " two".split()
)
SLOTS = (*SMALL, *CAPITAL)
BENIGN = {slot: f"Zq{slot}z" if slot in CAPITAL else f"zq{slot}z" for slot in SLOTS}

WORDS = frozenset(
    "msl import let param block model variant input output repeat as when otherwise residual"
    " shortcut parallel shared extern from on in and or not if else true false auto".split()
)
"""MSL's own keywords, which no spec can use as names."""

PYTHON = [name for name in (*keyword.kwlist, *keyword.softkwlist) if name not in WORDS]
MEMBERS = (
    "forward call build train eval training weights parameters buffers modules children state_dict"
    " load_state_dict to name dtype trainable variables losses metrics layers loss compile fit"
    " evaluate predict save summary get_config add_weight add_loss inputs outputs half float double"
    " cuda cpu apply append extend insert pop items keys values update clear copy type zero_grad"
    " requires_grad_ path optimizer call_ forward_ _modules _parameters _buffers _layers _call_fn"
).split()
SCRIPT = (
    "torch nn np tf keras f ops math os sys csv json time argparse operator signal random ast self"
    " cls super kwargs main device data args run build_model loss_function make_optimizer chosen"
    " encode split shaped rng arrays_ dense dense_layer identity in_features in_channels rounds i"
    " is_residual has_residual batch rows learning_rate epoch step seed out image ordereddict"
    " arrays here suffixes mask hidden grn path pathlib word_ words out_ options units fan_in bound"
).split()
BUILTINS = (
    "print len range int str list dict tuple set zip enumerate open isinstance getattr setattr eval"
    " exec input_ object property staticmethod type vars next iter any all map filter min_ max_ id"
    " len_ len__ list_ self_"
).split()
NAMES = list(dict.fromkeys([*PYTHON, *MEMBERS, *SCRIPT, *BUILTINS]))
NAMES = [name for name in NAMES if name[0].islower() and name not in POOL]
"""Without those of variables that unnamed values share: which one is used says nothing."""

TITLES = (
    "F T Image OrderedDict None True False Exception SystemExit ValueError KeyError OSError Module"
    " Main Path Tensor Model Layer Sequential INPUTS ARRAYS HERE DATA TIME NN OPS GRN Parameter_"
    " KeyboardInterrupt NotImplemented Ellipsis Variable Keras Torch M F2"
).split()


def drawn(turn: int) -> dict[str, str]:
    """Names for all slots: over all turns each slot gets each name, and all differ in each turn."""
    names = {slot: NAMES[(turn + 11 * place) % len(NAMES)] for place, slot in enumerate(SMALL)}
    titles = {slot: TITLES[(turn + place) % len(TITLES)] for place, slot in enumerate(CAPITAL)}
    return names | titles


def generated(text: str, backend: str, name: str = "net.msl", place: str = "") -> str:
    """The code of a spec, before it is laid out."""
    compilation = Compilation(Source(name, text), path=name)
    problems = [finding.message for finding in compilation.diagnostics if finding.is_error]
    emitted = None if problems else compilation.emit(backends.get(backend), place)
    assert emitted is not None and emitted.text is not None, problems or emitted.diagnostics
    return emitted.text
