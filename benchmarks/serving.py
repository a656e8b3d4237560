"""A server of an installation, for the rows that are measured through it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.installation import Installed
from benchmarks.processes import spent_ms

SECONDS_MOST = 60.0
_STILL_SECONDS = 0.5
"""Ten times what the kernel counts processor time in, and less than the loop looks around in."""


@contextmanager
def serving(ours: Installed) -> Iterator[int]:
    """The server's process while this lasts; it answers before it is given."""
    socket = Path(ours.environment["ORCHESTR8_RUN"], "api.sock")
    server = subprocess.Popen(
        ours.command("serve"), env=ours.environment, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + SECONDS_MOST
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server does not begin")
            time.sleep(0.05)
        yield server.pid
    finally:
        server.terminate()
        server.wait(SECONDS_MOST)


def await_rest(server: int) -> None:
    """Comes back once the server does nothing: what followed an apply is over."""
    deadline, before = time.monotonic() + SECONDS_MOST, -1.0
    while (spent := spent_ms([server])) != before and time.monotonic() < deadline:
        before = spent
        time.sleep(_STILL_SECONDS)
