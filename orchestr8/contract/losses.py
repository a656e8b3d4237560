"""What services of other sets use and will not find any more once a change is made.

Whoever owns a thing may take it away: no line in somebody else's file keeps it. So nothing here is
refused; but who takes it away learns who is hurt, and where that is written. What runs of those
runs on, with the link closed; their own next apply is refused, since a set is true as a whole or
not at all, until the line goes or the thing is back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from orchestr8.errors import Place
from orchestr8.manifest.model import Fleet, ManifestSet, Service
from orchestr8.manifest.rules import value_place
from orchestr8.names import ServiceName

Offer = tuple[str, ...]
"""Something that a set has for others, or that it lets one of them have: what kind, and what."""


class Use(Struct, frozen=True):
    """One line of a service about what may be another set's, and the offers that it rests on: that
    there is such a thing, and that its owner agrees."""

    path: str
    what: str
    needs: tuple[Offer, ...]


class Loss(Struct, frozen=True):
    """A line of a service that will be untrue: where it stands, what it says, and why not."""

    set_name: str
    service: ServiceName
    place: Place
    field: str
    what: str
    why: str

    @property
    def said(self) -> str:
        """The sentence for whoever makes the change."""
        return (
            f"the next apply of set {self.set_name} would be refused, and what runs of it runs on: "
            f"{self.place}: {self.service} {self.what}, {self.why}"
        )


def losses(before: Fleet, after: Fleet, applying: str) -> tuple[Loss, ...]:
    """The lines of other sets than the one that changes which the change makes untrue."""
    older = {name: part for name, part in before.sets.items() if part != after.sets.get(name)}
    newer = {name: part for name, part in after.sets.items() if part != before.sets.get(name)}
    lost = offers_of(older) - offers_of(newer)
    lost -= offers_of(after.sets) if lost else set()  # several sets may have the same
    if not lost:
        return ()
    there = offers_of(before.sets)
    return tuple(
        Loss(set_name, service.name, value_place(service, use.path), use.path.partition(".")[0],
             use.what, _WHY[gone[0]])
        for set_name, part in sorted(after.sets.items())
        if set_name != applying
        for service in part.services
        for use in uses(service)
        if there.issuperset(use.needs)
        for gone in [need for need in use.needs if need in lost][:1]
    )  # fmt: skip


def offers_of(parts: Mapping[str, ManifestSet]) -> set[Offer]:
    """Everything that these sets have, and to whom of other owners they let it."""
    return {offer for part in parts.values() for offer in _offers(part)}


def _offers(part: ManifestSet) -> Iterator[Offer]:
    for service in part.services:
        name = str(service.name)
        yield "service", name
        for link in service.accepts:
            yield "accepts", name, str(link.peer), str(link.port)
    for volume in part.volumes:
        name = f"{volume.name}.{volume.owner}"
        yield "volume", name
        for peer, _ in volume.share:
            yield "share", name, str(peer)
    for secret in part.secrets:
        yield "secret", f"{secret.name}.{secret.owner}"


def uses(service: Service) -> Iterator[Use]:
    """What a service's lines rest on."""
    own, name = service.name.owner, str(service.name)
    for number, link in enumerate(service.connects):
        peer, port = str(link.peer), str(link.port)
        agreed = () if link.peer.owner == own else (("accepts", peer, name, port),)
        what = f"connects to {peer}:{port}"
        yield Use(f"connects.{number}", what, (("service", peer), *agreed))
    for number, one in enumerate(service.after):
        yield Use(f"after.{number}", f"comes after {one}", (("service", str(one)),))
    for number, link in enumerate(service.accepts):
        if link.peer.owner == own:
            yield Use(f"accepts.{number}", f"accepts {link.peer}", (("service", str(link.peer)),))
    for number, asked in enumerate(service.relax):
        joined = dict(asked.arguments).get("with")
        if joined:
            yield Use(f"relax.{number}", f"joins {joined}", (("service", str(joined)),))
    for mount in service.volumes:
        volume = f"{mount.volume}.{mount.owner}"
        shared = () if mount.owner == own else (("share", volume, name),)
        what = f"mounts the volume {volume}"
        yield Use(f"volumes.{mount.target}", what, (("volume", volume), *shared))
    for number, secret in enumerate(service.secrets):
        needed = (("secret", f"{secret}.{own}"),)
        yield Use(f"secrets.{number}", f"is given the secret {secret}", needed)


_WHY = {
    "service": "which is there no longer",
    "accepts": "which accepts that no longer",
    "volume": "which is there no longer",
    "share": "which is shared with it no longer",
    "secret": "which is there no longer",
}
