"""The entry of the console script: straight to a server that answers, else the command line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130
FAILED = 1
OBJECTS_BETWEEN_COLLECTIONS = 100_000
THREADS_WAIT_SECONDS = 0.001

# No package that happens to be installed beside us hooks into the reading of manifests, and nobody
# waits for the search for such.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main() -> None:
    """Runs the command line of this process and ends it with its exit status."""
    _open_streams()
    # What is imported stays to the end: looking through it for garbage time and again is a good
    # part of what a short command takes. A long one still collects.
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    # Engines are asked by threads beside one that computes, and each of their many short steps
    # would wait for its turn five times as long.
    sys.setswitchinterval(THREADS_WAIT_SECONDS)
    _end(run(sys.argv[1:]))


def _open_streams() -> None:
    """Where a standard stream was closed, no other file takes its number: there is nothing to read,
    what is said beside the output leads nowhere, and writing the output fails as the kernel has
    it."""
    for name, mode, flags in (
        ("stdin", "r", os.O_RDONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


def _end(status: int) -> None:
    """Ends the process as the kernel does it, at once: taking apart what was imported, object by
    object, would take a short command 13 to 20 ms.

    Where a thread has to end first, or what was printed cannot be written, Python does it.
    """
    gc.freeze()
    if _has_more_to_do():
        sys.exit(status)
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except (OSError, ValueError):
        sys.exit(status)
    os._exit(status)


def _has_more_to_do() -> bool:
    """Whether a thread has to end before the process does."""
    if "threading" not in sys.modules:
        return False
    import threading

    others = (one for one in threading.enumerate() if one is not threading.main_thread())
    return any(not one.daemon for one in others)


def run(arguments: Sequence[str]) -> int:
    """One command; whatever is raised below ends here, as a sentence and an exit status."""
    try:
        return _told(arguments)
    except BrokenPipeError:
        _close_quietly()
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _told(arguments: Sequence[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        from orchestr8.client import answered

        status = answered(arguments)
        if status is None:
            from orchestr8.cli.app import call

            status = call(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        from orchestr8.cli.report import report

        return report(error, arguments)


def _close_quietly() -> None:
    """Whoever read our output has gone: what is left in the buffers goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


if __name__ == "__main__":
    main()
