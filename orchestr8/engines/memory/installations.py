"""Whose boxes are simulated in this process, and what each installation keeps beside its store."""

from __future__ import annotations

from collections.abc import Mapping

from orchestr8.boxes.network import SUBNET
from orchestr8.boxes.world import Installation
from orchestr8.engines.memory.machine import Machine


class MemoryKeepsake:
    """What a reboot takes."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def keep(self, name: str, content: bytes) -> None:
        """Write it down."""
        machine = self._machine
        with machine.faults.during("keepsake.keep", name), machine.lock:
            machine.keepsake[name] = content

    def kept(self, name: str) -> bytes | None:
        """What was written."""
        machine = self._machine
        with machine.faults.during("keepsake.kept", name), machine.lock:
            return machine.keepsake.get(name)


class MemoryInstallations:
    """Each on a machine of its own."""

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        self._machines = machines

    def found(self) -> tuple[Installation, ...]:
        """Every installation that has a box or a volume, sorted by id."""
        return tuple(
            _installation(found, machine)
            for found, machine in sorted(self._machines.items())
            if machine.boxes or machine.volumes
        )


def _installation(found: str, machine: Machine) -> Installation:
    with machine.faults.during("installations.found", found), machine.lock:
        machine.settle()
        running = sum(box.state.runs for box in machine.boxes.values())
        return Installation(found, len(machine.boxes), running, len(machine.volumes), subnet=SUBNET)
