"""Boxes as they are now: from what they carry, from their processes, and from their cgroups."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from orchestr8.boxes.world import ObservedBox, State, Unseen
from orchestr8.descriptors import none_left
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.places import BoxPlaces, Places
from orchestr8.engines.crun.processes import ends
from orchestr8.host.box_cgroups import BoxCgroup
from orchestr8.kernel import cgroups, cores, files
from orchestr8.names import STANDBY, BoxId

_STATUS_SECONDS = 2.0
"""How long after its box a monitor may take to write the status."""
_LOOK_SECONDS = 0.0002
_ENTERED_SECONDS = 0.02
_WORKLOAD_SECONDS = 5.0
_GLANCE_SECONDS = 0.00005


class Ending(Struct, frozen=True):
    """How a box ended; the status is None where nobody saw it."""

    status: int | None
    at_ms: int


def state_of(carried: Carried, places: Places) -> State:
    """Created at its gate, running, or stopped.

    The death of a monitor is the death of its box: its status and its output are lost from then
    on, and so is the loss of its folder, which its image's went along with. A box of an earlier
    boot, or one whose making was cut off, has stopped as well.
    """
    box = places.box(carried.id)
    alive = (
        carried.boot_id == files.boot_id()
        and carried.process is not None
        and carried.monitor is not None
        and carried.process.alive
        and carried.monitor.alive
        and not carried.stray
        and not box.ended.exists()
    )
    if not alive:
        return State.STOPPED
    return State.CREATED if box.gate.exists() else State.RUNNING


def waits(carried: Carried, places: Places) -> bool:
    """Whether a box waits at its gate, by the fewest looks; whether it still lives there is seen
    when the gate is opened."""
    return (
        carried.boot_id == files.boot_id()
        and carried.monitor is not None
        and carried.monitor.alive
        and places.box(carried.id).gate.exists()
    )


def has_limits(carried: Carried) -> bool:
    """Whether a box has limits that may be changed, by the fewest looks: from its start on, and a
    standby while it waits. One whose monitor has died keeps them until it is replaced."""
    return (
        carried.boot_id == files.boot_id()
        and (carried.started_ms > 0 or carried.slot == STANDBY)
        and carried.process is not None
        and carried.process.alive
    )


def entering(carried: Carried) -> Callable[[], bool]:
    """A look at a box at its gate, to be asked behind it: whether it runs its workload by now.

    Until then it is the runtime's program. It takes less than a millisecond, so the answer waits
    for it, for a moment.
    """
    pid = carried.process.pid if carried.process else 0
    before = files.identity(f"/proc/{pid}/exe")

    def entered() -> bool:
        deadline = time.monotonic() + _ENTERED_SECONDS
        while before is not None and time.monotonic() < deadline:
            now = files.identity(f"/proc/{pid}/exe")
            if now != before:
                return now is not None
            time.sleep(_GLANCE_SECONDS)
        return False

    return entered


def await_workload(carried: Carried, runtime: Path, seconds: float = _WORKLOAD_SECONDS) -> bool:
    """A box whose gate is open is the runtime's program for a moment more, on a busy machine for a
    longer one; until then nobody else can enter it. Whether it runs its workload by then."""
    pid, program = carried.process.pid if carried.process else 0, files.identity(str(runtime))
    deadline = time.monotonic() + seconds
    while (now := files.identity(f"/proc/{pid}/exe")) == program and time.monotonic() < deadline:
        time.sleep(_GLANCE_SECONDS)
    return now not in (None, program)


def await_status(carried: Carried, places: Places) -> None:
    """The monitor writes the status a moment after the end, and ends a moment later."""
    ended = places.box(carried.id).ended
    if carried.monitor is None or ended.exists():
        return
    deadline = time.monotonic() + _STATUS_SECONDS
    with carried.monitor.opened() as handle:
        while handle is not None and not ended.exists() and time.monotonic() < deadline:
            if ends(handle, _LOOK_SECONDS):
                return


def ending_of(box: BoxPlaces) -> Ending:
    """The exit status as the monitor wrote it, and when."""
    try:
        text = box.ended.read_text().strip()
        at_ms = box.ended.stat().st_mtime_ns // 1_000_000
    except OSError as error:
        if none_left(error):
            raise
        return Ending(None, 0)
    return Ending(int(text) if text.isascii() and text.isdigit() else None, at_ms)


def observed(
    carried: Carried, places: Places, cgroup: BoxCgroup, names: tuple[tuple[str, str], ...]
) -> ObservedBox:
    """One box in the words of all engines."""
    box, state = places.box(carried.id), state_of(carried, places)
    stopped = state is State.STOPPED
    if stopped and carried.process and not carried.process.alive:
        await_status(carried, places)
    ending = ending_of(box) if stopped else Ending(None, 0)
    first = carried.process.pid if carried.process and not stopped else None
    groups = cgroups.membership_of(first or 0)
    return ObservedBox(
        id=carried.id,
        state=state,
        spec=carried.box_spec,
        slot=carried.slot,
        set_name=carried.set_name,
        service_key=carried.service_key,
        address=carried.address,
        limits=cgroups.limits_in(groups),
        paused=cgroups.paused_in(groups),
        cores=cores.of_groups(groups),
        created_ms=carried.created_ms,
        started_ms=carried.started_ms,
        stopped_ms=max(ending.at_ms, carried.started_ms) if ending.at_ms else 0,
        exit_status=ending.status,
        unseen=_unseen(carried) if stopped and ending.status is None else None,
        out_of_memory=stopped and cgroup.out_of_memory(),
        pid=first if state.runs else None,
        engine_id=str(carried.id),
        joins=tuple((kind, BoxId.parse(peer)) for kind, peer in carried.joins),
        names=names,
        uid_base=carried.uid_base,
        service_address=carried.service_address,
        stop=carried.stop,
    )


def _unseen(carried: Carried) -> Unseen | None:
    """Why a box that has stopped has no status; a monitor that lives may be about to write it."""
    if carried.boot_id != files.boot_id():
        return Unseen.REBOOT
    if carried.process is None or carried.monitor is None:
        return Unseen.CUT_OFF
    if carried.stray:
        return Unseen.FOLDER
    return None if carried.monitor.alive else Unseen.MONITOR
