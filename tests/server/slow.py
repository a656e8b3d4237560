"""A server whose commands wait until they are let go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.controller.authority import EVERYTHING, Asker, Authority
from orchestr8.server.answers import Answer
from orchestr8.server.application import Application
from orchestr8.server.documents import Command
from orchestr8.server.listening import listening
from orchestr8.server.monitoring import Told


class Slow:
    """A command that waits until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()

    def __call__(self, _: Asker, __: str, ___: Command, answer: Answer) -> None:
        answer.put(out="begun\n")
        self.begun.release()
        self.let_go.wait(60)
        answer.put(exit=0)


def well(_: str, __: Authority) -> Told:
    """Whoever watches is told that all is well."""
    return Told(200, "application/json", b"{}")


def deaf(_: str, __: object) -> bool:
    """No forge is heard."""
    return False


@contextmanager
def slow_api(folder: Path) -> Iterator[tuple[Path, Slow]]:
    """A server whose commands wait."""
    slow = Slow()
    application = Application(lambda _: EVERYTHING, slow, well, deaf)
    with listening(folder / "run", application, print) as path:
        try:
            yield path, slow
        finally:
            slow.let_go.set()
