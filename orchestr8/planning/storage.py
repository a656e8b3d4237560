"""Which volume is mounted where, and to whom its content belongs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.records import UID_INSIDE, Records
from orchestr8.boxes.spec import SpecVolume
from orchestr8.contract.model import Contract, Contracts
from orchestr8.isolation.features import NS_USER
from orchestr8.manifest.model import Volume, VolumeMount
from orchestr8.names import ServiceName

Volumes = Mapping[tuple[str, str], Volume]
"""What the fleet says of volumes, by owner and name."""


def volume_name(owner: str, volume: str, slot: int) -> str:
    """A volume's name on every engine.

    Slot 0 has the plain name, so that a service that grows keeps its data where it is.
    """
    return f"{owner}--{volume}--{slot}" if slot else f"{owner}--{volume}"


def ids(contract: Contract, uid_private: int) -> tuple[int, int]:
    """The uid and gid that a service's boxes have: its private one, or those that were granted."""
    if contract.fixed_id:
        uid, gid = contract.fixed_id.split(":")
        return int(uid), int(gid)
    return uid_private, uid_private


class Storage:
    """The volumes of a fleet.

    Each has one home, the service whose data it is: that one writes, has a volume for each slot,
    and its uid owns the content. Every other service sees the home's first volume, and writes only
    where the volume's owner says so: another owner's also while no service of the volume's owner
    has it, since its data is nobody else's for that.
    """

    def __init__(
        self, contracts: Contracts, records: Records, volumes: Volumes, mounting: Sequence[Contract]
    ) -> None:
        """`mounting` are those of the contracts that have volumes."""
        self.contracts = contracts
        self.records = records
        self.volumes = volumes
        self._mounting = mounting
        self._own_ids = contracts.features.has(NS_USER)
        self._homes: dict[tuple[str, str], ServiceName] = {}
        mounted: dict[tuple[str, str], list[ServiceName]] = {}
        for contract in mounting:
            for mount in contract.service.volumes:
                mounted.setdefault((mount.owner, mount.volume), []).append(contract.name)
        for key, names in mounted.items():
            shared = dict(volumes[key].share) if key in volumes else {}
            self._homes[key] = min(
                names, key=lambda name: (name.owner != key[0], name in shared, name)
            )

    def mounts(self, contract: Contract, slot: int) -> tuple[SpecVolume, ...]:
        """The volumes in one slot of a service."""
        mounts = (self._mount(contract, mount, slot) for mount in contract.service.volumes)
        return tuple(sorted(mounts, key=lambda mount: mount.target))

    def exclusive(self, contract: Contract) -> tuple[str, ...]:
        """The volumes to which a service writes and no other does."""
        return tuple(
            sorted(
                mount.volume
                for mount in contract.service.volumes
                if self._is_at_home(contract, mount) and "rw" not in self._modes(mount).values()
            )
        )

    def desired(self) -> tuple[DesiredVolume, ...]:
        """Every volume that a slot mounts, each once."""
        found: dict[str, DesiredVolume] = {}
        for contract in self._mounting:
            for mount in contract.service.volumes:
                for slot in self._slots(contract, mount):
                    volume = self._volume(mount, slot)
                    found.setdefault(volume.name, volume)
        return tuple(found[name] for name in sorted(found))

    def _slots(self, contract: Contract, mount: VolumeMount) -> Iterable[int]:
        replicas = contract.service.replicas
        return range(replicas if self._is_at_home(contract, mount) else min(replicas, 1))

    def _mount(self, contract: Contract, mount: VolumeMount, slot: int) -> SpecVolume:
        is_home = self._is_at_home(contract, mount)
        return SpecVolume(
            mount.target,
            volume_name(mount.owner, mount.volume, slot if is_home else 0),
            read_only=not is_home and self._modes(mount).get(contract.name) != "rw",
            owner_uid=self._uid(mount),
        )

    def _volume(self, mount: VolumeMount, slot: int) -> DesiredVolume:
        declared = self.volumes.get((mount.owner, mount.volume))
        return DesiredVolume(
            name=volume_name(mount.owner, mount.volume, slot),
            owner=mount.owner,
            volume=mount.volume,
            uid=self._uid(mount),
            size_bytes=declared.size_bytes if declared else None,
            slot=slot or None,
            service=self._home(mount),
        )

    def _home(self, mount: VolumeMount) -> ServiceName:
        return self._homes[mount.owner, mount.volume]

    def _is_at_home(self, contract: Contract, mount: VolumeMount) -> bool:
        return contract.name == self._home(mount) and contract.name.owner == mount.owner

    def _uid(self, mount: VolumeMount) -> int:
        home = self._home(mount)
        inside = ids(self.contracts.services[home], self.private_id(home))[0]
        return inside + (self.records.services[home].uid_base if self._own_ids else 0)

    def private_id(self, name: ServiceName) -> int:
        """The uid and gid that a service's boxes have inside if nothing else was granted.

        In a user namespace of the box's own every service has the same, and the namespace begins
        with the service's range on the host; without one the ids are those of the host.
        """
        return UID_INSIDE if self._own_ids else self.records.services[name].uid

    def _modes(self, mount: VolumeMount) -> dict[ServiceName, str]:
        declared = self.volumes.get((mount.owner, mount.volume))
        return dict(declared.share) if declared else {}
