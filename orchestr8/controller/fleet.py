"""From the store's texts to fleets: what is in force, and what a set's new form makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orchestr8.controller.contents import FileDigests
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import Fleet, ManifestSet, Service
from orchestr8.names import ServiceName
from orchestr8.store.documents import DEFAULT_SET, Documents, Revision


@dataclass(frozen=True)
class Stored:
    """The fleet in force, and what each service of it rests on.

    `revisions` leads from a service to its set and revision, `files` from a
    service and a repository path to the keyed hash, `down` names the sets that are stopped.
    """

    fleet: Fleet
    revisions: Mapping[ServiceName, tuple[str, int]] = field(default_factory=dict)
    files: FileDigests = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    live: tuple[Revision, ...] = ()

    def standing(self) -> Fleet:
        """The fleet as boxes shall be: services of stopped sets have none."""
        return stopped(self.fleet, self.down)


def stored_fleet(documents: Documents, held_back: Mapping[ServiceName, int]) -> Stored:
    """Everything in force. A service that was rolled back has its older definition."""
    sets: dict[str, ManifestSet] = {}
    revisions: dict[ServiceName, tuple[str, int]] = {}
    files: dict[tuple[str, str, str], str] = {}
    live: list[Revision] = []
    states = documents.sets()
    for set_name in states:
        merged = ManifestSet()
        for revision in documents.in_force(set_name):
            part = load_stored(revision.sources)
            merged = merge(merged, part)
            live.append(revision)
            revisions |= {s.name: (set_name, revision.number) for s in part.services}
            files |= files_of(part, revision.files)
        sets[set_name] = merged
    for name, number in held_back.items():
        if name in revisions and revisions[name][1] != number:
            set_name = revisions[name][0]
            revision = documents.revision(set_name, number)
            older = load_stored(revision.sources)
            sets[set_name] = _with_older(sets[set_name], older, name)
            revisions[name] = (set_name, number)
            held = tuple(one for one in older.services if one.name == name)
            files |= files_of(ManifestSet(held), revision.files)
    fleet = Fleet(sets, documents.platform_ever_stored())
    down = frozenset(name for name, is_down in states.items() if is_down)
    return Stored(fleet, revisions, files, down, tuple(live))


def files_of(part: ManifestSet, digests: Mapping[str, str]) -> dict[tuple[str, str, str], str]:
    """The keyed hash of each file that the part's services mount, of those that are known."""
    return {
        (service.name.owner, service.name.service, file.source): digests[file.source]
        for service in part.services
        for file in service.files
        if file.source in digests
    }


def with_set(in_force: Fleet, set_name: str, part: ManifestSet) -> Fleet:
    """The fleet with one set in its new form; the default set gains and never loses."""
    if set_name == DEFAULT_SET:
        part = merge(in_force.sets.get(DEFAULT_SET, ManifestSet()), part)
    return replace(in_force, sets={**in_force.sets, set_name: part})


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
    covered = _names(part)
    gone = []
    for revision in reversed(own):
        names = _names(load_stored(revision.sources))
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


def _names(part: ManifestSet) -> set[object]:
    return {
        *(service.name for service in part.services),
        *(("volume", volume.owner, volume.name) for volume in part.volumes),
        *(("secret", secret.owner, secret.name) for secret in part.secrets),
        *(["platform"] if part.platform else []),
    }


def _with_older(part: ManifestSet, older: ManifestSet, name: ServiceName) -> ManifestSet:
    """One service in its older form, with the volumes and secrets that it then named."""
    service = next((one for one in older.services if one.name == name), None)
    if service is None:
        return part
    kept = ManifestSet((service,), older.volumes, older.secrets)
    return merge(replace(kept, services=()), merge(part, ManifestSet((service,))))
