"""This installation's containers as boxes: what Docker's answers and the kernel say of them.

One list call gives all boxes with their labels; a container is inspected only when it is met in a
new state. A container is a box where it has that one's labels and something that was staged for it:
somebody may have renamed it, and what is made from a copy of it has its labels. Of boxes that are
asked for by name, those whose first task still lives are not asked of the engine again: the
kernel's word is enough, and labels never change. Limits are read from the box's cgroup, since those
that somebody wrote there by hand are unknown to Docker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.json import decode

from orchestr8.boxes import spec as specs
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.world import Observation, ObservedBox, State
from orchestr8.engines import living
from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.labels import (
    ADDRESS,
    BOX,
    INSTALLATION,
    JOINS,
    KEY,
    SERVICE_ADDRESS,
    SET,
    SLOT,
    SPEC,
    STOP,
    UID_RANGE,
)  # fmt: skip
from orchestr8.engines.docker.situation import Preparation
from orchestr8.engines.ends import First
from orchestr8.kernel import cgroups, cores, files
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId

_STATES = {
    "created": State.CREATED,
    "running": State.RUNNING,
    "paused": State.RUNNING,
    "restarting": State.RUNNING,
}
"""Docker's words; every other one (exited, dead, removing) is a box that has stopped."""
_CLEARED_UP_SECONDS = 2.0
"""How long an engine may take to notice that a first task has ended: mostly a tenth of a second."""


class Details(Struct, frozen=True):
    """What only an inspection tells, and does not change while the state stays."""

    state: State
    created_ms: int
    started_ms: int = 0
    stopped_ms: int = 0
    exit_status: int | None = None
    out_of_memory: bool = False
    pid: int | None = None
    pid_started: int | None = None
    runs_again: bool = False

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


class _Carried(Struct, frozen=True):
    """What a container's labels say, which never changes."""

    spec: BoxSpec | None
    slot: int
    set_name: str
    service_key: str
    address: str
    joins: tuple[tuple[str, BoxId], ...]
    uid_base: int
    service_address: str
    stop: Stop | None


class Known(Struct, frozen=True):
    """A container as it was met last; `name` is the box's."""

    container: str
    name: BoxId
    carried: _Carried
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

    def begun(self, box_id: BoxId) -> Mapping[str, Any] | None:
        """The inspected container of a box that was started just now, which is known from then on;
        None where there is none of ours."""
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
            box_id = _box_id(item.get("Labels") or {})
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
        state = _STATES.get(item["State"], State.STOPPED)
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
            carried = _carried(found["Config"]["Labels"])
        return Known(found["Id"], box_id, carried, details_of(found))

    def _is_box(self, found: Mapping[str, Any], box_id: BoxId) -> bool:
        labels, name = found["Config"].get("Labels") or {}, str(box_id)
        if (labels.get(INSTALLATION), labels.get(BOX)) != (self._installation, name):
            return False
        mounts = found["HostConfig"].get("Mounts") or ()
        return any(name in PurePosixPath(one["Source"]).parts for one in mounts)

    def _observed(self, known: Known) -> ObservedBox:
        details, carried = known.details, known.carried
        groups = cgroups.membership_of(details.pid or 0)
        return ObservedBox(
            id=known.name,
            state=details.state,
            spec=carried.spec,
            slot=carried.slot,
            set_name=carried.set_name,
            service_key=carried.service_key,
            address=carried.address,
            limits=cgroups.limits_in(groups),
            paused=cgroups.paused_in(groups),
            cores=cores.of_groups(groups),
            created_ms=details.created_ms,
            started_ms=details.started_ms,
            stopped_ms=details.stopped_ms,
            exit_status=details.exit_status,
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


def details_of(found: Mapping[str, Any]) -> Details:
    """The part of an inspection that boxes are described with."""
    inner = found["State"]
    state = _STATES.get(inner["Status"], State.STOPPED)
    created_ms = milliseconds(found.get("Created", ""))
    if state is State.CREATED:
        return Details(state, created_ms)
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


def _runs_again(found: Mapping[str, Any]) -> bool:
    """Whether a running container has ended before, or would be started by its engine."""
    policy = found.get("HostConfig", {}).get("RestartPolicy", {}).get("Name", "no")
    return milliseconds(found["State"].get("FinishedAt", "")) > 0 or policy not in ("", "no")


def _carried(labels: Mapping[str, str]) -> _Carried:
    return _Carried(
        spec=carried_spec(labels),
        slot=_number(labels.get(SLOT, "")),
        set_name=labels.get(SET, ""),
        service_key=labels.get(KEY, ""),
        address=labels.get(ADDRESS, ""),
        joins=_joins(labels.get(JOINS, "")),
        uid_base=_number(labels.get(UID_RANGE, "")),
        service_address=labels.get(SERVICE_ADDRESS, ""),
        stop=_stop(labels.get(STOP, "")),
    )


def carried_spec(labels: Mapping[str, str]) -> BoxSpec | None:
    """The spec in a container's label, or None where it cannot be read."""
    try:
        return specs.from_json(labels.get(SPEC, ""))
    except ValueError:
        return None


def milliseconds(text: str) -> int:
    """Docker's time (RFC 3339, nanoseconds) as milliseconds since the epoch; its zero time is 0."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not match or text.startswith("0001-"):
        return 0
    whole, fraction, zone = match.groups()
    moment = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
    return round(moment.timestamp()) * 1000 + int(float(fraction or 0) * 1000)


def _box_id(labels: Mapping[str, str]) -> BoxId | None:
    try:
        return BoxId.parse(labels.get(BOX, ""))
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _stop(text: str) -> Stop | None:
    try:
        return decode(text, type=Stop)
    except DecodeError:
        return None


def _joins(text: str) -> tuple[tuple[str, BoxId], ...]:
    try:
        return tuple((str(kind), BoxId.parse(peer)) for kind, peer in json.loads(text or "[]"))
    except (ValueError, TypeError):
        return ()
