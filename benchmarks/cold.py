"""Six hardened boxes from nothing to running, through a server, and the same six by Compose.

Of both the kernel's word counts: when the last box had its first task. Both keep their network
between two rounds, and both are given the same walls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks import compose
from benchmarks.ground import Ground
from benchmarks.installation import Installation, client, installation, last_start
from benchmarks.many import manifest_of
from benchmarks.processes import now
from benchmarks.rows import Row, in_turn, medians
from benchmarks.serving import serving
from orchestr8.engines.image_facts import architecture
from orchestr8.isolation import seccomp
from orchestr8.isolation.strict import NEWEST, VERSIONS

TITLE = "Six hardened boxes, cold"
COUNT = 6
ROUNDS = 7


def rows(ground: Ground) -> Iterator[Row]:
    """`apply` through the server against `up -d`."""
    manifest = ground.scratch / "cold.yaml"
    manifest.write_text(manifest_of(COUNT))
    with (
        installation(ground) as ours,
        compose.project(ground, "bench-cold", _file(ground)) as peer,
        serving(ours),
    ):
        measures = {"ours": lambda: _ours(ours, manifest)}
        if peer:
            measures["compose"] = lambda: _compose(ground, peer)
        found = medians(in_turn(ROUNDS, measures))
    yield Row(
        f"{COUNT} hardened boxes started through the server",
        found["ours"],
        found.get("compose"),
        f"`up -d` of {compose.version(ground)}",
        "ms",
        ROUNDS,
        most=1.05,
        note="read-only roots, no capability, limits, the same system call filter, users and "
        "tmpfs on both sides; ours also writes everything down and proves every box after it",
    )


def _ours(ours: Installation, manifest: Path) -> float:
    began = now()
    ours.type("apply", str(manifest))
    taken = last_start(ours.fleet.containers()) - began
    ours.type("down")
    return taken * 1000


def _compose(ground: Ground, peer: compose.Project) -> float:
    began = now()
    peer.type("up", "-d")
    api = client(ground.engine)
    listed = api.containers(all=True, filters={"label": peer.label})
    taken = last_start([api.inspect_container(one["Id"]) for one in listed]) - began
    api.close()
    peer.type("rm", "--stop", "--force", "--volumes")
    return taken * 1000


def _file(ground: Ground) -> str:
    profile = ground.scratch / "seccomp.json"
    profile.write_text(
        seccomp.profile_json(VERSIONS[NEWEST].seccomp, architecture(os.uname().machine))
    )
    lines = ["services:"]
    for number in range(COUNT):
        user = 1_114_108 + number * 65_536
        tmpfs = f"size=16m,uid={user},gid={user}"
        lines.append(
            f"  box-{number}: {{image: 'hello:1', user: '{user}:{user}', read_only: true, "
            f"cap_drop: [ALL], tmpfs: ['/tmp:{tmpfs}', '/run:{tmpfs}'], security_opt: "
            f"['no-new-privileges:true', {json.dumps(f'seccomp:{profile}')}], pids_limit: 32, "
            "mem_limit: 32m, memswap_limit: 32m, cpus: 0.5}"
        )
    return "\n".join([*lines, ""])
