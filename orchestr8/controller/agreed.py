"""What somebody's manifests may name of other owners: what these agreed to, and nothing else.

Whether the rest is there at all is not theirs to know, so both are answered in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from orchestr8.errors import Problem, RefusedError
from orchestr8.manifest.model import Fleet, ManifestSet, Service
from orchestr8.manifest.rules import value_place


def require_agreed(part: ManifestSet, fleet: Fleet, seen: Set[str]) -> None:
    """Raises RefusedError where a part names what is of none of the owners `seen`, and who has it
    did not agree, or it is not there."""
    problems = [
        problem
        for service in part.services
        for found in (_called(service, fleet, seen), _mounted(service, fleet, seen))
        for problem in found
    ]
    if problems:
        raise RefusedError(tuple(problems))


def _called(service: Service, fleet: Fleet, seen: Set[str]) -> Iterator[Problem]:
    services, own = fleet.services(), service.name
    asked = [(f"connects.{i}", one.peer, one.port) for i, one in enumerate(service.connects)]
    asked += [(f"after.{i}", peer, 0) for i, peer in enumerate(service.after)]
    for path, peer, port in asked:
        found = services.get(peer)
        ports = {one.port for one in found.accepts if one.peer == own} if found else set()
        if peer.owner in seen or port in ports or (not port and ports):
            continue
        what = f"{peer} does not accept {own}" + (f" on port {port}" if port else "")
        remedy = f"accepts: [{own}:{port or 'PORT'}]"
        yield Problem(
            service.place(path),
            f"{what}, or is not there",
            f"owner {peer.owner} may add to {peer.service}:  {remedy}",
        )


def _mounted(service: Service, fleet: Fleet, seen: Set[str]) -> Iterator[Problem]:
    volumes, own = fleet.volumes(), service.name
    for mount in service.volumes:
        found = volumes.get((mount.owner, mount.volume))
        if mount.owner in seen or (found and any(peer == own for peer, _ in found.share)):
            continue
        name, owner = mount.volume, mount.owner
        yield Problem(
            value_place(service, f"volumes.{mount.target}"),
            f"volume {name} of owner {owner} is not shared with {own}, or is not there",
            f"owner {owner} may write:  volumes: {{{name}: {{share: {{{own}: ro}}}}}}",
        )
