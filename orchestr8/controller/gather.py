"""One snapshot of everything a plan is compared with.

Most of it takes long and needs nobody: a probe in a box, the packet filter's program, the engine's
answers. So all is asked at once, at the start of a cycle, and collected when the plan needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event

from msgspec import Struct

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import Door, NetworkState
from orchestr8.boxes.world import Health, Observation, ObservedVolume, World
from orchestr8.controller.health import Asker
from orchestr8.controller.pulses import Pulses
from orchestr8.controller.session import Session
from orchestr8.engines.protocol import Borders
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Quota
from orchestr8.manifest.model import Fleet
from orchestr8.names import BoxId


class Look(Struct, frozen=True):
    """What was asked, and what was answered at once."""

    features: Features
    observation: Observation
    _network: Future[NetworkState]
    _quotas: Future[dict[str, Quota]]
    _volumes: Future[tuple[ObservedVolume, ...]] | None
    _health: Mapping[BoxId, Future[Health]]


@contextmanager
def looking(session: Session, fleet: Fleet) -> Iterator[Look]:
    """Asks everything; what nobody waits for any more at the end is given up."""
    borders, services = session.borders, fleet.services()
    declared = any(service.volumes for service in services.values())
    given_up = Event()
    pool = session.clock.workers()
    try:
        # First and alone: threads of Python get in each other's way, and all else follows from it.
        observation = borders.boxes.observe()
        # A box may have a volume that nobody declares any more, and its proof asks for that.
        mounted = declared or any(box.spec and box.spec.volumes for box in observation.boxes)
        lines = {name: service.health for name, service in services.items()}
        asker: Pulses | Asker
        if session.pulses:
            asker = session.pulses
            asker.follow(observation.boxes, lines)
        else:
            asker = Asker(borders.probes, session.clock.now_ms(), given_up)
        health = {
            box.id: pool.submit(asker.health_of, box, lines[box.id.service_name])
            for box in observation.boxes
            if box.state.runs and box.id.service_name in lines
        }
        network = pool.submit(borders.network.observe)
        quotas = pool.submit(borders.owners.quotas)
        volumes = pool.submit(borders.volumes.volumes) if mounted else None
        features = borders.boxes.features()
        yield Look(features, observation, network, quotas, volumes, health)
    finally:
        given_up.set()
        pool.shutdown(cancel_futures=True)


def gather(borders: Borders, desired: Desired, look: Look) -> World:
    """Collects what was asked, and asks what follows from it: everything that the plan needs."""
    network = look._network.result()
    ours = {(e.address, e.host_port) for e in network.elements if isinstance(e, Door)}
    wanted = {(d.address, d.host_port) for s in desired.services.values() for d in s.publish}
    return World(
        boxes=look.observation.boxes,
        volumes=look._volumes.result() if look._volumes else (),
        network=network,
        features=look.features,
        health={box_id: answer.result() for box_id, answer in look._health.items()},
        quotas=look._quotas.result(),
        images=_images_present(borders, desired, look.observation),
        ports_taken=_taken(borders, wanted - ours),
    )


def _images_present(borders: Borders, desired: Desired, seen: Observation) -> frozenset[str]:
    """What runs is present; the rest is asked for, image by image."""
    running = {box.spec.image_id for box in seen.boxes if box.spec and box.state.runs}
    wanted = {spec.image_id for service in desired.services.values() for spec in service.slots}
    asked = {image for image in wanted - running if image and borders.images.resolve(image)}
    return frozenset(running | asked)


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
