"""Making, mending and taking down: what others may do to the table meanwhile is seen and mended."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.errors import RejectedError
from orchestr8.host import forward_policy, nft_generation, nft_library
from tests.host.lab import BRIDGE, DOCKER, PORT, Lab, lab, unlike
from tests.host.rights import needs_root

pytestmark = needs_root

A, B, C = "10.77.0.10", "10.77.0.11", "10.77.0.12"
ELEMENTS: tuple[Element, ...] = (
    Pass(A, B, PORT),
    Route("10.77.128.1", PORT, (B, C)),
    Route("10.77.128.2", PORT, ()),
    Door("127.0.0.1", 80, PORT, (B,)),
    Door("0.0.0.0", 80, PORT, (C, B)),
    Door("0.0.0.0", 81, PORT, ()),
    Out(A, "203.0.113.0/24", PORT),
    Out(A, "203.0.113.2/32", PORT),
    Out(A, "10.9.0.0/16", PORT),
)


@pytest.fixture(scope="module")
def machine() -> Iterator[Lab]:
    with lab("ab", firewall=DOCKER) as made:
        yield made


@pytest.fixture(autouse=True)
def prepared(machine: Lab) -> None:
    machine.host.run(machine.network.prepare)
    machine.only(*ELEMENTS)


def _nft(*commands: str) -> Callable[[Lab], None]:
    def act(machine: Lab) -> None:
        table = f"inet {machine.network.layout.table}"
        scripts = [command.replace("TABLE", table) for command in commands]

        def run() -> None:
            for script in scripts:
                subprocess.run(["nft", script], check=True)

        machine.host.run(run)

    return act


def _ip(*words: str) -> Callable[[Lab], None]:
    def act() -> None:
        subprocess.run(["ip", *words], check=True)

    return lambda machine: machine.host.run(act)


def _write(path: str, text: str) -> Callable[[Lab], None]:
    def write() -> None:
        Path(path).write_text(text)

    return lambda machine: machine.host.run(write)


def test_what_was_added_is_read_back(machine: Lab) -> None:
    state = machine.observe()
    assert state.prepared
    assert state.elements == set(ELEMENTS)


def test_repeating_and_removing_the_absent_are_success(machine: Lab) -> None:
    machine.change(ELEMENTS, (Pass(B, A, 1), Route("10.77.128.9", 1, (A,))))
    assert machine.observe().elements == set(ELEMENTS)


def test_a_route_replaces_the_one_of_its_place(machine: Lab) -> None:
    machine.change((Route("10.77.128.1", PORT, (C,)),), (Route("10.77.128.1", PORT, (B, C)),))
    routes = {e for e in machine.observe().elements if isinstance(e, Route) and e.backends}
    assert routes == {Route("10.77.128.1", PORT, (C,))}


def test_removing_an_element_that_was_replaced_meanwhile_leaves_the_new_one(machine: Lab) -> None:
    machine.change(remove=(Route("10.77.128.1", PORT, (A,)),))
    assert machine.observe().elements == set(ELEMENTS)


def test_preparing_again_changes_nothing(machine: Lab) -> None:
    def ruleset() -> str:
        return subprocess.run(
            ["nft", "-a", "list", "ruleset"], capture_output=True, text=True, check=True
        ).stdout

    before = machine.host.run(ruleset)
    machine.host.run(machine.network.prepare)
    assert machine.host.run(ruleset) == before


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        pytest.param(_nft("flush chain TABLE between"), "rules", id="a chain is flushed"),
        pytest.param(
            _nft("flush chain TABLE spread_2"), "rules", id="a chain that deals out is flushed"
        ),
        pytest.param(
            _nft("insert rule TABLE passing accept"), "rules", id="a rule is put in front"
        ),
        pytest.param(
            _nft("add chain TABLE mine", "add element TABLE doors_any { 99 : goto mine }"),
            "rules",
            id="a port leads to a chain of somebody's",
        ),
        pytest.param(
            _nft("add element TABLE doors_any { 99 : accept }"), "sets", id="a port leads nowhere"
        ),
        pytest.param(
            _nft("add element TABLE shown { 10.77.0.10 . 22 }"), "sets", id="a box is shown"
        ),
        pytest.param(_nft("flush set TABLE private"), "rules", id="the private ranges are emptied"),
        pytest.param(
            _write(f"/sys/class/net/{BRIDGE}/bridge/nf_call_iptables", "0"),
            "switches",
            id="nf_call is off",
        ),
        pytest.param(
            _write(f"/proc/sys/net/ipv6/conf/{BRIDGE}/disable_ipv6", "0"),
            "switches",
            id="IPv6 is on",
        ),
        pytest.param(
            _ip("address", "flush", "dev", BRIDGE), "address", id="the bridge has no address"
        ),
        pytest.param(_ip("link", "set", BRIDGE, "down"), "bridge", id="the bridge is down"),
        pytest.param(_ip("link", "set", "box-a", "nomaster"), "off the bridge", id="a wire is off"),
        pytest.param(_ip("link", "set", "box-a", "down"), "or down", id="a wire is down"),
        pytest.param(
            _nft("flush chain ip filter DOCKER-USER"), "forwards", id="Docker's chain was flushed"
        ),
    ],
)
def test_harm_is_seen_and_mended(machine: Lab, harm: Callable[[Lab], None], told: str) -> None:
    harm(machine)
    seen = machine.observe()
    assert not seen.prepared and told in seen.lacks
    machine.host.run(machine.network.prepare)
    state = machine.observe()
    assert state.prepared
    assert state.elements == set(ELEMENTS)


def test_the_hosts_filter_is_asked_again_once_the_packet_filter_has_changed(machine: Lab) -> None:
    if machine.host.run(nft_generation.of_all_rules) is None or not nft_library.found():
        pytest.skip("the host's filter is of the older kind, or programs are asked in any case")

    def look_time_and_again() -> None:
        observe = machine.network.observe
        assert observe().prepared
        before = getrusage(RUSAGE_CHILDREN)
        assert observe().prepared
        assert getrusage(RUSAGE_CHILDREN) == before, "no program was run"
        subprocess.run(["nft", "flush chain ip filter DOCKER-USER"], check=True)
        for _ in range(2):
            assert "forwards" in observe().lacks, "what is missing is not remembered"

    machine.host.run(look_time_and_again)


def test_the_table_is_listed_again_once_anything_in_the_packet_filter_has_changed(
    machine: Lab,
) -> None:
    name = f"inet {machine.network.layout.table}"
    stray = f"add element {name} links {{ {C} . {A} . 7 }}"

    def look_time_and_again() -> None:
        observe = machine.network.observe
        first = observe()
        assert observe().elements is first.elements, "nothing was listed a second time"
        subprocess.run(["nft", stray], check=True)
        assert observe().elements == {*ELEMENTS, Pass(C, A, 7)}
        machine.network.change((), (Pass(C, A, 7),))
        assert observe().elements == first.elements
        subprocess.run(["nft", f"flush chain {name} between"], check=True)
        for _ in range(2):
            assert "rules" in observe().lacks, "what is wrong is remembered as well"
        subprocess.run(["nft", f"delete table {name}"], check=True)
        assert (observe().lacks, observe().elements) == ("there is no table", frozenset())

    machine.host.run(look_time_and_again)


def test_each_transaction_begins_another_generation_and_a_look_does_not(machine: Lab) -> None:
    def number() -> int | None:
        return machine.host.run(nft_generation.number)

    before = number()
    assert before is not None
    machine.observe()
    assert number() == before
    _nft("add table inet elsewhere", "delete table inet elsewhere")(machine)
    assert number() not in (before, None)


def test_a_bridge_that_the_hosts_filter_is_closed_to_is_named(machine: Lab) -> None:
    def closed() -> tuple[str, ...]:
        return machine.host.run(lambda: forward_policy.closed_to([BRIDGE]))

    assert closed() == ()
    _nft("flush chain ip filter DOCKER-USER")(machine)
    assert closed() == (BRIDGE,)


def test_a_flushed_ruleset_is_made_again_empty(machine: Lab) -> None:
    machine.host.run(machine.network.remove_all)
    assert machine.observe().lacks == "there is no table"
    assert machine.observe().elements == frozenset()
    with pytest.raises(RejectedError, match="does not exist"):
        machine.change(ELEMENTS)
    machine.host.run(machine.network.remove_all)
    machine.host.run(machine.network.prepare)
    assert machine.observe().prepared


@pytest.mark.parametrize(
    ("harm", "lost"),
    [
        ("delete element TABLE turns { 10.77.128.1 . 8000 . 1 }", [1]),
        ("delete element TABLE turns_any { 80 . 0 }", [4]),
        ("delete element TABLE shown { 10.77.0.12 . 8000 }", [4]),
        ("delete element TABLE served { 10.77.0.12 . 8000 }", [1]),
        ("delete element TABLE out { 10.77.0.10 . 203.0.113.0/24 . 8000 }", [6, 7]),
        ("delete element TABLE links { 10.77.0.10 . 10.77.0.11 . 8000 }", [0]),
    ],
)
def test_elements_half_removed_by_hand_are_not_in_force(
    machine: Lab, harm: str, lost: list[int]
) -> None:
    _nft(harm)(machine)
    gone = {ELEMENTS[number] for number in lost}
    assert machine.observe().elements == set(ELEMENTS) - gone
    machine.change(tuple(gone))
    assert machine.observe().elements == set(ELEMENTS)


def test_changes_at_the_same_time_lose_nothing(machine: Lab) -> None:
    routes = [Route(f"10.77.128.{number}", PORT, (A, B)) for number in range(10, 30)]

    def change_all() -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda route: machine.network.change((route,), ()), routes))
            list(pool.map(lambda route: machine.network.change((), (route,)), routes[:10]))

    machine.host.run(change_all)
    assert machine.observe().elements == {*ELEMENTS, *routes[10:]}


def test_installations_do_not_touch_each_other(machine: Lab) -> None:
    other = unlike(machine.network, installation=f"{machine.network.installation}-2")
    machine.host.run(other.prepare)
    machine.host.run(lambda: other.change((Pass(B, A, 7),), ()))
    machine.host.run(other.remove_all)
    state = machine.observe()
    assert state.prepared
    assert state.elements == set(ELEMENTS)


def test_a_foreign_bridge_of_our_name_is_refused(machine: Lab) -> None:
    other = unlike(machine.network, gateway="10.77.0.2")
    with pytest.raises(RejectedError, match=r"has the address 10\.77\.0\.1, not"):
        machine.host.run(other.prepare)
    machine.host.run(other.remove_all)
