"""The live form of `top`: one picture after the other on a screen of its own, until Ctrl-C.

Each picture is what `top --once` prints, by the server where one answers, so both ways show the
same, and who is no root sees what is theirs.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress

from orchestr8.__main__ import INTERRUPTED, run

PAUSE_SECONDS = 1.0
"""Between two pictures, so that looking costs little."""


def show(services: Sequence[str]) -> int:
    """Shows it until the person at the terminal has seen enough, or a picture fails; the exit
    status."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False)
    status, errors = 0, ""
    with (
        suppress(KeyboardInterrupt),
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while status == 0:
            status, text, errors = picture(services)
            live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
            time.sleep(0 if status else PAUSE_SECONDS)
    if status in (0, INTERRUPTED):
        return 0
    sys.stderr.write(errors)
    return status


class _Picture(io.StringIO):
    """What is kept for the terminal that this process has, and so is as wide."""

    def isatty(self) -> bool:
        """Somebody sees it there."""
        return True

    def fileno(self) -> int:
        """Of the terminal, which is asked for its width."""
        return sys.__stdout__.fileno() if sys.__stdout__ else super().fileno()


def picture(services: Sequence[str]) -> tuple[int, str, str]:
    """One moment: its exit status, and what it printed on both streams."""
    with redirect_stdout(_Picture()) as output, redirect_stderr(io.StringIO()) as errors:
        status = run(["top", "--once", *services])
    return status, output.getvalue(), errors.getvalue()
