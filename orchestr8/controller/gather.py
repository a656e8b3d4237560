"""One snapshot of everything a plan is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import Door
from orchestr8.boxes.world import Observation, World
from orchestr8.controller.health import look_at_health
from orchestr8.controller.settings import now_ms
from orchestr8.engines.protocol import Borders
from orchestr8.isolation.features import Features


@dataclass(frozen=True)
class Glance:
    """What is asked of the engine first, and shared by the stages before the plan."""

    features: Features
    observation: Observation


def gather(borders: Borders, desired: Desired, glance: Glance) -> World:
    """Observes, asks, reads: everything that the plan needs, once."""
    boxes = glance.observation.boxes
    network = borders.network.observe()
    ours = {(e.address, e.host_port) for e in network.elements if isinstance(e, Door)}
    wanted = {(d.address, d.host_port) for s in desired.services.values() for d in s.publish}
    return World(
        boxes=boxes,
        volumes=borders.volumes.volumes() if desired.volumes else (),
        network=network,
        features=glance.features,
        health=look_at_health(boxes, desired.services, borders.probes, now_ms()),
        quotas=borders.owners.quotas(),
        images=_images_present(borders, desired, glance.observation),
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
