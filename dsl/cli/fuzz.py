"""``msl fuzz``: random specs against the laws that every spec obeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:

    from dsl.fuzz.laws import Breach


@click.command()
@click.option("--n", "number", type=click.IntRange(1), default=100, show_default=True,
    help="How many specs to draw.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
    help="Where to begin: spec i follows from seed + i.")  # fmt: skip
@click.option("--damage", type=click.IntRange(0), default=3, show_default=True,
    help="How many damaged copies of each spec to check as well.")  # fmt: skip
@click.option("--show", is_flag=True, help="Print the specs instead of checking them.")
def command(number: int, seed: int, damage: int, show: bool) -> int:
    """Draw random valid specs and hold MSL to its laws on them.

    Each is checked, formatted, costed and compiled to both frameworks; it costs as much as the same
    model without blocks and loops; damaged copies get findings with a place, and no crash. What
    breaks a law is printed as small as it could be made. Exits with 1 where something did.
    """
    import backends
    from dsl.fuzz.choices import Seeded
    from dsl.fuzz.laws import draw, hold, smallest

    writers = [backends.get(name) for name in ("torch", "tensorflow")]
    breaches: dict[str, Breach] = {}
    drawn = 0
    for place in range(seed, seed + number):
        program = draw(Seeded(place))
        if program is None:
            continue
        drawn += 1
        if show:
            click.echo(f"# seed {place}\n{program}")
            continue
        breach = hold(program, writers)
        if breach is not None and breach.law not in breaches:
            breaches[breach.law] = smallest(place, breach, writers)
            _show(breaches[breach.law], place)
        for law, found in _damaged(str(program), place, damage).items():
            if breaches.setdefault(law, found) is found:
                _show(found, place)
    if not show:
        click.echo(f"{drawn} specs drawn, {_count(len(breaches))}")
    return int(bool(breaches))


def _damaged(text: str, seed: int, number: int) -> dict[str, Breach]:
    """The laws that damaged copies of a text break."""
    from dsl.fuzz.choices import Seeded
    from dsl.fuzz.laws import hold_text
    from dsl.fuzz.mutations import damaged

    choices = Seeded(seed)
    found = [hold_text(damaged(choices, text)) for _ in range(number)]
    return {breach.law: breach for breach in found if breach is not None}


def _show(breach: Breach, seed: int) -> None:
    click.echo(f"seed {seed} breaks: {breach.law}\n{breach.detail}\n\n{breach.text}")


def _count(breaches: int) -> str:
    return f"{breaches} law{'s' * (breaches > 1)} broken" if breaches else "every law holds"
