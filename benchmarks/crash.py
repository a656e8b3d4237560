"""From a crash to the replacement running, while a server keeps the boxes.

Each round kills a box of another service, so that none of them has crashed before. Everything is
measured once the server is at rest: it clears up after the measure before. The workload itself says
when its first instruction ran: Docker's own word, StartedAt, comes before its runtime is called,
and a tenth of a second before anything runs. So nobody has to look often, and the engine has
nothing else to do meanwhile.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker

from benchmarks import compose
from benchmarks.bare.boxes import Connection
from benchmarks.bodies import plain
from benchmarks.crun_crash import rows as rows_on_crun
from benchmarks.ground import Ground
from benchmarks.installation import Installation, clear, client, installation
from benchmarks.processes import kill
from benchmarks.rows import Measure, Row, in_turn, medians
from benchmarks.serving import await_rest, serving
from benchmarks.workload import NAME, workload

TITLE = "A crash, to the replacement running"
ROUNDS = 7
BARE = "orchestr8-bench-crash"
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_ASK_SECONDS = 0.2
"""Longer than any of these takes, so that mostly the engine is asked once, and after it."""
_PEER = """\
services:
  box: {image: IMAGE, read_only: true, cap_drop: [ALL], mem_limit: 32m, pids_limit: 32}
"""
_API = "a box by Docker's API alone"
_POLICY = "Docker's restart policy"
_COMPOSE = "compose"
_TOLD = "told"
_READY = "ready"
_KINDS = {"box": "", _READY: ", standby: 1"}
"""Services by what is measured with them, and how each is declared; each is killed once."""

Containers = Sequence[dict[str, Any]]
Look = Callable[[], Containers]


def rows(ground: Ground) -> Iterator[Row]:
    """Ours beside what Docker's interface alone needs, its restart policy, and Compose; on crun."""
    manifest = ground.scratch / "crash.yaml"
    manifest.write_text(_manifest())
    with (
        _image(ground),
        installation(ground) as ours,
        compose.project(ground, "bench-crash", _PEER.replace("IMAGE", NAME)) as peer,
        serving(ours) as server,
    ):
        ours.type("apply", str(manifest))
        bare = _Bare(ground, plain(ours.container("box-0.crash"), ground.scratch, BARE))
        numbers = {kind: itertools.count() for kind in _KINDS}

        def at_rest(measure: Measure) -> Measure:
            def measured() -> float:
                await_rest(server)
                return measure()

            return measured

        def by_ours(kind: str) -> Measure:
            return lambda: _by_ours(ground, ours, server, manifest, f"{kind}-{next(numbers[kind])}")

        measures = {
            "ours": by_ours("box"),
            _READY: by_ours("ready"),
            _API: at_rest(bare.provisioned),
            _POLICY: at_rest(bare.restarted),
            _TOLD: at_rest(bare.told),
        }
        if peer:
            peer.type("up", "-d")
            measures[_COMPOSE] = at_rest(lambda: _by_compose(ground, peer))
        try:
            found = medians(in_turn(ROUNDS, measures))
        finally:
            bare.close()
    own = found["ours"]
    yield Row(
        "on Docker", own, found[_API], _API, "ms", ROUNDS, most=1.2,
        note=f"Docker tells of a death after {found[_TOLD]:.0f} ms; the loop acts when the kernel "
        "does (decisions/0036)",
    )  # fmt: skip
    yield Row(
        "on Docker, with a standby", found[_READY], found[_API], _API, "ms", ROUNDS, most=1.2,
        note="a created container, which is started (decisions/0038)",
    )  # fmt: skip
    yield Row(
        f"on Docker, and {_POLICY}", own, found[_POLICY], _POLICY, "ms", ROUNDS,
        note="it starts the same container again, a tenth of a second later",
    )  # fmt: skip
    yield Row(
        "on Docker, and Compose", own, found.get(_COMPOSE),
        f"`up -d` of {compose.version(ground)}", "ms", ROUNDS,
        note="typed as soon as the engine knows of the crash: nobody watches",
    )  # fmt: skip
    yield from rows_on_crun(ground)


@contextmanager
def _image(ground: Ground) -> Iterator[None]:
    """The engine has the workload's image while this lasts."""
    folder, api = ground.scratch / "stamped", client(ground.engine)
    folder.mkdir()
    list(api.load_image(workload(folder).archive.read_bytes()))  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        api.remove_image(NAME, force=True)
        api.close()


def recovered(api: docker.APIClient, look: Look, mend: Callable[[], object] = bool) -> float:
    """Milliseconds from the death of the one container that is seen until another one, or it again,
    ran its first instruction."""
    (box,) = look()
    task = api.inspect_container(box["Id"])["State"]["Pid"]
    began = time.monotonic_ns()
    kill(task)
    mend()
    return (_first_instruction(api, look, began) - began) / 1e6


def _first_instruction(api: docker.APIClient, look: Look, after: int) -> int:
    """When the first of these after some moment said so, in nanoseconds of CLOCK_MONOTONIC."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        time.sleep(_ASK_SECONDS)
        for one in look():
            said = api.logs(one["Id"]).split()
            if said and int(said[-1]) > after:
                return int(said[-1])
    raise RuntimeError("nothing was started after the crash")


class _Bare:
    """The same body by the engine's interface alone."""

    def __init__(self, ground: Ground, body: dict[str, Any]) -> None:
        self._engine = ground.engine
        self._api = client(ground.engine)
        self._connection = Connection(str(ground.engine.socket))
        self._body = body
        self._numbers = itertools.count()

    def provisioned(self) -> float:
        """Milliseconds from the first call to the first instruction."""
        began = time.monotonic_ns()
        made = self._made(self._body)
        first = _first_instruction(self._api, lambda: [{"Id": made}], began)
        clear(self._engine, BARE)
        return (first - began) / 1e6

    def restarted(self) -> float:
        """Milliseconds from a crash until the engine has started the container again."""
        host = {**self._body["HostConfig"], "RestartPolicy": {"Name": "always"}}
        made = self._made({**self._body, "HostConfig": host})
        taken = recovered(self._api, lambda: [{"Id": made}])
        clear(self._engine, BARE)
        return taken

    def told(self) -> float:
        """Milliseconds from a crash until the engine's event tells of it."""
        made = self._made(self._body)
        task = self._api.inspect_container(made)["State"]["Pid"]
        events = self._api.events(filters={"container": made, "event": "die"}, decode=True)
        began = time.time()
        kill(task)
        next(events)
        taken = time.time() - began
        events.close()
        clear(self._engine, BARE)
        return taken * 1000

    def _made(self, body: dict[str, Any]) -> str:
        name = f"{BARE}-{next(self._numbers)}"
        content = json.dumps(body).encode()
        made = json.loads(self._connection.post(f"/containers/create?name={name}", content))
        self._connection.post(f"/containers/{made['Id']}/start")
        return str(made["Id"])

    def close(self) -> None:
        """Nothing of it stays."""
        clear(self._engine, BARE)
        self._connection.close()
        self._api.close()


def _by_ours(
    ground: Ground, ours: Installation, server: int, manifest: Path, service: str
) -> float:
    ours.type("apply", str(manifest))  # what the round before began is over
    await_rest(server)
    api = client(ground.engine)

    def look() -> Containers:
        found: Containers = api.containers(filters={"name": f"^/crash--{service}--"})
        return found

    try:
        return recovered(api, look)
    finally:
        api.close()


def _by_compose(ground: Ground, peer: compose.Project) -> float:
    api = client(ground.engine)

    def look() -> Containers:
        found: Containers = api.containers(all=True, filters={"label": peer.label})
        return found

    def mend() -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while any(one["State"] == "running" for one in look()) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        peer.type("up", "-d")

    try:
        return recovered(api, look, mend)
    finally:
        api.close()


def _manifest() -> str:
    lines = ["orchestr8: 1\nowner: crash\ndefaults: {limits: {memory: 32MiB, pids: 32}}\nservices:"]
    for number in range(ROUNDS + 1):
        lines += [f"  {kind}-{number}: {{image: {NAME}{how}}}" for kind, how in _KINDS.items()]
    return "\n".join([*lines, ""])
