"""What an inspection tells of a container."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestr8.boxes.world import State
from orchestr8.engines import living, this_kernel
from orchestr8.isolation.limits import Limits
from orchestr8.kernel.cgroups import UNLIMITED
from orchestr8.units import parse_cores

NANO_PER_MILLI = 1_000_000
_STATES = {
    "created": State.CREATED,
    "running": State.RUNNING,
    "paused": State.RUNNING,
    "restarting": State.RUNNING,
}
"""Docker's words; every other one (exited, dead, removing) is a box that has stopped."""


class Details(Struct, frozen=True):
    """What only an inspection tells, and does not change while the state stays.

    A container has no control group before it starts: until then `limits` and `cores` are those
    that it will have, and change when somebody sets them.
    """

    state: State
    created_ms: int
    started_ms: int = 0
    stopped_ms: int = 0
    exit_status: int | None = None
    out_of_memory: bool = False
    pid: int | None = None
    pid_started: int | None = None
    runs_again: bool = False
    limits: Limits | None = None
    cores: tuple[int, ...] = ()

    def still_true(self, state: State) -> bool:
        """Whether this is still so for a container that is now in this state.

        A running one is the same only while its first task lives: somebody may have restarted it.
        """
        if state is not self.state:
            return False
        return self.lives if state.runs else True

    @property
    def is_ending(self) -> bool:
        """Whether it is said to run, and its first task has ended."""
        return self.state.runs and self.pid is not None and not self.lives

    @property
    def lives(self) -> bool:
        """Whether the first task that was seen lives, by the kernel's word."""
        if self.pid is None or self.pid_started is None:
            return False
        return living.start_time(self.pid) == self.pid_started


def state_of(word: str) -> State:
    """A state in Docker's word."""
    return _STATES.get(word, State.STOPPED)


def details_of(found: Mapping[str, Any]) -> Details:
    """The part of an inspection that boxes are described with."""
    inner = found["State"]
    state = state_of(inner["Status"])
    created_ms = milliseconds(found.get("Created", ""))
    if state is State.CREATED:
        held = found.get("HostConfig", {})
        return Details(state, created_ms, limits=_limits_to_come(held), cores=_cores_to_come(held))
    started_ms = milliseconds(inner.get("StartedAt", ""))
    if not state.runs:
        return Details(
            state,
            created_ms,
            started_ms,
            # two clocks of the engine: a box that ends at once seems to end before it starts
            stopped_ms=max(started_ms, milliseconds(inner.get("FinishedAt", ""))),
            exit_status=int(inner.get("ExitCode", 0)),
            out_of_memory=bool(inner.get("OOMKilled")),
        )
    pid = int(inner.get("Pid") or 0)
    again = _runs_again(found)
    if pid <= 0:  # between two states; never let such a number out
        return Details(state, created_ms, started_ms, runs_again=again)
    started = living.start_time(pid)
    return Details(state, created_ms, started_ms, pid=pid, pid_started=started, runs_again=again)


def _limits_to_come(held: Mapping[str, Any]) -> Limits:
    return Limits(
        cpu_max_millicores=held.get("NanoCpus", 0) // NANO_PER_MILLI or UNLIMITED,
        memory_max_bytes=held.get("Memory") or UNLIMITED,
        pids_max=held.get("PidsLimit") or UNLIMITED,
    )


def _cores_to_come(held: Mapping[str, Any]) -> tuple[int, ...]:
    return parse_cores(held.get("CpusetCpus") or "") or this_kernel.cores()


def _runs_again(found: Mapping[str, Any]) -> bool:
    """Whether a running container has ended before, or would be started by its engine."""
    policy = found.get("HostConfig", {}).get("RestartPolicy", {}).get("Name", "no")
    return milliseconds(found["State"].get("FinishedAt", "")) > 0 or policy not in ("", "no")


def milliseconds(text: str) -> int:
    """Docker's time (RFC 3339, nanoseconds) as milliseconds since the epoch; its zero time is 0."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not match or text.startswith("0001-"):
        return 0
    whole, fraction, zone = match.groups()
    moment = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
    return round(moment.timestamp()) * 1000 + int(float(fraction or 0) * 1000)
