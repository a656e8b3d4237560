"""Fleets of many services, as texts and as the world in which all of them run."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestr8 import alike
from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import SERVICE_RANGE, SUBNET, NetworkState
from orchestr8.boxes.records import Records
from orchestr8.boxes.spec import from_json, to_json
from orchestr8.boxes.world import Health, ObservedBox, State, World
from orchestr8.contract.grant import Circumstances, grant
from orchestr8.contract.model import Contracts, ImageFacts
from orchestr8.isolation import features
from orchestr8.isolation.features import Features
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Fleet, ManifestSet, Source
from orchestr8.planning.allocate import allocate, extend
from orchestr8.planning.expand import expand
from orchestr8.planning.plan import ChangeNetwork, CreateBox, Plan
from orchestr8.planning.reconcile import reconcile

NOW_MS = 1_800_000_000_000
SERVICES_A_SET = 1_000
_OWNERS_A_SET = 20
IMAGE = "registry.example/service:1"
EVERYTHING = Features("memory", features.ALL, {})

_SERVICE = """\
  service-{number}:
    image: {image}
    args: [serve, --port, "8080"]
    env: {{LOG_LEVEL: info, REGION: north, WORKERS: "4"}}
    accepts: [service-{caller}.{calling_owner}:8080]
    connects: [service-{called}.{called_owner}:8080]
    health: {{http: ":8080/healthz", every: 2s, within: 30s}}
    limits: {{cpu: 0.5, memory: 64MiB, pids: 64}}
    scratch: {{/tmp: 16MiB}}
"""


def texts(first_owner: int) -> tuple[Source, ...]:
    """One set of a thousand services of twenty owners, each of which calls the next."""
    sources = []
    for owner in range(_OWNERS_A_SET):
        name = f"team-{first_owner + owner}"
        lines = [f"orchestr8: 1\nowner: {name}\nservices:\n"]
        count = SERVICES_A_SET // _OWNERS_A_SET
        for number in range(count):
            lines.append(
                _SERVICE.format(
                    number=number,
                    image=IMAGE,
                    called=(number + 1) % count,
                    called_owner=name,
                    caller=(number - 1) % count,
                    calling_owner=name,
                )
            )
        sources.append(Source(f"{name}.yaml", "".join(lines)))
    return tuple(sources)


@dataclass(frozen=True)
class Planned:
    """A fleet in which everything runs as declared, and what planning it once more takes."""

    contracts: Contracts
    records: Records
    world: World

    def plan(self) -> Plan:
        """The planner's part of a cycle, from contracts to the plan: nothing is to be done."""
        records, _ = allocate(self.contracts, self.records)
        desired = expand(self.contracts, records, {})
        return reconcile(desired, self.world, records, NOW_MS)


def steady(sets: int) -> Planned:
    """So many thousand services, planned once, made and healthy."""
    parts = {f"set-{n}": load(texts(n * _OWNERS_A_SET)) for n in range(sets)}
    return _made(parts)


def _made(parts: dict[str, ManifestSet]) -> Planned:
    fleet = Fleet(parts)
    image = ImageFacts(IMAGE, "sha256:" + "a" * 64, cmd=("run",), env=(("PATH", "/bin"),))
    facts = dict.fromkeys(fleet.services(), image)
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    contracts = grant(fleet, Circumstances(fleet, "", EVERYTHING, now, facts))
    records, given = allocate(contracts, Records("benchmark"))
    desired = expand(contracts, records, {})
    network = NetworkState(True, frozenset(), SUBNET, SERVICE_RANGE)
    empty = World((), (), network, EVERYTHING, quotas=contracts.quotas)
    first = reconcile(desired, empty, records, NOW_MS).with_services(given)
    after = extend(records, first.allocations)
    world = _world_of(first, desired, empty)
    planned = Planned(contracts, after, world)
    left = planned.plan()
    if not left.empty or left.steps:
        raise AssertionError(f"something is left to do: {left.steps[:3]}")
    return planned


def _world_of(first: Plan, desired: Desired, empty: World) -> World:
    """The world once the plan is carried out, as an engine shows it: specs read from labels, limits
    and names from files."""
    calls = [action.call for action in first.actions]
    boxes = tuple(
        ObservedBox(
            id=call.box.id,
            state=State.RUNNING,
            spec=from_json(to_json(call.box.spec)),
            slot=call.box.slot,
            set_name=call.box.set_name,
            service_key=call.box.service_key,
            address=call.box.address,
            limits=alike.first(copy.copy(call.box.limits)),
            started_ms=NOW_MS - 60_000,
            pid=4711,
            names=tuple(alike.first((name, address)) for name, address in call.box.names),
        )
        for call in calls
        if isinstance(call, CreateBox)
    )
    elements = {one for call in calls if isinstance(call, ChangeNetwork) for one in call.add}
    return World(
        boxes,
        (),
        NetworkState(True, frozenset(elements), SUBNET, SERVICE_RANGE),
        empty.features,
        health={box.id: Health.HEALTHY for box in boxes},
        quotas=empty.quotas,
        images=frozenset({box.spec.image_id for box in boxes if box.spec}),
    )
