"""`events`: what happened to what is theirs, and what happens now."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli import completions
from orchestr8.cli.arguments import Output, OutputAs

if TYPE_CHECKING:
    from orchestr8.controller.happenings import Happening

Service = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE",
        help="One service, as in api.payments; all that is yours without it.",
        show_default=False,
        autocompletion=completions.services,
    ),
]
Last = Annotated[
    int, typer.Option("--last", metavar="N", min=0, help="How many of the past; 0 for all.")
]
Follow = Annotated[
    bool,
    typer.Option(
        "--follow", "-f", help="Go on with what happens, until interrupted.", show_default=False
    ),
]
After = Annotated[
    int | None,
    typer.Option(
        "--after",
        metavar="NUMBER",
        min=0,
        help="All after the event of this number, in place of --last: nothing is missed.",
        show_default=False,
    ),
]


def run(
    service: Service = "",
    last: Last = 40,
    follow: Follow = False,
    after: After = None,
    output: OutputAs = Output.TEXT,
) -> int:
    """Show what happened to services, boxes and sets, one event a line, oldest first.

    Each event is a row of the journal once it is known what came of it: who did what, to what, why.
    With --output json each line is a document; its number given with --after goes on from there.
    """
    from orchestr8.cli.asking import following, is_left
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller import happenings
    from orchestr8.controller.meant import require_services

    with opened_fleet() as session:
        name = require_services(session, [service])[0] if service else None
        begin = happenings.newest(session) if after is None else after
        if after is None:
            for one in happenings.past(session, last, name):
                if one.number <= begin:
                    _print(one, output)
        with following() if follow else nullcontext():
            ends = is_left if follow else lambda: True
            for one in happenings.following(session, begin, name, ends):
                _print(one, output)
    return 0


def _print(one: Happening, output: Output) -> None:
    from orchestr8.cli.columns import gone_on
    from orchestr8.cli.terminal import escaped, here, paint, say, when, width

    if output is Output.JSON:
        from orchestr8.cli.document import SCHEMA, plain

        say(json.dumps({"schema": SCHEMA, "kind": "event", **plain(one)}))
    else:
        at = f"{when(one.at_ms)} UTC"
        words = [at, f"{escaped(one.event):<15}", escaped(one.subject)]
        words += [escaped(one.result), escaped(one.cause), f"by {escaped(one.actor)}"]
        for line in gone_on("  ".join(filter(None, words)), width()):
            say(paint().dim(at) + line[len(at) :] if line.startswith(at) else line)
    here().out.flush()  # whoever reads a pipe wants it now
