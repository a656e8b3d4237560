"""How boxes go, and nothing takes their place."""

from __future__ import annotations

from collections.abc import Iterable

from orchestr8.boxes.world import ObservedBox
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.draft import Draft, Numbers
from orchestr8.planning.moves import Moves
from orchestr8.planning.plan import Action, Plan, Purpose, RemoveBox, StopBox


def write_releases(draft: Draft, name: ServiceName, moves: Moves) -> None:
    """Stops and removes what no slot needs, once no traffic is sent there any more."""
    service = draft.desired.services.get(name)
    stop = service.stop if service else Stop()
    for release in moves.releases:
        box = release.box
        stopped = write_stop(draft, box, stop, release.cause, draft.opening)
        write_removal(draft, box, release.cause, stopped)
        draft.slots_cleared.setdefault((name, box.slot), []).extend(stopped)
        for volume in box.spec.volumes if box.spec else ():
            if not volume.read_only:
                draft.volumes_let_go.setdefault(volume.volume, []).extend(stopped)


def write_stop(
    draft: Draft, box: ObservedBox, stop: Stop, cause: str, needs: Iterable[int]
) -> Numbers:
    """Stops a box; nothing to do where it does not run."""
    if not box.state.runs:
        return ()
    call = StopBox(box.id, stop.signal, stop.grace_ms)
    number = draft.add(call, Purpose.RELEASE, cause, box.id.service_name, needs)
    draft.ends.append(number)
    return (number,)


def write_removal(draft: Draft, box: ObservedBox, cause: str, needs: Iterable[int]) -> int:
    """Removes a box that does not run."""
    return draft.add(RemoveBox(box.id), Purpose.RELEASE, cause, box.id.service_name, needs)


def release_boxes(ids: Iterable[BoxId], cause: str) -> Plan:
    """A plan that stops and removes these boxes, for what failed half-way and must not stay."""
    actions: list[Action] = []
    for box_id in sorted(ids):
        name, number = box_id.service_name, len(actions)
        call = StopBox(box_id, "SIGKILL", 0)
        actions.append(Action(call, Purpose.RELEASE, cause, name))
        actions.append(Action(RemoveBox(box_id), Purpose.RELEASE, cause, name, (number,)))
    return Plan(actions=tuple(actions))
