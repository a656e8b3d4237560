"""Keys, uid ranges, addresses and serials: unique, lasting, and the same for the same question."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.records import UID_FIRST, UID_RANGE, Records
from orchestr8.contract.model import Contracts
from orchestr8.engines.protocol import Standbys
from orchestr8.errors import RejectedError
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.allocate import allocate, extend
from orchestr8.planning.plan import Allocations, CreateBox
from tests.laws.laws import converge
from tests.laws.simulation import Simulation
from tests.planning.brief import fleet

A, B = ServiceName("me", "a"), ServiceName("me", "b")


def _contracts(*names: ServiceName) -> Contracts:
    return fleet({"services": {str(name): {} for name in names}}).contracts


def test_each_has_its_own() -> None:
    records, given = allocate(_contracts(A, B), Records("here"))
    a, b = records.services[A], records.services[B]
    assert (a.uid_base, b.uid_base) == (UID_FIRST, UID_FIRST + UID_RANGE)
    assert a.address != b.address
    assert a.key != b.key
    assert given.services == (a, b)


def test_the_same_question_has_the_same_answer() -> None:
    assert allocate(_contracts(B, A), Records("here")) == allocate(
        _contracts(A, B), Records("here")
    )


def test_another_installation_has_other_keys() -> None:
    here, _ = allocate(_contracts(A), Records("here"))
    there, _ = allocate(_contracts(A), Records("there"))
    assert here.services[A].key != there.services[A].key


def test_nothing_new_nothing_given() -> None:
    records, _ = allocate(_contracts(A), Records("here"))
    assert allocate(_contracts(A), records) == (records, Allocations())


def test_a_namesake_has_another_key_and_the_same_uid_and_counts_on() -> None:
    first, _ = allocate(_contracts(A), Records("here"))
    used = replace(first.services[A], serial_last=7)
    first = extend(first, Allocations(services=(used,)))
    gone, given = allocate(_contracts(B), first)
    assert given.services[0] == replace(used, key="")
    back, _ = allocate(_contracts(A, B), gone)
    assert back.services[A].key not in ("", used.key)
    assert back.services[A].uid_base == used.uid_base
    assert back.services[A].serial_last == 7


def test_uid_ranges_are_never_given_to_another() -> None:
    records, _ = allocate(_contracts(A), Records("here"))
    records, _ = allocate(_contracts(B), records)
    assert records.services[B].uid_base == UID_FIRST + UID_RANGE


def test_a_full_range_is_said() -> None:
    with pytest.raises(RejectedError, match="full"):
        allocate(_contracts(A, B), Records("here"), "192.0.2.0/30")


def test_a_store_older_than_the_boxes_deals_no_serial_of_theirs() -> None:
    simulation = Simulation()
    converge(simulation, fleet({"services": {"a.me": {"replicas": 3}}}))
    records = simulation.records
    old = {A: replace(records.services[A], serial_last=1)}
    simulation.records = replace(records, services=old)
    plan = simulation.plan(fleet({"services": {"a.me": {"replicas": 4}}}))
    made = [one.call.box.id for one in plan.actions if isinstance(one.call, CreateBox)]
    assert made == [BoxId("me", "a", 4)]


def test_the_slot_that_a_standby_takes_is_written_down_before() -> None:
    simulation = Simulation()
    features = simulation.machine.features
    simulation.machine.features = replace(features, present=features.present | {"standby"})
    one, wanted = ({"services": {"a.me": {"standby": 1, "replicas": n}}} for n in (1, 2))
    converge(simulation, fleet(one, simulation.machine.features))
    plan = simulation.plan(fleet(wanted, simulation.machine.features))
    slots = {record.id.serial: record.slot for record in plan.allocations.boxes}
    assert slots == {2: 1, 3: STANDBY}


def test_a_slot_in_which_a_box_is_seen_is_written_down_unless_another_plan_is_at_it() -> None:
    simulation = Simulation()
    features = simulation.machine.features
    simulation.machine.features = replace(features, present=features.present | {"standby"})
    wanted = fleet({"services": {"a.me": {"standby": 1}}}, simulation.machine.features)
    converge(simulation, wanted)
    waits = BoxId("me", "a", 2)
    del simulation.machine.boxes[BoxId("me", "a", 1)]
    boxes = simulation.borders.boxes
    assert isinstance(boxes, Standbys)
    boxes.take(waits, 0)
    slots = {record.id: record.slot for record in simulation.plan(wanted).allocations.boxes}
    assert slots == {waits: 0, BoxId("me", "a", 3): STANDBY}
    simulation.busy = frozenset({A})
    assert not simulation.plan(wanted).allocations.boxes
