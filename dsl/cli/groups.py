"""Groups of commands of which one is meant where none is named."""

from __future__ import annotations

import click


class ListFirst(click.Group):
    """Commands of which ``list`` is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts ``list`` in front of words and options that follow no command."""
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["list", *args])
