"""One snapshot of everything a plan is compared with.

Most of it takes long and needs nobody: a probe in a box, the packet filter's program, the engine's
answers. So all is asked at once, at the start of a cycle, and collected when the plan needs it.
Whoever remembers an earlier look is asked for what is in doubt alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

from msgspec import Struct

from orchestr8.boxes.network import Door, NetworkState
from orchestr8.boxes.world import Health, Observation, ObservedBox, ObservedVolume, World
from orchestr8.contract.model import Contracts
from orchestr8.controller.clock import Workers
from orchestr8.controller.health import Asker
from orchestr8.controller.pulses import Pulses
from orchestr8.controller.session import Session
from orchestr8.controller.sight import Host, Sight
from orchestr8.engines.protocol import Borders
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Quota
from orchestr8.manifest.model import Fleet
from orchestr8.names import BoxId

_Value = TypeVar("_Value")


class Look(Struct, frozen=True):
    """What was asked, and what was answered at once."""

    features: Features
    observation: Observation
    _network: Future[NetworkState]
    _quotas: Future[Mapping[str, Quota]]
    _volumes: Future[tuple[ObservedVolume, ...]]
    _health: Mapping[BoxId, Health]
    _health_asked: Mapping[BoxId, Future[Health]]
    _sight: Sight | None = None

    def host(self) -> Host:
        """What is seen beside the boxes, once all has answered."""
        network, quotas = self._network.result(), self._quotas.result()
        return Host(self.features, network, quotas, self._volumes.result())

    def over(self) -> tuple[Host, Mapping[BoxId, Health]]:
        """Everything that was asked; whoever remembers looks remembers this one."""
        host = self.host()
        asked = {box_id: answer.result() for box_id, answer in self._health_asked.items()}
        if self._sight:
            self._sight.keep(self.observation, host)
        return host, {**self._health, **asked}


@contextmanager
def looking(session: Session, fleet: Fleet, sight: Sight | None = None) -> Iterator[Look]:
    """Asks everything, or with `sight` what it doubts; what nobody waits for any more at the end is
    given up."""
    borders, services = session.borders, fleet.services()
    declared = any(service.volumes for service in services.values())
    given_up = Event()
    pool = session.clock.workers()
    try:

        def recorded() -> Iterable[BoxId]:
            return session.store.ledger.records().boxes

        # First and alone: threads of Python get in each other's way, and all else follows from it.
        observation = sight.observe(borders, recorded) if sight else borders.boxes.observe()
        # A box may have a volume that nobody declares any more, and its proof asks for that.
        mounted = declared or any(box.spec and box.spec.volumes for box in observation.boxes)
        health, asked = _health(session, fleet, observation, pool, given_up)
        host = sight.host if sight else None
        if host:
            network, quotas = _known(host.network), _known(host.quotas)
            volumes, features = _known(host.volumes), host.features
        else:
            features = borders.boxes.features()
            quotas = pool.submit(borders.owners.quotas)
            volumes = pool.submit(borders.volumes.volumes) if mounted else _known(())
            # Last: it computes most, and a command that asks a box takes longer than all of it.
            network = pool.submit(borders.network.observe)
        yield Look(features, observation, network, quotas, volumes, health, asked, sight)
    finally:
        given_up.set()
        pool.shutdown(cancel_futures=True)


def _health(
    session: Session, fleet: Fleet, seen: Observation, pool: Workers, given_up: Event
) -> tuple[Mapping[BoxId, Health], Mapping[BoxId, Future[Health]]]:
    """What running boxes that are declared said of themselves when they were asked last, or else
    what they are asked now."""
    lines = {name: service.health for name, service in fleet.services().items()}
    running = [box for box in seen.boxes if box.state.runs and box.id.service_name in lines]
    pulses: Pulses | None = session.pulses
    if pulses:
        pulses.follow(seen.boxes, lines)
        return {box.id: pulses.health_of(box, lines[box.id.service_name]) for box in running}, {}
    asker = Asker(session.borders.probes, session.clock.now_ms(), given_up)

    def ask(box: ObservedBox) -> Future[Health]:
        return pool.submit(asker.health_of, box, lines[box.id.service_name])

    return {}, {box.id: ask(box) for box in running}


def _known(value: _Value) -> Future[_Value]:
    """An answer that is there."""
    answer: Future[_Value] = Future()
    answer.set_result(value)
    return answer


def gather(borders: Borders, contracts: Contracts, look: Look) -> World:
    """Collects what was asked, and asks what follows from it: everything that the plan needs."""
    host, health = look.over()
    ours = {(e.address, e.host_port) for e in host.network.elements if isinstance(e, Door)}
    wanted = {(d.address, d.host_port) for one in contracts.services.values() for d in one.publish}
    return World(
        boxes=look.observation.boxes,
        volumes=host.volumes,
        network=host.network,
        features=look.features,
        health=health,
        quotas=host.quotas,
        held=_held(borders, contracts, look.observation),
        held_by_owners=_held_by_owners(borders, contracts, look.observation, host.quotas),
        images=_images_present(borders, contracts, look.observation),
        ports_taken=_taken(borders, wanted - ours),
        addresses_absent=_absent(borders, wanted - ours),
    )


def _held(borders: Borders, contracts: Contracts, seen: Observation) -> Mapping[BoxId, int]:
    """What those boxes hold that shall have less memory at most than they may have now."""
    found = {}
    for box in seen.boxes:
        contract = contracts.services.get(box.id.service_name)
        if contract is None or box.limits is None or not box.state.runs:
            continue
        if contract.limits.memory_max_bytes < box.limits.memory_max_bytes:
            use = borders.witness.use(box.id, box.pid or 0)
            found[box.id] = use.box.held_bytes if use else 0
    return found


def _held_by_owners(
    borders: Borders, contracts: Contracts, seen: Observation, quotas: Mapping[str, Quota]
) -> Mapping[str, int]:
    """The same of owners: each of their boxes shows what all of them hold together."""
    less = {owner for owner, one in quotas.items() if _lowers(contracts.quotas.get(owner), one)}
    found: dict[str, int] = {}
    for box in seen.boxes if less else ():
        if box.id.owner in less - found.keys() and box.state.runs:
            use = borders.witness.use(box.id, box.pid or 0)
            if use:
                found[box.id.owner] = use.owner.held_bytes
    return found


def _lowers(wanted: Quota | None, carried: Quota) -> bool:
    most = wanted.memory_bytes if wanted else None
    return most is not None and (carried.memory_bytes is None or most < carried.memory_bytes)


def _images_present(borders: Borders, contracts: Contracts, seen: Observation) -> frozenset[str]:
    """What runs is present; the rest is asked for, image by image."""
    running = {box.spec.image_id for box in seen.boxes if box.spec and box.state.runs}
    wanted = {
        one.image.id for one in contracts.services.values() if one.image and one.service.replicas
    }
    asked = {image for image in wanted - running if image and borders.images.resolve(image)}
    return frozenset(running | asked)


def _absent(borders: Borders, wanted: set[tuple[str, int]]) -> frozenset[str]:
    """Which of their addresses the host does not have."""
    if not wanted:
        return frozenset()
    return borders.network.absent(sorted({address for address, _ in wanted}))


def _taken(borders: Borders, wanted: set[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
    """Which of these host addresses and ports somebody else listens on, and who.

    A listener on every address holds a port of each, and each holds the port of every address.
    """
    if not wanted:
        return {}
    held = borders.network.listeners()
    taken = {}
    for address, port in sorted(wanted):
        for (other, other_port), who in held.items():
            overlaps = address == other or "0.0.0.0" in (address, other) or other == "::"
            if port == other_port and overlaps:
                taken[address, port] = who
    return taken
