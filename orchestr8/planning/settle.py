"""Gates for boxes that are as declared and not yet known to work, such as after a killed apply."""

from __future__ import annotations

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.world import Health, ObservedBox, World
from orchestr8.planning.plan import Action, AwaitBox, Plan, Purpose

_WITHIN_MS = 60_000
"""How long a box without a health line, or a job, is waited for."""


def settle(desired: Desired, world: World) -> Plan:
    """A plan that only waits; empty where every box that runs is known to be good or ill."""
    waiting = sorted(
        (box for box in world.boxes if box.state.runs and _is_open(box, desired, world)),
        key=lambda box: box.id,
    )
    return Plan(actions=tuple(_gate(box, desired.services[box.id.service_name]) for box in waiting))


def _is_open(box: ObservedBox, desired: Desired, world: World) -> bool:
    service = desired.services.get(box.id.service_name)
    if service is None or box.slot >= len(service.slots):
        return False
    health = world.health.get(box.id)
    if health is None or health.open:
        return True
    return service.run_once and health is not Health.UNHEALTHY


def _gate(box: ObservedBox, service: DesiredService) -> Action:
    within_ms = service.health.within_ms if service.health else _WITHIN_MS
    if service.run_once:
        within_ms = service.update.within_ms
    call = AwaitBox(box.id, service.health, service.run_once, within_ms)
    return Action(call, Purpose.PROVISION, "not yet known to work", service.name)
