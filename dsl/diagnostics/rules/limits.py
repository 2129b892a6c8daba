"""Rules about how much a text may ask for (MSL142 to MSL145)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity


def _error(
    code: str, slug: str, summary: str, explanation: str, bad: str, good: str, near: str
) -> Rule:
    return Rule(code, slug, Severity.ERROR, summary, explanation, bad, good, near)


def _net(lines: str, top: str = "", size: str = "8") -> str:
    """A whole spec around lines of a model on a vector."""
    return f"{top}model Net {{\n  input x: float32[{size}]\n{lines}\n  output y = Linear(3)\n}}\n"


def _tower(levels: int) -> str:
    """Blocks that each apply the one before twice."""
    blocks = "block B0 { Linear(8) -> ReLU }\n"
    for level in range(1, levels + 1):
        blocks += f"block B{level} {{ B{level - 1} -> B{level - 1} }}\n"
    return _net(f"  B{levels}", blocks)


_UNKNOWN = " -> ".join(f"Linear(width{number})" for number in range(120))

RULES: tuple[Rule, ...] = (
    _error(
        "MSL142",
        "too-much-work",
        "A text unfolds to more than 30,000 layers.",
        "Counted are 750,000 steps: each layer, block and structure is 25, in every round of a "
        "repeat that differs from the others, every instance of a block and every model and "
        "variant that is checked; an evaluation is one, and a list one for every eight values. "
        "Equal rounds, and instances with equal arguments and shapes, are worked out once.",
        _net("  repeat 9_000 as i { Linear(i + 1) -> ReLU -> Dropout(1 / (i + 2)) }"),
        _net("  repeat 90 as i { Linear(i + 1) -> ReLU -> Dropout(1 / (i + 2)) }"),
        _net("  repeat 9_000 { Linear(8) -> ReLU -> Dropout(0.5) }"),
    ),
    _error(
        "MSL143",
        "too-large-written-out",
        "A model is too large when it is written out.",
        "With its blocks written out, a model has at most 100,000 layers and blocks, a repeat of "
        "equal rounds counted once; with its repeats written out as well, at most 2**63.",
        _tower(16),
        _tower(5),
        _net("  repeat 10**9 { repeat 10**9 { Linear(8) -> ReLU } }"),
    ),
    _error(
        "MSL144",
        "too-many-mistakes",
        "A text has so many mistakes that what follows them is not looked at.",
        "Reading stops after 20 mistakes of syntax, and elaboration after 100 others. A hundred "
        "findings are shown at most, and the number of those left out.",
        _net(f"  {_UNKNOWN}"),
        _net("  Linear(16) -> ReLU"),
        _net("  " + " -> ".join("Linear(16) -> ReLU" for _ in range(120))),
    ),
    _error(
        "MSL145",
        "size-beyond-limits",
        "A size of a shape is too large.",
        "Sizes stay below 2**63. A formula over symbols has at most 16 terms and 1,000 characters, "
        "and a shape 64 sizes.",
        _net("  Flatten", size="10**9, 10**9, 10"),
        _net("  Flatten", size="10, 10, 10"),
        _net("  ReLU", size="10**17, 8"),
    ),
)
