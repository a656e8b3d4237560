"""The same on crun, where the workload itself says when its first instruction ran."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.crun_boxes import crun_boxes
from benchmarks.ground import Ground
from benchmarks.installation import Installed, installation_on_crun
from benchmarks.processes import kill
from benchmarks.provision import Ours
from benchmarks.rows import Row, in_turn, medians
from benchmarks.serving import serving
from benchmarks.workload import NAME, offset, stamp, workload
from orchestr8.engines.crun import carried

ROUNDS = 7
OWNER = "crash"
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.002


def rows(ground: Ground) -> Iterator[Row]:
    """Against a box from nothing, and with a standby against what was promised."""
    folder = ground.scratch / "crash"
    folder.mkdir(mode=0o711)
    ground.scratch.chmod(0o711)
    archive = workload(folder).archive
    manifest = folder / "crash.yaml"
    manifest.write_text(_manifest())
    with (
        crun_boxes(archive) as alone,
        installation_on_crun(archive) as ours,
        serving(ours),
    ):
        ours.type("apply", str(manifest))
        cold, ready = itertools.count(), itertools.count()
        measures = {
            "cold": lambda: _recovered(ours, manifest, f"cold-{next(cold)}"),
            "standby": lambda: _recovered(ours, manifest, f"ready-{next(ready)}"),
            "provision": Ours(alone).provision,
        }
        found = medians(in_turn(ROUNDS, measures))
    yield Row(
        "on crun", found["cold"], found["provision"], "a box provisioned", "ms", ROUNDS, most=1.5
    )
    yield Row("on crun, with a standby", found["standby"], None, "", "ms", ROUNDS, most=4)


def _recovered(ours: Installed, manifest: Path, service: str) -> float:
    """Milliseconds from the death of a service's box to the first instruction of the next one."""
    ours.type("apply", str(manifest))  # what the round before began is over
    kept = ours.fleet.base / "state" / "crun" / "boxes"

    def begun() -> list[Path]:
        """The boxes that have written something; a standby has not."""
        found = kept.glob(f"{OWNER}--{service}--*/log")
        return [log.parent for log in found if log.stat().st_size]

    (crashed,) = begun()
    began = time.monotonic_ns()
    kill(pid_of(crashed))
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):  # the crashed one goes meanwhile
            for box in begun():
                if box != crashed:
                    return (stamp(box / "log") - offset(pid_of(box)) - began) / 1e6
        time.sleep(_LOOK_SECONDS)
    raise RuntimeError(f"nothing took the place of {crashed.name}")


def pid_of(box: Path) -> int:
    """The first task of a box, by the folder that the engine keeps of it."""
    found = carried.read(box / "box.json")
    assert found and found.process
    return found.process.pid


def _manifest() -> str:
    limits = "defaults: {limits: {memory: 32MiB, pids: 32}}"
    lines = [f"orchestr8: 1\nowner: {OWNER}\n{limits}\nservices:"]
    for number in range(ROUNDS + 1):
        lines.append(f"  cold-{number}: {{image: {NAME}}}")
        lines.append(f"  ready-{number}: {{image: {NAME}, standby: 1}}")
    return "\n".join([*lines, ""])
