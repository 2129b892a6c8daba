"""Writes a whole class: its constructor, its forward pass, and what stands around them.

Both backends share this walk. `steps` writes single steps, `constructor` and `forward` the two
methods; subclasses hold what differs: how a module is reached, how containers are made, what the
class and its methods are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from backends.lowering.align import Conflict
from backends.lowering.book import ClassPlan
from backends.lowering.forward import ForwardWriter
from backends.lowering.scribe import Scribe, comment_lines
from backends.pycode.names import identifier
from dsl.passes.scope import LayerClosure


class Writer(ForwardWriter):
    """Writes one class of a plan; a subclass per backend says how.

    Attributes:
        base: The class that it derives from.
        method: What its forward pass is called.
        further: Parameters that the constructor hands on to the base's.
    """

    base: ClassVar[str]
    method: ClassVar[str]
    further: ClassVar[tuple[str, ...]] = ()

    def write(self) -> str:
        """The code of the class; sets what its constructor takes."""
        nodes = self.plan.template.nodes
        list(self.modules(nodes, (), 2))  # a first round finds which carried sizes are needed
        self.learn_needed()
        modules = list(self.modules(nodes, (), 2))
        forward = self._forward()
        self.set_takes()
        return "\n".join([*self.head(), *self._constructor(modules), *forward])

    def head(self) -> list[str]:
        """The line that begins the class, below the spec's comments on the block."""
        comments = [line for text in self.plan.comments for line in comment_lines(text)]
        return [*comments, f"class {self.plan.name}({self.base}):"]

    def set_takes(self) -> None:
        """Notes which names the constructor takes; a default only where all after it have one."""
        known = (*self.plan.sizes, *self.plan.params)
        self.plan.takes = tuple(name for name in known if name in self.used)
        optional: dict[str, str] = {}
        for name in reversed(self.plan.takes):
            default = self.default(name)
            if default is None:
                break
            optional[name] = default
        self.plan.optional = optional

    def default(self, name: str) -> str | None:
        """The code of a parameter's default, None where it has to be given."""
        default = self.plan.params.get(name)
        try:
            return self.function(default) if isinstance(default, LayerClosure) else default
        except Conflict:
            return None

    def signature(self) -> str:
        """Parameters of the constructor."""
        optional = self.plan.optional
        parameters = [
            f"{self.variable(name)}={optional[name]}" if name in optional else self.variable(name)
            for name in self.plan.takes
        ]
        return ", ".join(["self", *parameters, *self.further])

    def write_inner(self, plan: ClassPlan) -> None:
        kind = self.inner_writer()
        plan.name = self.book.name(plan.name)
        plan.text = kind(plan, self.book, self.emitters, self.helper, self.constants).write()
        self.plan.inner.append(plan)

    def inner_writer(self) -> type[Writer]:
        """Writes the classes that only this one uses."""
        return type(self)

    def returned(self, names: list[str], scribe: Scribe) -> None:
        """Writes the line that returns several values."""
        scribe.add(f"return {', '.join(names)}", self.plan.template.outputs)

    def _constructor(self, modules: list[str]) -> Iterator[str]:
        if not modules and not self.stored and not self.flags:
            return
        yield f"    def __init__({self.signature()}):"
        yield f"        super().__init__({', '.join(self.further)})"
        for name in self.stored:
            yield f"        self.{self.attribute(name)} = {self.variable(name)}"
        for name, code in self.flags.values():
            yield f"        self.{self.attribute(name)} = {code}"
        yield from modules
        yield ""

    def _forward(self) -> list[str]:
        template = self.plan.template
        scribe = self.scribe()
        arguments: list[str] = []
        for slot, name in zip(template.inputs, template.names or ("",) * len(template.inputs)):
            hint = "" if name == "input" else name or slot.hint
            argument = identifier(hint) if hint else "x"
            while argument in arguments:
                argument += "_"
            scribe.give(slot, argument)
            arguments.append(argument)
        shapes = ", ".join(map(self.comment, template.inputs))
        head = f"    def {self.method}(self, {', '.join(arguments)}):"
        self.steps(template.nodes, (), scribe)
        self._return(scribe)
        return [f"{head}  # {shapes}" if len(head + shapes) < 96 else head, *scribe.lines]

    def _return(self, scribe: Scribe) -> None:
        outputs = self.plan.template.outputs
        if len(outputs) == 1:
            scribe.add(f"return {scribe.result(outputs[0])}", outputs)
            return
        names = [scribe.variable(slot) for slot in outputs]
        scribe.flush()
        self.returned(names, scribe)
