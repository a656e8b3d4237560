"""A hundred boxes from one manifest on the crun engine, from the command to the last proof."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import compose
from benchmarks.ground import Ground, plain_environment, python, run
from benchmarks.many import compose_file, manifest_of
from benchmarks.rows import Measure, Row, in_turn, medians, milliseconds
from tests.scenarios.crun_fleet import CrunFleet

TITLE = "A hundred boxes from one manifest"
COUNT, ROUNDS = 100, 3


def rows(ground: Ground) -> Iterator[Row]:
    """`apply` of boxes that do not exist, without a server, against Compose on Docker 28."""
    manifest = ground.scratch / "hundred.yaml"
    manifest.write_text(manifest_of(COUNT))
    fleet = CrunFleet.new()
    try:
        fleet.take_images("hello:1")
        with compose.project(ground, "bench-hundred", compose_file(COUNT)) as peer:
            measures: dict[str, Measure] = {"ours": lambda: _ours(fleet, str(manifest))}
            if peer:
                measures["compose"] = lambda: _compose(peer)
            found = medians(in_turn(ROUNDS, measures, warm=0))
            fleet.run("apply", str(manifest))
            proven = fleet.proved()
    finally:
        fleet.take_down()
    yield Row(
        f"{COUNT} boxes applied, to all proven", found["ours"], found.get("compose"),
        f"`up -d` of {compose.version(ground)}", "ms", ROUNDS, most=0.2,
        note="both are the whole command; ours ends when each box is healthy and proven "
        f"({proven} were, asked once more), Compose when the last one is started",
    )  # fmt: skip


def _ours(fleet: CrunFleet, manifest: str) -> float:
    own = {name: one for name, one in fleet.environment.items() if name.startswith("ORCHESTR8_")}
    environment = {**plain_environment(), **own}
    applied = python("-m", "orchestr8", "apply", manifest)
    taken = milliseconds(lambda: run(applied, environment))
    fleet.run("down")
    return taken


def _compose(peer: compose.Project) -> float:
    taken = milliseconds(lambda: peer.type("up", "-d"))
    peer.type("down", "-t", "0")
    return taken
