"""Making a box by conmon and crun: the monitor outlives us, keeps the log and the exit status."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from enum import Enum
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestr8.engines.crun.log_files import FILE_BYTES_MAX
from orchestr8.engines.crun.places import BoxPlaces, Places
from orchestr8.engines.crun.processes import Process
from orchestr8.engines.crun.runtime import Runtime
from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host.box_cgroups import BoxCgroup
from orchestr8.kernel import files
from orchestr8.names import BoxId

_NUMBER_LEAST = 10
_BORN_SECONDS = 30.0
_NOT_THERE = re.compile(r"executable file `(.*)` not found")
_ANSWER_BYTES = 64 << 10
_ENDED = -1
"""The start time of a process that had ended before it could be asked."""
_ENDED_EARLY = "a box ended while it was being made"
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_WRITING = (
    "/bin/sh", "-c",
    'while [ "$1" != -- ]; do echo "$2" > "$1" || exit 125; shift 2; done; shift; exec "$@"', "sh",
)  # fmt: skip


def writing(values: Mapping[str, str]) -> list[str]:
    """The words before a command that have a shell write a text into each of these files, about
    itself, and then become the command."""
    return [*_WRITING, *(word for pair in values.items() for word in pair), "--"]


class Born(Struct, frozen=True):
    """A created box's first task, and its monitor."""

    process: Process
    monitor: Process


class Monitors(Struct, frozen=True):
    """Starts monitors."""

    conmon: str
    runtime: Runtime
    places: Places

    @contextmanager
    def waiting(
        self, box_id: BoxId, box: BoxPlaces, cgroup: BoxCgroup, before: Sequence[str] = ()
    ) -> Iterator[Waiting]:
        """A monitor that starts while the box is laid out, and waits for that.

        On v1 a shell on the way joins the box's group and becomes the runtime, so that nobody ever
        moves another's process: that would wait for the kernel. The monitor itself is born in its
        owner's group, or moved there while it waits.

        `before` are words that come before the runtime's.
        """
        pipes = _Pipes.opened()
        try:
            birthplace = cgroup.beside() if self.runtime.joins else nullcontext()
            with (box.bundle / "errors").open("wb") as errors, birthplace:
                started = subprocess.Popen(
                    self._command(box_id, box, cgroup, before),
                    cwd=box.bundle, env=_ENVIRONMENT | pipes.environment,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                    pass_fds=[pipes.answer, pipes.told],
                )  # fmt: skip
            waiting = Waiting(box_id, box, started, pipes)
            try:
                yield waiting
            finally:
                waiting.close()
        finally:
            pipes.close()

    def _command(
        self, box_id: BoxId, box: BoxPlaces, cgroup: BoxCgroup, before: Sequence[str]
    ) -> list[str]:
        joining = writing(dict.fromkeys(cgroup.join_files(), "0")) if self.runtime.joins else []
        first, *arguments = (*joining, *before, *self.runtime.command())
        return [
            self.conmon, "--api-version", "1", "--cid", str(box_id), "--cuuid", str(box_id),
            "--name", str(box_id), "--runtime", first,
            *(word for argument in arguments for word in ("--runtime-arg", argument)),
            "--bundle", str(box.bundle), "--container-pidfile", str(box.bundle / "first.pid"),
            "--conmon-pidfile", str(box.bundle / "monitor.pid"),
            "--socket-dir-path", str(self.places.sockets), "--exit-dir", str(self.places.exits),
            "--persist-dir", str(box.kept), "--log-path", f"k8s-file:{box.log}",
            "--log-size-max", str(FILE_BYTES_MAX), "--log-level", "error", "--no-sync-log",
        ]  # fmt: skip


class _Pipes(Struct, frozen=True):
    """What a monitor waits for, and where it answers.

    It has both ends of the pipe for its answer: one whose reader is killed would end it as well.
    Both numbers lie above those that it opens itself.
    """

    read: int
    answer: int
    tell: int
    told: int

    @classmethod
    def opened(cls) -> _Pipes:
        read, write = os.pipe()
        try:
            both = os.open(f"/proc/self/fd/{write}", os.O_RDWR | os.O_CLOEXEC)
        finally:
            os.close(write)
        told, tell = os.pipe()
        return cls(read, _above(both), tell, _above(told))

    @property
    def environment(self) -> dict[str, str]:
        return {"_OCI_SYNCPIPE": str(self.answer), "_OCI_STARTPIPE": str(self.told)}

    def close(self) -> None:
        for number in (self.read, self.answer, self.tell, self.told):
            os.close(number)


class Waiting(Struct):
    """A monitor that has started, and makes its box from what it is handed."""

    box_id: BoxId
    box: BoxPlaces
    started: subprocess.Popen[bytes]
    pipes: _Pipes

    def go_on(self, cgroup: BoxCgroup | None) -> None:
        """The box is laid out; where its group is given, who watches is moved out of the way."""
        if cgroup:
            cgroup.move_out(self.started.pid)
        with contextlib.suppress(BrokenPipeError):  # one that has ended says why
            os.write(self.pipes.tell, b"0")

    def born(self) -> Born:
        """The box, once it waits at its gate; a monitor that has ended has said why before."""
        if self.started.wait():
            said = _last((self.box.bundle / "errors").read_text(errors="replace"))
            raise RejectedError(f"creating box {self.box_id}: {said}", "see `orchestr8 doctor`")
        number = _number(self.box.bundle / "monitor.pid")
        monitor = Process.of(number) or Process(number, _ENDED)
        first = _process(_told(self.box_id, self._answer(monitor)))
        if not first.boxed:  # a number that means another process on this host
            raise RejectedError(
                f"creating box {self.box_id}: the runtime named process {first.pid}, which is none",
                "report this with the version of crun; the box was not made",
            )
        if monitor.started == _ENDED:
            raise RejectedError(_ENDED_EARLY, "apply again")
        return Born(first, monitor)

    def close(self) -> None:
        """End it if it still waits; what it began by then is ended with the rest of the box."""
        if self.started.poll() is None:
            self.started.kill()
            self.started.wait()

    def _answer(self, monitor: Process) -> dict[str, Any]:
        text, deadline = b"", time.monotonic() + _BORN_SECONDS
        with monitor.opened() as ending:
            while not text.endswith(b"\n"):
                match _first(self.pipes.read, select.POLLIN, ending, deadline):
                    case _Came.ASKED:
                        text += os.read(self.pipes.read, _ANSWER_BYTES)
                    case _Came.END:
                        raise RejectedError(
                            f"creating box {self.box_id}: its monitor ended without a word",
                            "see `orchestr8 doctor`",
                        )
                    case _Came.DEADLINE:
                        raise UnavailableError(
                            f"creating box {self.box_id}: the runtime does not answer"
                        )
        found: dict[str, Any] = json.loads(text)
        return found


class _Came(Enum):
    """What came first."""

    ASKED = "what was waited for"
    END = "the end of a process"
    DEADLINE = "the deadline"


def _first(number: int, event: int, ending: int | None, deadline: float) -> _Came:
    """Waits for an event of a descriptor, and for no longer than a process lives; that has ended
    already where it has no descriptor."""
    waiting = select.poll()
    waiting.register(number, event)
    if ending is not None:
        waiting.register(ending, select.POLLIN)
    left = 0.0 if ending is None else max(0.0, deadline - time.monotonic())
    came = dict(waiting.poll(left * 1000))
    if number in came:
        return _Came.ASKED
    return _Came.END if came or ending is None else _Came.DEADLINE


def _above(number: int) -> int:
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _NUMBER_LEAST)
    finally:
        os.close(number)


def _told(box_id: BoxId, document: dict[str, Any]) -> int:
    number = document.get("data", document.get("pid"))
    if not isinstance(number, int) or number <= 0:
        said = _last(str(document.get("message") or ""))
        missing = _NOT_THERE.match(said)
        if missing:
            raise RejectedError(
                f"creating box {box_id}: the image has no program {missing[1]}",
                "write the entrypoint that the image has",
            )
        raise RejectedError(f"creating box {box_id}: {said}", "look at what it names")
    return number


def _process(pid: int) -> Process:
    found = Process.of(pid)
    if not found:
        raise RejectedError(_ENDED_EARLY, "apply again")
    return found


def _number(file: Path) -> int:
    text = files.read_text(str(file)).strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "no reason given"
