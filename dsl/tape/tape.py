"""A training step rehearsed: every operation with what it allocates, keeps, moves and computes.

It follows PyTorch as generated scripts use it: a node of the graph keeps tensors until its own
backward pass has run; gradients are allocated where they arise, handed on without a copy where the
operation only passes them on, and added into a third tensor where several meet; weights keep theirs
until the optimizer has stepped. Under automatic mixed precision products take lower-precision
copies of their operands (those of weights are made once per forward pass), and what needs range is
computed in float32.

Source: PyTorch 2.13, ``derivatives.yaml``, ``autocast_mode.cpp``, ``engine.cpp``,
``accumulate_grad.h`` and ``input_buffer.cpp``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsl.tape.memory import Memory
from dsl.tape.tensors import Param, Shape, Storage, Tensor
from dsl.tape.work import Step, Work

Ways = str | tuple[str, ...]
"""How the gradient of an input arises: ``new`` (allocated), ``pass`` (the output's own), ``part``
(a view of that), ``none``."""


class Tape:
    """Rehearses operations in order of computation, then their backward pass.

    Args:
        training: Whether a backward pass will follow; without one nothing is kept.
        lower: Bytes of an element in the lower precision that products are computed in; 0 where
            everything is float32.
        gpu: Whether kernels are those of a GPU. The CPU's keep wider masks, write some attention
            and norms out, and leave norms in lower precision.
        gathered: Whether weights come in the precision of the products, as where several devices
            hold parts of them and gather them for each use: no copies are made or kept, and
            everything up to the loss is computed in that precision.
        fused_attention: Whether attention runs in a fused kernel at all, as since PyTorch 2.0.
    """

    def __init__(
        self, training: bool = True, lower: int = 0, gpu: bool = True,
        gathered: bool = False, fused_attention: bool = True,
    ) -> None:  # fmt: skip
        self.training, self.lower, self.gpu = training, lower, gpu
        self.gathered, self.fused_attention = gathered, fused_attention
        self.recording = training
        self.memory = Memory()
        self.steps: list[Step] = []
        self.work: list[Work] = []
        self.fresh: list[Tensor] = []
        self.casts: list[Param] = []
        self.rounds: list[Callable[[], None]] = []

    # --- tensors ------------------------------------------------------------------------

    def tensor(self, shape: Shape, size: int = 4, needs: bool = False, real: bool = True) -> Tensor:
        """A new tensor, held by a variable until `release`."""
        count = size
        for dim in shape:
            count *= dim
        made = Tensor(shape, size, self.memory.allocate(count), needs and self.recording, real)
        self.fresh.append(made)
        return made

    def release(self, tensor: Tensor) -> None:
        """A variable that held a tensor goes out of scope."""
        self.memory.drop(tensor.storage)

    def drop(self, tensor: Tensor) -> None:
        """Releases a tensor of the operation at work before that ends."""
        self.fresh.remove(tensor)
        self.release(tensor)

    def finish(self, results: Sequence[Tensor]) -> None:
        """Ends a layer: of what it made only the results are still held by variables."""
        for made in self.fresh:
            if made not in results:
                self.release(made)
        self.fresh.clear()

    # --- operations ---------------------------------------------------------------------

    def run(
        self,
        category: str,
        inputs: Sequence[Tensor],
        shape: Shape,
        *,
        size: int = 0,
        keep: Sequence[Tensor] = (),
        keep_output: bool = False,
        extra: int = 0,
        ways: Ways = "new",
        params: Sequence[Param] = (),
        flops: int = 0,
        flops_back: int | None = None,
        temporary: int = 0,
        real: bool = True,
    ) -> Tensor:
        """One operation.

        Args:
            category: Of `Work`.
            inputs: The operands that may get gradients.
            shape: Of the result.
            size: Bytes of an element of the result; the widest operand's if not given.
            keep: Operands that the backward pass needs.
            keep_output: Whether it needs the result.
            extra: Bytes that are made for it beside the result: masks, statistics, indices.
            ways: How the gradients of the inputs arise.
            params: Weights that take part and get gradients.
            flops: Of its products.
            flops_back: Of those of the backward pass; as many once more for each operand, and for
                the weights, that get gradients, if not given.
            temporary: Bytes that the backward pass allocates for itself alone.
            real: Whether the result holds real numbers.
        """
        size = size or max((x.size for x in inputs), default=4)
        if real and self._narrow():
            size = min(size, self.lower)
        needs = (
            self.recording
            and real
            and (any(x.needs for x in inputs) or any(p.needs for p in params))
        )
        output = self.tensor(shape, size, needs, real)
        output.turned = category == "pointwise" and all(x.turned for x in inputs if x.count > 1)
        moved = output.storage.bytes
        for x in inputs:
            moved += x.bytes
        for param in params:
            moved += param.count * ((param.cast and self.lower) or param.size)
        memory = self.memory
        self.work.append(Work(category, flops, moved, size, memory.phase, memory.path))
        if needs:
            kept = [x.storage for x in keep]
            if keep_output:
                kept.append(output.storage)
            for storage in kept:
                storage.refs += 1
            if extra:
                kept.append(memory.allocate(extra))
            spread = (ways,) * len(inputs) if isinstance(ways, str) else ways
            if flops_back is None:
                flops_back = flops * _products(category, inputs, spread, params)
            self.steps.append(Step(
                category, inputs, output, spread, kept, params, flops_back, temporary, memory.path
            ))  # fmt: skip
        return output

    def _moved(self, category: str, bytes_: int, size: int) -> None:
        """Work beside the layers' own: casts of weights, sums of gradients."""
        memory = self.memory
        self.work.append(Work(category, 0, bytes_, size, memory.phase, memory.path))

    def view(self, x: Tensor, shape: Shape, turned: bool = False) -> Tensor:
        """The same elements under another shape; the gradient is handed on as it is.

        Args:
            x: What is looked at.
            shape: As it is seen.
            turned: Whether axes change places; they stay so until the elements are copied.
        """
        seen = Tensor(shape, x.size, x.storage, x.needs, x.real)
        seen.turned = turned or x.turned
        x.storage.refs += 1
        self.fresh.append(seen)
        if x.needs and self.recording:
            self.steps.append(Step("view", (x,), seen, ("pass",), [], (), 0, 0, self.memory.path))
        return seen

    def copy(self, x: Tensor, shape: Shape | None = None) -> Tensor:
        """The elements written out in another order; the gradient is handed on as it is."""
        return self.run("copy", (x,), shape or x.shape, ways="pass", real=x.real)

    def dense(self, x: Tensor, shape: Shape | None = None) -> Tensor:
        """A view of elements in the order of their axes: a copy where they are turned."""
        shape = x.shape if shape is None else shape
        return self.copy(x, shape) if x.turned else self.view(x, shape)

    def parts(self, x: Tensor, shapes: Sequence[Shape]) -> tuple[Tensor, ...]:
        """Views of parts of a tensor, which get one gradient together, as large as the whole."""
        seen = []
        for shape in shapes:
            part = Tensor(shape, x.size, x.storage, x.needs, x.real)
            part.turned = True
            x.storage.refs += 1
            self.fresh.append(part)
            seen.append(part)
        if x.needs and self.recording:
            step = Step("copy", (x,), seen[0], ("new",), [], (), 0, 0, self.memory.path)
            step.others = tuple(seen[1:])
            self.steps.append(step)
        return tuple(seen)

    def learned(self, param: Param, shape: Shape) -> Tensor:
        """A weight as a value of its own."""
        value = Tensor(shape, param.size, Storage(0), param.needs and self.recording)
        self.fresh.append(value)
        if value.needs:
            self.steps.append(Step("view", (), value, (), [], (param,), 0, 0, self.memory.path))
        return value

    def cast(self, x: Tensor, size: int) -> Tensor:
        """The elements in another precision."""
        return x if x.size == size else self.run("copy", (x,), x.shape, size=size)

    def lowered(self, x: Tensor) -> Tensor:
        """What a product computes with."""
        return self.cast(x, self.lower) if self.lower and x.real else x

    def raised(self, x: Tensor) -> Tensor:
        """What an operation that needs range computes with; the CPU's do without.

        Source: PyTorch's lists of operations under autocast, for CUDA and for the CPU.
        """
        if not self.lower or not x.real or x.size >= 4 or self._narrow() or not self.gpu:
            return x
        return self.cast(x, 4)

    def _narrow(self) -> bool:
        """Whether everything is computed in lower precision now, not products alone."""
        return self.gathered and self.lower > 0 and self.memory.phase in ("forward", "recompute")

    def prepared(self, params: Sequence[Param]) -> None:
        """Makes the lower-precision copies of weights that a product needs."""
        if not self.lower or self.gathered:
            return
        for param in params:
            if param.cast is None:
                param.cast = self.memory.allocate(param.count * self.lower)
                self.casts.append(param)
                self._moved("copy", param.bytes + param.cast.bytes, self.lower)

    def end_forward(self) -> None:
        """Mixed precision ends: copies of weights live on where the backward pass keeps them."""
        for param in self.casts:
            assert param.cast is not None
            self.memory.drop(param.cast)
            param.cast = None
        self.casts.clear()

    def product(
        self, category: str, x: Tensor, shape: Shape, params: Sequence[Param], flops: int,
        temporary: int = 0,
    ) -> Tensor:  # fmt: skip
        """A product with weights, such as a linear layer or a convolution."""
        x = self.lowered(x)
        if category == "gemm" and x.turned:
            x = self.copy(x)
        self.prepared(params)
        keep = (x,) if any(p.needs for p in params) else ()
        out = self.run(
            category, (x,), shape, size=self.lower or x.size, keep=keep, params=params,
            flops=flops, temporary=temporary,
        )  # fmt: skip
        if self.lower and out.needs and x.needs:
            step = self.steps[-1]
            for param in params[:1]:
                if param.cast is not None:
                    param.cast.refs += 1
                    step.kept.append(param.cast)
        return out

    def pointwise(
        self, xs: Sequence[Tensor], shape: Shape | None = None, *, keep: str = "nothing",
        extra: int = 0, ways: Ways = "new", size: int = 0,
    ) -> Tensor:  # fmt: skip
        """An element-wise operation.

        Args:
            xs: The operands.
            shape: Of the result; the first operand's if not given.
            keep: ``nothing``, ``input`` (all of them) or ``output``.
            extra: As of `run`.
            ways: As of `run`.
            size: As of `run`.
        """
        return self.run(
            "pointwise", xs, xs[0].shape if shape is None else shape, size=size,
            keep=xs if keep == "input" else (), keep_output=keep == "output", extra=extra,
            ways=ways,
        )  # fmt: skip

    def add(self, xs: Sequence[Tensor], shape: Shape | None = None) -> Tensor:
        """A sum, whose gradient is that of each operand of its shape."""
        return self.pointwise(xs, shape, ways="pass")

    def skip(self, rounds: int, grown: int, first: int) -> None:
        """Lets the round just run stand for more that follow it.

        The last round of the repeat is then run for itself. In the backward pass, which meets that
        one first, what the others keep is freed, and the gradients of their weights are there.

        Args:
            rounds: How many more.
            grown: Bytes that are live after the round and were not before.
            first: Where the work of the round begins.
        """
        _repeated(self.work, first, rounds)
        kept = self.memory.allocate(grown * rounds)
        if not self.recording:  # copies of weights, which live until the forward pass ends
            copies = Param(0)
            copies.cast = kept
            self.casts.append(copies)
            return
        began: list[tuple[int, int]] = []

        def back() -> None:
            start, gradients = began.pop()
            _repeated(self.work, start, rounds)
            self.memory.drop(kept)
            learned = (self.memory.gradients - gradients) * rounds
            self.memory.allocate(learned)
            self.memory.learned(learned)

        self._later(back)
        self.rounds.append(lambda: began.append((len(self.work), self.memory.gradients)))

    def last_round(self) -> None:
        """The round that follows `skip` ends here."""
        if self.recording:
            self._later(self.rounds.pop())

    def _later(self, again: Callable[[], None]) -> None:
        """Leaves word to do something in the backward pass, in its turn."""
        nothing = Tensor((), 0, Storage(0), False)
        step = Step("view", (), nothing, (), [], (), 0, 0, self.memory.path)
        step.again = again
        self.steps.append(step)

    # --- backward -----------------------------------------------------------------------

    def backward(self, losses: Sequence[Tensor]) -> None:
        """The backward pass from some results, each of which has a gradient of its own."""
        self.memory.phase = "backward"
        for loss in losses:
            loss.gradient = self.memory.allocate(loss.bytes)
        self.replay()

    def replay(self) -> None:
        """Runs the operations written down backwards."""
        memory = self.memory
        while self.steps:
            step = self.steps.pop()
            if step.path != memory.path:
                memory.mark()
            self._back(step)

    def _back(self, step: Step) -> None:
        memory = self.memory
        memory.path = step.path
        if step.again is not None:
            step.again()
            return
        handed, output = self._handed(step), step.output
        if handed is not None:
            temporary = memory.allocate(step.temporary) if step.temporary else None
            arrived = self._gradients(step, handed, output)
            learned = self._weights(step)
            if temporary:
                memory.drop(temporary)
            memory.drop(handed)
            self._release(step)
            for param, made in learned:
                self._learn(param, made)
            for x, gradient in arrived:
                self._arrive(x, gradient)
        else:
            self._release(step)

    def _handed(self, step: Step) -> Storage | None:
        """The gradient of what a step made; of several parts one stands for all."""
        found = None
        for made in (step.output, *step.others):
            gradient, made.gradient = made.gradient, None
            if gradient is not None and found is not None:
                self.memory.drop(gradient)
            elif gradient is not None:
                found = gradient
        return found

    def _release(self, step: Step) -> None:
        for storage in step.kept:
            self.memory.drop(storage)
        step.kept = []

    def _gradients(
        self, step: Step, handed: Storage, output: Tensor
    ) -> list[tuple[Tensor, Storage]]:
        """Gradients of the inputs, and what the device does for them and for the weights."""
        arrived, moved = [], handed.bytes
        for x, way in zip(step.inputs, step.ways):
            if not x.needs or way == "none":
                continue
            whole = way == "part" or (way == "pass" and x.count == output.count)
            if whole and x.size == output.size:
                handed.refs += 1
                arrived.append((x, handed))
            else:
                made = self.memory.allocate(x.bytes)
                moved += made.bytes
                arrived.append((x, made))
        if step.category != "view" and (arrived or step.params):
            passed = all(storage is handed for _, storage in arrived) and not step.params
            if not passed:
                moved += sum(kept.bytes for kept in step.kept)
                if arrived and step.params and step.category in PRODUCTS:
                    moved += handed.bytes
                self.work.append(Work(
                    step.category, step.flops, moved, output.size, "backward", step.path
                ))  # fmt: skip
        return arrived

    def _weights(self, step: Step) -> list[tuple[Param, Storage]]:
        """Gradients of weights, in the precision of the product."""
        lower = self.lower if step.category in PRODUCTS else 0
        return [
            (param, self.memory.allocate(param.count * (lower or param.size)))
            for param in step.params if param.needs
        ]  # fmt: skip

    def _learn(self, param: Param, made: Storage) -> None:
        """Adds a gradient, in the weight's own precision, to what the weight has got so far."""
        memory = self.memory
        if made.bytes < param.bytes:
            raised = memory.allocate(param.bytes)
            self._moved("copy", made.bytes + raised.bytes, param.size)
            memory.drop(made)
            made = raised
        if param.gradient is None:
            param.gradient = made
            memory.learned(made.bytes)
        else:
            param.gradient = self._sum(param.gradient, made, param.bytes)

    def _arrive(self, x: Tensor, made: Storage) -> None:
        """Adds a gradient to those that a value has got from its other uses."""
        x.gradient = made if x.gradient is None else self._sum(x.gradient, made, x.bytes)

    def _sum(self, one: Storage, other: Storage, bytes_: int) -> Storage:
        """The sum of two gradients.

        PyTorch may reuse one of them where both are dense and nobody else holds them; its memory
        tracker, whose tensors are stand-ins, always sees a third.
        """
        total = self.memory.allocate(bytes_)
        self._moved("pointwise", 3 * bytes_, 4)
        self.memory.drop(one)
        self.memory.drop(other)
        return total


def _repeated(work: Sequence[Work], first: int, rounds: int) -> None:
    """Lets operations stand for as many rounds more."""
    for item in work[first:]:
        item.times += rounds * item.times


def _products(
    category: str, inputs: Sequence[Tensor], ways: Sequence[str], params: Sequence[Param]
) -> int:
    """How often the products of an operation are computed once more to go back."""
    if category == "attention":
        return 2  # unfused: each of the two products for both of its operands
    given = sum(x.needs and way != "none" for x, way in zip(inputs, ways))
    return given + any(param.needs for param in params)


PRODUCTS = frozenset(["gemm", "conv", "conv1x1", "grouped", "depthwise"])
"""Categories whose weights are cast to lower precision."""
