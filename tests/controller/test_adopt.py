"""A lost store: the boxes are taken over by what they carry, and nothing of theirs changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.controller.adopt import look, require_not_lost
from orchestr8.controller.apply import apply_request, plan_request
from orchestr8.controller.making import apply_stored, down
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import session
from orchestr8.engines.select import simulated_machine
from orchestr8.errors import Orchestr8Error, RefusedError, StoreError, UnavailableError, UsageError
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Mark
from orchestr8.store.database import FILE_NAME, writer_lock
from tests.controller.losing import API, DB, FRONT, MORE, SHOP, WEB, Host, Silent, request


def test_the_same_manifests_change_nothing_afterwards(lost: Host) -> None:
    before, installation, elements = lost.boxes(), lost.installation, lost.elements()
    lost.lose()
    adopted = lost.adopt()
    assert adopted.installation == lost.installation == installation
    assert adopted.sets == {"default": (FRONT,), "shop": (API, DB)}
    assert {str(box.id) for box in adopted.boxes} == set(before)
    assert not adopted.key_lost
    assert lost.plan(SHOP, "shop").empty
    lost.apply(SHOP, "shop")
    assert lost.plan(WEB).empty
    lost.apply(WEB)
    assert lost.boxes() == before
    assert lost.elements() == elements


def test_what_is_not_applied_again_is_left_alone_with_its_links(lost: Host) -> None:
    before, elements = lost.boxes(), lost.elements()
    lost.lose()
    lost.adopt()
    lost.apply(WEB)
    assert lost.boxes() == before
    assert lost.elements() == elements
    assert lost.status() == {
        "front.web": "healthy",
        "api.shop": "adopted from shop",
        "db.shop": "adopted from shop",
    }
    lost.apply(MORE)
    assert set(before) < set(lost.boxes())
    assert lost.elements() == elements


def test_a_named_set_that_comes_back_smaller_is_pruned_and_the_plan_says_so(lost: Host) -> None:
    lost.lose()
    lost.adopt()
    smaller = SHOP.replace("connects: [db:5432]", "connects: []").replace(
        '  db: {image: "db:1", args: [run], health: {tcp: 5432}, volumes: {/data: data}}\n', ""
    )
    steps = lost.plan(smaller, "shop").steps
    assert [str(one.service) for one in steps if one.mark is Mark.RELEASE] == ["db.shop"]
    lost.apply(smaller, "shop")
    assert "db.shop" not in {str(box.id.service_name) for box in lost.boxes().values()}


def test_an_adopted_set_can_be_taken_down_without_its_manifests(lost: Host) -> None:
    lost.lose()
    lost.adopt()
    with session(lost.settings) as own:
        down(own, "shop", Silent(), 60_000, forget=True)
    assert {str(box.id.service_name) for box in lost.boxes().values()} == {"front.web"}


def test_serials_ids_and_addresses_never_come_back(lost: Host) -> None:
    with session(lost.settings) as own:
        earlier = own.store.ledger.records()
    lost.lose()
    lost.adopt()
    lost.apply(MORE)
    with session(lost.settings) as own:
        later = own.store.ledger.records()
    for name, record in earlier.services.items():
        assert later.services[name].uid_base == record.uid_base
        assert later.services[name].address == record.address
        assert later.services[name].key == record.key
        assert later.services[name].serial_last > record.serial_last + 50
    fresh = later.services[ServiceName("web", "other")]
    highest = max(record.uid_base for record in earlier.services.values())
    assert fresh.uid_base > highest + 100 * 65_536
    assert fresh.serial_last > 50
    own_boxes = [box for box in later.boxes if box.service_name == fresh.name]
    addresses = {record.address for record in earlier.boxes.values()}
    assert not addresses & {later.boxes[box].address for box in own_boxes}


def test_a_change_after_the_adoption_replaces_only_what_it_names(lost: Host) -> None:
    before = lost.boxes()
    lost.lose()
    lost.adopt()
    lost.apply(SHOP.replace("db:1", "db:2"), "shop")
    gone = set(before) - set(lost.boxes())
    assert gone == {"shop--db--1"}


def test_without_the_kept_key_it_says_so_and_boxes_with_files_are_replaced(lost: Host) -> None:
    simulated_machine(lost.installation).keepsake.clear()
    lost.lose()
    assert lost.adopt().key_lost
    touched = [str(step.service) for step in lost.plan(SHOP, "shop").steps]
    assert touched == ["api.shop"]
    assert lost.plan(WEB).empty


def test_what_a_tag_meant_is_known_again(lost: Host) -> None:
    machine = simulated_machine(lost.installation)
    facts = machine.images["front:1"]
    lost.lose()
    machine.images["moved"] = facts
    machine.images["front:1"] = machine.images["db:1"]
    lost.adopt()
    assert lost.plan(WEB).empty


def test_a_lost_store_is_noticed_before_anything_begins_anew(lost: Host) -> None:
    installation = lost.installation
    lost.lose()
    with lost.looking() as beside, pytest.raises(StoreError) as error:
        require_not_lost(beside, lost.settings.state)
    assert installation in error.value.what
    assert "4 boxes" in error.value.what
    assert "orchestr8 adopt" in error.value.remedy
    with lost.looking() as beside:
        require_not_lost(beside, lost.base / "another-folder")


def test_a_store_that_is_whole_adopts_nothing(lost: Host) -> None:
    with pytest.raises(UsageError, match="whole and knows every box"):
        lost.adopt()


def test_an_engine_without_boxes_has_nothing_to_adopt(host: Host) -> None:
    with pytest.raises(UsageError, match="nothing is there to adopt"):
        host.adopt()
    assert not host.settings.state.exists()


def test_another_installations_boxes_are_taken_only_by_name(tmp_path: Path, lost: Host) -> None:
    other = Host(tmp_path / "other")
    with pytest.raises(UsageError) as error:
        other.adopt()
    assert "is not lost" in error.value.what
    assert str(lost.settings.state) in error.value.what
    assert not other.settings.state.exists()
    with writer_lock(lost.settings.state), pytest.raises(UnavailableError, match="being changed"):
        other.adopt(lost.installation)
    assert other.adopt(lost.installation).installation == lost.installation


def test_of_several_none_is_taken_unless_named(tmp_path: Path, lost: Host) -> None:
    other = Host(tmp_path / "other")
    other.apply(MORE)
    first, second = lost.installation, other.installation
    lost.lose()
    with pytest.raises(UsageError) as error:
        lost.adopt()
    assert "2 installations" in error.value.what
    assert f"alive in {other.settings.state}" in error.value.remedy
    assert f"--installation {first}" in error.value.remedy
    with pytest.raises(UsageError, match='no installation "deadbeef"'):
        lost.adopt("deadbeef")
    with lost.looking() as beside:
        assert {one.id for one in look(beside, lost.settings.state)} == {first, second}
    assert lost.adopt(first).installation == first
    assert {str(box.id.service_name) for box in other.boxes().values()} == {"other.web"}


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, None], ids=["empty", "garbage", "cut"])
def test_a_damaged_store_is_put_aside_if_asked_and_never_deleted(
    lost: Host, content: bytes | None
) -> None:
    path = lost.settings.state / FILE_NAME
    whole = path.read_bytes()
    damaged = whole[: len(whole) // 2] if content is None else content
    for end in ("-wal", "-shm"):
        path.with_name(FILE_NAME + end).unlink(missing_ok=True)
    path.write_bytes(damaged)
    with pytest.raises(UsageError, match="is damaged") as error:
        lost.adopt()
    assert "--yes" in error.value.remedy
    assert path.read_bytes() == damaged
    adopted = lost.adopt(yes=True)
    assert adopted.damaged
    assert (adopted.damaged / FILE_NAME).read_bytes() == damaged
    assert lost.plan(SHOP, "shop").empty


def test_boxes_that_a_whole_store_does_not_know_are_taken_over(lost: Host) -> None:
    with session(lost.settings) as own:
        known = own.store.ledger.records().boxes
        own.store.ledger.forget_boxes(box for box in known if box.service_name == DB)
        assert own.store.ledger.records().boxes.keys() < known.keys()
    adopted = lost.adopt()
    assert [str(box.id) for box in adopted.boxes] == ["shop--db--1"]
    assert adopted.sets == {}
    assert lost.plan(SHOP, "shop").empty


def test_the_journal_says_who_took_what_over(lost: Host) -> None:
    lost.lose()
    lost.adopt()
    with session(lost.settings) as own:
        first = own.store.journal.rows()[0]
        assert (first.actor, first.kind) == ("ann", "adopt")
        assert "shop--db--1" in first.result
        assert not own.store.journal.verify().broken_at


def test_adopting_twice_is_harmless(lost: Host) -> None:
    lost.lose()
    lost.adopt()
    with pytest.raises(UsageError, match="nothing is there to adopt"):
        lost.adopt()
    with session(lost.settings) as own:
        assert aim_in_force(own).applying == ""
        own.store.adoption.waiting()


def test_a_platform_of_a_team_is_never_taken_for_solo(lost: Host) -> None:
    lost.apply(
        "orchestr8: 1\nplatform:\n  mode: team\n  owners:\n    web: {may: [net.publish]}\n"
        "    shop: {may: [user.fixed]}\n",
        "platform",
    )
    lost.lose()
    lost.adopt()
    with session(lost.settings) as own:
        assert own.stored.fleet.platform.mode == "team"
    with pytest.raises(Orchestr8Error):
        lost.plan(SHOP, "shop")


def test_a_service_that_moved_is_known_to_be_where_it_moved_to(lost: Host) -> None:
    lost.apply(MORE, "first")
    with session(lost.settings) as own:
        moving = replace(request(MORE, "second"), takes_over=True)
        apply_request(own, moving, Silent(), 60_000)
    lost.lose()
    assert ServiceName("web", "other") in lost.adopt().sets["second"]


def test_an_adopted_service_comes_back_in_its_own_set_or_moves_on_purpose(lost: Host) -> None:
    before = lost.boxes()
    lost.lose()
    lost.adopt()
    with pytest.raises(RefusedError) as error:
        lost.apply(SHOP)
    assert "api.shop is in the set shop, not in default" in error.value.problems[0].what
    with session(lost.settings) as own:
        moving = replace(request(SHOP, "other"), takes_over=True)
        assert plan_request(own, moving).cycle.plan.empty
        apply_request(own, moving, Silent(), 60_000)
    assert lost.boxes() == before
    assert lost.status()["api.shop"] == "healthy"


def test_after_a_reboot_the_stored_revisions_bring_fresh_boxes(lost: Host) -> None:
    before = lost.boxes()
    simulated_machine(lost.installation).reboot()
    with session(lost.settings) as own:
        assert not apply_stored(own, "", Silent(), 60_000).exit
    after = lost.boxes()
    assert len(after) == len(before)
    assert not after.keys() & before.keys(), "a box runs once"
    assert {box.slot for box in after.values()} == {box.slot for box in before.values()}
    lost.lose()
    assert not lost.adopt().key_lost, "the key lies beside the fresh boxes, too"
    assert lost.plan(SHOP, "shop").empty


def test_a_store_that_is_lost_together_with_a_reboot(lost: Host) -> None:
    before = lost.boxes()
    simulated_machine(lost.installation).reboot()
    lost.lose()
    adopted = lost.adopt()
    assert adopted.key_lost
    assert {str(box.id) for box in adopted.boxes} == set(before)
    lost.apply(SHOP, "shop")
    lost.apply(WEB)
    assert not lost.boxes().keys() & before.keys()
    assert lost.plan(SHOP, "shop").empty
