"""From the store's texts to fleets: what is in force, and what a set's new form makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Set

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.controller.contents import FileDigests, sealed_key
from orchestr8.controller.overrides import overridden
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import Fleet, ManifestSet, Service
from orchestr8.names import ServiceName
from orchestr8.store.documents import DEFAULT_SET, Documents, Named, Revision
from orchestr8.store.interventions import Override


class Stored(Struct, frozen=True):
    """The fleet in force, and what each service of it rests on.

    `revisions` leads from a service to its set and revision, `files` from a
    service and a repository path, or a sealed secret, to the keyed hash, `down` names the sets that
    are stopped.
    """

    fleet: Fleet
    revisions: Mapping[ServiceName, tuple[str, int]] = field(default_factory=dict)
    files: FileDigests = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    live: tuple[Revision, ...] = ()
    homes: Mapping[Named, str] = field(default_factory=dict)
    """The set of everything that changed its set at some time."""
    put_off: Mapping[ServiceName, Service] = field(default_factory=dict)
    """The newest form of each service that was taken back to an older one."""
    overrides: tuple[Override, ...] = ()
    """The values that persons set beside the manifests, and that count."""
    unheard: Mapping[str, ManifestSet] = field(default_factory=dict)
    """The volumes and secrets that a set names and that another set has the say of."""

    def standing(self) -> Fleet:
        """The fleet as boxes shall be: services of stopped sets have none, and what persons set
        by hand counts."""
        return stopped(overridden(self.fleet, self.overrides), self.down)


def stored_fleet(documents: Documents, held_back: Mapping[ServiceName, int]) -> Stored:
    """Everything in force. A service that was rolled back has its older definition."""
    sets: dict[str, ManifestSet] = {}
    revisions: dict[ServiceName, tuple[str, int]] = {}
    files: dict[tuple[str, ...], str] = {}
    live: list[Revision] = []
    states, homes = documents.sets(), documents.homes()
    for set_name in states:
        elsewhere = _services_elsewhere(homes, set_name)
        merged = ManifestSet()
        for revision in documents.in_force(set_name):
            part = without(load_stored(revision.sources), elsewhere)
            merged = merge(merged, part)
            live.append(revision)
            revisions |= {s.name: (set_name, revision.number) for s in part.services}
            files |= files_of(part, revision.files) | sealed_of(part, revision.files)
        sets[set_name] = merged
    had = {name: _had_elsewhere(homes, sets, name) for name in sets}
    unheard = {name: _only(sets[name], found) for name, found in had.items() if found}
    sets = {name: without(part, had[name]) for name, part in sets.items()}
    put_off: dict[ServiceName, Service] = {}
    for name, number in held_back.items():
        if name in revisions and revisions[name][1] != number:
            set_name = revisions[name][0]
            put_off |= {one.name: one for one in sets[set_name].services if one.name == name}
            revision = documents.revision(set_name, number)
            older = load_stored(revision.sources)
            sets[set_name] = _with_older(sets[set_name], older, name)
            revisions[name] = (set_name, number)
            held = tuple(one for one in older.services if one.name == name)
            files |= files_of(ManifestSet(held), revision.files)
            files |= sealed_of(older, revision.files, name.service)
    fleet = Fleet(sets, documents.platform_ever_stored())
    down = frozenset(name for name, is_down in states.items() if is_down)
    return Stored(fleet, revisions, files, down, tuple(live), homes, put_off, unheard=unheard)


def sealed_of(
    part: ManifestSet, digests: Mapping[str, str], service: str = ""
) -> dict[tuple[str, ...], str]:
    """The keyed hash of the sealed file of each secret, for one service or for all."""
    return {
        sealed_key(secret.owner, secret.name, service): digests[secret.sealed]
        for secret in part.secrets
        if secret.sealed in digests
    }


def without_older(files: FileDigests, part: ManifestSet) -> dict[tuple[str, ...], str]:
    """The keyed hashes without the older sealed files that services of the part rested on: what
    is asked for anew has the files that are given with it."""
    older = {
        sealed_key(service.name.owner, name, service.name.service)
        for service in part.services
        for name in service.secrets
    }
    return {key: digest for key, digest in files.items() if key not in older}


def files_of(part: ManifestSet, digests: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """The keyed hash of each file that the part's services mount, of those that are known."""
    return {
        (service.name.owner, service.name.service, file.source): digests[file.source]
        for service in part.services
        for file in service.files
        if file.source in digests
    }


def with_set(in_force: Fleet, set_name: str, part: ManifestSet) -> Fleet:
    """The fleet with one set in its new form; what it declares is no other set's any more. The
    default set gains and never loses."""
    gone = declared(part)
    if set_name == DEFAULT_SET:
        part = merge(in_force.sets.get(DEFAULT_SET, ManifestSet()), part)
    others = {name: without(other, gone) for name, other in in_force.sets.items()}
    return replace(in_force, sets={**others, set_name: part})


def heard_again(stored: Stored, fleet: Fleet, changed: str) -> Fleet:
    """The fleet after a set changed, with the volumes and secrets that it no longer has the say of
    and that another one names still."""
    others = fleet.sets.keys() & stored.unheard.keys() - {changed}
    if not others:
        return fleet
    there = frozenset().union(*map(declared, fleet.sets.values()))
    again = {name: merge(fleet.sets[name], without(stored.unheard[name], there)) for name in others}
    return replace(fleet, sets={**fleet.sets, **again})


def without(part: ManifestSet, elsewhere: Set[Named]) -> ManifestSet:
    """A part without what belongs to other sets."""
    if not elsewhere:
        return part
    return replace(
        part,
        services=tuple(s for s in part.services if _named(s.name) not in elsewhere),
        volumes=tuple(v for v in part.volumes if ("volume", v.owner, v.name) not in elsewhere),
        secrets=tuple(s for s in part.secrets if ("secret", s.owner, s.name) not in elsewhere),
    )


def declared(part: ManifestSet) -> frozenset[Named]:
    """The services, volumes and secrets of a part."""
    return frozenset(
        (
            *(_named(service.name) for service in part.services),
            *(("volume", volume.owner, volume.name) for volume in part.volumes),
            *(("secret", secret.owner, secret.name) for secret in part.secrets),
        )
    )


def _services_elsewhere(homes: Mapping[Named, str], set_name: str) -> set[Named]:
    """The services that have left a set, wherever they went."""
    return {one for one, home in homes.items() if home != set_name and one[0] == "service"}


def _had_elsewhere(
    homes: Mapping[Named, str], sets: Mapping[str, ManifestSet], set_name: str
) -> set[Named]:
    """The volumes and secrets of which another set has the say, as long as it declares them:
    unlike services they may be named by several sets."""
    return {
        one
        for one, home in homes.items()
        if home != set_name and home in sets and one in declared(sets[home])
    }


def _only(part: ManifestSet, named: Set[Named]) -> ManifestSet:
    """These volumes and secrets of a part."""
    return ManifestSet(
        volumes=tuple(v for v in part.volumes if ("volume", v.owner, v.name) in named),
        secrets=tuple(s for s in part.secrets if ("secret", s.owner, s.name) in named),
    )


def _named(name: ServiceName) -> Named:
    return "service", name.owner, name.service


def moving(stored: Stored, set_name: str, part: ManifestSet) -> frozenset[Named]:
    """What a part declares that is another set's, or once was."""
    known: frozenset[Named] = frozenset().union(
        *(declared(other) for name, other in stored.fleet.sets.items() if name != set_name)
    )
    strays = {one for one, home in stored.homes.items() if home != set_name}
    return declared(part) & (known | strays)


def merge(older: ManifestSet, newer: ManifestSet) -> ManifestSet:
    """Both parts together; what the newer names replaces what the older named so."""
    services = {s.name: s for s in (*older.services, *newer.services)}
    volumes = {(v.owner, v.name): v for v in (*older.volumes, *newer.volumes)}
    secrets = {(s.owner, s.name): s for s in (*older.secrets, *newer.secrets)}
    return ManifestSet(
        tuple(services.values()),
        tuple(volumes.values()),
        tuple(secrets.values()),
        newer.platform or older.platform,
    )


def superseded(live: tuple[Revision, ...], set_name: str, part: ManifestSet) -> tuple[int, ...]:
    """The set's revisions of which nothing is in force once `part` is."""
    own = [revision for revision in live if revision.set_name == set_name]
    if set_name != DEFAULT_SET:
        return tuple(revision.number for revision in own)
    covered = names_in(part)
    gone = []
    for revision in reversed(own):
        names = names_in(load_stored(revision.sources))
        if names <= covered:
            gone.append(revision.number)
        covered |= names
    return tuple(gone)


def stopped(fleet: Fleet, sets: frozenset[str]) -> Fleet:
    """The fleet with no boxes for the services of these sets."""
    return replace(
        fleet,
        sets={
            name: replace(part, services=tuple(_no_boxes(one) for one in part.services))
            if name in sets
            else part
            for name, part in fleet.sets.items()
        },
    )


def _no_boxes(service: Service) -> Service:
    return replace(service, replicas=0, standby=0)


def names_in(part: ManifestSet) -> set[object]:
    """Everything that a part declares: what a later part of the default set takes the place of."""
    return {*declared(part), *(["platform"] if part.platform else [])}


def _with_older(part: ManifestSet, older: ManifestSet, name: ServiceName) -> ManifestSet:
    """One service in its older form, with the volumes and secrets that it then named."""
    service = next((one for one in older.services if one.name == name), None)
    if service is None:
        return part
    kept = ManifestSet((service,), older.volumes, older.secrets)
    return merge(replace(kept, services=()), merge(part, ManifestSet((service,))))
