"""Reading and writing a volume, against the bare file system and the container's own layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.ground import Ground, plain_environment, python, run
from benchmarks.inside import DISK
from benchmarks.installation import Installation, client, installation
from benchmarks.rows import Row, in_turn, medians
from tests.hosts.inside import executed

TITLE = "Volumes"
ROUNDS = 25
LAYERED = "orchestr8-bench-layer"
_MANIFEST = """\
orchestr8: 1
owner: me
services:
  data:
    image: probe:1
    volumes: {/data: benchmark}
    limits: {cpu: 2, memory: 512MiB}
volumes: {benchmark: {}}
"""


def rows(ground: Ground) -> Iterator[Row]:
    """64 MiB, written and synced, or read with a cold cache.

    Box and bare file system have the very same file, so that where it lies on the disk is no
    difference between them.
    """
    manifest = ground.scratch / "volumes.yaml"
    manifest.write_text(_MANIFEST)
    api = client(ground.engine)
    with installation(ground) as ours:
        ours.type("apply", str(manifest))
        layered = api.create_container(
            "probe:1", name=LAYERED, host_config=api.create_host_config(network_mode="none")
        )
        try:
            api.start(layered["Id"])
            yield from _rows(ours, layered["Id"])
        finally:
            api.remove_container(layered["Id"], force=True)
            api.close()


def _rows(ours: Installation, layered: str) -> Iterator[Row]:
    box = ours.container("data.me")
    volume = ours.fleet.client.inspect_volume("me--benchmark")
    file = Path(volume["Options"]["device"]) / "file"
    _inside(ours, box["Id"], "/data/file", "write")  # the box's own, which root may write as well
    for doing in ("write", "read"):
        measures = {
            "volume": partial(_inside, ours, box["Id"], "/data/file", doing),
            "bare": partial(_bare, file, doing),
            "layer": partial(_inside, ours, layered, "/var/tmp/file", doing),
        }
        found = medians(in_turn(ROUNDS, measures))
        yield Row(
            f"{doing} 64 MiB in a volume",
            found["volume"],
            found["bare"],
            "the bare file system",
            "ms",
            ROUNDS,
            most=1.03,
        )
        yield Row(
            f"{doing} 64 MiB in a volume, and in a layer",
            found["volume"],
            found["layer"],
            "the container's own layer",
            "ms",
            ROUNDS,
        )


def _inside(ours: Installation, container: str, path: str, doing: str) -> float:
    status, said = executed(ours.fleet.client, container, ["python3", "-c", DISK, path, doing])
    if status:
        raise RuntimeError(f"{doing} in {container[:12]}: {said.decode().strip()[-200:]}")
    return float(said)


def _bare(path: Path, doing: str) -> float:
    return float(run(python("-c", DISK, str(path), doing), plain_environment()))
