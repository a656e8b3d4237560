"""A box from nothing to its workload's first instruction, which the workload stamps itself.

Each box is of another service, with ids of its own; its image is known to the engine. Beside it a
program that builds the same walls and nothing else, Docker's interface, and bare runtimes.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.bare_runtimes import bare_runtime
from benchmarks.crun_boxes import CrunBoxesOfOurs, crun_boxes
from benchmarks.docker_boxes import DockerBoxes
from benchmarks.floor_boxes import FloorBoxes
from benchmarks.ground import Ground
from benchmarks.podman_boxes import PodmanBoxes
from benchmarks.rows import Measure, Row, in_turn
from benchmarks.workload import offset, stamp, workload
from tests import hosts

TITLE = "A box provisioned"
ROUNDS = 20
OLDER = "20"
_FLOOR, _DOCKER, _OLDER = "the floor, a C program", "Docker 28's API", "Docker 20.10's API"
_PODMAN = "`podman run` 5"


def rows(ground: Ground) -> Iterator[Row]:
    """Ours against each peer, medians; our 95th percentile; removals."""
    folder = ground.scratch / "provision"
    folder.mkdir(mode=0o711)
    ground.scratch.chmod(0o711)
    made = workload(folder)
    with ExitStack() as stack:
        ours = Ours(stack.enter_context(crun_boxes(made.archive)))
        measures: dict[str, Measure] = {
            "ours": ours.provision,
            _FLOOR: FloorBoxes(ours.boxes, made.root, folder).provision,
        }
        dockers = {_DOCKER: DockerBoxes(ground.engine, made.archive)}
        older = _older(stack)
        if older:
            dockers[_OLDER] = DockerBoxes(older, made.archive)
        for name, docker in dockers.items():
            stack.callback(docker.close)
            measures[name] = docker.provision
        podman = _podman(stack, made.archive, folder)
        if podman:
            measures[_PODMAN] = podman.provision
        for name in ("crun", "runc"):
            bare = bare_runtime(name, made.root, folder)
            if bare:
                measures[f"bare {name}"] = bare.provision
        found = in_turn(ROUNDS, measures, warm=2)
        yield from _rows(found, ours)
        removals = {name: docker.removals[2:] for name, docker in dockers.items()}
        yield from _removals(ours.removals[2:], removals)


class Ours:
    """Boxes of the engine, one after the other; what each phase and each removal took is kept."""

    def __init__(self, boxes: CrunBoxesOfOurs) -> None:
        self.boxes = boxes
        self.removals: list[float] = []
        self.phases: list[dict[str, float]] = []

    def provision(self) -> float:
        """Milliseconds from the call to the workload's first instruction."""
        engine, box = self.boxes.boxes, self.boxes.box()
        began = time.monotonic_ns()
        engine.create(box)
        engine.start(box.id)
        first = stamp(self.boxes.log(box.id)) - offset(self.boxes.pid(box.id))
        self.phases.append(engine.phases(box.id))
        ends = time.monotonic_ns()
        self.boxes.end(box.id)
        self.removals.append((time.monotonic_ns() - ends) / 1e6)
        return (first - began) / 1e6


def _rows(found: dict[str, list[float]], ours: Ours) -> Iterator[Row]:
    own = statistics.median(found["ours"])
    goals = {_FLOOR: 3.0, _DOCKER: 1 / 12}
    notes = {
        _FLOOR: f"of ours: {_spent(ours.phases[2:])}",
        _DOCKER: "hardened as far as Docker goes: without a user or a time namespace",
        _PODMAN: "the whole program, as Podman has no daemon; without a time namespace",
    }
    for name in (_FLOOR, _DOCKER, _OLDER, _PODMAN, "bare crun", "bare runc"):
        peer = statistics.median(found[name]) if name in found else None
        yield Row(
            f"provisioned, and {name}", own, peer, name, "ms", ROUNDS,
            most=goals.get(name), note=notes.get(name, ""),
        )  # fmt: skip
    floor = _late(found[_FLOOR])
    yield Row("provisioned, 95th percentile", _late(found["ours"]), floor, _FLOOR, "ms", ROUNDS)


def _removals(own: Sequence[float], peers: dict[str, list[float]]) -> Iterator[Row]:
    yield Row("stopped and removed", statistics.median(own), None, "", "ms", ROUNDS, most=2)
    for name, taken in peers.items():
        yield Row(
            f"stopped and removed, and {name}", statistics.median(own), statistics.median(taken),
            name, "ms", ROUNDS,
        )  # fmt: skip


def _spent(phases: Sequence[dict[str, float]]) -> str:
    names = dict.fromkeys(name for one in phases for name in one)
    each = {name: statistics.median(one.get(name, 0.0) for one in phases) for name in names}
    return ", ".join(f"{name} {spent:.2f} ms" for name, spent in each.items())


def _late(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95) - 1]


def _podman(stack: ExitStack, archive: Path, folder: Path) -> PodmanBoxes | None:
    """Podman of Debian sid, or None where it cannot be had or makes no container here."""
    try:
        found = PodmanBoxes(archive, folder)
        stack.callback(found.close)
        found.provision()
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return None
    return found


def _older(stack: ExitStack) -> hosts.Engine | None:
    """The older Docker Engine, or None where it cannot be had."""
    try:
        return stack.enter_context(hosts.engine(OLDER))
    except (OSError, RuntimeError):
        return None
