"""`logs`: the last lines of a box."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from orchestr8.cli.arguments import BoxName, Output, OutputAs
from orchestr8.cli.terminal import escaped_lines, say

LINES_MOST = 100_000

Lines = Annotated[
    int, typer.Option("--lines", "-n", min=1, max=LINES_MOST, help="How many lines at most.")
]


def run(box: BoxName, lines: Lines = 100, output: OutputAs = Output.TEXT) -> int:
    """Print the last lines that a box wrote, oldest first.

    Of a service with several boxes it is the first that runs; SLOT.SERVICE names another. Of a box
    that did not come up, the lines are those that were kept. Control characters are shown as
    their codes.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.look import logs_of

    with opened_fleet() as session:
        found = logs_of(session, box, lines)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("logs", box=box, lines=list(found))
        return 0
    if not found:
        print("it wrote nothing", file=sys.stderr)
    for line in found:
        for part in escaped_lines(line) or [""]:
            say(part)
    return 0
