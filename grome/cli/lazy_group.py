"""A group of commands that imports a command's module when the command is run, not for `--help`."""

import gc
import signal
from collections.abc import Mapping
from importlib import import_module

import click


class LazyCommand(click.Command):
    """Stands for the command `attribute` of `module` in lists and suggestions."""

    def __init__(self, name: str, module: str, attribute: str, summary: str) -> None:
        super().__init__(name, short_help=summary)
        self._module, self._attribute = module, attribute

    def load(self) -> click.Command:
        # Imports take a second, and Python drops a KeyboardInterrupt that is raised in one of their weakref callbacks.
        # There is nothing to clean up yet, so Ctrl-C may end the process at once.
        on_interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
        loaded = getattr(import_module(self._module), self._attribute)
        signal.signal(signal.SIGINT, on_interrupt)
        gc.freeze()
        gc.enable()
        assert isinstance(loaded, click.Command)  # noqa: S101 -- a mistake in our own table
        return loaded


class LazyGroup(click.Group):
    """Lists its commands from their summaries, and loads the one that runs."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest


def lazy_commands(table: Mapping[str, tuple[str, str]], package: str) -> dict[str, click.Command]:
    """Build the commands of a table: name to `module:attribute` within `package`, and the summary."""
    commands: dict[str, click.Command] = {}
    for name, (place, summary) in table.items():
        module, _, attribute = place.partition(":")
        commands[name] = LazyCommand(name, f"{package}.{module}", attribute, summary)
    return commands
