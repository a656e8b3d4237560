"""From a crash to the replacement running, while a server keeps the boxes.

Each round kills a box of another service, so that none of them has crashed before. On Docker the
engine's own word counts, which says when it started a container; on crun the first instruction.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import compose
from benchmarks.bare.boxes import Connection
from benchmarks.bodies import plain
from benchmarks.crun_crash import rows as rows_on_crun
from benchmarks.ground import Ground
from benchmarks.installation import Installation, clear, client, installation, last_start
from benchmarks.processes import kill
from benchmarks.rows import Row, in_turn, medians
from benchmarks.serving import await_rest, serving

TITLE = "A crash, to the replacement running"
ROUNDS = 7
BARE = "orchestr8-bench-crash"
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_PEER = """\
services:
  box: {image: "hello:1", read_only: true, cap_drop: [ALL], mem_limit: 32m, pids_limit: 32}
"""
_API = "a box by Docker's API alone"
_POLICY = "Docker's restart policy"
_COMPOSE = "compose"
_TOLD = "told"

Containers = Sequence[dict[str, Any]]
Look = Callable[[], Containers]


def rows(ground: Ground) -> Iterator[Row]:
    """Ours beside what Docker's interface alone needs, its restart policy, and Compose; on crun."""
    manifest = ground.scratch / "crash.yaml"
    manifest.write_text(_manifest())
    with (
        installation(ground) as ours,
        compose.project(ground, "bench-crash", _PEER) as peer,
        serving(ours) as server,
    ):
        ours.type("apply", str(manifest))
        bare = _Bare(ground, plain(ours.container("box-0.crash"), ground.scratch, BARE))
        numbers = itertools.count()
        measures = {
            "ours": lambda: _by_ours(ours, server, manifest, next(numbers)),
            _API: bare.provisioned,
            _POLICY: bare.restarted,
            _TOLD: bare.told,
        }
        if peer:
            peer.type("up", "-d")
            measures[_COMPOSE] = lambda: _by_compose(ground, peer)
        try:
            found = medians(in_turn(ROUNDS, measures))
        finally:
            bare.close()
    own = found["ours"]
    yield Row(
        "on Docker", own, found[_API], _API, "ms", ROUNDS, most=1.2,
        note=f"Docker tells of a death after {found[_TOLD]:.0f} ms, and nothing is done before",
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


def recovered(look: Look, mend: Callable[[], object] = bool) -> float:
    """Milliseconds from the death of the one container that is seen until one was started."""
    (box,) = look()
    began = time.time()
    kill(box["State"]["Pid"])
    mend()
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        running = [one for one in look() if one["State"]["Running"]]
        if running and last_start(running) > began:
            return (last_start(running) - began) * 1000
        time.sleep(_LOOK_SECONDS)
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
        """Milliseconds from the first call to the start."""
        began = time.time()
        made = self._made(self._body)
        taken = last_start([self._api.inspect_container(made)]) - began
        clear(self._engine, BARE)
        return taken * 1000

    def restarted(self) -> float:
        """Milliseconds from a crash until the engine has started the container again."""
        host = {**self._body["HostConfig"], "RestartPolicy": {"Name": "always"}}
        made = self._made({**self._body, "HostConfig": host})
        taken = recovered(lambda: [self._api.inspect_container(made)])
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


def _by_ours(ours: Installation, server: int, manifest: Path, number: int) -> float:
    ours.type("apply", str(manifest))  # what the round before began is over
    await_rest(server)
    start = f"/crash--box-{number}--"

    def look() -> Containers:
        running = ours.fleet.containers(everything=False)
        return [one for one in running if one["Name"].startswith(start)]

    return recovered(look)


def _by_compose(ground: Ground, peer: compose.Project) -> float:
    api = client(ground.engine)

    def look() -> Containers:
        listed = api.containers(all=True, filters={"label": peer.label})
        return [api.inspect_container(one["Id"]) for one in listed]

    def mend() -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while any(one["State"]["Running"] for one in look()) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        peer.type("up", "-d")

    try:
        return recovered(look, mend)
    finally:
        api.close()


def _manifest() -> str:
    lines = ["orchestr8: 1\nowner: crash\ndefaults: {limits: {memory: 32MiB, pids: 32}}\nservices:"]
    lines += [f'  box-{number}: {{image: "hello:1"}}' for number in range(ROUNDS + 1)]
    return "\n".join([*lines, ""])
