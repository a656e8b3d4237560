"""The floor: a C program that builds the same walls, told what to build from the same document."""

from __future__ import annotations

import itertools
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.crun_boxes import CrunBoxesOfOurs
from benchmarks.workload import compiled, stamp
from orchestr8.boxes.desired import Box
from orchestr8.engines import this_kernel
from orchestr8.engines.crun import bundle
from orchestr8.engines.crun.filter_program import program
from orchestr8.engines.crun.machine import CrunMachine, found_tools
from orchestr8.engines.crun.situation import Situation
from orchestr8.host.box_cgroups import BoxCgroup, BoxCgroups
from orchestr8.isolation.strict import VERSIONS


class FloorBoxes:
    """Boxes by the floor, beside those of an installation of the engine."""

    def __init__(self, ours: CrunBoxesOfOurs, root: Path, folder: Path) -> None:
        self._ours, self._root, self._folder = ours, root, folder
        self._program = compiled("floor", folder)
        self._numbers = itertools.count(1)
        self._machine = CrunMachine(found_tools())
        first = BoxCgroups(ours.installation).of(ours.box().id)
        first.make()  # and its owner's, which is there for every box
        first.remove()

    def provision(self) -> float:
        """Milliseconds from the call to the workload's first instruction."""
        box, number = self._ours.box(), next(self._numbers)
        cgroup = BoxCgroups(self._ours.installation).of(box.id)
        plan, out = self._folder / f"floor-{number}", self._folder / f"floor-{number}.out"
        plan.write_text("\n".join(self._lines(box, cgroup)) + "\n")
        began = time.monotonic_ns()
        with out.open("wb") as written:
            process = subprocess.Popen([self._program, plan], stdout=written)
        try:
            taken = (stamp(out) - began) / 1e6
            if number == 1:
                _require_walls(process.pid)
            return taken
        finally:
            process.terminate()
            if process.wait():
                raise RuntimeError("the floor ended with a failure")
            cgroup.remove()

    def _lines(self, box: Box, cgroup: BoxCgroup) -> Iterator[str]:
        at = self._folder / "at"
        at.mkdir(exist_ok=True)
        filter_file = self._folder / "filter"
        strict = VERSIONS[box.spec.profile.strict]
        code = program(strict.seccomp, self._machine.architecture)
        filter_file.write_bytes(code)
        situation = Situation(
            image=self._ours.image, root=str(at), filter_program=code,
            ipv6=this_kernel.has_ipv6(), also_masked=this_kernel.masked_here(),
        )  # fmt: skip
        document = bundle.config(box, situation)
        yield from (f"group {one.folder}" for one in cgroup.places)
        yield from _limits(box, cgroup)
        yield from (f"root {self._root}", f"at {at}", f"base {box.uid_base}")
        yield from (f"filter {filter_file}", f"user {box.spec.uid}", "exec /first")
        yield from _walls(document)


def _require_walls(floor: int) -> None:
    """What the kernel says of a box of the floor: a floor without a wall would be no floor."""
    (pid,) = Path(f"/proc/{floor}/task/{floor}/children").read_text().split()
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    sets = {status[f"Cap{name}"].strip("0") for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
    shared = [
        kind
        for kind in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
        if Path(f"/proc/{pid}/ns/{kind}").readlink() == Path(f"/proc/self/ns/{kind}").readlink()
    ]
    lacks = sets != {""} or status["NoNewPrivs"] != "1" or status["Seccomp"] != "2" or shared
    options = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()[0].split()[5]
    if lacks or "ro" not in options.split(","):
        raise RuntimeError(f"the floor lacks a wall: {sets}, {shared}, {options}")


def _limits(box: Box, cgroup: BoxCgroup) -> Iterator[str]:
    numbers = {
        "memory": {"memory.limit_in_bytes": box.limits.memory_max_bytes,
                   "memory.memsw.limit_in_bytes": box.limits.memory_max_bytes},
        "cpu": {"cpu.cfs_quota_us": box.limits.cpu_max_millicores * 100},
        "pids": {"pids.max": box.limits.pids_max},
    }  # fmt: skip
    for place in cgroup.places:
        for controller in place.controllers:
            for name, number in numbers.get(controller, {}).items():
                if (place.folder.parent / name).exists():
                    yield f"limit {place.folder / name} {number}"


def _walls(document: dict[str, Any]) -> Iterator[str]:
    yield f"hostname {document['hostname']}"
    linux, process = document["linux"], document["process"]
    for path in linux["maskedPaths"]:
        yield f"mask {path.lstrip('/')}"
    for path in linux["readonlyPaths"]:
        yield f"readonly {path.lstrip('/')}"
    for name, value in linux["sysctl"].items():
        yield f"sysctl proc/sys/{name.replace('.', '/')} {value}"
    for one in process["rlimits"]:
        yield f"rlimit {getattr(resource, one['type'])} {one['soft']} {one['hard']}"
    for one in document["mounts"]:
        if one["type"] == "tmpfs" and one["destination"] != "/dev":
            options = [word for word in one["options"] if "=" in word]
            yield f"tmpfs {one['destination'].lstrip('/')} {','.join(options)}"
