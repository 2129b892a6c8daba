"""Rules about the text itself (MSL0xx): what the grammar and the scanner refuse."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity

_MODEL = """\
model Net {
  input x: float32[8]
  output y = Linear(4)
}
"""


def _error(
    code: str, slug: str, summary: str, explanation: str, bad: str, good: str, near: str = _MODEL
) -> Rule:
    return Rule(code, slug, Severity.ERROR, summary, explanation, bad, good, near)


def _net(line: str) -> str:
    """A whole spec around one line of a model's body."""
    return f"model Net {{\n  input x: float32[8]\n{line}\n  output y = Tanh -> Linear(4)\n}}\n"


RULES: tuple[Rule, ...] = (
    _error(
        "MSL001",
        "unexpected-text",
        "A statement holds something that does not belong there.",
        "The statement is read up to the marked place; what stands there cannot follow. The help "
        "shows how such a statement is written. The rest of the file is checked all the same.",
        _net("  Linear(8) as wide"),
        _net("  wide = Linear(8)"),
        _net("  wide = Linear(8) -> ReLU"),
    ),
    _error(
        "MSL002",
        "unclosed-bracket",
        "A bracket is opened and never closed.",
        "The first label shows where the closing bracket is missed, the second where the bracket "
        "was opened. For braces the indentation of the others tells which one it is.",
        _net("  Linear(8"),
        _net("  Linear(8)"),
        _net("  Linear(\n    8\n  )"),
    ),
    _error(
        "MSL003",
        "unmatched-bracket",
        "A closing bracket has no partner, or one of another kind.",
        "Remove it, or write the bracket that closes the one marked as opened.",
        _net("  Linear(8]"),
        _net("  Linear(8)"),
        _net("  Linear([8, 9][0])"),
    ),
    _error(
        "MSL004",
        "missing-comma",
        "Two arguments or elements stand side by side without a comma.",
        "Arguments, list elements and dimensions are separated by commas, also across lines.",
        _net("  Linear(8 bias=false)"),
        _net("  Linear(8, bias=false)"),
        _net("  Linear(8, bias=false,)"),
    ),
    _error(
        "MSL005",
        "missing-value",
        "A statement ends before it is complete.",
        "Something must follow an arrow, an equals sign, an operator or a word such as `repeat`.",
        _net("  hidden = Linear(8) ->"),
        _net("  hidden = Linear(8) -> ReLU"),
        _net("  hidden = Linear(8)\n    -> ReLU"),
    ),
    _error(
        "MSL006",
        "statements-on-one-line",
        "Two statements stand on one line with nothing between them.",
        "One statement a line, or `;` between two. Layers that follow each other are joined by "
        "`->`.",
        _net("  Linear(8) ReLU"),
        _net("  Linear(8) -> ReLU"),
        _net("  Linear(8); ReLU"),
    ),
    _error(
        "MSL007",
        "reserved-word",
        "A word of the language is used as a name.",
        "The words `msl import let param block model variant input output repeat as when otherwise "
        "residual shortcut parallel shared extern from on in and or not if else true false auto` "
        "are reserved. Section words such as `train` may be names.",
        _net("  let repeat = 8\n  Linear(8)"),
        _net("  let rounds = 8\n  Linear(rounds)"),
        _net("  let train = 8\n  Linear(train)"),
    ),
    _error(
        "MSL008",
        "letter-case",
        "A value is capitalized, or a kind is in lower case.",
        "Kinds (layers, blocks, losses, optimizers) are `Capitalized`, values and arguments are in "
        "`lower_case`; that tells them apart at a glance.",
        _net("  linear(8)"),
        _net("  Linear(8)"),
        _net("  linear = Linear(8)"),
    ),
    _error(
        "MSL009",
        "equals-sign",
        "`=`, `==` and `:` are mixed up.",
        "`=` names a value or an argument, `==` compares two values, `:` gives a type.",
        _net("  Linear(8, bias: false)"),
        _net("  Linear(8, bias=false)"),
        _net("  when x.features == 8 { Linear(8) }"),
    ),
    _error(
        "MSL010",
        "chained-comparison",
        "Two comparisons are chained.",
        "`a < b < c` is written `a < b and b < c`.",
        _net("  when 1 < x.features < 9 { Linear(8) }"),
        _net("  when 1 < x.features and x.features < 9 { Linear(8) }"),
        _net("  when (1 < x.features) == true { Linear(8) }"),
    ),
    _error(
        "MSL011",
        "misplaced-statement",
        "A statement stands where it cannot: a layer at the top level, a section in a model.",
        "Layers stand in models and blocks. Declarations and sections stand at the top level, "
        "outside of all braces.",
        _MODEL + "Linear(4)\n",
        _MODEL,
        _MODEL + "\nloss MSE\n",
    ),
    _error(
        "MSL012",
        "invalid-character",
        "A character has no meaning in a spec, or is refused because it misleads the reader.",
        "Control characters, the Unicode signs that turn the direction of writing, and text that "
        "is not UTF-8 are refused even in comments and strings: they make a text look like another "
        "one. All other letters may stand in comments and strings.",
        _net("  Linear(8)?"),
        _net("  Linear(8)"),
        _net("  Linear(8)  # gr\u00f6\u00dfer?"),
    ),
    _error(
        "MSL013",
        "invalid-string",
        "A string has no end, the wrong quotes or an unknown escape.",
        'Strings stand in double quotes and end on their line; the escapes are `\\n`, `\\t`, `\\"` '
        "and `\\\\`.",
        _net("  GELU(approximate='tanh')"),
        _net('  GELU(approximate="tanh")'),
        _net('  GELU(approximate="tanh")  # it\'s fine'),
    ),
    _error(
        "MSL014",
        "invalid-number",
        "A number has an unknown suffix, too many digits or no finite value.",
        "Suffixes are counts `K M B G T`, bytes `KB MB GB TB KiB MiB GiB TiB`, times `ms s min h` "
        "and `epochs`, without a space. A share is a fraction: `0.1`, not `10%`.",
        _net("  Dropout(10%)"),
        _net("  Dropout(0.1)"),
        _net("  Linear(10 % 4)"),
    ),
    _error(
        "MSL015",
        "invalid-name",
        "A name has letters outside a-z, more than 64 characters, or begins with two underscores.",
        "Names reach generated code and the keys of checkpoints, so they are plain: "
        "`[a-z_][A-Za-z0-9_]*`.",
        _net("  gr\u00f6\u00dfe = Linear(8)"),
        _net("  width = Linear(8)"),
        _net("  width = Linear(8)  # Gr\u00f6\u00dfe"),
    ),
    _error(
        "MSL016",
        "foreign-word",
        "A sign or word of another language is used.",
        "The help names what it is called here: `and`, `or`, `not`, `->`, `**`, `when`, `repeat`.",
        _net("  Linear(8) => ReLU"),
        _net("  Linear(8) -> ReLU"),
        _net("  when x.features >= 8 { ReLU }"),
    ),
    _error(
        "MSL017",
        "too-deep",
        "Brackets or operators are nested too deeply.",
        "Brackets nest 64 deep at most. Give parts names: `let` for values, `block` for layers.",
        _net("  Linear(" + "(" * 65 + "8" + ")" * 65 + ")"),
        _net("  Linear(8)"),
        _net("  Linear(" + "(" * 20 + "8" + ")" * 20 + ")"),
    ),
    _error(
        "MSL018",
        "file-too-large",
        "A file is larger than 1 MiB.",
        "Say repeated layers with `repeat`, and split blocks off into files of their own with "
        "`import`.",
        _MODEL + "# filler\n" * 120_000,
        _MODEL,
        _MODEL + "# filler\n" * 20,
    ),
    _error(
        "MSL019",
        "version-not-first",
        "`msl 1` is not the first statement.",
        "The version of the language comes first, once; only comments may precede it.",
        _MODEL + "msl 1\n",
        "msl 1\n" + _MODEL,
        "# A comment.\n\nmsl 1\n" + _MODEL,
    ),
    _error(
        "MSL020",
        "malformed-version",
        "The version of the language is no whole number.",
        "The first line is `msl 1`.",
        "msl 1.5\n" + _MODEL,
        "msl 1\n" + _MODEL,
        _MODEL,
    ),
    _error(
        "MSL021",
        "positional-after-named",
        "An argument without a name follows one with a name.",
        "Arguments without names come first, in the order of the kind's documentation.",
        _net("  Linear(bias=false, 8)"),
        _net("  Linear(8, bias=false)"),
        _net("  Linear(out_features=8, bias=false)"),
    ),
    Rule(
        "MSL030",
        "allow-without-reason",
        Severity.WARNING,
        "`# msl: allow` names a rule and gives no reason.",
        "Write why the finding does not apply: `# msl: allow MSL501 the norm is frozen`.",
        _net("  # msl: allow MSL501\n  Linear(8)"),
        _net("  Linear(8)"),
        _net("  # msl is short\n  Linear(8)"),
    ),
    Rule(
        "MSL031",
        "allow-unknown-rule",
        Severity.WARNING,
        "`# msl: allow` names no rule, or one that cannot be silenced.",
        "Only warnings and the rules MSL5xx can be silenced, by code or by slug.",
        _net("  # msl: allow MSL999 it is fine\n  Linear(8)"),
        _net("  Linear(8)"),
        _net("  # msl is short\n  Linear(8)"),
    ),
)
