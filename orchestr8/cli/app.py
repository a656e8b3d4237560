"""The command line: which verbs there are, and how one is found and called.

A verb's module is imported when the verb is typed, so that no command pays for another's imports.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from orchestr8 import __version__
from orchestr8.cli.verbs import VERBS, nearest_verb
from orchestr8.errors import UsageError

PROGRAM = "orchestr8"
_COMPLETION_VARIABLE = "_ORCHESTR8_COMPLETE"

ORDINARY_DAY = """\
orchestr8 - one service per box, tightest by default, proved from the kernel

an ordinary day:
  orchestr8 init IMAGE       write a first manifest from an image
  orchestr8 plan PATH        see what an apply would do, and why
  orchestr8 apply PATH       make it so
  orchestr8 status           see what runs, what waits, and whose it is
  orchestr8 why SERVICE      learn why a service is as it is, and what to type
  orchestr8 prove            hear from the kernel that every wall stands

On a new machine begin with `orchestr8 doctor`. `orchestr8 --help` lists every command,
`orchestr8 COMMAND --help` says what one takes."""


class Verbs(TyperGroup):
    """The verbs as a group of commands, each made when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every verb, in the order in which one needs them."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb's command, or None."""
        return _command(cmd_name) if cmd_name in VERBS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that was typed; an unknown one is answered with the nearest."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            meant = nearest_verb(args[0])
            raise UsageError(
                f'there is no command "{args[0]}"',
                (f"did you mean `{PROGRAM} {meant}`? " if meant else "")
                + f"`{PROGRAM} --help` lists every command",
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of verbs; nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.summary) for name, verb in VERBS.items()])


@cache
def _command(verb: str) -> Any:
    """The command of a verb; a server is given the same ones time and again."""
    settings = {"help_option_names": ["-h", "--help"]}
    if verb == "exec":
        settings["allow_interspersed_args"] = False  # type: ignore[assignment]
    module = import_module(f"orchestr8.cli.{VERBS[verb].module}")
    if not hasattr(module, "COMMANDS"):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(verb, context_settings=settings)(module.run)
        return typer.main.get_command(app)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, help=VERBS[verb].summary)
    for name, function in module.COMMANDS.items():
        app.command(name, context_settings=settings)(function)
    return typer.main.get_command(app)


def _version(asked: bool) -> None:
    if asked:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _main(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Run services in boxes: one service per box, tightest by default, proved from the kernel."""
    if context.invoked_subcommand is None:
        print(ORDINARY_DAY)


@cache
def _group() -> Any:
    app = typer.Typer(
        cls=Verbs,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_main)
    return typer.main.get_command(app)


def call(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit status; raises what the verb raises."""
    group = _group()
    if os.environ.get(_COMPLETION_VARIABLE):
        group.main(list(arguments), prog_name=PROGRAM)
    try:
        with group.make_context(PROGRAM, list(arguments)) as context:
            return int(group.invoke(context) or 0)
    except typer.Exit as end:
        return int(end.exit_code)
