"""A machine that serves its API, within this process: its loop, its socket, and its boxes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestr8.cli.answering import Answering
from orchestr8.controller.loop import Loop
from orchestr8.controller.polling import Polling
from orchestr8.controller.progress import Event, Phase
from orchestr8.controller.session import session
from orchestr8.controller.settings import Settings
from orchestr8.engines.memory.workload import Workload
from orchestr8.engines.select import SIMULATED
from orchestr8.server.application import Application
from orchestr8.server.hooks import Hooks
from orchestr8.server.listening import listening
from orchestr8.server.metrics import Metrics
from orchestr8.server.monitoring import Monitoring

SECONDS_MOST = 60


class Started:
    """Hears of a loop's begin."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.notes: list[str] = []
        self.counted: Callable[[Phase], object] = bool

    def tell(self, event: Event) -> None:
        """Something happened."""
        if event.kind == "started":
            self.event.set()

    def phase(self, phase: Phase) -> None:
        """A phase of a box."""
        self.counted(phase)

    def note(self, text: str) -> None:
        """A sentence."""
        self.notes.append(text)


@dataclass(frozen=True)
class Served:
    """A machine that answers, on no socket yet; its sources are asked where a test runs that."""

    loop: Loop
    answering: Answering
    application: Application
    polling: Polling
    notes: list[str]

    @contextmanager
    def listening(self) -> Iterator[Path]:
        """Answers on its socket."""
        with listening(self.answering.settings.run, self.application, print) as path:
            yield path


@contextmanager
def serving(engine: str = "") -> Iterator[Path]:
    """The server of the state folder that the environment names; gives its socket."""
    with served(engine) as machine, machine.listening() as path:
        yield path


@contextmanager
def served(engine: str = "") -> Iterator[Served]:
    """The same without a socket."""
    settings = Settings.from_environment(engine)
    listener, ended = Started(), threading.Event()
    with session(settings) as opened:
        loop = Loop(opened, listener)

        def run() -> None:
            try:
                loop.run()
            finally:
                ended.set()
                listener.event.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert listener.event.wait(SECONDS_MOST) and not ended.is_set()
        metrics = Metrics(settings)
        loop.turned, listener.counted = metrics.turned, metrics.phase
        monitoring = Monitoring(loop, metrics)
        answering = Answering(loop, settings, metrics)
        polling = Polling(loop, settings, opened.clock, listener)
        answering.changed = polling.look
        application = answering.application(
            monitoring, Hooks(polling, settings.secrets, listener.note)
        )
        try:
            yield Served(loop, answering, application, polling, listener.notes)
        finally:
            loop.stop()
            thread.join(SECONDS_MOST)


def followers() -> int:
    """How many follow something at this server."""
    return sum("command" in thread.name for thread in threading.enumerate())


def behave(workload: Workload) -> None:
    """What runs in every box there is does this from now on."""
    for machine in SIMULATED.values():
        with machine.lock:
            for box_id, box in machine.boxes.items():
                machine.boxes[box_id] = replace(box, workload=workload)


@dataclass(frozen=True)
class Reply:
    """What came back: the status of HTTP, its headers, and the document or its lines."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The one document."""
        return json.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of an answer."""
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def exit(self) -> int:
        """The exit status of a command."""
        return int(self.events[-1]["exit"])

    @property
    def text(self) -> str:
        """What a command said, on both streams."""
        return "".join(one.get("out", "") + one.get("err", "") for one in self.events)


def request(path: Path, method: str, place: str, document: Any = None, **headers: str) -> Reply:
    """One request over a socket of its own."""
    body = b"" if document is None else json.dumps(document).encode()
    lines = [f"{method} {place} HTTP/1.0", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return exchange(path, "\r\n".join([*lines, "", ""]).encode() + body)


def exchange(path: Path, sent: bytes) -> Reply:
    """Sends these bytes, and reads what comes until the end."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(SECONDS_MOST)
        peer.connect(str(path))
        peer.sendall(sent)
        came = b""
        while piece := peer.recv(1 << 16):
            came += piece
    return parsed(came)


def parsed(came: bytes) -> Reply:
    """An answer of HTTP."""
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Reply(int(first.split()[1]), headers, body)
