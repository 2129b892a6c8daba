"""What passes along an arrow, and the body in which it does."""

from __future__ import annotations

from dsl.ir import Value
from dsl.passes.drafts import Draft
from dsl.passes.scope import Scope
from dsl.record import Record, field


class Flow(Record):
    """One or several values on their way to a layer.

    Attributes:
        values: In order.
        named: Optional inputs by name.
        unknown: Whether a mistake upstream has left the values unknown.
    """

    values: tuple[Value, ...] = ()
    named: dict[str, Value] = field(default_factory=dict)
    unknown: bool = False


UNKNOWN_FLOW = Flow(unknown=True)


class Frame(Record, frozen=False, eq=False):
    """A body at work.

    Attributes:
        scope: Its names.
        current: The current value; None where there is none yet.
        drafts: What it computes so far.
    """

    scope: Scope
    current: Flow | None
    drafts: list[Draft] = field(default_factory=list)
