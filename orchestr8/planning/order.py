"""In which order services come: those that others stand on first, else by name."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from msgspec import Struct

from orchestr8.boxes.desired import DesiredService
from orchestr8.names import ServiceName
from orchestr8.planning.moves import joined


class Forerunners(Struct, frozen=True):
    """Whom a service stands on: `hard` must be there before it, `soft` should start before it."""

    hard: frozenset[ServiceName]
    soft: frozenset[ServiceName]


def forerunners(service: DesiredService) -> Forerunners:
    """What `after`, shared namespaces and `connects` say about a service's place."""
    peers = {peer for spec in service.slots[:1] for _, peer in joined(spec.profile)}
    hard = frozenset(peers.union(service.after))
    return Forerunners(hard, frozenset(link.peer for link in service.connects) - hard)


def start_order(services: Iterable[DesiredService]) -> tuple[ServiceName, ...]:
    """Each service behind its forerunners among these; ties, and circles of links, by name."""
    stands_on = {service.name: forerunners(service) for service in services}
    hard = {name: (one.hard & stands_on.keys()) - {name} for name, one in stands_on.items()}
    soft = {name: (one.soft & stands_on.keys()) - {name} for name, one in stands_on.items()}
    hard_left = {name: len(peers) for name, peers in hard.items()}
    left = {name: len(peers) + len(soft[name]) for name, peers in hard.items()}
    free = [name for name, count in left.items() if not count]
    loose = [name for name, count in hard_left.items() if not count]
    heapq.heapify(free)
    heapq.heapify(loose)
    followers = _followers(hard, soft)
    order: dict[ServiceName, None] = {}
    while len(order) < len(stands_on):
        heap = free or loose
        name = heapq.heappop(heap) if heap else min(stands_on.keys() - order.keys())
        if name in order:
            continue
        order[name] = None
        for follower in followers.get(name, ()):
            left[follower] -= 1
            if not left[follower]:
                heapq.heappush(free, follower)
            if name in hard[follower]:
                hard_left[follower] -= 1
                if not hard_left[follower]:
                    heapq.heappush(loose, follower)
    return tuple(order)


def _followers(
    *edges: Mapping[ServiceName, frozenset[ServiceName]],
) -> dict[ServiceName, list[ServiceName]]:
    found: dict[ServiceName, list[ServiceName]] = {}
    for one in edges:
        for name, peers in one.items():
            for peer in peers:
                found.setdefault(peer, []).append(name)
    return found
