"""The model as Keras code: one layer class per block, the model itself built symbolically."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import chain, count
from typing import Any

import backends.tensorflow.layers.families  # noqa: F401  (registers the emitters)
from backends.base import Emission
from backends.lowering.align import (
    CallSlot,
    GroupSlot,
    LayerSlot,
    NodeSlot,
    RepeatSlot,
    SharedSlot,
    WhenSlot,
)
from backends.lowering.constructor import mentions
from backends.lowering.modelcode import ModelCode, model_code
from backends.lowering.scribe import Scribe
from backends.lowering.steps import Path, Refused
from backends.lowering.uses import captured_slots, count_uses, every_slot
from backends.lowering.writer import Writer
from backends.pycode.literals import quote
from backends.pycode.names import KEYWORDS, identifier
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import stored_shape
from backends.tensorflow.names import input_name, layer_name
from dsl.ir import Model, walk
from dsl.layers.embedding import Embedding
from dsl.shapes.types import TensorType

DEEP = 250
"""Layers beyond which Keras may need more nested calls than Python allows by itself: one for each
operation of a graph."""

MEMBERS = frozenset(
    "activity_regularizer add_loss add_metric add_variable add_weight autocast build"
    " build_from_config built call compile compile_from_config compiled compute_dtype compute_loss"
    " compute_mask compute_metrics compute_output_shape compute_output_spec count_params dtype"
    " dtype_policy evaluate export fit from_config get_build_config get_compile_config get_config"
    " get_layer get_metrics_result get_weights input input_dtype input_spec inputs jit_compile"
    " layers load_own_variables load_weights loss losses make_predict_function make_test_function"
    " make_train_function metrics metrics_names metrics_variables name non_trainable_variables"
    " non_trainable_weights operation optimizer output outputs path predict predict_on_batch"
    " predict_step quantization_mode quantize quantized_build quantized_call rematerialized_call"
    " reset_metrics run_eagerly save save_own_variables save_weights set_weights stateless_call"
    " stateless_compute_loss stop_training summary supports_jit supports_masking symbolic_call"
    " test_on_batch test_step to_json train_on_batch train_step trainable trainable_variables"
    " trainable_weights variable_dtype variables weights kwargs".split()
)
INDEX = "{}"


class KerasWriter(Writer):
    """What layer classes and the model have in common."""

    channels_last = True
    identity = "keras.activations.linear"
    reserved = MEMBERS | KEYWORDS
    options = frozenset("name dtype trainable autocast activity_regularizer kwargs".split())

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.indices: list[str] = []  # index variables of the loops at work, innermost last

    def name_code(self, path: Path) -> str:
        """The name that puts a layer's variables under the spec's path."""
        if INDEX not in path:
            return quote(".".join(path))
        indices = iter(self.indices or ["i"])
        parts = [f"{{{next(indices)}}}" if part == INDEX else part for part in path]
        return f'f"{".".join(parts)}"'

    def name_argument(self, path: Path) -> list[str]:
        return [f"name={self.name_code(path)}"]

    def tied(self, path: str | None) -> str:
        if not path:
            return ""
        source = tuple(path.split("."))
        owner, rest, nodes = "", source, self.plan.template.nodes
        while lender := self._lender(nodes, rest):
            call, size = lender
            owner = self._reach(owner, rest[:size], call)
            rest, nodes = rest[size:], self.book.plan_of(call.variants).template.nodes
        for slot, place in self._placed(nodes, ()):
            if is_place(place, rest) and isinstance(slot, LayerSlot):
                is_table = isinstance(slot.variants[0].layer, Embedding)
                target = self._reach(owner, rest, slot)
                return f"{target}.{'embeddings' if is_table else 'kernel'}"
        return f"{self.target(source)}.kernel"

    def _lender(self, nodes: list[NodeSlot], path: Path) -> tuple[CallSlot, int] | None:
        """The block applied that a path leads into, and how much of the path leads to it."""
        for slot, place in self._placed(nodes, ()):
            inside = len(place) < len(path) and is_place(place, path[: len(place)])
            if isinstance(slot, CallSlot) and slot.shared is None and inside:
                return slot, len(place)
        return None

    def _reach(self, owner: str, path: Path, slot: LayerSlot | CallSlot) -> str:
        """Code of a layer at a path of this class, or of the block that `owner` holds."""
        if not owner:
            return self.target(path)
        if any(part.isdigit() for part in path):
            raise Refused(
                "a weight inside a repeat of another block cannot be reached from outside",
                "pass it through a `shared` layer instead",
                slot.variants[0],
            )
        return f"{owner}.{self.attribute('_'.join(filter(None, path)))}"

    def _placed(self, nodes: list[NodeSlot], path: Path) -> Iterator[tuple[NodeSlot, Path]]:
        for slot in nodes:
            place = (*path, slot.name) if getattr(slot, "name", "") else path
            if isinstance(slot, SharedSlot) and slot.first is not None:
                yield slot.first, tuple(slot.path.split("."))
            yield slot, place
            if isinstance(slot, GroupSlot):
                yield from self._placed(slot.nodes, place)
            elif isinstance(slot, WhenSlot):
                yield from self._placed([*slot.then.nodes, *slot.otherwise.nodes], path)
            elif isinstance(slot, RepeatSlot):
                yield from self._placed(slot.body, (*place, INDEX))

    @contextmanager
    def looping(self, slot: RepeatSlot) -> Iterator[None]:
        """Gives the loop of a repeat an index variable."""
        loops = [one for one in every_slot([slot]) if isinstance(one, RepeatSlot)]
        inside = {name for one in loops for name in one.names}
        taken = {*self.plan.sizes, *self.plan.params, *self.indices, *inside}
        letters = chain("ijklmn", (f"i{number}" for number in count(2)))
        free = (name for name in letters if name not in taken)
        counts = (slot.rows is None or slot.indexed) and slot.names[:1] not in ((), ("_",))
        name = self.variable(slot.names[0]) if counts else next(free)
        self.indices.append(name)
        yield
        self.indices.pop()

    def loop_header(self, slot: RepeatSlot, code: Callable[[Any], str], body: str) -> str:
        index = self.indices[-1]
        shown = index if mentions(body.replace("{", " "), index) else "_"
        if slot.rows is None:
            return f"{shown} in range({code(slot.times)})"
        row = self.row(slot, body)
        if shown == "_":
            return f"{row} in {code(slot.rows)}"
        row = f"({row})" if "," in row else row
        return f"{index}, {row} in enumerate({code(slot.rows)})"

    def open_group(self, slot: GroupSlot, place: Path) -> Iterator[tuple[str, str | None]]:
        for name, module in self.open_items(slot.nodes, (*place, slot.name)):
            yield f"{slot.name}.{name}", module

    def mapping(self, items: list[tuple[str, str]]) -> str:
        return f"{{{', '.join(f'{quote(name)}: {module}' for name, module in items)}}}"


class LayerWriter(KerasWriter):
    """Writes a block as a `keras.layers.Layer`."""

    base = "layers.Layer"
    method = "call"
    further = ("**kwargs",)

    def target(self, path: Path) -> str:
        variable, path = self.innermost(path)
        if variable:
            return f"{variable}[{quote('.'.join(path))}]" if path else variable
        return f"self.{self.attribute('_'.join(part for part in path if part))}"

    def repeat(self, slot: RepeatSlot, path: Path, depth: int) -> Iterator[str]:
        with self.looping(slot):
            yield from super().repeat(slot, path, depth)

    def inline_loop(self, slot: RepeatSlot, path: Path, scribe: Scribe) -> None:
        with self.looping(slot):
            super().inline_loop(slot, path, scribe)

    def round_module(self, slot: RepeatSlot, path: Path) -> str:
        single = self.single(slot)
        if single is not None:
            return self.module(single, (*path, INDEX)) or ""
        if self.reaches_out(slot):
            self._refuse_ties_within(slot, path)
            return self.open_round(slot.body, (*path, INDEX))
        plan = self.round_class(slot)
        args = [self.init_name(name) for name in plan.takes]
        return f"{plan.name}({', '.join([*args, *self.name_argument((*path, INDEX))])})"

    def _refuse_ties_within(self, slot: RepeatSlot, path: Path) -> None:
        """A tied layer is constructed with the other at hand, which a mapping does not allow."""
        for inner in every_slot(slot.body):
            tied = inner.variants[0].tied if isinstance(inner, LayerSlot) else None
            if tied and tuple(tied.split("."))[: len(path)] == path:
                raise Refused(
                    "a tie between two layers of one round of a repeat has no layer to live in",
                    "put the body of the repeat into a block of its own",
                    inner.variants[0],
                )


def is_place(place: Path, path: Path) -> bool:
    """Whether a place in a class, loops unnumbered, is the one that a path names."""
    return len(place) == len(path) and all(
        here == there or (here == INDEX and there.isdigit()) for here, there in zip(place, path)
    )


class ModelWriter(KerasWriter):
    """Writes the model as a `keras.Model` that its constructor builds from `keras.Input`."""

    base = "keras.Model"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._held: dict[Path, str] = {}  # variables of the layers that several lines use

    def write(self) -> str:
        """The code of the class; sets what its constructor takes."""
        self._build()
        self.learn_needed()
        lines = self._build()
        self.set_takes()
        notes = self._layout_notes()
        docs = [f'    """{notes}"""', ""] if notes else []
        return "\n".join([*self.head(), *docs, f"    def __init__({self.signature()}):", *lines])

    def _layout_notes(self) -> str:
        """What the docstring says of images, which Keras users hand over channels-last."""
        template = self.plan.template
        named = zip(
            (*template.names, *template.output_names), (*template.inputs, *template.outputs)
        )
        notes = []
        for name, slot in named:
            type_ = slot.variants[0].type
            if type_.is_image_like:
                meant = ", ".join(str(dim) for dim in type_.shape)
                notes.append(f"{name} is [{meant}] in the spec, {self.comment(slot)} here")
        if not notes:
            return ""
        text = f"Channels last: {'; '.join(dict.fromkeys(notes))}."
        return text if len(text) < 88 else text.replace("; ", ";\n    ")

    def name_code(self, path: Path) -> str:
        return quote(layer_name(path[0])) if len(path) == 1 else super().name_code(path)

    def forward_name(self, name: str) -> str:
        return self.init_name(name)

    def chosen(self, slot: WhenSlot, path: Path, code: Callable[[Any], str]) -> str:
        return self.condition(slot.condition, self.code)

    def target(self, path: Path) -> str:
        held = (name for place, name in self._held.items() if is_place(place, path))
        return next(held, "_module_")

    def scribe(self) -> Scribe:
        uses = count_uses(self.plan.template)
        uses.update(self.plan.template.inputs)  # the last line needs them once more
        return Scribe(uses, self.comment, 2)

    def _build(self) -> list[str]:
        template = self.plan.template
        self._held.clear()
        scribe = self.scribe()
        scribe.reserve([self.variable(name) for name in self.plan.params])
        layers = {place[0] for _, place in self._placed(template.nodes, ()) if len(place) == 1}
        for slot, name in zip(template.inputs, template.names):
            variable = identifier(name)
            while variable in map(self.variable, self.plan.params):
                variable += "_"
            scribe.give(slot, variable)
            code = self._input(slot.variants[0].type, input_name(name, layers))
            scribe.add(f"{variable} = {code}", [slot])
        self.steps(template.nodes, (), scribe)
        self._super(scribe)
        return scribe.lines

    def _input(self, type_: TensorType, name: str) -> str:
        """The symbolic input of a type; None stands for a symbol's size."""
        shape = self.code(stored_shape(type_))
        dtype = "" if type_.dtype == "float32" else f", dtype={quote(type_.dtype)}"
        return f"keras.Input({shape}{dtype}, name={quote(name)})"

    def _super(self, scribe: Scribe) -> None:
        template = self.plan.template
        outputs = [scribe.variable(slot) for slot in template.outputs]
        scribe.flush()
        inputs = [scribe.variable(slot) for slot in template.inputs]
        given = inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"
        made = outputs[0]
        if len(outputs) > 1:
            pairs = zip(map(quote, template.output_names), outputs)
            made = f"{{{', '.join(f'{key}: {name}' for key, name in pairs)}}}"
        name = quote(self.plan.name)
        scribe.add(f"super().__init__(inputs={given}, outputs={made}, name={name})")

    # --- steps --------------------------------------------------------------------------

    def steps(self, nodes: list[NodeSlot], path: Path, scribe: Scribe) -> None:
        for slot in nodes:
            if isinstance(slot, SharedSlot):
                self._declare_shared(slot, path, scribe)
            else:
                super().steps([slot], path, scribe)

    def _declare_shared(self, slot: SharedSlot, path: Path, scribe: Scribe) -> None:
        path = self.declared(slot, path)
        if slot.first is None:
            return
        module = self.module(slot.first, path)
        if module is not None:
            scribe.flush()
            scribe.remark(slot.comments)
            self._hold(path, slot.name, module, scribe)

    def _hold(self, path: Path, name: str, module: str, scribe: Scribe) -> None:
        """Keeps a layer in a variable of its own, since more than one line needs it."""
        variable = scribe.free_name(identifier(f"{name}_layer"))
        scribe.reserve([variable])
        scribe.add(f"{variable} = {module}")
        self._held[path] = variable

    def layer_step(self, slot: LayerSlot, path: Path, scribe: Scribe) -> None:
        place = self.path_of(slot, path)
        anchor = self.anchor_for(slot, scribe)
        borrowed = any(is_place(place, path) for path in self._borrowed)
        if slot.shared is None and borrowed:
            module = self.module(slot, place)
            if module is not None:
                scribe.flush()
                self._hold(place, place[-1], module, scribe)
        x = scribe.inputs(slot.inputs, slot.line)
        emission = self.emit(slot, place, x, anchor)
        text = self._applied(emission, place, scribe)
        scribe.finish(text, slot.inputs, slot.outputs, slot.line, slot.comments)

    @cached_property
    def _borrowed(self) -> set[Path]:
        """Paths of the layers that others borrow a weight from."""
        return {
            tuple(slot.variants[0].tied.split("."))
            for slot in every_slot(self.plan.template.nodes)
            if isinstance(slot, LayerSlot) and slot.variants[0].tied
        }

    def _applied(self, emission: Emission, path: Path, scribe: Scribe) -> str:
        if emission.module is None or path in self._held:
            return emission.call
        if emission.call.count("_module_") == 1:
            return emission.call.replace("_module_", emission.module)
        name = scribe.free_name("layer")
        scribe.flush()
        scribe.add(f"{name} = {emission.module}")
        return emission.call.replace("_module_", name)

    def call_step(self, slot: CallSlot, path: Path, scribe: Scribe) -> None:
        place = self.path_of(slot, path)
        lends = any(borrowed[: len(place)] == place for borrowed in self._borrowed)
        if slot.shared is None and lends and place not in self._held:
            scribe.flush()
            self._hold(place, place[-1], self.construct(slot, place), scribe)
        x = scribe.inputs(slot.inputs, slot.line)
        layer = self._held.get(place) or self.construct(slot, place)
        text = f"{layer}({', '.join(map(str, x))})"
        scribe.finish(text, slot.inputs, slot.outputs, slot.line, slot.comments)

    def repeat_step(self, slot: RepeatSlot, path: Path, scribe: Scribe) -> None:
        needed = self._needed(slot)
        for name in needed:
            scribe.flush()
            scribe.reserve([self.variable(name)])
            scribe.add(f"{self.variable(name)} = {self.code(slot.carried[name][0])}")
        self.locals |= set(slot.carried) | set(slot.names)
        self.used -= set(slot.names)
        with self.looping(slot), self._loop(slot, scribe, captured_slots(slot)) as names:
            scribe.reserve([*map(self.variable, slot.names), self.indices[-1]])
            place = len(scribe.lines)
            self.round_steps(slot, (*path, INDEX), names, scribe)
            for line in self.advance(slot, needed):
                scribe.add(line)
            body = "\n".join(scribe.lines[place:])
            if body:
                header = self.loop_header(slot, self.code, body)
                scribe.lines.insert(place, f"{'    ' * (scribe.depth - 1)}for {header}:")
        self.leave(slot)


def write_model(model: Model) -> ModelCode:
    """The model as Keras code.

    Raises:
        Refused: Keras cannot express a layer.
    """
    code = model_code(model, TENSORFLOW, "backends.tensorflow", LayerWriter, ModelWriter)
    layers = sum(visit.times for visit in walk(model.body.nodes))
    if layers > DEEP:
        head = "def build_model():\n"
        limit = f"sys.setrecursionlimit({1000 + 10 * layers})"
        raised = f"    {limit}  # Keras follows a graph by recursion\n"
        code.text = code.text.replace(head, head + raised)
        code.imports = (*code.imports, "import sys")
    return code
