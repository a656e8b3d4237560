"""The connect matrix on real packets: tokens are exchanged, since a bare connect proves nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from orchestr8.boxes.network import Door, Out, Pass, Route
from tests.host.lab import (
    DOCKER,
    DROPS,
    GATEWAY,
    HOST_OUTSIDE,
    METADATA,
    OTHER_PORT,
    OUTSIDE,
    OUTSIDE_TOO,
    PORT,
    PRIVATE_OUTSIDE,
    Lab,
    lab,
)
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root

A, B, C = "10.77.0.10", "10.77.0.11", "10.77.0.12"
VIP = "10.77.128.1"
MOMENT, PATIENT = 0.4, 30.0
"""Seconds after which what is closed has not answered, and what is open has at the latest."""


@pytest.fixture(scope="module", params=[(), DOCKER, DROPS], ids=["alone", "docker", "drops"])
def machine(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with lab(firewall=request.param) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_open(machine: Lab) -> None:
    machine.only()


def test_nothing_is_open_at_first(machine: Lab) -> None:
    everywhere = {A, B, C, VIP, GATEWAY, HOST_OUTSIDE, OUTSIDE}
    for caller in machine.boxes:
        others = everywhere - {machine.addresses[caller]}
        assert not machine.answered(caller, others, (PORT, OTHER_PORT)), caller
    for caller in ("host", "outside"):
        assert not machine.answered(caller, (A, B, C, VIP), (PORT, OTHER_PORT)), caller


def test_a_link_opens_one_port_in_one_direction(machine: Lab) -> None:
    machine.change((Pass(A, B, PORT), Route(VIP, PORT, (B,))))
    assert machine.who("a", B, PORT) == "b"
    assert machine.who("a", VIP, PORT) == "b"
    assert machine.closed("a", B, OTHER_PORT)
    assert machine.closed("b", A, PORT)
    assert machine.closed("c", B, PORT)
    assert machine.closed("c", VIP, PORT)
    assert machine.closed("host", VIP, PORT)


def test_a_link_opens_and_closes_live(machine: Lab) -> None:
    machine.change((Route(VIP, PORT, (B,)),))
    assert machine.closed("a", VIP, PORT)
    machine.change((Pass(A, B, PORT),))
    with _conversation(machine.boxes["a"], VIP) as line:
        assert line.answer() == machine.tokens["b"]
        machine.change(remove=(Pass(A, B, PORT),))
        assert not line.answer(MOMENT), "the open connection outlived its link"


def test_a_box_that_drains_may_finish(machine: Lab) -> None:
    machine.change((Pass(A, B, PORT), Route(VIP, PORT, (B,))))
    with _conversation(machine.boxes["a"], VIP) as line:
        assert line.answer() == machine.tokens["b"]
        machine.change((Pass(A, C, PORT), Route(VIP, PORT, (C,))), (Pass(A, B, PORT),))
        assert line.answer() == machine.tokens["b"]
        assert machine.who("a", VIP, PORT) == "c"
        assert machine.closed("a", B, PORT)


def test_two_boxes_both_get_traffic(machine: Lab) -> None:
    machine.change((Pass(A, B, PORT), Pass(A, C, PORT), Route(VIP, PORT, (B, C))))
    assert {machine.who("a", VIP, PORT) for _ in range(30)} == {"b", "c"}


def test_a_route_without_boxes_is_refused_at_once(machine: Lab) -> None:
    machine.change((Route(VIP, PORT, ()),))

    def error() -> str:
        with socket.socket() as caller:
            caller.settimeout(3)
            try:
                caller.connect((VIP, PORT))
            except OSError as error:
                return type(error).__name__
        return "connected"

    assert machine.boxes["a"].run(error) == "ConnectionRefusedError"


def test_a_loopback_door_answers_the_host_only(machine: Lab) -> None:
    machine.change((Door("127.0.0.1", 80, OTHER_PORT, (B,)),))
    assert machine.who("host", "127.0.0.1", 80) == "b"
    assert machine.closed("host", HOST_OUTSIDE, 80)
    assert machine.closed("outside", HOST_OUTSIDE, 80)
    for address in (GATEWAY, HOST_OUTSIDE):
        assert machine.closed("a", address, 80)


def test_a_door_on_every_address_answers_outside_and_host(machine: Lab) -> None:
    machine.change((Door("0.0.0.0", 81, OTHER_PORT, (B, C)),))
    assert {machine.who("outside", HOST_OUTSIDE, 81) for _ in range(30)} == {"b", "c"}
    for address in ("127.0.0.1", HOST_OUTSIDE, GATEWAY):
        assert machine.who("host", address, 81) in {"b", "c"}
    for address in (GATEWAY, HOST_OUTSIDE, B):
        assert machine.closed("a", address, 81)
    assert machine.closed("outside", B, OTHER_PORT), "the box is reached past its door"


def test_a_door_on_one_address_answers_there_only(machine: Lab) -> None:
    machine.change((Door(HOST_OUTSIDE, 82, PORT, (B,)),))
    assert machine.who("outside", HOST_OUTSIDE, 82) == "b"
    assert machine.who("host", HOST_OUTSIDE, 82) == "b"
    assert machine.closed("host", "127.0.0.1", 82)


def test_a_door_changes_boxes_while_connections_go_on(machine: Lab) -> None:
    machine.change((Door("0.0.0.0", 83, PORT, (B,)),))
    with (
        _conversation(machine.outside, HOST_OUTSIDE, 83) as from_outside,
        _conversation(machine.host, "127.0.0.1", 83) as from_host,
    ):
        assert from_outside.answer() == from_host.answer() == machine.tokens["b"]
        machine.change((Door("0.0.0.0", 83, PORT, (C,)),))
        assert from_outside.answer() == from_host.answer() == machine.tokens["b"]
        assert machine.who("outside", HOST_OUTSIDE, 83) == "c"
        assert machine.who("host", "127.0.0.1", 83) == "c"
    machine.change(remove=(Door("0.0.0.0", 83, PORT, (C,)),))
    assert machine.closed("outside", HOST_OUTSIDE, 83)


def test_egress_is_open_to_the_named_range_and_port_only(machine: Lab) -> None:
    machine.change((Out(A, f"{OUTSIDE}/32", PORT),))
    assert machine.who("a", OUTSIDE, PORT) == "outside"
    assert machine.who("a", OUTSIDE, PORT, udp=True) == "outside"
    assert machine.closed("a", OUTSIDE, OTHER_PORT)
    assert machine.closed("a", OUTSIDE_TOO, PORT)
    assert machine.closed("b", OUTSIDE, PORT)
    assert machine.closed("outside", A, PORT)
    with _conversation(machine.boxes["a"], OUTSIDE) as line:
        assert line.answer() == machine.tokens["outside"]
        machine.change(remove=(Out(A, f"{OUTSIDE}/32", PORT),))
        assert not line.answer(MOMENT), "the open connection outlived its permission"


def test_a_wide_range_opens_no_private_address_unless_named(machine: Lab) -> None:
    machine.change((Out(A, "0.0.0.0/0", PORT),))
    assert machine.who("a", OUTSIDE, PORT) == machine.who("a", OUTSIDE_TOO, PORT) == "outside"
    kept = (METADATA, PRIVATE_OUTSIDE, HOST_OUTSIDE, GATEWAY, B, VIP)
    assert not machine.answered("a", kept, (PORT,))
    machine.change((Out(A, "10.9.0.0/16", PORT), Out(A, f"{METADATA}/32", PORT)))
    assert machine.who("a", PRIVATE_OUTSIDE, PORT) == "outside"
    assert machine.who("a", METADATA, PORT) == "outside"


def test_ranges_may_lie_within_one_another(machine: Lab) -> None:
    wide, narrow = Out(A, "203.0.113.0/24", PORT), Out(A, f"{OUTSIDE}/32", PORT)
    machine.change((wide, narrow))
    assert machine.observe().elements == {wide, narrow}
    machine.change(remove=(wide,))
    assert machine.observe().elements == {narrow}
    assert machine.who("a", OUTSIDE, PORT) == "outside"
    assert machine.closed("a", OUTSIDE_TOO, PORT)


@contextmanager
def _conversation(caller: Namespace, address: str, port: int = PORT) -> Iterator[_Line]:
    """A TCP connection that stays open."""
    connection = caller.borrow(lambda: socket.create_connection((address, port), PATIENT))
    with connection:
        yield _Line(connection)


@dataclass(frozen=True)
class _Line:
    """What the other side of a connection says."""

    connection: socket.socket

    def answer(self, seconds: float = PATIENT) -> str:
        """The token that one question is answered with, or nothing in this time."""
        self.connection.settimeout(seconds)
        try:
            self.connection.sendall(b"token?\n")
            return self.connection.recv(64).decode()
        except OSError:
            return ""
