"""What may happen to a machine between two plans, in the words of the cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from orchestr8 import units
from orchestr8.boxes.network import Pass
from orchestr8.boxes.records import Hold
from orchestr8.boxes.world import Health, ObservedVolume, State
from orchestr8.engines.memory.workload import NEVER_HEALTHY, Workload, dies_at_once
from orchestr8.names import BoxId, ServiceName
from tests.laws.simulation import JOB_MS, Simulation, failures_of
from tests.planning.brief import Fleet, fleet, quota

Event = Mapping[str, Any]


def happen(event: Event, simulation: Simulation, wanted: Fleet) -> None:
    """One event; `wanted` is what is wanted from now on."""
    words = dict(event)
    kind = next(iter(words))
    if kind not in _EVENTS:
        raise ValueError(f"unknown event: {kind}")
    _EVENTS[kind](simulation, words, wanted)


def _box(simulation: Simulation, words: Event, _: Fleet) -> None:
    """Something about one box: `stopped`, `health`, `gone`, `limits`, `cores`, `holds`, ..."""
    box_id = BoxId.parse(words["box"])
    machine = simulation.machine
    box = machine.boxes[box_id]
    match dict(words):
        case {"stopped": how}:
            now_ms = simulation.clock.now_ms()
            box = replace(box, started_ms=now_ms - units.parse_time(how.get("ran", "20m")))
            machine.boxes[box_id] = box.ended(
                now_ms, how.get("status", 137), how.get("memory", False)
            )
        case {"runs": True}:
            machine.boxes[box_id] = replace(
                box,
                state=State.RUNNING,
                started_ms=simulation.clock.now_ms(),
                workload=Workload(exits_after_ms=JOB_MS),
                exit_status=None,
                pid=4_000,
            )
        case {"takes": slot}:
            simulation.machine.boxes[box_id] = replace(
                box,
                box=replace(box.box, slot=slot),
                state=State.RUNNING,
                started_ms=simulation.clock.now_ms(),
                pid=4_000,
            )
        case {"health": word}:
            simulation.health[box_id] = Health(word)
        case {"gone": True}:
            del machine.boxes[box_id]
        case {"limits": {"memory": memory}}:
            limits = replace(box.limits, memory_max_bytes=units.parse_size(memory))
            machine.boxes[box_id] = replace(box, limits=limits)
        case {"cores": cores}:
            machine.boxes[box_id] = replace(box, cores=tuple(cores))
        case {"holds": memory}:
            simulation.held[box_id] = units.parse_size(memory)
        case {"forgotten": True}:
            simulation.forget((box_id,))
        case {"unreadable": True}:
            simulation.unreadable.add(box_id)
        case {"promised": "nothing"}:
            _unpromise(simulation, box_id)
            simulation.silent.add(box_id)
        case {"names": names}:
            machine.boxes[box_id] = replace(box, names=tuple(names))
        case {"runs again": again}:
            machine.boxes[box_id] = replace(box, runs_again=again)
        case {"paused": paused}:
            machine.boxes[box_id] = replace(box, paused=paused)
        case {"promised": "by itself"}:
            _unpromise(simulation, box_id)
        case {"key": key}:
            machine.boxes[box_id] = replace(box, box=replace(box.box, service_key=key))
        case _:
            raise ValueError(f"unknown event of a box: {words}")


def _unpromise(simulation: Simulation, box_id: BoxId) -> None:
    """The records say no more how a box is asked to end."""
    records = simulation.records
    silent = replace(records.boxes[box_id], stop=None)
    simulation.records = replace(records, boxes={**records.boxes, box_id: silent})


def _network(simulation: Simulation, words: Event, _: Fleet) -> None:
    """The table is `lost` with its bridge, or `flushed` by another program."""
    simulation.machine.elements.clear()
    simulation.machine.network_prepared = words["network"] != "lost"


def _stray(simulation: Simulation, words: Event, _: Fleet) -> None:
    source, destination, port = words["stray"]
    simulation.machine.elements.add(Pass(source, destination, port))


def _image(simulation: Simulation, words: Event, _: Fleet) -> None:
    del simulation.machine.images[words["image"]]


def _port(simulation: Simulation, words: Event, _: Fleet) -> None:
    address, _colon, port = words["port"].rpartition(":")
    simulation.ports_taken[address, int(port)] = words["taken by"]


def _address(simulation: Simulation, words: Event, _: Fleet) -> None:
    simulation.addresses_absent.add(words["no address"])


def _failures(simulation: Simulation, words: Event, _: Fleet) -> None:
    last_ms = simulation.clock.now_ms() - units.parse_time(words.get("ago", "0ms"))
    noted = failures_of(words["count"], last_ms, words.get("cause", "exited with status 1"))
    key = _slot(words["failures"])
    records = simulation.records
    simulation.records = replace(records, failures={**records.failures, key: noted})


def _slot(text: str) -> tuple[ServiceName, int]:
    """`0.api.me` as a service's slot."""
    slot, _dot, name = text.partition(".")
    return ServiceName.parse(name), int(slot)


def _passed(simulation: Simulation, words: Event, _: Fleet) -> None:
    simulation.clock.advance_ms(units.parse_time(words["passed"]))


def _quota(simulation: Simulation, words: Event, _: Fleet) -> None:
    simulation.machine.quotas[words["quota of"]] = quota(words["is"])


def _owner_holds(simulation: Simulation, words: Event, _: Fleet) -> None:
    simulation.held_by_owners[words["owner"]] = units.parse_size(words["holds"])


def _interrupted(simulation: Simulation, words: Event, wanted: Fleet) -> None:
    """A plan for what is wanted now, of which only the first actions were carried out."""
    plan = simulation.plan(wanted)
    done = words["interrupted after"]
    if not 0 <= done < len(plan.actions):
        raise ValueError(f"the plan has {len(plan.actions)} actions, not more than {done}")
    simulation.carry_out(plan, range(done))


def _program(simulation: Simulation, words: Event, _: Fleet) -> None:
    """From now on the boxes of a service or image do this."""
    kinds = {"dies": dies_at_once(1), "is never healthy": NEVER_HEALTHY}
    simulation.machine.workloads[words["program"]] = kinds[words["does"]]


def _tried(simulation: Simulation, words: Event, wanted: Fleet) -> None:
    """Whole plans were carried out, as far as they went."""
    for _time in range(words["tried"]):
        simulation.carry_out(simulation.plan(wanted))


def _machine(simulation: Simulation, words: Event, _: Fleet) -> None:
    features = simulation.machine.features
    about = words["machine"]
    present = features.present.union(about.get("with", ())) - set(about.get("without", ()))
    simulation.machine.features = replace(
        features,
        present=present,
        cpu_millicores=units.parse_cpu(str(about.get("cpu", 4))),
        cores=tuple(range(int(about.get("cpu", 4)))),
        memory_bytes=units.parse_size(about.get("memory", "8GiB")),
    )


def _volume(simulation: Simulation, words: Event, _: Fleet) -> None:
    name = words["volume"]
    if words.get("unmounted"):
        volumes = simulation.machine.volumes
        volumes[name] = replace(volumes[name], ready=False)
        return
    owner, _dashes, volume = name.partition("--")
    simulation.machine.volumes[name] = ObservedVolume(name, owner, volume, words["uid"])


def _meanwhile(simulation: Simulation, words: Event, _: Fleet) -> None:
    """Another fleet was wanted in between, and made true, or the first actions of that."""
    other = fleet(words["wanted meanwhile"], simulation.machine.features)
    plan = simulation.plan(other)
    simulation.carry_out(plan, range(words.get("first", len(plan.actions))))


def _reboot(simulation: Simulation, _words: Event, _: Fleet) -> None:
    simulation.machine.reboot()


def _subnet(simulation: Simulation, words: Event, _: Fleet) -> None:
    simulation.subnet = words["subnet"]


def _restart(simulation: Simulation, words: Event, _: Fleet) -> None:
    """Somebody wants a box replaced, until it is."""
    simulation.unwanted[BoxId.parse(words["restart"])] = words.get("why", "restart asked by ann")


def _hold(simulation: Simulation, words: Event, _: Fleet) -> None:
    until_ms = simulation.clock.now_ms() + units.parse_time(words["for"])
    hold = Hold(until_ms, words.get("why", "the disks are being changed"), "ann")
    holds = {**simulation.records.holds, ServiceName.parse(words["hold"]): hold}
    simulation.records = replace(simulation.records, holds=holds)


def _busy(simulation: Simulation, words: Event, _: Fleet) -> None:
    """Another plan is carried out for these services from now on, and deals out these cores."""
    simulation.busy = frozenset(map(ServiceName.parse, words["busy"]))
    if "deals" in words:
        simulation.being_dealt = {
            _slot(name): tuple(cores) for name, cores in words["deals"].items()
        }


def _adopted(simulation: Simulation, words: Event, _: Fleet) -> None:
    """The boxes of these services were taken over from a state folder that is lost."""
    adopted = dict.fromkeys(map(ServiceName.parse, words["adopted"]), "default")
    simulation.records = replace(simulation.records, adopted=adopted)


_EVENTS: dict[str, Callable[[Simulation, Event, Fleet], None]] = {
    "box": _box,
    "network": _network,
    "stray": _stray,
    "image": _image,
    "port": _port,
    "no address": _address,
    "failures": _failures,
    "passed": _passed,
    "quota of": _quota,
    "owner": _owner_holds,
    "interrupted after": _interrupted,
    "program": _program,
    "tried": _tried,
    "machine": _machine,
    "volume": _volume,
    "reboot": _reboot,
    "subnet": _subnet,
    "restart": _restart,
    "hold": _hold,
    "busy": _busy,
    "adopted": _adopted,
    "wanted meanwhile": _meanwhile,
}
