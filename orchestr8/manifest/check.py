"""What must be true across services, files and sets: names, references, order, host ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set

from orchestr8.errors import Place, Problem
from orchestr8.manifest import hints
from orchestr8.manifest.addresses import EVERYWHERE
from orchestr8.manifest.cycles import cycles
from orchestr8.manifest.files import FileRead
from orchestr8.manifest.model import Fleet, ManifestSet, Service
from orchestr8.manifest.repository import is_key
from orchestr8.manifest.rules import service_problems, value_place
from orchestr8.manifest.volumes import volume_problems
from orchestr8.names import ServiceName

_CIRCLE_SHOWN = 12


class _Known:
    """Which names exist, in these files and outside; `owners` are those that can be judged.

    `everywhere` says that a fleet is at hand, so that every owner's names are known, or those of
    the owners `seen`. Nearest names are searched no more often than problems are shown.
    """

    def __init__(self, everywhere: bool, seen: Set[str] | None) -> None:
        self.services: set[ServiceName] = set()
        self.volumes: set[tuple[str, str]] = set()
        self.secrets: set[tuple[str, str]] = set()
        self.owners: set[str] = set()
        self._everywhere = everywhere
        self._seen = seen
        self.guesses_left = 50

    def judges(self, owner: str) -> bool:
        """Whether it is known what exists of this owner, and may be told."""
        told = self._everywhere and (self._seen is None or owner in self._seen)
        return told or owner in self.owners

    def like(self, called: str, names: Iterable[tuple[str, str]], owner: str) -> str:
        """A remedy that names what is most like `called`, as a file of this owner calls it."""
        self.guesses_left -= 1
        if self.guesses_left < 0:
            return ""
        told = ((of, other) for of, other in names if self.judges(of))
        return _like(called, {other if of == owner else f"{other}.{of}" for of, other in told})


def check(
    files: Sequence[FileRead], outside: Fleet | None, seen: Set[str] | None = None
) -> list[Problem]:
    """Every problem between the parts of a set, and between it and the fleet outside, of which no
    names but these owners' are told where `seen` names some."""
    services = [service for file in files for service in file.services]
    problems = [problem for service in services for problem in service_problems(service)]
    problems += _declared_twice(files)
    problems += _shared_twice(files)
    problems += _platform_parts(files)
    problems += _nothing_declared(files)
    if all(file.readable for file in files):
        known = _known(files, outside, seen)
        for service in services:
            problems += _references(service, known)
        volumes = [volume for file in files for volume in file.volumes]
        problems += volume_problems(services, volumes, outside)
        problems += _waived_owners(files)
        problems += _owners_of_sources(files)
    problems += _approved_twice(files)
    problems += _host_ports(services, outside, seen)
    problems += _after_cycles(services, outside)
    problems += joined_slots(services, outside)
    return problems


def unchecked_names(manifest_set: ManifestSet) -> tuple[str, ...]:
    """Names of owners outside the set, which without a fleet are checked for their form alone."""
    own = {service.name.owner for service in manifest_set.services}
    own |= {volume.owner for volume in manifest_set.volumes}
    found: set[str] = set()
    for service in manifest_set.services:
        peers = [*service.after, *(link.peer for link in service.connects)]
        found |= {str(peer) for peer in peers if peer.owner not in own}
        found |= {f"{v.volume}.{v.owner}" for v in service.volumes if v.owner not in own}
        found |= {name for name in _joined_names(service) if name.partition(".")[2] not in own}
    return tuple(sorted(found))


def _known(files: Sequence[FileRead], outside: Fleet | None, seen: Set[str] | None) -> _Known:
    known = _Known(outside is not None, seen)
    for file in files:
        known.owners.add(file.owner)
        names = {part: file.declared.get(part, {}) for part in ("services", "volumes", "secrets")}
        known.services |= {ServiceName(file.owner, name) for name in names["services"]}
        known.volumes |= {(file.owner, name) for name in names["volumes"]}
        known.secrets |= {(file.owner, name) for name in names["secrets"]}
    if outside is not None:
        known.services |= outside.services().keys()
        known.volumes |= outside.volumes().keys()
        known.secrets |= outside.secrets().keys()
    return known


def _declared_twice(files: Sequence[FileRead]) -> Iterator[Problem]:
    first: dict[tuple[str, str, str], Place] = {}
    for file in files:
        for part, names in file.declared.items():
            for name, place in names.items():
                before = first.setdefault((part, file.owner, name), place)
                if before != place:
                    kind = part.removesuffix("s")
                    what = f"the {kind} {name}.{file.owner} is declared twice; first in {before}"
                    yield Problem(place, what, "keep one of the two, or give one another name")


def _shared_twice(files: Sequence[FileRead]) -> Iterator[Problem]:
    for volume in (volume for file in files for volume in file.volumes):
        counted = Counter(peer for peer, _ in volume.share)
        for peer in sorted(peer for peer, count in counted.items() if count > 1):
            what = f"volumes.{volume.name}.share lists {peer} twice"
            yield Problem(volume.place, what, "keep one of the two")


def _platform_parts(files: Sequence[FileRead]) -> Iterator[Problem]:
    places = [file.platform_place for file in files if file.platform_place]
    for place in places[1:]:
        what = f"`platform` is written twice; first in {places[0]}"
        yield Problem(place, what, "keep one file with the platform's part")


def _nothing_declared(files: Sequence[FileRead]) -> Iterator[Problem]:
    if not all(file.readable for file in files):
        return
    if any(file.declared.get("services") or file.platform_place for file in files):
        return
    if any(file.problems for file in files):
        return
    place = Place(files[0].parsed.source.name, 1, 1)
    yield Problem(
        place,
        "nothing is declared: no service and no platform part",
        'write services: {NAME: {image: "name:tag"}}; what runs is ended by `orchestr8 remove`',
    )


def _references(service: Service, known: _Known) -> Iterator[Problem]:
    name = f"services.{service.name.service}"
    peers = [(f"after.{i}", peer, "after") for i, peer in enumerate(service.after)]
    peers += [(f"connects.{i}", link.peer, "connects") for i, link in enumerate(service.connects)]
    peers += [
        (f"accepts.{i}", link.peer, "accepts")
        for i, link in enumerate(service.accepts)
        if link.peer.owner == service.name.owner
    ]
    peers += [
        (f"relax.{i}", ServiceName.parse(joined), "relax") for i, joined in _joined_entries(service)
    ]
    for path, peer, field_name in peers:
        if known.judges(peer.owner) and peer not in known.services:
            called = _called(peer, service.name.owner)
            what = f"{name}.{field_name} names {called}, and there is no such service"
            names = ((other.owner, other.service) for other in known.services)
            remedy = known.like(called, names, service.name.owner)
            yield Problem(service.place(path), what, remedy or "declare it, or mend the name")
    yield from _volumes(service, known)
    yield from _secrets(service, known)


def _called(peer: ServiceName, owner: str) -> str:
    """A service as a file of this owner calls it."""
    return peer.service if peer.owner == owner else str(peer)


def _volumes(service: Service, known: _Known) -> Iterator[Problem]:
    own = service.name.owner
    for mount in service.volumes:
        if not known.judges(mount.owner) or (mount.owner, mount.volume) in known.volumes:
            continue
        called = mount.volume if mount.owner == own else f"{mount.volume}.{mount.owner}"
        remedy = known.like(called, known.volumes, own) or (
            f"write volumes: {{{mount.volume}: {{}}}} in a file of owner {mount.owner}"
        )
        yield Problem(
            value_place(service, f"volumes.{mount.target}"),
            f"services.{service.name.service}.volumes names {called}, and there is no such volume",
            remedy,
        )


def _secrets(service: Service, known: _Known) -> Iterator[Problem]:
    owner = service.name.owner
    used = [(f"secrets.{i}", "secrets", secret) for i, secret in enumerate(service.secrets)]
    if service.edge and service.edge.tls:
        used.append(("edge.tls", "edge.tls", service.edge.tls))
    for path, field_name, secret in used:
        if (owner, secret) not in known.secrets:
            own = ((of, other) for of, other in known.secrets if of == owner)
            what = f"services.{service.name.service}.{field_name} names {secret}, and {owner} has "
            remedy = known.like(secret, own, owner) or (
                f"write secrets: {{{secret}: {{}}}} in a file of owner {owner}"
            )
            yield Problem(value_place(service, path), what + "no such secret", remedy)


def _like(name: object, known: set[str]) -> str:
    meant = hints.nearest(str(name), known)
    return f'did you mean "{meant}"?' if meant else ""


def _joined_entries(service: Service) -> Iterator[tuple[int, str]]:
    for index, asked in enumerate(service.relax):
        if asked.id in ("ns.pid.share", "ns.net.share", "ns.ipc.share"):
            yield index, str(dict(asked.arguments)["with"])


def _joined_names(service: Service) -> set[str]:
    return {name for _, name in _joined_entries(service)}


def _waived_owners(files: Sequence[FileRead]) -> Iterator[Problem]:
    for file in files:
        owners = {owner.name for owner in file.platform.owners} if file.platform else set()
        for waiver in file.platform.waivers if file.platform else ():
            if owners and waiver.service.owner not in owners:
                what = f"the waiver is for {waiver.service}, and there is no such owner"
                remedy = _like(waiver.service.owner, owners) or "write it under `owners`"
                yield Problem(waiver.place, what, remedy)


def _owners_of_sources(files: Sequence[FileRead]) -> Iterator[Problem]:
    """A source whose owner is not there, or has nobody who could sign, could never bring anything.

    Members of a part that is not in force yet are meant, too: it is what will be in force.
    """
    for platform in (file.platform for file in files if file.platform):
        members = {owner.name: owner.members for owner in platform.owners}
        for source in platform.sources:
            if source.owner and source.owner not in members:
                what = f"the source {source.name} is of {source.owner}, and there is no such owner"
                remedy = _like(source.owner, set(members)) or "write it under `owners`"
                yield Problem(source.place, what, remedy)
                continue
            own = members[source.owner] if source.owner else platform.members
            if source.verified and not any(map(is_key, own)):
                of = f"the owner {source.owner}" if source.owner else "the platform"
                what = f"the source {source.name} needs signatures, and no member of {of} is a key"
                remedy = (
                    "write the keys of those who may sign among the `members`, as "
                    '"ssh:SHA256:…" or "gpg:…"'
                )
                yield Problem(source.place, what, remedy)


def _approved_twice(files: Sequence[FileRead]) -> Iterator[Problem]:
    """One person under two spellings is one person."""
    for file in files:
        for waiver in file.platform.waivers if file.platform else ():
            counted = Counter(waiver.by)
            for person in sorted(person for person, count in counted.items() if count > 1):
                what = f"the waiver for {waiver.service} is by {person} twice"
                yield Problem(waiver.place, what, "name each person once")
            if not waiver.by:
                what = f"the waiver for {waiver.service} is by nobody"
                yield Problem(waiver.place, what, "write by: [ann], who approved it")


def _host_ports(
    services: Sequence[Service], outside: Fleet | None, seen: Set[str] | None
) -> Iterator[Problem]:
    here = {service.name for service in services}
    taken: dict[int, list[tuple[str, ServiceName, Place | None]]] = {}
    for other in outside.services().values() if outside else ():
        if other.name not in here:
            for address, host_port, _ in _bound(other):
                taken.setdefault(host_port, []).append((address, other.name, None))
    for service in services:
        for address, host_port, path in _bound(service):
            place = service.place(path)
            for held, holder, where in taken.get(host_port, ()):
                if EVERYWHERE in (held, address) or held == address:
                    has = f"{holder} has {held}:{host_port}" + (f" in {where}" if where else "")
                    if where is None and seen is not None and holder.owner not in seen:
                        has = "another owner's service has it"
                    what = f"port {host_port} of the host is taken: {has}"
                    yield Problem(place, what, "choose another port")
                    break
            taken.setdefault(host_port, []).append((address, service.name, place))


def _bound(service: Service) -> Iterator[tuple[str, int, str]]:
    """The host's addresses and ports that a service binds, and where it says so."""
    for publish in service.publish:
        key = f"publish.{publish.address}:{publish.host_port}"
        bare = f"publish.{publish.host_port}"
        yield publish.address, publish.host_port, key if key in service.places else bare
    if service.edge:
        yield EVERYWHERE, service.edge.listen, "edge.listen"


def _after_cycles(services: Sequence[Service], outside: Fleet | None) -> Iterator[Problem]:
    by_name = dict(outside.services()) if outside else {}
    by_name |= {service.name: service for service in services}
    here = {service.name: service for service in services}
    graph = {
        name: sorted(peer for peer in service.after if peer in by_name and peer != name)
        for name, service in by_name.items()
        if service.after
    }
    for cycle in cycles(graph):
        found = next((name for name in cycle if name in here), None)
        if found is None:
            continue
        start = cycle.index(found)
        turned = [*cycle[start:], *cycle[:start]]
        path = f"after.{here[found].after.index(turned[1])}"
        yield Problem(
            here[found].place(path),
            "`after` goes in a circle: " + _circle([*turned, found]),
            "take one of these lines out",
        )


def _circle(names: Sequence[ServiceName]) -> str:
    shown = [str(name) for name in names]
    if len(shown) > _CIRCLE_SHOWN:
        shown[3:-2] = [f"… ({len(shown) - 5} more)"]
    return " -> ".join(shown)


def joined_slots(services: Iterable[Service], outside: Fleet | None) -> Iterator[Problem]:
    """A box joins the box of the same slot, and what is joined does not join in turn."""
    by_name = dict(outside.services()) if outside else {}
    services = list(services)
    by_name |= {service.name: service for service in services}
    for service in services:
        for index, name in _joined_entries(service):
            peer = by_name.get(ServiceName.parse(name))
            if peer is None or peer.name == service.name or peer.name.owner != service.name.owner:
                continue  # another owner's is never joined
            asked, place = service.relax[index].id, service.place(f"relax.{index}")
            of = f"services.{service.name.service}.relax"
            if peer.replicas < service.replicas:
                yield Problem(
                    place,
                    f"{of}: {asked} with {name}, which has replicas: {peer.replicas} where "
                    f"this service has {service.replicas}; a box joins the one of the same slot",
                    "give both the same replicas",
                )
            if any(other.id == asked for other in peer.relax):
                yield Problem(
                    place,
                    f"{of}: {asked} with {name}, which joins another by {asked} itself",
                    "let one service be joined by all others",
                )
