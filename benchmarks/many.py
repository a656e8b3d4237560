"""Fifty boxes from one manifest, from the command to the first task of the last one.

Of all of them the kernel's word counts. Every round goes the other way, so that what one leaves to
the engine to clear up is no more often ours to wait for than a peer's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import compose
from benchmarks.bodies import plain
from benchmarks.ground import ROOT, Ground, plain_environment, python, run
from benchmarks.installation import Installation, clear, client, installation, last_start
from benchmarks.processes import now
from benchmarks.rows import Row, in_turn, medians
from benchmarks.serving import await_rest, serving
from orchestr8.controller.settings import PARALLEL_CALLS

TITLE = "Fifty boxes at once"
COUNT = 50
ROUNDS = 5
BARE = "orchestr8-bench-bare"


def rows(ground: Ground) -> Iterator[Row]:
    """`apply` against a bare client with the same parallelism, and against Compose."""
    manifest = ground.scratch / "crowd.yaml"
    manifest.write_text(manifest_of(COUNT))
    with (
        installation(ground) as ours,
        compose.project(ground, "bench-crowd", compose_file(COUNT)) as peer,
    ):
        ours.type("apply", str(manifest))
        body = ground.scratch / "body.json"
        body.write_text(json.dumps(plain(ours.container("box-0.crowd"), ground.scratch, BARE)))
        ours.type("down")
        measures = {
            "ours": lambda: _ours(ours, manifest),
            "served": lambda: _served(ours, manifest),
            "bare": lambda: _bare(ground, body),
        }
        if peer:
            measures["compose"] = lambda: _compose(ground, peer)
        try:
            found = medians(in_turn(ROUNDS, measures, warm=0, both_ways=True))
        finally:
            clear(ground.engine, BARE)
    yield Row(
        f"{COUNT} boxes started",
        found["ours"],
        found["bare"],
        f"a bare client, {PARALLEL_CALLS} calls at once",
        "ms",
        ROUNDS,
        most=1.1,
        note="from the command to the first task of the last one, so that Python's start, the "
        "manifest, the plan, the table and the first probes are in it, and the proof is not; the "
        "bare client posts the very bodies that the engine got from us, to the same network, and "
        "knows nothing of plans, owners, staging, walls or a store",
    )
    yield Row(
        f"{COUNT} boxes started through the server",
        found["served"],
        found["bare"],
        f"a bare client, {PARALLEL_CALLS} calls at once",
        "ms",
        ROUNDS,
        most=1.1,
        note="the whole command as well, while the loop keeps what has started already; the server "
        "has answered before and is at rest",
    )
    yield Row(
        f"{COUNT} boxes started, and Compose",
        found["ours"],
        found.get("compose"),
        f"`up -d` of {compose.version(ground)}",
        "ms",
        ROUNDS,
    )


def _ours(ours: Installation, manifest: Path) -> float:
    began = now()
    ours.type("apply", str(manifest))
    taken = last_start(ours.fleet.containers()) - began
    ours.type("down")
    return taken * 1000


def _served(ours: Installation, manifest: Path) -> float:
    with serving(ours) as server:
        ours.type("plan", str(manifest))
        await_rest(server)
        return _ours(ours, manifest)


def _bare(ground: Ground, body: Path) -> float:
    script = str(ROOT / "benchmarks" / "bare" / "boxes.py")
    words = [str(ground.engine.socket), str(body), BARE, str(COUNT), str(PARALLEL_CALLS)]
    return _started(ground, lambda: run(python("-I", script, *words), plain_environment()), BARE)


def _compose(ground: Ground, peer: compose.Project) -> float:
    taken = _started(ground, lambda: peer.type("up", "-d"), peer.label)
    peer.type("down", "-t", "0")
    return taken


def _started(ground: Ground, make: Callable[[], object], label: str) -> float:
    """Milliseconds from the call to the first task of the last container with this label."""
    began = now()
    make()
    api = client(ground.engine)
    listed = api.containers(all=True, filters={"label": label})
    if len(listed) != COUNT:
        raise RuntimeError(f"{len(listed)} containers of {COUNT} with the label {label}")
    taken = last_start([api.inspect_container(one["Id"]) for one in listed]) - began
    api.close()
    clear(ground.engine, label)
    return taken * 1000


def manifest_of(count: int) -> str:
    """So many services of one owner, each healthy once it answers."""
    lines = ["orchestr8: 1\nowner: crowd\ndefaults: {limits: {memory: 32MiB, pids: 32}}\nservices:"]
    health = '{http: ":8080/", within: 120s}'
    for number in range(count):
        lines.append(f'  box-{number}: {{image: "hello:1", health: {health}}}')
    return "\n".join([*lines, ""])


def compose_file(count: int) -> str:
    """The same for Compose, as hardened as it can."""
    lines = ["services:"]
    for number in range(count):
        lines.append(
            f"  box-{number}: {{image: 'hello:1', user: '65532:65532', read_only: true, "
            "cap_drop: [ALL], security_opt: ['no-new-privileges:true'], pids_limit: 32, "
            "mem_limit: 32m, memswap_limit: 32m, cpus: 0.5}"
        )
    return "\n".join([*lines, ""])
