"""Commands in a running box, with its own user, environment and directory.

Docker gives a command the box's capabilities, filter and no-new-privileges by itself, and its user
and directory only if they are said.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from orchestr8.descriptors import ready
from orchestr8.engines import sessions
from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.containers import Containers
from orchestr8.engines.docker.details import details_of
from orchestr8.engines.docker.hijack import Stream, hijack
from orchestr8.engines.joined import LOOK_SECONDS, Joined, write
from orchestr8.engines.protocol import ExecResult
from orchestr8.errors import EngineError, RejectedError, TimedOutError, UnavailableError
from orchestr8.frames import ERROR, OUTPUT, Frames
from orchestr8.names import BoxId

OUTPUT_BYTES_MAX = 1 << 20
PIECE_BYTES = 64 << 10
_STATUS_SECONDS = 5.0
_KILLED = 128 + signal.SIGKILL


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

    def attach(
        self, found: Mapping[str, Any], box_id: BoxId, command: Sequence[str], joined: Joined
    ) -> int:
        """Run joined to somebody's input and outputs, as a terminal if they have one."""
        doing = f"running a command in box {box_id}"
        terminal = joined.is_terminal
        exec_id = self._prepare(found, box_id, command, attached=True, terminal=terminal)
        stream = self._stream(exec_id, doing, terminal=terminal)
        has_ended = False
        try:
            with joined.raw():
                has_ended = _relay(stream, joined, lambda: self._resize(exec_id, joined.window()))
        finally:
            stream.close()
            if not has_ended:
                self._end(found["Id"], exec_id, doing)
        return self._status(exec_id, doing) if has_ended else _KILLED

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
        found = self._seen(exec_id, doing, _has_ended)
        if not _has_ended(found):
            raise UnavailableError(
                f"{doing}: the engine does not say how it ended", "look at the log of dockerd"
            )
        return int(found["ExitCode"])

    def _seen(
        self, exec_id: str, doing: str, enough: Callable[[Mapping[str, Any]], bool]
    ) -> Mapping[str, Any]:
        """What the engine says of a command, as soon as it is enough, or at last."""
        deadline = time.monotonic() + _STATUS_SECONDS
        while True:
            found: Mapping[str, Any] = self._client.get(f"/exec/{exec_id}/json", doing)
            if enough(found) or time.monotonic() > deadline:
                return found
            time.sleep(0.01)

    def _end(self, container: str, exec_id: str, doing: str) -> None:
        """Kill a command that overran or that nobody waits for; Docker has no call for it, so by
        its pid on this host, which is known a moment after its beginning."""
        with suppress(EngineError, OSError, ValueError):
            found = self._seen(exec_id, doing, lambda one: _runs(one) or _has_ended(one))
            pid = int(found.get("Pid") or 0)
            if not _runs(found) or pid <= 1:
                return
            sessions.end(pid, container)

    def _resize(self, exec_id: str, window: tuple[int, int] | None) -> None:
        """Make the box's terminal as large as theirs."""
        if not window:
            return
        columns, lines = map(str, window)
        doing = "changing the size of a terminal"
        with suppress(EngineError):
            self._client.post(f"/exec/{exec_id}/resize", doing, h=lines, w=columns)


def _has_ended(found: Mapping[str, Any]) -> bool:
    return found.get("ExitCode") is not None and not found.get("Running")


def _runs(found: Mapping[str, Any]) -> bool:
    return bool(found.get("Running") and found.get("Pid"))


def _collect(stream: Stream, deadline: float | None) -> tuple[bytes, bytes] | None:
    """Both outputs to their end, each within a bound; None when the deadline came first."""
    frames = Frames()
    kept = {OUTPUT: bytearray(), ERROR: bytearray()}
    while True:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not stream.waits(wait):
            return None
        piece = stream.read()
        if not piece:
            return bytes(kept[OUTPUT]), bytes(kept[ERROR])
        for number, content in frames.feed(piece):
            into = kept.get(number)
            if into is not None:
                into += content[: OUTPUT_BYTES_MAX - len(into)]


def _relay(stream: Stream, joined: Joined, resize: Callable[[], None]) -> bool:
    """Pass bytes both ways until the far end closes; False where nobody is at ours before.

    More input is read once the far end has what was read before, which may wait for it to be heard.
    """
    frames, framed = Frames(), not joined.is_terminal
    window, typed, has_input = None, b"", True
    while not joined.is_left():
        before, window = window, joined.window()
        if window != before:
            resize()
        far = stream.fileno()
        watched = [far, joined.input] if has_input and not typed else [far]
        wait = 0 if stream.waiting else LOOK_SECONDS
        told, taken = ready(watched, [far] if typed else [], wait)
        if taken:
            typed = typed[stream.write(typed) :]
        if stream.waiting or far in told:
            piece = stream.read()
            if not piece:
                return True
            for number, content in frames.feed(piece) if framed else [(OUTPUT, piece)]:
                write(joined.error if number == ERROR else joined.output, content)
        if joined.input in told:
            typed = os.read(joined.input, PIECE_BYTES)
            has_input = bool(typed)
            if not has_input:
                stream.end_input()
    return False
