"""Records from what boxes say of themselves: whole, half told, contradictory."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import Door, NetworkState, Out, Pass, Ranges, Route
from orchestr8.boxes.records import (
    UID_FIRST,
    UID_INSIDE,
    UID_RANGE,
    BoxRecord,
    Floor,
    Records,
    ServiceRecord,
)
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.world import ObservedBox, ObservedVolume, State, World
from orchestr8.errors import RejectedError
from orchestr8.isolation.features import everything
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.adopted import elements_of, once_applied, without_manifest
from orchestr8.planning.recognise import (
    RANGES_SKIPPED,
    SERIALS_SKIPPED,
    Recognised,
    range_of,
    recognise,
)

API, DB = ServiceName("shop", "api"), ServiceName("shop", "db")
NOTHING = Records("0123456789abcdef")
SECOND_RANGE = UID_FIRST + UID_RANGE


def box(name: ServiceName, serial: int, **more: object) -> ObservedBox:
    """A running box of the default layout."""
    made = ObservedBox(
        id=BoxId(name.owner, name.service, serial),
        state=State.RUNNING,
        spec=BoxSpec("sha256:1", uid=UID_FIRST + UID_INSIDE),
        slot=0,
        set_name="shop",
        service_key="key-of-it",
        address=f"10.231.0.{serial + 1}",
        uid_base=UID_FIRST,
        service_address="10.231.128.2",
        stop=Stop("SIGINT", 60_000),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def recognised(*boxes: ObservedBox, known: Records = NOTHING) -> Recognised:
    return recognise(boxes, (), known, Ranges())


def test_what_a_box_carries_is_believed() -> None:
    found = recognised(box(API, 3))
    assert found.services[0].uid_base == UID_FIRST
    assert found.services[0].address == "10.231.128.2"
    assert found.services[0].key == "key-of-it"
    assert found.services[0].serial_last > 3
    assert found.boxes == (
        BoxRecord(BoxId("shop", "api", 3), 0, "10.231.0.4", Stop("SIGINT", 60_000)),
    )
    assert found.sets == {API: "shop"}
    assert found.address_last == "10.231.0.4"


def test_equal_input_gives_equal_records_whatever_its_order() -> None:
    boxes = [box(API, 3), box(API, 4, slot=1), box(DB, 1, uid_base=0, service_address="")]
    assert recognised(*boxes) == recognised(*reversed(boxes))


def test_a_uid_tells_its_range_where_the_box_does_not() -> None:
    older = box(API, 1, uid_base=0, spec=BoxSpec("sha256:1", uid=SECOND_RANGE + UID_INSIDE))
    assert recognised(older).services[0].uid_base == SECOND_RANGE


def test_a_fixed_uid_tells_nothing_and_gets_a_range_beyond_all_that_are_seen() -> None:
    fixed = box(API, 1, uid_base=0, spec=BoxSpec("sha256:1", uid=999))
    volume = ObservedVolume("shop--data", "shop", "data", SECOND_RANGE + UID_INSIDE)
    found = recognise([fixed], [volume], NOTHING, Ranges())
    assert found.services[0].uid_base > SECOND_RANGE
    assert found.floor.uid_base > found.services[0].uid_base


def data(service: ServiceName | None, uid: int) -> ObservedVolume:
    """A volume that says whose data it is."""
    return ObservedVolume("shop--data", "shop", "data", uid, service=service)


def test_a_service_of_which_only_data_is_there_keeps_the_ids_of_that() -> None:
    found = recognise([box(API, 1)], [data(DB, SECOND_RANGE + UID_INSIDE)], NOTHING, Ranges())
    api, db = found.services
    assert (db.name, db.uid_base, db.key) == (DB, SECOND_RANGE, "")
    assert db.address not in ("", api.address)
    assert found.sets == {API: "shop"}, "it is in no set until it is declared"


@pytest.mark.parametrize(
    "volume",
    [
        data(None, SECOND_RANGE + UID_INSIDE),
        data(DB, 999),
        data(DB, UID_FIRST + UID_INSIDE),
        data(API, SECOND_RANGE + UID_INSIDE),
    ],
    ids=["nobody's", "no private uid", "another's range", "of a service with boxes"],
)
def test_data_tells_nothing_else(volume: ObservedVolume) -> None:
    found = recognise([box(API, 1)], [volume], NOTHING, Ranges())
    assert [(one.name, one.uid_base) for one in found.services] == [(API, UID_FIRST)]


def test_what_is_known_of_a_service_counts_more_than_its_data() -> None:
    known = replace(NOTHING, services={DB: ServiceRecord(DB, "k", 4, UID_FIRST, "10.231.128.2")})
    found = recognise([], [data(DB, SECOND_RANGE + UID_INSIDE)], known, Ranges())
    assert found.services == ()


@pytest.mark.parametrize("uid", [0, 999, 65_534, UID_FIRST, UID_FIRST + UID_INSIDE + 1])
def test_only_a_private_uid_belongs_to_a_range(uid: int) -> None:
    assert range_of(uid) == 0


def test_of_two_services_with_one_range_and_address_each_gets_its_own() -> None:
    found = recognised(box(API, 1), box(DB, 1))
    first, second = found.services
    assert first.uid_base != second.uid_base
    assert first.address != second.address


def test_addresses_are_read_from_hosts_files_too() -> None:
    names = (("api.shop", "10.231.128.7"), ("db.shop", "10.231.128.9"))
    silent = box(DB, 1, service_address="", uid_base=SECOND_RANGE)
    found = recognised(box(API, 1, service_address="", names=names), silent)
    assert [one.address for one in found.services] == ["10.231.128.7", "10.231.128.9"]


def test_an_address_that_is_only_known_by_name_is_not_given_to_another() -> None:
    names = (("gone.shop", "10.231.128.200"),)
    silent = box(DB, 1, service_address="", uid_base=SECOND_RANGE)
    found = recognised(box(API, 1, names=names), silent)
    assert found.services[1].address == "10.231.128.201"


def test_the_youngest_that_runs_speaks_for_its_service() -> None:
    ended = box(API, 9, state=State.STOPPED, service_key="older", set_name="old")
    found = recognised(ended, box(API, 8, slot=1))
    assert found.services[0].key == "key-of-it"
    assert found.sets == {API: "shop"}
    assert found.services[0].serial_last > 9


def test_a_box_without_a_readable_declaration_is_taken_and_named() -> None:
    found = recognised(box(API, 1, spec=None))
    assert found.unreadable == (BoxId("shop", "api", 1),)
    assert found.boxes


def test_what_is_known_stays_as_it_is() -> None:
    first = recognised(box(API, 1))
    known = replace(
        NOTHING,
        services={API: replace(first.services[0], address="10.231.128.77")},
        boxes={one.id: one for one in first.boxes},
    )
    found = recognised(box(API, 1), box(API, 2, slot=1), known=known)
    assert [one.id.serial for one in found.boxes] == [2]
    assert found.services[0].address == "10.231.128.77"
    assert recognised(box(API, 1), known=known).boxes == ()


def test_what_is_given_out_later_lies_beyond_all_that_is_seen_and_known() -> None:
    assert recognised().floor == Floor(0, UID_FIRST)
    found = recognised(box(API, 3), box(DB, 7, uid_base=SECOND_RANGE))
    beyond = SECOND_RANGE + RANGES_SKIPPED * UID_RANGE
    assert found.floor == Floor(7 + SERIALS_SKIPPED, beyond)
    high = Floor(10**6, 10**9)
    assert recognised(box(API, 3), known=replace(NOTHING, floor=high)).floor == high
    assert recognised(known=replace(NOTHING, floor=high)).floor == high


def test_a_known_service_keeps_its_key_and_the_higher_serial() -> None:
    for serial_last, serial in ((1, 2 + SERIALS_SKIPPED), (10**6, 10**6)):
        record = ServiceRecord(API, "known-key", serial_last, SECOND_RANGE, "10.231.128.9")
        known = replace(NOTHING, services={API: record})
        found = recognised(box(API, 1), box(API, 2, slot=1), known=known)
        assert found.services == (replace(record, serial_last=serial),)
    keyless = replace(record, key="")
    found = recognised(box(API, 1), known=replace(NOTHING, services={API: keyless}))
    assert found.services[0].key == "key-of-it"


def test_a_name_that_is_no_service_does_not_hide_the_next_ones() -> None:
    names = (("localhost.", "127.0.0.1"), ("api.shop", "10.231.128.7"))
    found = recognised(box(API, 1, service_address="", names=names))
    assert found.services[0].address == "10.231.128.7"


def test_private_uids_tell_their_ranges() -> None:
    assert range_of(UID_FIRST + UID_INSIDE) == UID_FIRST
    assert range_of(SECOND_RANGE + UID_INSIDE) == SECOND_RANGE


def test_a_full_range_is_said() -> None:
    names = tuple((f"s{n}.shop", f"10.0.0.{n}") for n in (2, 3, 4, 5, 6))
    taken = box(API, 1, names=names, service_address="10.0.0.2")
    with pytest.raises(RejectedError, match="virtual addresses is full"):
        recognise(
            [taken, box(ServiceName("shop", "new"), 1, service_address="")],
            (), NOTHING, Ranges("10.231.0.0/17", "10.0.0.0/29"),
        )  # fmt: skip


ELEMENTS = frozenset(
    {
        Pass("10.231.0.2", "10.231.0.3", 5432),
        Pass("10.231.0.2", "10.231.0.99", 5432),
        Pass("10.231.0.3", "10.231.0.4", 80),
        Route("10.231.128.9", 5432, ("10.231.0.3",)),
        Route("10.231.128.8", 80, ("10.231.0.4",)),
        Door("127.0.0.1", 80, 8080, ("10.231.0.2",)),
        Out("10.231.0.2", "0.0.0.0/0", 443),
        Out("10.231.0.4", "0.0.0.0/0", 443),
    }
)


def test_what_adopted_boxes_live_on_stays_while_both_ends_are_there() -> None:
    adopted = box(API, 1, names=(("db.shop", "10.231.128.9"),))
    others = [box(DB, 2), box(ServiceName("web", "front"), 3)]
    world = World((adopted, *others), (), NetworkState(True, ELEMENTS), everything())
    assert elements_of({adopted.id}, world) == {
        Pass("10.231.0.2", "10.231.0.3", 5432),
        Route("10.231.128.9", 5432, ("10.231.0.3",)),
        Door("127.0.0.1", 80, 8080, ("10.231.0.2",)),
        Out("10.231.0.2", "0.0.0.0/0", 443),
    }


def test_only_adopted_boxes_without_a_manifest_are_left_alone() -> None:
    one, stray = box(API, 1), box(API, 2)
    records = replace(
        NOTHING, boxes={one.id: BoxRecord(one.id, 0, one.address)}, adopted={API: "shop"}
    )
    nothing = Desired({}, {})
    assert without_manifest(nothing, [one, stray], records) == {one.id}
    assert without_manifest(nothing, [one], replace(records, adopted={})) == frozenset()
    assert without_manifest(nothing, [one], once_applied(records, "shop")) == frozenset()
    assert without_manifest(nothing, [one], once_applied(records, "other")) == {one.id}


def test_the_default_set_says_never_all_that_it_is() -> None:
    records = replace(NOTHING, adopted={API: "default"})
    assert once_applied(records, "default").adopted == {API: "default"}
