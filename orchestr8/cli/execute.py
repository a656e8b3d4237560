"""`exec`: a command in a box, joined to this terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestr8.cli.arguments import BoxName
from orchestr8.cli.terminal import here
from orchestr8.errors import UsageError

Command = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="COMMAND", help="The program in the box, and its arguments.", show_default=False
    ),
]


def run(box: BoxName, command: Command = None) -> int:
    """Run a command in a running box, as the box's own user and behind the box's own walls.

    `orchestr8 exec front.web -- ls -l /tmp`. The exit status is the command's own.
    """
    words = list(command or ())
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        raise UsageError(
            "no command is given", f"name the program:  orchestr8 exec {box} -- ls -l /tmp"
        )
    from orchestr8.cli.asking import following
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.reach import reach
    from orchestr8.controller.inside import execute_in, run_in

    with opened_fleet() as session, following():
        joined = reach().joined()
        if joined is not None:
            return execute_in(session, box, words, joined)
        result = run_in(session, box, words)
    terminal = here()
    terminal.out.write(result.stdout.decode("utf-8", "backslashreplace"))
    terminal.err.write(result.stderr.decode("utf-8", "backslashreplace"))
    return result.exit_status
