"""A limit of a running box, changed in place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from msgspec.structs import replace

from benchmarks.ground import Ground, run
from benchmarks.installation import installation
from benchmarks.rows import Row, in_turn, medians, milliseconds
from orchestr8.controller.contents import HeldContents
from orchestr8.engines.docker.borders import Opening, docker_borders
from orchestr8.isolation.limits import MIB

TITLE = "A limit changed in place"
ROUNDS = 25
_MANIFEST = 'orchestr8: 1\nowner: me\nservices: {hello: {image: "hello:1"}}\n'


def rows(ground: Ground) -> Iterator[Row]:
    """The engine's call against `docker update`."""
    manifest = ground.scratch / "limits.yaml"
    manifest.write_text(_MANIFEST)
    with installation(ground) as ours:
        ours.type("apply", str(manifest))
        folder = ours.fleet.base / "none"
        contents = HeldContents(lambda _: b"", folder)
        borders = docker_borders(
            ground.engine.docker_host, ours.fleet.installation, contents,
            opening=Opening(ours.fleet.run_folder),
        )  # fmt: skip
        (box,) = borders.boxes.observe().boxes
        assert box.limits
        steps = itertools.cycle((96 * MIB, 128 * MIB))
        limits = box.limits

        def update() -> float:
            wanted = replace(limits, memory_max_bytes=next(steps))
            return milliseconds(lambda: borders.boxes.update(box.id, wanted))

        def peer() -> float:
            most = str(next(steps))
            command = [ground.docker, "update", "--memory", most, "--memory-swap", most]
            command += ["--cpus", "0.5", "--pids-limit", "256", box.engine_id]
            return milliseconds(lambda: run(command, ground.environment))

        measures = {"ours": update} | ({"peer": peer} if ground.docker else {})
        found = medians(in_turn(ROUNDS, measures))
    yield Row(
        "memory, cpu and pids of a box",
        found["ours"],
        found.get("peer"),
        "`docker update`",
        "ms",
        ROUNDS,
        note="ours is the engine's call inside our process, Docker's the whole program",
    )
