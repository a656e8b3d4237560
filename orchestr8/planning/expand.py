"""Contracts become what shall exist: a declaration for each slot, links, volumes, addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.records import Records
from orchestr8.boxes.spec import BoxSpec, SpecFile, SpecSecret
from orchestr8.contract.model import Contract, Contracts, Grant, ImageFacts
from orchestr8.isolation import strict
from orchestr8.isolation.profile import PRIVATE, Profile
from orchestr8.manifest.model import HttpCheck, Link, Service, TcpCheck
from orchestr8.names import ServiceName
from orchestr8.planning.declarations import Declarations
from orchestr8.planning.storage import Storage, Volumes, ids
from orchestr8.planning.wording import listed

Digests = Mapping[tuple[str, ...], str]
"""Keyed hashes: ("file", owner, service, source) and ("secret", owner, name), which for one service
may be ("secret", owner, name, service) instead. Empty is missing."""
NO_VOLUMES: Volumes = {}
NO_LINE = ("", "")
Lines = tuple[tuple[str, str], ...]


def expand(
    contracts: Contracts, records: Records, digests: Digests, volumes: Volumes = NO_VOLUMES
) -> Desired:
    """What shall exist. `records` hold a record for every service of the contracts.

    A volume of which `volumes` says nothing is read-only for all but its own service.
    """
    ties = _Ties.of(contracts)
    storage = Storage(contracts, records, volumes, ties.mounting)
    fleet = _Fleet(contracts, records, digests, storage, ties)
    return Desired(
        services=Declarations(contracts.services, fleet.service),
        quotas=contracts.quotas,
        volumes=fleet.storage.desired(),
        reserve_cpu_millicores=contracts.reserve_cpu_millicores,
        reserve_memory_bytes=contracts.reserve_memory_bytes,
    )


class _Ties(Struct, frozen=True):
    """What services have to do with each other.

    `joiners` are the services that share another's network, by that other one; `shared` those whose
    ipc namespace another joins, `mounting` has those with volumes.
    """

    joiners: dict[ServiceName, list[Contract]] = field(default_factory=dict)
    shared: set[ServiceName] = field(default_factory=set)
    mounting: list[Contract] = field(default_factory=list)

    @classmethod
    def of(cls, contracts: Contracts) -> _Ties:
        """The ties of these."""
        found = cls()
        for name in contracts.tied:
            contract = contracts.services[name]
            profile = contract.profile
            if profile.net != PRIVATE:
                found.joiners.setdefault(ServiceName.parse(profile.net), []).append(contract)
            if profile.ipc != PRIVATE:
                found.shared.add(ServiceName.parse(profile.ipc))
            if contract.service.volumes:
                found.mounting.append(contract)
        return found


class _Fleet(Struct):
    """Everything that a service's declaration is drawn from."""

    contracts: Contracts
    records: Records
    digests: Digests
    storage: Storage
    ties: _Ties
    _envs: dict[tuple[object, ...], Lines] = field(default_factory=dict)
    """The variables of boxes so far; most services say the same as another."""
    _called: set[ServiceName] | None = None

    def service(self, contract: Contract) -> DesiredService:
        """One service: a declaration for each slot, and what may change without a new box."""
        service = contract.service
        name = service.name
        record = self.records.services[name]
        joiners = self.ties.joiners
        users = (contract, *joiners.get(name, ())) if joiners else (contract,)
        endings = contract.ended
        return DesiredService(
            name=name,
            set_name=contract.set_name,
            key=record.key,
            address=record.address,
            slots=self._slots(contract, self._is_networked(users), self.storage.private_id(name)),
            limits=contract.limits,
            run_once=service.run_once,
            health=service.health,
            stop=service.stop,
            update=service.update,
            connects=_links(contract),
            after=service.after,
            publish=service.publish,
            egress=contract.egress,
            names=self._names(users),
            new_boxes_allowed=not endings or not any(map(self._forbids, endings)),
            notes=contract.notes if not endings else (*contract.notes, *map(_ending, endings)),
            stop_first_why=self._stop_first_why(contract),
            shares=("ipc",) if self.ties.shared and name in self.ties.shared else (),
            missing=self._missing(contract) if service.files or service.secrets else (),
            uid_base=record.uid_base,
            standby=service.standby,
        )

    def _slots(self, contract: Contract, networked: bool, uid_private: int) -> tuple[BoxSpec, ...]:
        replicas = contract.service.replicas
        if not replicas:
            return ()
        first = self._spec(contract, networked, uid_private)
        if not first.volumes:
            return (first,) * replicas
        others = (self.storage.mounts(contract, slot) for slot in range(1, replicas))
        return (first, *(replace(first, volumes=mounts) for mounts in others))

    def _spec(self, contract: Contract, networked: bool, uid_private: int) -> BoxSpec:
        service, profile = contract.service, contract.profile
        image = contract.image or ImageFacts(service.image, "")
        uid, gid = ids(contract, uid_private)
        entrypoint, args = _process(service, image)
        return BoxSpec(
            image_id=image.id,
            image=service.image,
            run_once=service.run_once,
            entrypoint=entrypoint,
            args=args,
            env=self._env(service.env, image.env, profile),
            workdir=service.workdir or image.workdir or "/",
            hostname=service.name.service,
            uid=uid,
            gid=gid,
            files=self._files(contract) if service.files else (),
            secrets=self._secrets(contract) if service.secrets else (),
            volumes=self.storage.mounts(contract, 0) if service.volumes else (),
            networked=networked,
            profile=profile,
        )

    def _env(self, said: Lines, of_image: Lines, profile: Profile) -> Lines:
        key = said, of_image, profile.strict, profile.image_env
        found = self._envs.get(key)
        if found is None:
            found = self._envs[key] = _variables(said, of_image, profile)
        return found

    def _files(self, contract: Contract) -> tuple[SpecFile, ...]:
        return tuple(
            SpecFile(file.target, self._file(contract, file.source))
            for file in sorted(contract.service.files)
        )

    def _secrets(self, contract: Contract) -> tuple[SpecSecret, ...]:
        return tuple(
            SpecSecret(name, self._secret(contract, name))
            for name in sorted(contract.service.secrets)
        )

    def _is_networked(self, users: Sequence[Contract]) -> bool:
        """Whether a box needs an interface of its own; `users` are its service, and those that
        share its network.

        An interface cannot be given to a box that runs, so it is there as soon as anything in the
        fleet could use it: a link from it or to it, a readiness to be called, a port, a way out, a
        probe by address. A box without any of these has none, and then nothing can reach it. A box
        that shares another's network uses the other's.
        """
        if users[0].profile.net != PRIVATE:
            return False
        return any(_uses_network(user) or self._is_called(user.name) for user in users)

    def _is_called(self, name: ServiceName) -> bool:
        """Whether a link leads to a service; few use the network and must be asked about."""
        if self._called is None:
            contracts = self.contracts.services.values()
            self._called = {link.peer for one in contracts for link in one.service.connects}
        return name in self._called

    def _names(self, users: Sequence[Contract]) -> tuple[tuple[str, str], ...]:
        """The hosts file of a box with an interface: the service and those that it calls, at their
        virtual addresses."""
        found = {self._line(user.name) for user in users}
        for user in users:
            found.update([self._line(link.peer) for link in _links(user)])
        return tuple(sorted(found - {NO_LINE}))

    def _line(self, name: ServiceName) -> tuple[str, str]:
        """The hosts file's line of a service; NO_LINE of one that never was."""
        record = self.records.services.get(name)
        return (str(name), record.address) if record else NO_LINE

    def _stop_first_why(self, contract: Contract) -> str:
        if contract.service.run_once:
            return "it runs once, never twice at a time"
        exclusive = self.storage.exclusive(contract) if contract.service.volumes else ()
        if exclusive:
            labels = listed(f'"{label}"' for label in exclusive)
            verb = "volume {} is" if len(exclusive) == 1 else "volumes {} are"
            return f"its {verb.format(labels)} exclusive"
        if contract.profile.net != PRIVATE:
            return f"it shares the network of {contract.profile.net}"
        return "its cores are dedicated" if contract.limits.dedicated_cores else ""

    def _forbids(self, ended: Grant) -> bool:
        """Whether nothing new may be placed: where policy tightens or stops, the time that passed
        has had its effect on the contract already; a word that was taken back has not."""
        return self.contracts.on_expiry == "keep" or not ended.has_passed

    def _missing(self, contract: Contract) -> tuple[str, ...]:
        service = contract.service
        files = (f"file {f.source}" for f in service.files if not self._file(contract, f.source))
        secrets = (f"secret {s}" for s in service.secrets if not self._secret(contract, s))
        return tuple(sorted((*files, *secrets)))

    def _file(self, contract: Contract, source: str) -> str:
        return self.digests.get(("file", contract.name.owner, contract.name.service, source), "")

    def _secret(self, contract: Contract, name: str) -> str:
        key = ("secret", contract.name.owner, name)
        return self.digests.get((*key, contract.name.service)) or self.digests.get(key, "")


def _ending(grant: Grant) -> str:
    return f"relaxation {grant.id} {grant.ending}"


def _links(contract: Contract) -> tuple[Link, ...]:
    """The links that both sides declare; most services have no other."""
    return contract.links if contract.links_closed else contract.service.connects


def _uses_network(contract: Contract) -> bool:
    service = contract.service
    if service.connects or service.accepts or service.publish or service.edge or contract.egress:
        return True
    return service.health is not None and isinstance(service.health.check, HttpCheck | TcpCheck)


def _process(service: Service, image: ImageFacts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Entry point and arguments: an entry point of the manifest's own takes none of the image's
    arguments, which were meant for another program."""
    if service.entrypoint is not None:
        return service.entrypoint, service.args or ()
    return image.entrypoint, image.cmd if service.args is None else service.args


def _variables(said: Lines, of_image: Lines, profile: Profile) -> Lines:
    """The image's variables, less those that change what a program loads, then the manifest's."""
    refused = strict.VERSIONS[profile.strict].image_env_refused
    wanted = profile.image_env
    env = {line[0]: line for line in of_image if line[0] not in refused or line[0] in wanted}
    for line in said:
        env[line[0]] = line
    return tuple(sorted(env.values()))
