"""This installation's containers as boxes: what Docker's answers and the kernel say of them.

One list call gives all boxes with their labels; a container is inspected only when it is met in a
new state. Limits are read from the box's cgroup, since those that somebody wrote there by hand are
unknown to Docker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestr8.boxes import spec as specs
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.world import Observation, ObservedBox, State
from orchestr8.engines.docker import translate
from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.situation import Preparation
from orchestr8.kernel import cgroups, files
from orchestr8.names import BoxId

_STATES = {
    "created": State.CREATED,
    "running": State.RUNNING,
    "paused": State.RUNNING,
    "restarting": State.RUNNING,
}
"""Docker's words; every other one (exited, dead, removing) is a box that has stopped."""


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

    def still_true(self, state: State) -> bool:
        """Whether this is still so for a container that is now in this state.

        A running one is the same only while its first task lives: somebody may have restarted it.
        """
        if state is not self.state:
            return False
        if not state.runs:
            return True
        return self.pid is not None and files.start_time(self.pid) == self.pid_started


class Containers:
    """Finds and describes the containers of one installation."""

    def __init__(self, client: Client, installation: str, preparation: Preparation) -> None:
        self._client = client
        self._installation = installation
        self._preparation = preparation
        self._details: dict[str, Details] = {}

    def find(self, box_id: BoxId) -> Mapping[str, Any] | None:
        """The inspected container of a box, or None where there is none of ours."""
        found: Mapping[str, Any] | None = self._client.find(
            f"/containers/{box_id}/json", f"looking for box {box_id}"
        )
        if found and self._ours(found["Config"].get("Labels") or {}, box_id):
            return found
        return None

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """All our boxes, or those named that exist, sorted by id."""
        labels = [f"{translate.INSTALLATION}={self._installation}"]
        if ids is not None and len(ids) == 1:
            labels.append(f"{translate.BOX}={ids[0]}")
        listed = self._client.get(
            "/containers/json",
            "listing the boxes",
            all="1",
            filters=json.dumps({"label": labels}),
        )
        wanted = None if ids is None else set(ids)
        boxes = []
        for item in listed:
            box_id = _box_id(item.get("Labels") or {})
            # whoever copies our labels cannot have the name as well
            if not box_id or f"/{box_id}" not in item["Names"]:
                continue
            if wanted is None or box_id in wanted:
                observed = self._observed(box_id, item)
                if observed:
                    boxes.append(observed)
        if ids is None:
            present = {item["Id"] for item in listed}
            self._details = {key: value for key, value in self._details.items() if key in present}
        return Observation(tuple(sorted(boxes, key=lambda box: box.id)), files.boot_id())

    def _ours(self, labels: Mapping[str, str], box_id: BoxId) -> bool:
        return labels.get(translate.INSTALLATION) == self._installation and labels.get(
            translate.BOX
        ) == str(box_id)

    def _observed(self, box_id: BoxId, item: Mapping[str, Any]) -> ObservedBox | None:
        labels: Mapping[str, str] = item["Labels"]
        details = self._details.get(item["Id"])
        state = _STATES.get(item["State"], State.STOPPED)
        if not details or not details.still_true(state):
            found = self._client.find(f"/containers/{item['Id']}/json", f"looking at box {box_id}")
            if found is None:
                return None  # removed since it was listed
            details = details_of(found)
            self._details[item["Id"]] = details
        pid = details.pid
        return ObservedBox(
            id=box_id,
            state=details.state,
            spec=carried_spec(labels),
            slot=_number(labels.get(translate.SLOT, "")),
            set_name=labels.get(translate.SET, ""),
            service_key=labels.get(translate.KEY, ""),
            address=labels.get(translate.ADDRESS, ""),
            limits=cgroups.limits_of(pid) if pid else None,
            created_ms=details.created_ms,
            started_ms=details.started_ms,
            stopped_ms=details.stopped_ms,
            exit_status=details.exit_status,
            out_of_memory=details.out_of_memory,
            pid=pid,
            engine_id=item["Id"],
            joins=_joins(labels.get(translate.JOINS, "")),
            names=self._preparation.names(box_id),
            uid_base=_number(labels.get(translate.UID_RANGE, "")),
            service_address=labels.get(translate.SERVICE_ADDRESS, ""),
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
    if pid <= 0:  # between two states; never let such a number out
        return Details(state, created_ms, started_ms)
    return Details(state, created_ms, started_ms, pid=pid, pid_started=files.start_time(pid))


def carried_spec(labels: Mapping[str, str]) -> BoxSpec | None:
    """The spec in a container's label, or None where it cannot be read."""
    try:
        return specs.from_json(labels.get(translate.SPEC, ""))
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
        return BoxId.parse(labels.get(translate.BOX, ""))
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _joins(text: str) -> tuple[tuple[str, BoxId], ...]:
    try:
        return tuple((str(kind), BoxId.parse(peer)) for kind, peer in json.loads(text or "[]"))
    except (ValueError, TypeError):
        return ()
