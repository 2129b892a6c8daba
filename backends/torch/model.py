"""The model as PyTorch code: one `nn.Module` per block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property

import backends.torch.layers.families  # noqa: F401  (registers the emitters)
from backends.base import Emission
from backends.lowering.align import (
    CallSlot,
    GroupSlot,
    LayerSlot,
    NodeSlot,
    RepeatSlot,
    Slot,
    WhenSlot,
)
from backends.lowering.modelcode import ModelCode, model_code
from backends.lowering.scribe import HOLE, Scribe
from backends.lowering.steps import Path
from backends.lowering.uses import bears_weights, captured_slots
from backends.lowering.writer import Writer
from backends.pycode.literals import quote
from backends.pycode.names import KEYWORDS, member
from backends.torch.layers import TORCH
from backends.torch.layers.reparametrization import state_name
from dsl.ir import Model, expand, join, walk

MEMBERS = frozenset(
    "T add_module append apply bfloat16 buffers call_super_init children clear compile copy cpu"
    " cuda double dump_patches eval extend extra_repr float forward get_buffer get_extra_state"
    " get_parameter get_submodule half insert ipu items keys load_state_dict modules mtia"
    " named_buffers named_children named_modules named_parameters parameters pop"
    " register_backward_hook register_buffer register_forward_hook register_forward_pre_hook"
    " register_full_backward_hook register_full_backward_pre_hook"
    " register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module"
    " register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_"
    " set_extra_state set_submodule share_memory state_dict to to_empty train training type update"
    " values xpu zero_grad".split()
)
TAKEN = MEMBERS | KEYWORDS

COUNTER = "num_batches_tracked"
"""A buffer of PyTorch's norms that nothing here computes with, and that MSL has no key for."""


class TorchWriter(Writer):
    """Writes a block as an `nn.Module`."""

    base = "nn.Module"
    method = "forward"
    identity = "nn.Identity()"
    reserved = TAKEN

    def target(self, path: Path) -> str:
        variable, path = self.innermost(path)
        text = variable or "self"
        for name in path if variable else self._flat(path):
            if name:
                text += f".{self.attribute(name)}" if name.isidentifier() else f"[{quote(name)}]"
        return text

    def _flat(self, path: Path) -> list[str]:
        """The attributes that lead to a module; groups that no key names are none of their own."""
        names, before = [], ""
        for size, name in enumerate(path, 1):
            joined = f"{before}_{name}" if before else name
            before = joined if path[:size] in self._loose else ""
            if not before:
                names.append(joined)
        return [*names, before] if before else names

    @cached_property
    def _loose(self) -> set[Path]:
        """Places of groups without weights, but where a joined name is another one's already."""
        found, stack = set(), [((), self.plan.template.nodes)]
        while stack:
            path, nodes = stack.pop()
            names = Counter(name for slot in nodes for name in attributes(slot))
            for slot in nodes:
                if isinstance(slot, GroupSlot) and slot.name.isidentifier():
                    place = (*path, slot.name)
                    stack.append((place, slot.nodes))
                    alone = all(names[name] == 1 for name in attributes(slot))
                    if alone and not bears_weights(slot.nodes):
                        found.add(place)
        return found

    # --- containers ---------------------------------------------------------------------

    def group(self, slot: GroupSlot, path: Path, depth: int) -> Iterator[str]:
        if not self.has_modules(slot.nodes):
            return
        pad = "    " * depth
        chain = self._group_chain(slot, path)
        if chain is not None:
            yield f"{pad}{self.target(path)} = {chain}"
            return
        if path in self._loose:
            yield from self.modules(slot.nodes, path, depth)
            return
        names = [getattr(inner, "name", "") for inner in slot.nodes]
        container = "nn.Module()" if all(map(str.isidentifier, names)) else "nn.ModuleDict()"
        yield f"{pad}{self.target(path)} = {container}"
        yield from self.modules(slot.nodes, path, depth)

    def _group_chain(self, slot: GroupSlot, path: Path) -> str | None:
        if slot.kind == "parallel" or self.innermost(path)[0] or not self.has_modules(slot.nodes):
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
        return f"{then} if {self.condition(slot.condition, self.code)} else {otherwise}"

    def _plain_module(self, slot: LayerSlot | CallSlot, path: Path) -> str | None:
        """The constructor of a step that is a module called with one value and no more."""
        if slot.shared is not None:
            return None
        if isinstance(slot, CallSlot):
            return self.construct(slot, path)
        emission = self.emit(slot, path, [HOLE.format(0)])
        return emission.module if is_plain(emission, self.target(path)) else None

    def open_group(self, slot: GroupSlot, place: Path) -> Iterator[tuple[str, str | None]]:
        inner = self.open_round(slot.nodes, (*place, slot.name))
        yield slot.name, inner if self.has_modules(slot.nodes) else None

    def mapping(self, items: list[tuple[str, str]]) -> str:
        inside = ", ".join(f"{quote(self.attribute(name))}: {module}" for name, module in items)
        return f"nn.ModuleDict({{{inside}}})"

    def is_sequential(self, slot: RepeatSlot, captured: tuple[Slot, ...]) -> bool:
        if self.reaches_out(slot) or captured or len(slot.starts) != 1 or len(slot.results) != 1:
            return False
        single = self.single(slot)
        if isinstance(single, LayerSlot):
            return is_plain(self.emit_first(single, ("_",)), self.target(("_",)))
        return single is None or single.inputs == slot.starts

    def container(self, slot: RepeatSlot, items: str) -> str:
        sequential_ = self.is_sequential(slot, captured_slots(slot))
        listed = items if items.isidentifier() else f"[{items}]"
        return f"nn.Sequential(*{listed})" if sequential_ else f"nn.ModuleList({listed})"


class TorchModelWriter(TorchWriter):
    """Writes the model, whose outputs have names."""

    def inner_writer(self) -> type[Writer]:
        return TorchWriter

    def returned(self, names: list[str], scribe: Scribe) -> None:
        keys = map(quote, self.plan.template.output_names)
        inside = ", ".join(f"{key}: {name}" for key, name in zip(keys, names))
        scribe.add(f"return {{{inside}}}")


def attributes(slot: NodeSlot) -> set[str]:
    """The names that a step may take in its module, those in a group joined with the group's."""
    if isinstance(slot, WhenSlot):
        nodes = [*slot.then.nodes, *slot.otherwise.nodes]
        return {name for inner in nodes for name in attributes(inner)}
    if not isinstance(slot, GroupSlot):
        return {getattr(slot, "name", "")}
    inside = {name for inner in slot.nodes for name in attributes(inner)}
    return {slot.name} | {f"{slot.name}_{name}" for name in inside}


def is_plain(emission: Emission, target: str) -> bool:
    """Whether a layer is a module that is called with one value and no more."""
    return emission.call == f"{target}({HOLE.format(0)})"


def sequential(items: list[tuple[str, str]]) -> str:
    """A container that runs modules one after another, their names kept."""
    if not items:
        return "nn.Identity()"
    if len(items) == 1 and not items[0][0]:
        return items[0][1]
    if all(name.isidentifier() for name, _ in items):
        inside = ", ".join(f"{member(name, TAKEN)}={module}" for name, module in items)
        return f"nn.Sequential(OrderedDict({inside}))"
    inside = ", ".join(f"({quote(member(name, TAKEN))}, {module})" for name, module in items)
    return f"nn.Sequential(OrderedDict([{inside}]))"


def write_model(model: Model) -> ModelCode:
    """The model as PyTorch code.

    Raises:
        Refused: PyTorch cannot express a layer.
    """
    return model_code(model, TORCH, "backends.torch", TorchWriter, TorchModelWriter)


def key_names(model: Model) -> dict[str, str]:
    """For each key that PyTorch spells otherwise, the key in the module's state.

    Such are those with a level that PyTorch uses itself, and those of normalised weights.
    """
    renamed = {}
    for visit in walk(model.body.nodes):
        if not visit.owners:
            continue
        taken = not TAKEN.isdisjoint(visit.path.split("."))
        roles = {weight.role: state_name(weight.role) for weight in visit.node.weights}
        if not taken and all(role == name for role, name in roles.items()):
            continue
        for path in expand(visit.path):
            spelled = ".".join(member(level, TAKEN) for level in path.split("."))
            renamed |= {join(path, role): join(spelled, name) for role, name in roles.items()}
    return renamed
