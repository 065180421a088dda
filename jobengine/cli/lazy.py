"""Commands that are imported when they are run: help and clients do not wait for the libraries of the engine."""

from __future__ import annotations

from importlib import import_module

import click


class LazyCommand(click.Command):
    """The name and the first sentence of a command, and the module that has the command itself under its name."""

    def __init__(self, name: str, module: str, sentence: str) -> None:
        super().__init__(name, help=sentence)
        self._module = module

    def load(self) -> click.Command:
        """The command itself."""
        command: click.Command = getattr(import_module(self._module), str(self.name))
        return command


class LazyGroup(click.Group):
    """A group of such commands; its help, and what it says of a misspelled command, need none of their modules."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the words ask for, and import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest
