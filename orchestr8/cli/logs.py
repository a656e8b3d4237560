"""`logs`: the last lines of a box, and those that come."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestr8.cli.arguments import BoxName, Output, OutputAs
from orchestr8.cli.terminal import escaped_lines, here, say, say_beside
from orchestr8.errors import UsageError

LINES_MOST = 100_000

Lines = Annotated[
    int, typer.Option("--lines", "-n", min=1, max=LINES_MOST, help="How many lines at most.")
]
Follow = Annotated[
    bool,
    typer.Option("--follow", "-f", help="Go on until the box ends.", show_default=False),
]


def run(
    box: BoxName, lines: Lines = 100, follow: Follow = False, output: OutputAs = Output.TEXT
) -> int:
    """Print the last lines that a box wrote, oldest first; with --follow those that come as well.

    Of a service with several boxes it is the first that runs; SLOT.SERVICE names another. Of a box
    that did not come up, the lines are those that were kept. Control characters are shown as
    their codes.
    """
    from orchestr8.cli.asking import following, is_left
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.logs import follow_of, logs_of

    if follow and output is Output.JSON:
        raise UsageError("--follow prints lines as they come, not a document", "leave one out")
    with opened_fleet() as session:
        if follow:
            with following():
                for line in follow_of(session, box, lines, is_left):
                    _print(line)
                    here().out.flush()  # whoever reads a pipe wants it now
            if not is_left():
                say_beside("the box has ended")
            return 0
        found = logs_of(session, box, lines)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("logs", box=box, lines=list(found))
        return 0
    if not found:
        say_beside("it wrote nothing")
    for line in found:
        _print(line)
    return 0


def _print(line: str) -> None:
    for part in escaped_lines(line) or [""]:
        say(part)
