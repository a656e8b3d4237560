"""The memory engine: one simulated machine behind all the protocols."""

from __future__ import annotations

from collections.abc import Mapping

from orchestr8.engines.memory.boxes import MemoryBoxes
from orchestr8.engines.memory.host import MemoryNetwork, MemoryOwners, MemoryProbes
from orchestr8.engines.memory.installations import MemoryInstallations, MemoryKeepsake
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.storage import MemoryImages, MemoryVolumes
from orchestr8.engines.memory.witness import MemoryWitness
from orchestr8.engines.protocol import Borders, Contents

ALONE: Mapping[str, Machine] = {}


def memory_borders(
    machine: Machine,
    contents: Contents | None = None,
    neighbours: Mapping[str, Machine] = ALONE,
) -> Borders:
    """Everything that a controller calls across, on one simulated machine.

    The same machine may be given to several callers one after the other: what a killed controller
    left is what the next one finds. `neighbours` are the machines of all installations by their
    id, each of which is simulated apart.
    """
    return Borders(
        name="memory",
        boxes=MemoryBoxes(machine, contents),
        images=MemoryImages(machine),
        volumes=MemoryVolumes(machine),
        network=MemoryNetwork(machine),
        owners=MemoryOwners(machine),
        probes=MemoryProbes(machine),
        witness=MemoryWitness(machine),
        engine_id=machine.engine_id,
        keepsake=MemoryKeepsake(machine),
        installations=MemoryInstallations(neighbours),
    )
