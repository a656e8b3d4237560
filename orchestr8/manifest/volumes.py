"""Who mounts what: a volume is one service's alone, unless its owner shares it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestr8.errors import Problem
from orchestr8.manifest.model import Fleet, Service, Volume
from orchestr8.names import ServiceName

Key = tuple[str, str]


def volume_problems(
    services: Sequence[Service], volumes: Iterable[Volume], outside: Fleet | None
) -> Iterator[Problem]:
    """What is wrong between the services of a set and the volumes that they mount."""
    named = {(one.owner, one.name): one for one in volumes}
    known = {**outside.volumes(), **named} if outside else named
    yield from _per_slot(services, {key for key, one in named.items() if one.share})
    yield from _exclusive(services, known, outside)


def _per_slot(services: Sequence[Service], shared: set[Key]) -> Iterator[Problem]:
    """With replicas a volume is one per slot, and then nobody else can mount it."""
    for service in services:
        if service.replicas < 2:
            continue
        for mount in service.volumes:
            foreign = mount.owner != service.name.owner
            if foreign or (mount.owner, mount.volume) in shared:
                reason = f"is {mount.owner}'s" if foreign else "is shared"
                yield Problem(
                    service.place(f"volumes.{mount.target}"),
                    f"services.{service.name.service}.volumes: {mount.volume} {reason}, and a "
                    f"service with {service.replicas} replicas has a volume for each slot",
                    "write replicas: 1, or use a volume of its own that is not shared",
                )


def _exclusive(
    services: Sequence[Service], known: dict[Key, Volume], outside: Fleet | None
) -> Iterator[Problem]:
    """A second service of the owner that mounts a volume has to be named by the volume.

    Whether another *owner's* service may is a question of consent, and asked later.
    """
    homes: dict[Key, ServiceName] = {}
    everybody = [*(outside.services().values() if outside else ()), *services]
    for service in everybody:
        for mount in service.volumes:
            key = (mount.owner, mount.volume)
            named = key in known and any(peer == service.name for peer, _ in known[key].share)
            if mount.owner != service.name.owner or named:
                continue
            home = homes.setdefault(key, service.name)
            if home != service.name and service in services:
                own = service.name.service
                yield Problem(
                    service.place(f"volumes.{mount.target}"),
                    f"services.{own}.volumes: {mount.volume} belongs to {home.service}, and a "
                    "volume is one service's alone unless it is shared",
                    f"share it, to read (ro) or to write (rw):  volumes: {{{mount.volume}: "
                    f"{{share: {{{own}: ro}}}}}}",
                )
