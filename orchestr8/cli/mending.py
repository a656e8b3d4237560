"""What `doctor --fix` does: the command lines that add what lacks, each named before it is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from orchestr8.cli.checks import Check
from orchestr8.cli.terminal import count, escaped, say
from orchestr8.errors import Orchestr8Error, UsageError
from orchestr8.host import programs

_SECONDS = 600


def offered(checks: Sequence[Check]) -> tuple[Check, ...]:
    """What may be mended here by a command, each command once."""
    found = {check.mend: check for check in checks if check.safe and check.mend}
    return tuple(found.values())


def mend(checks: Sequence[Check], *, agreed: bool) -> int:
    """Say what would be run, ask, and run it; how many of them failed.

    Raises UsageError where nobody can be asked, and where this is not root.
    """
    todo = offered(checks)
    if not todo:
        say("there is nothing that a command could safely mend here.")
        return 0
    if os.geteuid() != 0:
        raise UsageError("only root can mend a host", "sudo orchestr8 doctor --fix")
    say(f"to mend {count(len(todo), 'thing')}:")
    for check in todo:
        say(f"  {check.subject}:  {check.mend}")
    if not agreed:
        if not sys.stdin.isatty():
            raise UsageError("nobody is here to be asked", "orchestr8 doctor --fix --yes")
        if not typer.confirm("run these commands?", default=False):
            say("nothing was changed.")
            return 0
    return sum(not _done(check) for check in todo)


def _done(check: Check) -> bool:
    try:
        answer = programs.run(("sh", "-c", check.mend), "dash", seconds=_SECONDS)
    except Orchestr8Error as error:
        say(f"failed    {check.subject}: {escaped(error.what)}")
        return False
    if answer.status:
        lines = [line for line in answer.errors.splitlines() if line.strip()]
        why = lines[-1] if lines else f"exit status {answer.status}"
        say(f"failed    {check.subject}: {escaped(why)}")
        return False
    say(f"mended    {check.subject}")
    return True
