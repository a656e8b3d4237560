"""A command that is killed as it is about to make its Nth call of those that change something.

strace's own `inject=…:signal=KILL:when=N` counts in each thread apart, and for each call apart: the
threads that talk to the engine would never be met, since the main thread reaches every small N
before them. So strace holds each call back for a moment and names it, and who reads kills the
process at the Nth of them all. A process that is killed while a call waits does not make it.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestr8.descriptors import readable

CALLS = (
    "write", "pwrite64", "sendto", "sendmsg", "fsync", "fdatasync", "ftruncate",
    "rename", "mkdir", "rmdir", "unlink", "unlinkat", "mount", "move_mount", "umount2",
)  # fmt: skip
_HELD_MICROSECONDS = 2_000
_ENTRY = re.compile(rb"^\d+ +(\w+)\(([^\n]*)", re.MULTILINE)
_PATH = re.compile(rb"<([^<>]*)>|\"([^\"]*)\"")


@dataclass(frozen=True)
class Ending:
    """How a run ended: the call it was killed at (empty: it was not), status and output."""

    call: str
    calls: int
    status: int
    said: str


def run_killed_at(
    number: int, command: Sequence[str], environment: Mapping[str, str], seconds: float = 600
) -> Ending:
    """Runs a command until its Nth call, counted from 1 over all threads and children; 0 never
    kills."""
    reader, writer = os.pipe()
    tracing = [
        "strace", "--daemonize", "--follow-forks", "--seccomp-bpf", "--quiet=all",
        "--string-limit=64",
        "--decode-fds=path", "--signal=none", f"--trace={','.join(CALLS)}",
        f"--inject={','.join(CALLS)}:delay_enter={_HELD_MICROSECONDS}",
        f"--output=/dev/fd/{writer}", "--",
    ]  # fmt: skip
    process = subprocess.Popen(
        [*tracing, *command], env=dict(environment), pass_fds=[writer], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    os.close(writer)
    try:
        return _watch(number, process, reader, time.monotonic() + seconds)
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def _watch(number: int, process: subprocess.Popen[str], reader: int, deadline: float) -> Ending:
    """Reads what strace names until it has no process left to follow."""
    assert process.stdout
    seen, said, call = b"", b"", ""
    streams = {reader, process.stdout.fileno()}
    while reader in streams:
        ready = readable(streams, max(0.0, deadline - time.monotonic()))
        assert ready, f"it neither ended nor came to call {number} in time:\n{said.decode()}"
        for stream in ready:
            part = os.read(stream, 65536)
            if not part:
                streams.remove(stream)
            elif stream == reader:
                seen += part
            else:
                said += part
        if number and not call and (entries := _ENTRY.findall(seen))[number - 1 :]:
            process.kill()
            call = _named(*entries[number - 1])
    status = process.wait()
    return Ending(call, len(_ENTRY.findall(seen)), status, said.decode(errors="replace"))


def _named(call: bytes, arguments: bytes) -> str:
    found = _PATH.search(arguments)
    path = next(filter(None, found.groups()), b"") if found else b""
    return f"{call.decode()} {path.decode(errors='replace')}".strip()
