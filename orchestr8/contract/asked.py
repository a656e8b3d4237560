"""What a service asks for: the lines under `relax`, and what its plain fields imply.

A plain field is catalogued under its id, so that ledger, policy and score see it; it asks for
consent like any other, but never for a reason or an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from orchestr8.isolation.relaxations import RELAXATIONS, Relaxation, Value
from orchestr8.manifest.model import Service
from orchestr8.names import ServiceName


class Asked(Struct, frozen=True):
    """One relaxation with its arguments.

    `path` is where the service asks for it (`relax.0`), `peer` the other owner concerned, if there
    is one, and `beside` another request that makes this one more dangerous.
    """

    entry: Relaxation
    arguments: tuple[tuple[str, Value], ...]
    path: str
    implied: bool
    why: str = ""
    until: str = ""
    peer: str = ""
    beside: str = ""

    @property
    def label(self) -> str:
        """The relaxation as messages show it."""
        label = labelled(self.entry, self.arguments)
        return f"{label} beside {self.beside}" if self.beside else label


def labelled(entry: Relaxation, arguments: tuple[tuple[str, Value], ...]) -> str:
    """A relaxation with its arguments in the order in which they are written."""
    order = [parameter.name for parameter in entry.parameters]
    written = sorted(arguments, key=lambda one: order.index(one[0]) if one[0] in order else 0)
    return " ".join((entry.id, *_shown(written)))


def _shown(arguments: Iterable[tuple[str, Value]]) -> Iterator[str]:
    for _, value in arguments:
        if isinstance(value, tuple):
            yield ",".join(str(part) for part in value)
        elif not isinstance(value, bool):
            yield str(value)


def asked_by(service: Service) -> tuple[Asked, ...]:
    """Everything that the service asks for, in the order in which it applies to the profile."""
    return (*_implied(service), *_named(service))


def _named(service: Service) -> Iterator[Asked]:
    for number, line in enumerate(service.relax):
        joined = str(dict(line.arguments).get("with", ""))
        peer = ServiceName.parse(joined).owner if joined else ""
        entry, path = RELAXATIONS[line.id], f"relax.{number}"
        yield Asked(entry, line.arguments, path, False, line.why, line.until, peer)


def _implied(service: Service) -> Iterator[Asked]:
    def implied(entry_id: str, written_at: str, peer: str = "", /, **arguments: Value) -> Asked:
        given = tuple(sorted(arguments.items()))
        return Asked(RELAXATIONS[entry_id], given, written_at, True, peer=peer)

    own = service.name.owner
    if "@" not in service.image:
        yield implied("image.tag", "image")
    for scratch in service.scratch:
        path = f"scratch.{scratch.path}"
        yield implied("fs.scratch", path, path=scratch.path, size=scratch.size_bytes)
    for mount in service.volumes:
        path = f"volumes.{mount.target}"
        if mount.owner == own:
            yield implied("fs.volume", path, name=mount.volume)
        else:
            shared = f"{mount.volume}.{mount.owner}"
            yield implied("fs.volume.shared", path, mount.owner, name=shared)
    for number, link in enumerate(service.connects):
        foreign = link.peer.owner != own
        peer = link.peer.owner if foreign else ""
        to = f"{link.peer}:{link.port}"
        yield implied("net.link", f"connects.{number}", peer, to=to, foreign=foreign)
    for door in service.publish:
        path = f"publish.{door.address}:{door.host_port}"
        yield implied("net.publish", path, address=door.address, port=door.host_port)
