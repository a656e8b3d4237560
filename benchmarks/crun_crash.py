"""The same on crun, where the workload itself says when its first instruction ran."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.crun_boxes import crun_boxes
from benchmarks.ground import Ground
from benchmarks.installation import Installed, installation_on_crun
from benchmarks.processes import kill
from benchmarks.provision import Ours
from benchmarks.rows import Row, in_turn, medians
from benchmarks.serving import await_rest, serving
from benchmarks.workload import NAME, offset, stamp, workload
from orchestr8.engines.crun import carried

ROUNDS = 7
OWNER = "crash"
_KINDS = {"cold": "", "applied": "", "ready": ", standby: 1"}
"""Services by what is measured with them, and how each is declared; each is killed once."""
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
        serving(ours) as server,
    ):
        numbers = {kind: itertools.count() for kind in _KINDS}

        def recovered(kind: str, *, rests: bool = True) -> Callable[[], float]:
            def measured() -> float:
                ours.type("apply", str(manifest))  # what the round before began is over
                if rests:
                    await_rest(server)
                return _recovered(ours, f"{kind}-{next(numbers[kind])}")

            return measured

        measures = {
            "cold": recovered("cold"),
            "applied": recovered("applied", rests=False),
            "ready": recovered("ready"),
            "provision": Ours(alone).provision,
        }
        found = medians(in_turn(ROUNDS, measures))
    yield Row(
        "on crun", found["cold"], found["provision"], "a box provisioned", "ms", ROUNDS, most=1.5
    )
    yield Row(
        "on crun, right after an apply", found["applied"], found["provision"], "a box provisioned",
        "ms", ROUNDS, note="the loop looks at everything and proves what is new just then",
    )  # fmt: skip
    yield Row("on crun, with a standby", found["ready"], None, "", "ms", ROUNDS, most=4)


def _recovered(ours: Installed, service: str) -> float:
    """Milliseconds from the death of a service's box to the first instruction of the next one."""
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
        lines += [f"  {kind}-{number}: {{image: {NAME}{how}}}" for kind, how in _KINDS.items()]
    return "\n".join([*lines, ""])
