"""What a service asks for: the lines under `relax`, and what its plain fields imply.

A plain field is catalogued under its id, so that ledger, policy and score see it; it asks for
consent like any other, but never for a reason or an end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestr8.errors import Place
from orchestr8.isolation.relaxations import RELAXATIONS, Relaxation, Value
from orchestr8.manifest.model import Service

_UNSPECIFIED = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Asked:
    """One relaxation with its arguments; `peer` is the other owner concerned, if there is one."""

    entry: Relaxation
    arguments: tuple[tuple[str, Value], ...]
    place: Place
    implied: bool
    why: str = ""
    until: str = ""
    peer: str = ""

    @property
    def label(self) -> str:
        """The relaxation as messages show it."""
        shown = " ".join(str(value) for _, value in self.arguments if value is not True)
        return f"{self.entry.id} {shown}".strip()


def asked_by(service: Service) -> tuple[Asked, ...]:
    """Everything that the service asks for, in the order in which it applies to the profile."""
    return (*_implied(service), *_named(service))


def _named(service: Service) -> Iterator[Asked]:
    for line in service.relax:
        entry = RELAXATIONS[line.id]
        arguments = dict(line.arguments)
        peer = str(arguments.get("with", "")).rpartition(".")[2]
        yield Asked(entry, line.arguments, line.place, False, line.why, line.until, peer)


def _implied(service: Service) -> Iterator[Asked]:
    def implied(entry_id: str, written_at: str, peer: str = "", /, **arguments: Value) -> Asked:
        given = tuple(sorted(arguments.items()))
        return Asked(RELAXATIONS[entry_id], given, service.place(written_at), True, peer=peer)

    if "@" not in service.image:
        yield implied("image.tag", "image")
    for scratch in service.scratch:
        path = f"scratch.{scratch.path}"
        yield implied("fs.scratch", path, path=scratch.path, size=scratch.size_bytes)
    for mount in service.volumes:
        path = f"volumes.{mount.target}"
        if mount.owner == service.name.owner:
            yield implied("fs.volume", path, name=mount.volume)
        else:
            shared = f"{mount.volume}.{mount.owner}"
            yield implied("fs.volume.shared", path, mount.owner, name=shared)
    for number, link in enumerate(service.connects):
        foreign = link.peer.owner != service.name.owner
        yield implied(
            "net.link",
            f"connects.{number}",
            link.peer.owner if foreign else "",
            to=f"{link.peer}:{link.port}",
            foreign=foreign,
        )
    for door in service.publish:
        path = f"publish.{door.address}:{door.host_port}"
        yield implied("net.publish", path, address=door.address, port=door.host_port)


def is_wildcard(address: str) -> bool:
    """Whether an address means every address of the host."""
    return address in _UNSPECIFIED
