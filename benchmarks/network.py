"""The way from box to box: through two veth pairs and the packet filter, against loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.ground import Ground
from benchmarks.inside import ECHO, ROUND_TRIPS
from benchmarks.installation import installation
from benchmarks.rows import Row, in_turn, medians
from tests.hosts.inside import executed

TITLE = "Network"
ROUNDS = 9
_MANIFEST = """\
orchestr8: 1
owner: me
defaults: {limits: {cpu: 1}}
services:
  echo:
    image: probe:1
    entrypoint: [python3, /echo.py]
    files: {/echo.py: ./echo.py}
    health: {tcp: 9000}
  caller: {image: "probe:1", connects: ["echo:9000"]}
"""


def rows(ground: Ground) -> Iterator[Row]:
    """One byte there and back, over an open TCP connection."""
    folder = ground.scratch / "network"
    folder.mkdir()
    (folder / "m.yaml").write_text(_MANIFEST)
    (folder / "echo.py").write_text(ECHO)
    with installation(ground) as ours:
        ours.type("apply", str(folder / "m.yaml"))
        api: Any = ours.fleet.client

        def trips(service: str, host: str) -> float:
            command = ["python3", "-c", ROUND_TRIPS, host]
            return float(executed(api, ours.container(service)["Id"], command)[1])

        measures = {
            "veth": lambda: trips("caller.me", "echo.me"),
            "loopback": lambda: trips("echo.me", "127.0.0.1"),
        }
        found = medians(in_turn(ROUNDS, measures))
    yield Row(
        "a byte to another box and back",
        found["veth"],
        found["loopback"],
        "loopback in one box",
        "µs",
        ROUNDS,
        note="to the service's virtual address, over the bridge, each packet compared with what is "
        "declared; the median of 3,000 a round",
    )
