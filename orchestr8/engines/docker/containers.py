"""This installation's containers as boxes: what Docker's answers and the kernel say of them.

One list call gives all boxes with their labels; a container is inspected only when it is met in a
new state. A container is a box where it has that one's labels and something that was staged for it:
somebody may have renamed it, and what is made from a copy of it has its labels. Of boxes that are
asked for by name, those whose first task still lives are not asked of the engine again: the
kernel's word is enough, and labels never change. Limits are read from the box's cgroup, since those
that somebody wrote there by hand are unknown to Docker. The slot that a standby has taken is kept
beside what is staged for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from orchestr8.boxes.world import Observation, ObservedBox, State, Unseen
from orchestr8.engines.docker.carried import Carried, box_id_in, carried_by, is_staged_for
from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.details import Details, details_of, state_of
from orchestr8.engines.docker.labels import BOX, INSTALLATION
from orchestr8.engines.docker.situation import Preparation
from orchestr8.engines.ends import First
from orchestr8.errors import RejectedError
from orchestr8.kernel import cgroups, cores, files
from orchestr8.names import STANDBY, BoxId

_CLEARED_UP_SECONDS = 2.0
"""How long an engine may take to notice that a first task has ended: mostly a tenth of a second."""


class Known(Struct, frozen=True):
    """A container as it was met last; `name` is the box's."""

    container: str
    name: BoxId
    carried: Carried
    details: Details


class Containers:
    """Finds and describes the containers of one installation."""

    def __init__(self, client: Client, installation: str, preparation: Preparation) -> None:
        self._client = client
        self._installation = installation
        self._preparation = preparation
        self._known: dict[BoxId, Known] = {}
        self._hanging: set[str] = set()
        """Containers whose end the engine did not notice in time; nobody waits again."""

    def find(self, box_id: BoxId) -> Mapping[str, Any] | None:
        """The inspected container of a box, or None where there is none of ours."""
        known = self._known.get(box_id)
        found = self._inspected(known.container if known else str(box_id), box_id)
        if found:
            return found
        listed = self._listed(f"{BOX}={box_id}")
        renamed = (self._inspected(item["Id"], box_id) for item in listed)
        return next(filter(None, renamed), None)

    def existing(self, box_id: BoxId) -> Mapping[str, Any]:
        """The inspected container of a box that must be there."""
        found = self.find(box_id)
        if not found:
            raise absent(box_id)
        return found

    def changed(self, box_id: BoxId) -> Mapping[str, Any] | None:
        """The inspected container of a box that was started or changed just now, which is known as
        that from then on; None where there is none of ours."""
        found = self.find(box_id)
        if found:
            self._known[box_id] = self._described(box_id, found)
        return found

    def ended(self, box_id: BoxId) -> Known | None:
        """A box as it was met last if it had ended by then, since that stays so; else as it is now,
        or None where there is none of ours."""
        known = self._known.get(box_id)
        if known and known.details.state is State.STOPPED:
            return known
        found = self.find(box_id)
        return self._described(box_id, found) if found else None

    def first_process(self, box_id: BoxId) -> First | None:
        """The first task of a box that runs."""
        (known,) = self._named([box_id]) or (None,)
        if not known or known.details.pid is None or known.details.pid_started is None:
            return None
        return known.details.pid, known.details.pid_started

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """All our boxes, or those named that exist, sorted by id."""
        known = self._all() if ids is None else self._named(ids)
        boxes = sorted(map(self._observed, known), key=lambda box: box.id)
        return Observation(tuple(boxes), files.boot_id())

    def _all(self) -> list[Known]:
        """Every box of the installation; what was known of others is forgotten."""
        met = []
        for item in self._listed():
            box_id = box_id_in(item.get("Labels") or {})
            if box_id and (one := self._met(box_id, item)):
                met.append(one)
        self._known = {one.name: one for one in met}
        self._hanging &= {one.container for one in met}
        return met

    def _listed(self, *also: str) -> Sequence[Mapping[str, Any]]:
        """The installation's containers that have these labels too."""
        found: Sequence[Mapping[str, Any]] = self._client.get(
            "/containers/json",
            "listing the boxes",
            all="1",
            filters=json.dumps({"label": [f"{INSTALLATION}={self._installation}", *also]}),
        )
        return found

    def _met(self, box_id: BoxId, item: Mapping[str, Any]) -> Known | None:
        """A listed container: as it is known, or inspected; None if it was removed since."""
        known = self._known.get(box_id)
        state = state_of(item["State"])
        if known and known.container == item["Id"] and known.details.still_true(state):
            return known
        found = self._inspected(item["Id"], box_id)
        return self._described(box_id, found) if found else None

    def _inspected(self, container: str, box_id: BoxId) -> Mapping[str, Any] | None:
        """A container by its id or name, or None where it is not there or not this box.

        Of one whose first task has ended while the engine says that it runs, the engine is waited
        for: it clears up before it tells how that ended.
        """
        path, doing = f"/containers/{container}/json", f"looking for box {box_id}"
        found: Mapping[str, Any] | None = self._client.find(path, doing)
        if not found or not self._is_box(found, box_id):
            return None
        if details_of(found).is_ending and found["Id"] not in self._hanging:
            if not self._client.ended(found["Id"], doing, _CLEARED_UP_SECONDS):
                self._hanging.add(found["Id"])
            return self._client.find(path, doing)
        return found

    def _named(self, ids: Sequence[BoxId]) -> list[Known]:
        """Those of these boxes that exist; the engine is asked for those that may have changed."""
        met = []
        for box_id in set(ids):
            one = self._known.get(box_id)
            if not one or not one.details.lives:
                found = self.find(box_id)
                one = self._described(box_id, found) if found else None
            if one:
                met.append(one)
                self._known[box_id] = one
        return met

    def _described(self, box_id: BoxId, found: Mapping[str, Any]) -> Known:
        """An inspected container; its labels are read once."""
        known = self._known.get(box_id)
        if known and known.container == found["Id"]:
            carried = known.carried
        else:
            carried = carried_by(found["Config"]["Labels"])
        return Known(found["Id"], box_id, carried, details_of(found))

    def _is_box(self, found: Mapping[str, Any], box_id: BoxId) -> bool:
        labels = found["Config"].get("Labels") or {}
        if (labels.get(INSTALLATION), labels.get(BOX)) != (self._installation, str(box_id)):
            return False
        return is_staged_for(labels, found["HostConfig"].get("Mounts") or ())

    def _observed(self, known: Known) -> ObservedBox:
        details, carried = known.details, known.carried
        groups = cgroups.membership_of(details.pid or 0)
        waits = details.state is State.CREATED
        lost = waits and not self._preparation.is_staged(known.name)
        return ObservedBox(
            id=known.name,
            state=State.STOPPED if lost else details.state,
            spec=carried.spec,
            slot=carried.slot if waits else self._slot(known),
            set_name=carried.set_name,
            service_key=carried.service_key,
            address=carried.address,
            limits=details.limits if waits else cgroups.limits_in(groups),
            paused=cgroups.paused_in(groups),
            cores=details.cores if waits else cores.of_groups(groups),
            created_ms=details.created_ms,
            started_ms=details.started_ms,
            stopped_ms=details.stopped_ms,
            exit_status=details.exit_status,
            unseen=Unseen.UNSTAGED if lost else None,
            out_of_memory=details.out_of_memory,
            pid=details.pid,
            engine_id=known.container,
            runs_again=details.runs_again,
            joins=carried.joins,
            names=self._preparation.names(known.name),
            uid_base=carried.uid_base,
            service_address=carried.service_address,
            stop=carried.stop,
        )

    def _slot(self, known: Known) -> int:
        """The slot of a box that has been started."""
        if known.carried.slot != STANDBY:
            return known.carried.slot
        taken = self._preparation.slot(known.name)
        return STANDBY if taken is None else taken


def absent(box_id: BoxId) -> RejectedError:
    """There is no such box."""
    return RejectedError(f"there is no box {box_id}", "create it first")
