"""Commands in a running box, with its own user, environment and directory.

Docker gives a command the box's capabilities, filter and no-new-privileges by itself, and its user
and directory only if they are said.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.containers import Containers, details_of
from orchestr8.engines.docker.hijack import Stream, hijack
from orchestr8.engines.docker.streams import STDERR, STDOUT, Frames
from orchestr8.engines.protocol import ExecResult
from orchestr8.errors import EngineError, RejectedError, TimedOutError, UnavailableError
from orchestr8.names import BoxId

OUTPUT_BYTES_MAX = 1 << 20
PIECE_BYTES = 64 << 10
_STATUS_SECONDS = 5.0


class Programs:
    """Runs commands in boxes."""

    def __init__(self, client: Client, containers: Containers) -> None:
        self._client = client
        self._containers = containers

    def run(
        self,
        found: Mapping[str, Any],
        box_id: BoxId,
        command: Sequence[str],
        timeout_ms: int | None,
    ) -> ExecResult:
        """Run to the end, or kill it when its time is over."""
        doing = f"running a command in box {box_id}"
        exec_id = self._prepare(found, box_id, command, attached=False, terminal=False)
        stream = self._stream(exec_id, doing, terminal=False)
        deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        try:
            kept = _collect(stream, deadline)
        finally:
            stream.close()
        if kept is None:
            self._end(found["Id"], exec_id, doing)
            raise TimedOutError(f"the command in box {box_id} did not end within {timeout_ms} ms")
        return ExecResult(self._status(exec_id, doing), *kept)

    def attach(self, found: Mapping[str, Any], box_id: BoxId, command: Sequence[str]) -> int:
        """Run joined to this process's input and output, as a terminal if it has one."""
        doing = f"running a command in box {box_id}"
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        exec_id = self._prepare(found, box_id, command, attached=True, terminal=terminal)
        stream = self._stream(exec_id, doing, terminal=terminal)
        try:
            with _raw_terminal(terminal), self._window(exec_id, terminal):
                _relay(stream, framed=not terminal)
        finally:
            stream.close()
        return self._status(exec_id, doing)

    def _stream(self, exec_id: str, doing: str, *, terminal: bool) -> Stream:
        target = f"{self._client.prefix}/exec/{exec_id}/start"
        return hijack(self._client.endpoint, target, {"Detach": False, "Tty": terminal}, doing)

    def _prepare(
        self,
        found: Mapping[str, Any],
        box_id: BoxId,
        command: Sequence[str],
        *,
        attached: bool,
        terminal: bool,
    ) -> str:
        if not command:
            raise RejectedError("there is no command to run", "write it after --")
        if not details_of(found).state.runs:
            raise RejectedError(f"box {box_id} does not run, so nothing can be run in it")
        config = found["Config"]
        answer = self._client.post(
            f"/containers/{found['Id']}/exec",
            f"running a command in box {box_id}",
            {
                "Cmd": list(command),
                "User": config["User"],
                "Env": [text for text in config.get("Env") or [] if "=" in text],
                "WorkingDir": config.get("WorkingDir") or "/",
                "Privileged": False,
                "Tty": terminal,
                "AttachStdin": attached,
                "AttachStdout": True,
                "AttachStderr": True,
            },
        )
        return str(answer["Id"])

    def _status(self, exec_id: str, doing: str) -> int:
        """The exit status; the engine learns it a moment after the output has ended."""
        deadline = time.monotonic() + _STATUS_SECONDS
        while True:
            found = self._client.get(f"/exec/{exec_id}/json", doing)
            status = found.get("ExitCode")
            if status is not None and not found.get("Running"):
                return int(status)
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{doing}: the engine does not say how it ended", "look at the log of dockerd"
                )
            time.sleep(0.01)

    def _end(self, container: str, exec_id: str, doing: str) -> None:
        """Kill a command that overran; Docker has no call for it, so by its pid on this host."""
        with suppress(EngineError, OSError, ValueError):
            found = self._client.get(f"/exec/{exec_id}/json", doing)
            pid = int(found.get("Pid") or 0)
            if not found.get("Running") or pid <= 1:
                return
            handle = os.pidfd_open(pid)
            try:
                # opened first, looked at then: what is in the box's cgroup now is what is killed
                if container in Path(f"/proc/{pid}/cgroup").read_text():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)

    @contextmanager
    def _window(self, exec_id: str, terminal: bool) -> Iterator[None]:
        """Keep the size of the box's terminal like ours."""
        if not terminal:
            yield
            return

        def tell(*_: object) -> None:
            size = shutil.get_terminal_size()
            with suppress(EngineError):
                self._client.post(
                    f"/exec/{exec_id}/resize",
                    "changing the size of a terminal",
                    h=str(size.lines),
                    w=str(size.columns),
                )

        before = signal.signal(signal.SIGWINCH, tell)
        tell()
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


def _collect(stream: Stream, deadline: float | None) -> tuple[bytes, bytes] | None:
    """Both outputs to their end, each within a bound; None when the deadline came first."""
    frames = Frames()
    kept = {STDOUT: bytearray(), STDERR: bytearray()}
    while True:
        if not stream.waiting:
            wait = None if deadline is None else max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([stream], [], [], wait)
            if not readable:
                return None
        piece = stream.read()
        if not piece:
            return bytes(kept[STDOUT]), bytes(kept[STDERR])
        for number, content in frames.feed(piece):
            into = kept.get(number)
            if into is not None:
                into += content[: OUTPUT_BYTES_MAX - len(into)]


def _relay(stream: Stream, *, framed: bool) -> None:
    """Pass bytes both ways until the far end closes."""
    frames = Frames()
    source = sys.stdin.fileno()
    watched: list[Any] = [stream, source]
    while True:
        readable: list[Any] = [stream]
        if not stream.waiting:
            readable, _, _ = select.select(watched, [], [])
        if stream in readable:
            piece = stream.read()
            if not piece:
                return
            for number, content in frames.feed(piece) if framed else [(STDOUT, piece)]:
                target = sys.stderr if number == STDERR else sys.stdout
                target.buffer.write(content)
                target.buffer.flush()
        if source in readable:
            typed = os.read(source, PIECE_BYTES)
            if typed:
                stream.write(typed)
            else:
                stream.end_input()
                watched.remove(source)


@contextmanager
def _raw_terminal(terminal: bool) -> Iterator[None]:
    """Hand every key to the box; the terminal is as before afterwards."""
    if not terminal:
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
