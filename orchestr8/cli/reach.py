"""The files and the keyboard of a command: this process's, unless it was typed elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from orchestr8 import reading
from orchestr8.cli import planfiles
from orchestr8.cli.texts import Texts, read_paths
from orchestr8.engines.joined import Joined


class Reach(Protocol):
    """Files where a command was typed."""

    def texts(self, paths: Sequence[str]) -> Texts:
        """The manifests under these paths; raises ManifestError."""

    def plan_file(self, paths: Sequence[str]) -> tuple[str, bytes] | None:
        """The first plan file among these paths, and its content."""

    def check_out(self, path: str) -> None:
        """Raises UsageError where a plan file must not be written."""

    def write_plan(self, path: str, text: str) -> None:
        """Writes a plan file; raises UsageError where that fails."""

    def tell_revision(self, number: int) -> None:
        """Tells the revision that the set of which the command speaks is at, 0 for none."""

    def joined(self) -> Joined | None:
        """What a command in a box is joined to; None where it can only be told of afterwards."""

    def typed(self, question: str) -> str:
        """What somebody types after a question; the empty text where nobody can."""


class Here:
    """This process's own files."""

    def texts(self, paths: Sequence[str]) -> Texts:
        """The manifests under these paths; raises ManifestError."""
        return read_paths(paths)

    def plan_file(self, paths: Sequence[str]) -> tuple[str, bytes] | None:
        """The first plan file among these paths, and its content."""
        return reading.plan_file(paths)

    def check_out(self, path: str) -> None:
        """Raises UsageError where a plan file must not be written."""
        planfiles.check_out(path)

    def write_plan(self, path: str, text: str) -> None:
        """Writes a plan file; raises UsageError where that fails."""
        planfiles.write(path, text)

    def tell_revision(self, number: int) -> None:
        """It is in what is printed."""

    def joined(self) -> Joined | None:
        """This process's own input and outputs."""
        sys.stdout.flush()
        return Joined()

    def typed(self, question: str) -> str:
        """What somebody types, where standard input is a terminal."""
        if not sys.stdin.isatty():
            return ""
        sys.stdout.write(question)
        sys.stdout.flush()
        return sys.stdin.readline().strip()


_reach: ContextVar[Reach] = ContextVar("reach")


def reach() -> Reach:
    """The files of the command that runs."""
    return _reach.get(None) or Here()


@contextmanager
def reaching(files: Reach) -> Iterator[None]:
    """What is read and written within is there."""
    token = _reach.set(files)
    try:
        yield
    finally:
        _reach.reset(token)
