"""The model as PyTorch code: one `nn.Module` per block."""

from __future__ import annotations

from collections.abc import Iterator

from backends.lowering.align import (
    CallSlot,
    GroupSlot,
    LayerSlot,
    NodeSlot,
    RepeatSlot,
    Slot,
    WhenSlot,
)
import backends.torch.layers.families  # noqa: F401  (registers the emitters)
from backends.lowering.book import Book, ClassPlan
from backends.lowering.modelcode import Helpers, ModelCode, model_code
from backends.lowering.comments import shape_comment
from backends.lowering.scribe import HOLE, Scribe
from backends.lowering.writer import Path, Writer, captured_slots, class_comments, count_uses
from backends.pycode.literals import quote
from backends.pycode.names import identifier
from backends.torch.layers import TORCH
from dsl.ir import Model, expand, join, walk

MEMBERS = frozenset(
    "T add_module append apply bfloat16 buffers call_super_init children clear compile copy cpu cuda"
    " double dump_patches eval extend extra_repr float forward get_buffer get_extra_state"
    " get_parameter get_submodule half insert ipu items keys load_state_dict modules mtia"
    " named_buffers named_children named_modules named_parameters parameters pop register_backward_hook"
    " register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook"
    " register_full_backward_pre_hook register_load_state_dict_post_hook"
    " register_load_state_dict_pre_hook register_module register_parameter"
    " register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state"
    " set_submodule share_memory state_dict to to_empty train training type update values xpu"
    " zero_grad".split()
)


class TorchWriter(Writer):
    """Writes a block or model as an `nn.Module`."""

    reserved = MEMBERS

    def write(self, is_model: bool = False) -> str:
        """The code of the class; sets what its constructor takes."""
        list(self.modules(self.plan.template.nodes, (), 2))
        self._forward(is_model)
        self.learn_needed()
        modules = list(self.modules(self.plan.template.nodes, (), 2))
        forward = self._forward(is_model)
        known = (*self.plan.sizes, *self.plan.params)
        self.plan.takes = tuple(name for name in known if name in self.used)
        return "\n".join(
            [
                *class_comments(self.plan),
                f"class {self.plan.name}(nn.Module):",
                *self._constructor(modules, is_model),
                *forward,
            ]
        )

    def _constructor(self, modules: list[str], is_model: bool) -> Iterator[str]:
        if not modules and not self.stored:
            return
        yield f"    def __init__({', '.join(['self', *self.signature()])}):"
        yield "        super().__init__()"
        for name in self.stored:
            yield f"        self.{self.attribute(name)} = {identifier(name)}"
        yield from modules
        yield ""

    def signature(self) -> Iterator[str]:
        """Parameters of the constructor; a default only where all after it have one."""
        takes = self.plan.takes
        defaults = [self.plan.params.get(name) for name in takes]
        for index, (name, default) in enumerate(zip(takes, defaults)):
            optional = all(later is not None for later in defaults[index:])
            yield f"{identifier(name)}={default}" if optional else identifier(name)

    def target(self, path: Path) -> str:
        text = "self"
        for name in path:
            if name:
                text += f".{self.attribute(name)}" if name.isidentifier() else f"[{quote(name)}]"
        return text

    # --- containers ---------------------------------------------------------------------

    def group(self, slot: GroupSlot, path: Path, depth: int) -> Iterator[str]:
        if not self.has_modules(slot.nodes):
            return
        pad = "    " * depth
        chain = self._group_chain(slot, path)
        if chain is not None:
            yield f"{pad}{self.target(path)} = {chain}"
            return
        names = [getattr(inner, "name", "") for inner in slot.nodes]
        container = "nn.Module()" if all(map(str.isidentifier, names)) else "nn.ModuleDict()"
        yield f"{pad}{self.target(path)} = {container}"
        yield from self.modules(slot.nodes, path, depth)

    def _group_chain(self, slot: GroupSlot, path: Path) -> str | None:
        if slot.kind == "parallel" or not self.has_modules(slot.nodes):
            return None
        return self.chain(slot.nodes, slot.inputs, slot.outputs, path)

    def group_step(self, slot: GroupSlot, path: Path, scribe: Scribe) -> None:
        if self._group_chain(slot, path) is None:
            self.steps(slot.nodes, path, scribe)
            return
        x = scribe.inputs(slot.inputs, slot.line)
        text = f"{self.target(path)}({x[0]})"
        scribe.finish(text, slot.inputs, slot.outputs, slot.line, slot.comments)

    def chain(
        self, nodes: list[NodeSlot], starts: tuple[Slot, ...], results: tuple[Slot, ...], path: Path
    ) -> str | None:
        if len(starts) != 1 or len(results) != 1:
            return None
        if len(nodes) == 1 and isinstance(nodes[0], WhenSlot):
            return self._choice_chain(nodes[0], starts, results, path)
        current, items = starts[0], []
        for slot in nodes:
            if not isinstance(slot, (LayerSlot, CallSlot)) or slot.inputs != (current,):
                return None
            module = self._plain_module(slot, (*path, slot.name))
            if module is None or len(slot.outputs) != 1:
                return None
            items.append((slot.name, module))
            current = slot.outputs[0]
        if current is not results[0]:
            return None
        return sequential(items)

    def _choice_chain(
        self, slot: WhenSlot, starts: tuple[Slot, ...], results: tuple[Slot, ...], path: Path
    ) -> str | None:
        if slot.outputs != results:
            return None
        then = self.chain(slot.then.nodes, starts, slot.then.results, path)
        otherwise = self.chain(slot.otherwise.nodes, starts, slot.otherwise.results, path)
        if then is None or otherwise is None:
            return None
        return f"{then} if {self._operand(slot.condition)} else {otherwise}"

    def _plain_module(self, slot: LayerSlot | CallSlot, path: Path) -> str | None:
        """The constructor of a step that is a module called with one value and no more."""
        if slot.shared is not None:
            return None
        if isinstance(slot, CallSlot):
            return self.construct(slot, path)
        emission = self.emit(slot, path, [HOLE.format(0)])
        called = emission.call == f"{self.target(path)}({HOLE.format(0)})"
        return emission.module if called else None

    def is_sequential(self, slot: RepeatSlot, captured: tuple[Slot, ...]) -> bool:
        if captured or len(slot.starts) != 1 or len(slot.results) != 1:
            return False
        single = self.single(slot)
        if isinstance(single, LayerSlot):
            return self._plain_module(single, ("0",)) is not None
        return True

    def container(self, slot: RepeatSlot, items: str) -> str:
        sequential_ = self.is_sequential(slot, captured_slots(slot))
        listed = items if items == "rounds" else f"[{items}]"
        return f"nn.Sequential(*{listed})" if sequential_ else f"nn.ModuleList({listed})"

    # --- forward ------------------------------------------------------------------------

    def _forward(self, is_model: bool) -> list[str]:
        template = self.plan.template
        scribe = Scribe(count_uses(template), shape_comment, 2)
        names = template.names or ("",) * len(template.inputs)
        arguments = []
        for slot, name in zip(template.inputs, names):
            hint = "x" if name in ("", "input") else identifier(name)
            if name == "" and slot.hint:
                hint = identifier(slot.hint)
            while hint in arguments:
                hint += "_"
            scribe.give(slot, hint)
            arguments.append(hint)
        shapes = ", ".join(shape_comment(slot) for slot in template.inputs)
        head = f"    def forward(self, {', '.join(arguments)}):"
        self.steps(template.nodes, (), scribe)
        self._return(scribe, is_model)
        return [f"{head}  # {shapes}" if len(head + shapes) < 96 else head, *scribe.lines]

    def _return(self, scribe: Scribe, is_model: bool) -> None:
        outputs = self.plan.template.outputs
        if len(outputs) == 1:
            scribe.add(f"return {scribe.result(outputs[0])}", outputs)
            return
        names = [scribe.variable(slot) for slot in outputs]
        scribe.flush()
        if is_model:
            keys = map(quote, self.plan.template.output_names)
            inside = ", ".join(f"{key}: {name}" for key, name in zip(keys, names))
            scribe.add(f"return {{{inside}}}")
        else:
            scribe.add(f"return {', '.join(names)}", outputs)

    def write_inner(self, plan: ClassPlan) -> None:
        writer = TorchWriter(plan, self.book, self.emitters, self.helper, self.constants)
        plan.name = self.book.name(plan.name)
        plan.text = writer.write()
        self.inner.append(plan)

    @property
    def inner(self) -> list[ClassPlan]:
        """Classes of rounds, written before the class that uses them."""
        return self.plan.inner


def sequential(items: list[tuple[str, str]]) -> str:
    """A container that runs modules one after another, their names kept."""
    if not items:
        return "nn.Identity()"
    if len(items) == 1 and not items[0][0]:
        return items[0][1]
    if all(name.isidentifier() for name, _ in items):
        inside = ", ".join(f"{identifier(name)}={module}" for name, module in items)
        return f"nn.Sequential(OrderedDict({inside}))"
    inside = ", ".join(f"({quote(name)}, {module})" for name, module in items)
    return f"nn.Sequential(OrderedDict([{inside}]))"


def write_model(model: Model) -> ModelCode:
    """The model as PyTorch code.

    Raises:
        Refused: PyTorch cannot express a layer.
    """

    def write(
        plan: ClassPlan, book: Book, helpers: Helpers, constants: set[str], is_model: bool
    ) -> None:
        plan.inner.clear()
        writer = TorchWriter(plan, book, TORCH, helpers.ask, constants)
        plan.text = writer.write(is_model)

    return model_code(model, TORCH, "backends.torch", write)


def key_names(model: Model) -> dict[str, str]:
    """For each key that holds a name PyTorch uses itself, the key in the module's state."""
    renamed = {}
    for visit in walk(model.body.nodes):
        if not visit.owners or not MEMBERS & set(visit.path.split(".")):
            continue
        for path in expand(visit.path):
            spelled = ".".join(identifier(level, MEMBERS) for level in path.split("."))
            for weight in visit.node.weights:
                renamed[join(path, weight.role)] = join(spelled, weight.role)
    return renamed
