"""Contracts become what shall exist: a declaration for each slot, links, volumes, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.records import Records
from orchestr8.boxes.spec import BoxSpec, SpecFile, SpecSecret
from orchestr8.contract.model import Contract, Contracts, ImageFacts
from orchestr8.isolation import strict
from orchestr8.isolation.profile import PRIVATE
from orchestr8.manifest.model import HttpCheck, TcpCheck
from orchestr8.names import ServiceName
from orchestr8.planning.storage import Storage, Volumes, ids
from orchestr8.planning.survey import key_of
from orchestr8.planning.wording import listed

Digests = Mapping[tuple[str, ...], str]
"""Keyed hashes: ("file", set, source) and ("secret", owner, name). Empty is missing."""
NO_VOLUMES: Volumes = {}


def expand(
    contracts: Contracts, records: Records, digests: Digests, volumes: Volumes = NO_VOLUMES
) -> Desired:
    """What shall exist. `records` hold a record for every service of the contracts.

    A volume of which `volumes` says nothing is read-only for all but its own service.
    """
    names = sorted(contracts.services, key=key_of)
    fleet = _Fleet(contracts, records, digests, Storage(contracts, records, volumes))
    return Desired(
        services={name: fleet.service(contracts.services[name]) for name in names},
        quotas=contracts.quotas,
        volumes=fleet.storage.desired(),
        reserve_cpu_millicores=contracts.reserve_cpu_millicores,
        reserve_memory_bytes=contracts.reserve_memory_bytes,
    )


@dataclass
class _Fleet:
    """Everything that a service's declaration is drawn from.

    `joiners` are the services that share another's network, by that other one.
    """

    contracts: Contracts
    records: Records
    digests: Digests
    storage: Storage
    joiners: dict[ServiceName, list[Contract]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        services = self.contracts.services.values()
        for contract in services:
            if contract.profile.net != PRIVATE:
                peer = ServiceName.parse(contract.profile.net)
                self.joiners.setdefault(peer, []).append(contract)
        shared = {contract.profile.ipc for contract in services} - {PRIVATE}
        self._ipc_joined = {ServiceName.parse(peer) for peer in shared}
        self._called = {link.peer for contract in services for link in contract.links}

    def service(self, contract: Contract) -> DesiredService:
        """One service: a declaration for each slot, and what may change without a new box."""
        service, name = contract.service, contract.name
        record = self.records.services[name]
        networked = self._is_networked(contract)
        return DesiredService(
            name=name,
            set_name=contract.set_name,
            key=record.key,
            address=record.address,
            slots=self._slots(contract, networked),
            limits=contract.limits,
            run_once=service.run_once,
            health=contract.health,
            stop=contract.stop,
            update=contract.update,
            connects=contract.links,
            after=service.after,
            publish=contract.publish,
            egress=contract.egress,
            names=self._names(contract) if networked else (),
            new_boxes_allowed=contract.new_boxes_allowed or self.contracts.on_expiry != "keep",
            notes=(*contract.notes, *_endings(contract)),
            stop_first_why=self._stop_first_why(contract),
            shares=("ipc",) if name in self._ipc_joined else (),
            missing=self._missing(contract),
        )

    def _slots(self, contract: Contract, networked: bool) -> tuple[BoxSpec, ...]:
        replicas = contract.service.replicas
        if not replicas:
            return ()
        first = self._spec(contract, networked)
        if not first.volumes:
            return (first,) * replicas
        others = (self.storage.mounts(contract, slot) for slot in range(1, replicas))
        return (first, *(replace(first, volumes=mounts) for mounts in others))

    def _spec(self, contract: Contract, networked: bool) -> BoxSpec:
        service = contract.service
        image = contract.image or ImageFacts(service.image, "")
        uid, gid = ids(contract, self.records)
        entrypoint, args = _process(contract, image)
        files = ((file.target, self._file(contract, file.source)) for file in service.files)
        secrets = ((secret, self._secret(contract, secret)) for secret in service.secrets)
        return BoxSpec(
            image_id=image.id,
            image=service.image,
            run_once=service.run_once,
            entrypoint=entrypoint,
            args=args,
            env=_env(contract, image),
            workdir=service.workdir or image.workdir or "/",
            hostname=contract.name.service,
            uid=uid,
            gid=gid,
            files=tuple(SpecFile(target, digest) for target, digest in sorted(files)),
            secrets=tuple(SpecSecret(secret, digest) for secret, digest in sorted(secrets)),
            volumes=self.storage.mounts(contract, 0),
            networked=networked,
            profile=contract.profile,
        )

    def _is_networked(self, contract: Contract) -> bool:
        """Whether a box needs an interface of its own.

        An interface cannot be given to a box that runs, so it is there as soon as anything in the
        fleet could use it: a link from it or to it, a readiness to be called, a port, a way out, a
        probe by address. A box without any of these has none, and then nothing can reach it. A box
        that shares another's network uses the other's.
        """
        if contract.profile.net != PRIVATE:
            return False
        users = (contract, *self.joiners.get(contract.name, ()))
        return any(user.name in self._called or _uses_network(user) for user in users)

    def _names(self, contract: Contract) -> tuple[tuple[str, str], ...]:
        """The hosts file: the service itself and those that it calls, at virtual addresses."""
        users = (contract, *self.joiners.get(contract.name, ()))
        known = {user.name for user in users} | {link.peer for u in users for link in u.links}
        found = ((name, self.records.services.get(name)) for name in known)
        return tuple(sorted((str(name), record.address) for name, record in found if record))

    def _stop_first_why(self, contract: Contract) -> str:
        if contract.service.run_once:
            return "it runs once, never twice at a time"
        exclusive = self.storage.exclusive(contract)
        if exclusive:
            labels = listed(f'"{label}"' for label in exclusive)
            verb = "volume {} is" if len(exclusive) == 1 else "volumes {} are"
            return f"its {verb.format(labels)} exclusive"
        if contract.profile.net != PRIVATE:
            return f"it shares the network of {contract.profile.net}"
        return ""

    def _missing(self, contract: Contract) -> tuple[str, ...]:
        service = contract.service
        files = (f"file {f.source}" for f in service.files if not self._file(contract, f.source))
        secrets = (f"secret {s}" for s in service.secrets if not self._secret(contract, s))
        return tuple(sorted((*files, *secrets)))

    def _file(self, contract: Contract, source: str) -> str:
        return self.digests.get(("file", contract.set_name, source), "")

    def _secret(self, contract: Contract, name: str) -> str:
        return self.digests.get(("secret", contract.name.owner, name), "")


def _uses_network(contract: Contract) -> bool:
    service = contract.service
    asks = service.connects or service.accepts or service.publish or service.edge or contract.egress
    probed = service.health is not None and isinstance(service.health.check, HttpCheck | TcpCheck)
    return bool(asks) or probed


def _process(contract: Contract, image: ImageFacts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Entry point and arguments: an entry point of the manifest's own takes none of the image's
    arguments, which were meant for another program."""
    service = contract.service
    if service.entrypoint is not None:
        return service.entrypoint, service.args or ()
    return image.entrypoint, image.cmd if service.args is None else service.args


def _env(contract: Contract, image: ImageFacts) -> tuple[tuple[str, str], ...]:
    """The image's variables, less those that change what a program loads, then the manifest's."""
    profile = contract.profile
    refused = set(strict.VERSIONS[profile.strict].image_env_refused) - set(profile.image_env)
    env = {name: value for name, value in image.env if name not in refused}
    env.update(contract.service.env)
    return tuple(sorted(env.items()))


def _endings(contract: Contract) -> tuple[str, ...]:
    return tuple(
        f"relaxation {grant.id} ended {grant.until}" for grant in contract.grants if grant.ended
    )
