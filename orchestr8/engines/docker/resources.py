"""What a box may use, changed in place: of one that runs, and of a standby, which runs with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from orchestr8.boxes.world import State
from orchestr8.engines.docker.carried import carried_slot
from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.containers import Containers
from orchestr8.engines.docker.details import details_of
from orchestr8.engines.docker.machine import DockerMachine
from orchestr8.engines.memory_use import require_room
from orchestr8.engines.required import require_cores, require_limits
from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import Limits
from orchestr8.names import STANDBY, BoxId
from orchestr8.units import format_cores


class Resources(Struct, frozen=True):
    """Changes them on one engine."""

    client: Client
    containers: Containers
    machine: DockerMachine

    def limit(self, box_id: BoxId, limits: Limits) -> None:
        """All cgroup numbers in one call: the engine orders memory before swap or after it."""
        found = self.containers.existing(box_id)
        pid = details_of(found).pid
        if not pid and not _waits(found):
            raise RejectedError(f"box {box_id} does not run, so it has no limits to change")
        require_limits(limits, self.machine.features)
        if pid:
            require_room(box_id, pid, limits)
        from orchestr8.engines.docker import translate  # most commands change nothing

        self._change(box_id, found, "limits", translate.limits_body(limits))

    def keep_on(self, box_id: BoxId, cores: Sequence[int]) -> None:
        """To these cores; an empty list would change nothing, so every core is named.

        The memory is named as it is: with systemd's control groups an engine that is told to change
        something else takes the limit of swap away.
        """
        found = self.containers.find(box_id)
        if not found or not (details_of(found).state.runs or _waits(found)):
            return
        features = self.machine.features
        require_cores(cores, features)
        held = found["HostConfig"]
        changes = {
            "CpusetCpus": format_cores(cores or features.cores),
            "Memory": held["Memory"],
            "MemorySwap": held["MemorySwap"],
        }
        self._change(box_id, found, "cores", changes)

    def _change(
        self, box_id: BoxId, found: Mapping[str, Any], what: str, body: Mapping[str, Any]
    ) -> None:
        doing = f"changing the {what} of box {box_id}"
        self.client.post(f"/containers/{found['Id']}/update", doing, body)
        if _waits(found):
            self.containers.changed(box_id)


def _waits(found: Mapping[str, Any]) -> bool:
    """Whether an inspected container is a standby."""
    slot = carried_slot(found["Config"]["Labels"])
    return slot == STANDBY and details_of(found).state is State.CREATED
