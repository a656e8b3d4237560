"""Who watches an apply: live lines on a terminal, plain lines elsewhere, nobody beside JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from orchestr8.cli.arguments import Output
from orchestr8.cli.board import Board, Row
from orchestr8.cli.terminal import Terminal, escaped, here
from orchestr8.controller.progress import Phase

_REFRESHES_A_SECOND = 12
_LINES_KEPT_FREE = 3


class Watcher:
    """Keeps the board; those below show it."""

    def __init__(self) -> None:
        self.board = Board()
        self._told: set[str] = set()
        self._terminal = here()  # phases come from other threads, which know no terminal

    def phase(self, phase: Phase) -> None:
        """A phase began or ended."""
        self.board.hear(phase)

    def note(self, text: str) -> None:
        """A sentence beside the boxes' lines; the same one is told once."""
        if text not in self._told:
            self._told.add(text)
            self._tell(escaped(text))

    def _tell(self, text: str) -> None:
        """Nobody hears it."""

    def close(self) -> None:
        """Nothing more comes."""


class Lines(Watcher):
    """One line a box, when it is finished; a failure at once.

    The boxes of one slot keep their order: one that made way is told after the one that took its
    place, though that is proved only at the end.
    """

    def phase(self, phase: Phase) -> None:
        """A phase began or ended; finished rows are printed."""
        row = self.board.hear(phase)
        if row and row.failure and not row.printed:
            self._print(row)
        elif row and row.is_finished:
            self._print_in_order(row.label)

    def _tell(self, text: str) -> None:
        self._terminal.say(text)

    def close(self) -> None:
        """Prints the rows that never came to an end of their own."""
        for row in self.board.unprinted():
            self._print(row)

    def _print_in_order(self, label: str) -> None:
        for row in self.board.unprinted():
            if row.label == label:
                if not row.is_finished:
                    break
                self._print(row)

    def _print(self, row: Row) -> None:
        row.printed = True
        self._terminal.say(_line(self._terminal, row, self.board.label_width))


def _line(terminal: Terminal, row: Row, label_width: int) -> str:
    line = escaped(row.line(label_width))
    if row.failure or row.proof_broken:
        return terminal.paint.red(line)
    return line


class Live(Watcher):
    """Lines that change while boxes are on their way; at the end they stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.live import Live as Region

        self._console = Console(highlight=False, markup=False, emoji=False)
        if self._terminal.out is not sys.stdout:
            self._console = Console(
                file=cast(TextIO, self._terminal.out),
                force_terminal=True,
                width=self._terminal.columns,
                height=self._terminal.lines,
                highlight=False,
                markup=False,
                emoji=False,
            )
        self._region = Region(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=_REFRESHES_A_SECOND,
            transient=True,
        )
        self._region.start()

    def _render(self) -> Any:
        """As many rows as fit; those that are over give way first."""
        from rich.text import Text

        rows = self.board.snapshot()
        room = max(self._console.size.height - _LINES_KEPT_FREE, 1)
        if len(rows) > room:
            rows = sorted(rows, key=lambda row: row.is_over)[:room]
        label_width = self.board.label_width
        most = self._terminal.width
        text = "\n".join(self._cut(escaped(row.line(label_width, most))) for row in rows)
        return Text(text, no_wrap=True)

    def _cut(self, line: str) -> str:
        most = self._terminal.width
        return line if not most or len(line) <= most else line[: most - 1] + "…"

    def _tell(self, text: str) -> None:
        self._console.print(text)

    def close(self) -> None:
        """The region goes, the lines stay."""
        self._region.stop()
        label_width = self.board.label_width
        for row in self.board.snapshot():
            self._terminal.say(_line(self._terminal, row, label_width))


@contextmanager
def watching(output: Output) -> Iterator[Watcher]:
    """The watcher that suits where the output goes."""
    watcher = Watcher() if output is Output.JSON else Live() if here().is_live else Lines()
    try:
        yield watcher
    finally:
        watcher.close()
