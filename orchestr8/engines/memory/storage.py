"""Images and volumes in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec.structs import replace

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import ObservedBox, ObservedCopy, ObservedVolume
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
            present = machine.images.get(reference) or machine.image_by_id(reference)
            # An id is nobody's invention: what it was is made up again where it is fetched by name.
            if present is None and machine.any_image and not reference.startswith("sha256:"):
                present = _made_up(reference)
                machine.register(present)
            return present

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
        """Make it if it is missing, or grow it; its size is never less afterwards."""
        machine = self._machine
        with machine.faults.during("volumes.ensure", volume.name), machine.lock:
            found = machine.volumes.setdefault(
                volume.name,
                ObservedVolume(
                    name=volume.name,
                    owner=volume.owner,
                    volume=volume.volume,
                    uid=volume.uid,
                    path=f"/memory/volumes/{volume.name}",
                    size_bytes=volume.size_bytes,
                    created_ms=machine.clock.now_ms(),
                    service=volume.service,
                ),
            )
            if volume.size_bytes is not None and found.size_bytes is None:
                raise RejectedError(
                    f"the volume {volume.name} is there without a size, and holds somebody's data",
                    "leave its size out, or declare another volume and copy the data into it",
                )
            larger = max(found.size_bytes or 0, volume.size_bytes or 0) or None
            machine.volumes[volume.name] = replace(found, size_bytes=larger, ready=True)

    def delete(self, name: str) -> None:
        """Delete it; one that a box has is rejected."""
        machine = self._machine
        with machine.faults.during("volumes.delete", name), machine.lock:
            self._require_free(name)
            machine.volumes.pop(name, None)

    def used(self, name: str) -> int:
        """Nothing: these volumes have no content."""
        return 0

    def copies(self) -> tuple[ObservedCopy, ...]:
        """All of them, sorted by volume and label."""
        machine = self._machine
        with machine.faults.during("copies.copies"), machine.lock:
            return tuple(machine.copies[key] for key in sorted(machine.copies))

    def copy(self, name: str, label: str, writers: Sequence[ObservedBox]) -> ObservedCopy:
        """Note that there is one."""
        machine = self._machine
        with machine.faults.during("copies.copy", name), machine.lock:
            found = machine.volumes.get(name)
            if found is None:
                raise RejectedError(f"there is no volume {name}")
            if (name, label) in machine.copies:
                raise RejectedError(f"there is a copy {label} already", "give another name")
            made = ObservedCopy(
                name, label, found.owner, found.volume, found.uid, found.size_bytes,
                machine.clock.now_ms(),
            )  # fmt: skip
            machine.copies[name, label] = made
            return made

    def restore(self, name: str, copy: ObservedCopy) -> None:
        """Reject what no engine would do."""
        machine = self._machine
        with machine.faults.during("copies.restore", name), machine.lock:
            if (copy.name, copy.label) not in machine.copies or name not in machine.volumes:
                raise RejectedError(f"there is no copy {copy.label} of {copy.name}, or no volume")
            self._require_free(name)

    def discard(self, copy: ObservedCopy) -> None:
        """Forget it."""
        machine = self._machine
        with machine.faults.during("copies.discard", copy.name), machine.lock:
            machine.copies.pop((copy.name, copy.label), None)

    def _require_free(self, name: str) -> None:
        for found in self._machine.boxes.values():
            if any(volume.volume == name for volume in found.box.spec.volumes):
                raise RejectedError(
                    f"box {found.box.id} has the volume {name}", "remove that box first"
                )


def _made_up(reference: str) -> ImageFacts:
    digest = f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
    return ImageFacts(reference=reference, id=digest, cmd=("/run",), architecture="amd64")
