"""Commands in running boxes, always with the box's full process document.

Without it crun runs a command as root, with new privileges, and outside the box's cgroup; and even
with it, as hard to end for want of memory as this process, so that is said before.
A shell joins that group on the way: were it this process, a box without memory or tasks left could
have it ended by the kernel, or keep it from starting anything.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from orchestr8.descriptors import readable
from orchestr8.engines import sessions
from orchestr8.engines.crun.monitor import writing
from orchestr8.engines.crun.places import Places
from orchestr8.engines.crun.runtime import Runtime
from orchestr8.engines.joined import LOOK_SECONDS, Joined
from orchestr8.engines.protocol import ExecResult
from orchestr8.errors import RejectedError, TimedOutError
from orchestr8.host import oom
from orchestr8.host.box_cgroups import BoxCgroup
from orchestr8.names import BoxId

OUTPUT_BYTES_MAX = 1 << 20
_PIECE_BYTES = 64 << 10
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_SCORE = "/proc/self/oom_score_adj"
_LOOK_SECONDS = 0.5
_NOT_FOUND = 127
_BEGIN_SECONDS, _BEGIN_LOOK_SECONDS = 5.0, 0.01
"""How long a command that shall end again may take to begin; before, nobody could end it."""


class Commands(Struct, frozen=True):
    """Runs commands in boxes. By its session the end of a command finds what that began."""

    runtime: Runtime
    places: Places

    def run(
        self, box_id: BoxId, cgroup: BoxCgroup, command: Sequence[str], timeout_ms: int | None
    ) -> ExecResult:
        """Run to the end, or kill it when its time is over."""
        with self._document(box_id, command, terminal=False) as folder, subprocess.Popen(
            self._words(box_id, cgroup, folder),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=_ENVIRONMENT, start_new_session=True,
        ) as process:  # fmt: skip
            deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
            waiting = _Waiting(process, cgroup, folder / "pid")
            kept = _collect(process, deadline, waiting)
            if kept is None:
                waiting.end()
                raise TimedOutError(
                    f"the command in box {box_id} did not end within {timeout_ms} ms"
                )
            status = _status(process)
        if status and b"executable file" in kept[1] and b"not found" in kept[1]:
            status = _NOT_FOUND
        return ExecResult(status, *kept)

    def attach(
        self, box_id: BoxId, cgroup: BoxCgroup, command: Sequence[str], joined: Joined
    ) -> int:
        """Run joined to somebody's input and outputs, as a terminal if they have one."""
        with self._document(
            box_id, command, terminal=joined.is_terminal
        ) as folder, subprocess.Popen(
            self._words(box_id, cgroup, folder),
            stdin=joined.input, stdout=joined.output, stderr=joined.error, env=_ENVIRONMENT,
            start_new_session=not joined.stays,
        ) as process:  # fmt: skip
            _Waiting(process, cgroup, folder / "pid").to_its_end(joined)
            return _status(process)

    @contextmanager
    def _document(self, box_id: BoxId, command: Sequence[str], *, terminal: bool) -> Iterator[Path]:
        """A folder of its own for one command, with the box's process document changed to it."""
        if not command:
            raise RejectedError("there is no command to run", "write it after --")
        places = self.places.box(box_id)
        try:
            document = json.loads(places.process.read_text())
        except FileNotFoundError as error:
            raise RejectedError(
                f"what box {box_id} keeps in {places.run} is gone: no command can be run in it",
                f"a fresh box has it again: orchestr8 restart {box_id.service_name}",
            ) from error
        folder = places.run / f"command-{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        try:
            whole = document | {"args": list(command), "terminal": terminal}
            (folder / "process.json").write_text(json.dumps(whole))
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _words(self, box_id: BoxId, cgroup: BoxCgroup, folder: Path) -> list[str]:
        joined = cgroup.join_files() if self.runtime.joins else []
        own = {_SCORE: str(oom.USUAL)} | dict.fromkeys(joined, "0")
        return [
            *writing(own), *self.runtime.command(), "exec",
            "--process", str(folder / "process.json"), "--pid-file", str(folder / "pid"),
            str(box_id),
        ]  # fmt: skip


class _Waiting(Struct):
    """The runtime, which waits for a command that runs; `pid_file` is written once that does.

    It joined the box's group so that the command is born there, and is let go after a while: it has
    all rights, and a proof of the box would find it in there.
    """

    process: subprocess.Popen[bytes]
    cgroup: BoxCgroup
    pid_file: Path
    is_out: bool = False

    def to_its_end(self, joined: Joined) -> None:
        """Waits until it has ended: its terminal is as large as theirs to whom it is joined, and
        it is ended when they have gone."""
        ended = os.pidfd_open(self.process.pid)
        try:
            window = joined.window()
            while not readable([ended], LOOK_SECONDS):
                self.look()
                if joined.is_left():
                    self.end()
                    return
                before, window = window, joined.window()
                if window != before:
                    self.process.send_signal(signal.SIGWINCH)
        finally:
            os.close(ended)

    def look(self) -> None:
        """Lets it go if the command runs; before, that would be born outside of the box."""
        if not self.is_out and _text(self.pid_file):
            self.cgroup.let_go(self.process.pid)
            self.is_out = True

    def end(self) -> None:
        """Kill a command that overran or that nobody waits for, and what waits for it."""
        deadline = time.monotonic() + _BEGIN_SECONDS
        while not (text := _text(self.pid_file)) and self.process.poll() is None:
            if time.monotonic() > deadline:
                break
            time.sleep(_BEGIN_LOOK_SECONDS)
        if text.isascii() and text.isdigit():
            sessions.end(int(text), Path(self.cgroup.path).name)
        self.process.kill()


def _collect(
    process: subprocess.Popen[bytes], deadline: float | None, waiting: _Waiting
) -> tuple[bytes, bytes] | None:
    """Both outputs to their end, each within a bound; None when the deadline came first."""
    assert process.stdout and process.stderr
    kept = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    pipes = {process.stdout.fileno(): process.stdout, process.stderr.fileno(): process.stderr}
    first, second = kept
    while pipes:
        left = math.inf if deadline is None else max(0.0, deadline - time.monotonic())
        told = readable(pipes, min(left, _LOOK_SECONDS))
        if not told and not left:
            return None
        if not told:
            waiting.look()
        for number in told:
            piece = pipes[number].read1(_PIECE_BYTES)  # type: ignore[attr-defined]
            if not piece:
                del pipes[number]
            kept[number] += piece[: OUTPUT_BYTES_MAX - len(kept[number])]
    return bytes(kept[first]), bytes(kept[second])


def _status(process: subprocess.Popen[bytes]) -> int:
    """As a shell says it, should the runtime itself have been killed for want of memory."""
    status = process.wait()
    return status if status >= 0 else 128 - status


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
