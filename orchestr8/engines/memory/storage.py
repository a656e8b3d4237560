"""Images and volumes in memory."""

from __future__ import annotations

import hashlib

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import ObservedVolume
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.memory.machine import Machine
from orchestr8.errors import RejectedError


class MemoryImages:
    """What is present, and a registry beside it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def resolve(self, reference: str) -> ImageFacts | None:
        """The facts of an image that is present, by reference or id."""
        machine = self._machine
        with machine.faults.during("images.resolve", reference), machine.lock:
            if machine.any_image and reference not in machine.images:
                machine.register(_made_up(reference))
            return machine.images.get(reference) or machine.image_by_id(reference)

    def fetch(self, reference: str) -> ImageFacts:
        """From the registry, where it is not present yet."""
        machine = self._machine
        with machine.faults.during("images.fetch", reference), machine.lock:
            present = machine.images.get(reference) or machine.image_by_id(reference)
            if present:
                return present
            facts = machine.registry.get(reference)
            if machine.any_image:
                facts = facts or _made_up(reference)
            if not facts:
                raise RejectedError(
                    f"no registry has the image {reference}", "look at its name and tag"
                )
            machine.register(facts)
            return facts


class MemoryVolumes:
    """Volumes without content."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def volumes(self) -> tuple[ObservedVolume, ...]:
        """All of them, sorted by name."""
        machine = self._machine
        with machine.faults.during("volumes.volumes"), machine.lock:
            return tuple(machine.volumes[name] for name in sorted(machine.volumes))

    def ensure(self, volume: DesiredVolume) -> None:
        """Make it if it is missing."""
        machine = self._machine
        with machine.faults.during("volumes.ensure", volume.name), machine.lock:
            machine.volumes.setdefault(
                volume.name,
                ObservedVolume(
                    name=volume.name,
                    owner=volume.owner,
                    volume=volume.volume,
                    uid=volume.uid,
                    path=f"/memory/volumes/{volume.name}",
                ),
            )

    def delete(self, name: str) -> None:
        """Delete it; one that a box has is rejected."""
        machine = self._machine
        with machine.faults.during("volumes.delete", name), machine.lock:
            for found in machine.boxes.values():
                if any(volume.volume == name for volume in found.box.spec.volumes):
                    raise RejectedError(f"box {found.box.id} has the volume {name}")
            machine.volumes.pop(name, None)


def _made_up(reference: str) -> ImageFacts:
    digest = f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
    return ImageFacts(reference=reference, id=digest, cmd=("/run",), architecture="amd64")
