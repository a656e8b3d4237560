"""The simulated host beside the engine: packet filter, owners' cgroups, probes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestr8.boxes.network import (
    SERVICE_RANGE,
    SUBNET,
    Element,
    NetworkState,
    key_of,
)
from orchestr8.engines.memory.machine import Machine
from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import Quota
from orchestr8.manifest.model import CommandCheck, HttpCheck, TcpCheck
from orchestr8.names import BoxId


class MemoryNetwork:
    """The table as a set."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def observe(self) -> NetworkState:
        """What the table holds."""
        machine = self._machine
        with machine.faults.during("network.observe"), machine.lock:
            return NetworkState(
                machine.network_prepared, frozenset(machine.elements), SUBNET, SERVICE_RANGE
            )

    def prepare(self) -> None:
        """Make the empty table where there is none."""
        machine = self._machine
        with machine.faults.during("network.prepare"), machine.lock:
            machine.network_prepared = True

    def change(self, add: Sequence[Element], remove: Sequence[Element]) -> None:
        """Both at once; a Route or Door replaces the one with its key."""
        machine = self._machine
        with machine.faults.during("network.change"), machine.lock:
            if not machine.network_prepared:
                raise RejectedError("the network is not prepared")
            machine.elements.difference_update(remove)
            replaced = {key_of(element) for element in add}
            kept = {element for element in machine.elements if key_of(element) not in replaced}
            machine.elements = kept | set(add)

    def listeners(self) -> Mapping[tuple[str, int], str]:
        """What the machine was told that others listen on."""
        machine = self._machine
        with machine.faults.during("network.listeners"), machine.lock:
            return dict(machine.listeners)

    def absent(self, addresses: Iterable[str]) -> frozenset[str]:
        """Those that the machine was told not to have."""
        machine = self._machine
        with machine.faults.during("network.absent"), machine.lock:
            return machine.absent.intersection(addresses)


class MemoryOwners:
    """Quotas by owner."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def quotas(self) -> dict[str, Quota]:
        """What each owner's cgroup carries: what no control file holds is not seen."""
        machine = self._machine
        with machine.faults.during("owners.quotas"), machine.lock:
            return {owner: _carried(quota) for owner, quota in sorted(machine.quotas.items())}

    def ensure(self, owner: str, quota: Quota) -> None:
        """Make or change the owner's cgroup; its memory not below what its boxes use."""
        machine = self._machine
        with machine.faults.during("owners.ensure", owner), machine.lock:
            machine.settle()
            used = machine.memory_of(owner)
            if quota.memory_bytes is not None and used > quota.memory_bytes:
                raise RejectedError(
                    f"the boxes of {owner} use {used} bytes, more than the quota",
                    "stop some, or leave the quota higher",
                )
            machine.quotas[owner] = quota

    def bias(self, box_id: BoxId, pid: int, *, first: bool) -> None:
        """Whom the simulated kernel would end first."""
        machine = self._machine
        with machine.faults.during("owners.bias", str(box_id)), machine.lock:
            if first:
                machine.first_to_end.add(box_id)
            else:
                machine.first_to_end.discard(box_id)


def _carried(quota: Quota) -> Quota:
    return Quota(quota.cpu_millicores, quota.memory_bytes, pids=quota.pids)


class MemoryProbes:
    """Asks the workload."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def check(
        self, box_id: BoxId, pid: int, check: HttpCheck | TcpCheck | CommandCheck, timeout_ms: int
    ) -> str:
        """The empty text if the workload is healthy by now."""
        machine = self._machine
        with machine.faults.during("probes.check", str(box_id)), machine.lock:
            machine.settle()
            found = machine.boxes.get(box_id)
            if not found or found.pid != pid:
                return "the box does not run"
            if found.workload.healthy(machine.clock.now_ms() - found.started_ms):
                return ""
            match check:
                case HttpCheck():
                    return f"GET :{check.port}{check.path} answered 503"
                case TcpCheck():
                    return f"port {check.port} refuses connections"
                case CommandCheck():
                    return "the command ended with status 1"
