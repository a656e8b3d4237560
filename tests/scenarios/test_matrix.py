"""Who reaches whom: every ordered pair of the shop's boxes, the host and a host outside.

A connection proves nothing, a token does: whoever is called tells one that only it has, or speaks
its own protocol. Each box is called at its own address, and at its service's virtual one.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.host.namespaces import Namespace
from tests.hosts import Engine
from tests.scenarios.fleet import Fleet, fresh

OUTSIDE, HOST_SIDE = "198.51.100.2", "198.51.100.1"
ANY_PORT = 7077
BOXES = ("front.web", "api.payments", "db.data", "cache.data")
PARTIES = (*BOXES, "host", "outside")
REAL_PORTS = {"front.web": 8080, "api.payments": 8080, "db.data": 5432, "cache.data": 6379}
LINKS = {
    ("front.web", "api.payments"),
    ("api.payments", "db.data"),
    ("api.payments", "cache.data"),
}

MOMENT, PATIENT = 0.4, 30.0
"""Seconds after which what is closed has not answered, and what is open has at the latest."""


def os_setns(descriptor: int) -> None:
    """The calling process goes over to a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


class Joined(Namespace):
    """The network namespace of a process."""

    def __init__(self, pid: int | str) -> None:
        self.fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _enter(self) -> None:
        """Sockets are all that is used in here, so /sys stays as it is."""
        os_setns(self.fd)


class Town:
    """The shop with everybody's namespace, address, and token on a port that nobody declared."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.namespaces: dict[str, Namespace] = {"host": Joined("self")}
        self.addresses = {"outside": OUTSIDE}
        self.tokens = {name: secrets.token_hex(8) for name in PARTIES}
        for name in BOXES:
            box = fleet.container(name)
            self.namespaces[name] = Joined(box["State"]["Pid"])
            self.addresses[name] = box["Config"]["Labels"]["orchestr8.address"]
        octets = self.addresses["front.web"].split(".")
        self.addresses["host"] = ".".join((*octets[:2], "0", "1"))

    def __enter__(self) -> Town:
        self._stack = ExitStack()
        self.namespaces["outside"] = self._stack.enter_context(_outside(self.addresses["host"]))
        for name, namespace in self.namespaces.items():
            self._stack.enter_context(namespace.token_server(ANY_PORT, self.tokens[name]))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        for name in (*BOXES, "host"):
            self.namespaces[name].close()

    def reaches(self, source: str, destination: str, seconds: float = PATIENT) -> bool:
        """Whether the destination's token arrives on the port that nobody declared."""
        told = self.namespaces[source].ask(self.addresses[destination], ANY_PORT, seconds=seconds)
        return told == self.tokens[destination]

    def speaks(self, source: str, address: str, port: int, seconds: float = PATIENT) -> bool:
        """Whether something at a real port answers in its own protocol."""
        return self.namespaces[source].run(lambda: _speaks(address, port, seconds))


class _outside:  # noqa: N801 - used as a function
    """A host beyond this one, with a way to the boxes' range through it."""

    def __init__(self, gateway: str) -> None:
        self.range = ".".join((*gateway.split(".")[:2], "0", "0")) + "/16"

    def __enter__(self) -> Namespace:
        self.namespace = Namespace()
        self.link = f"o8t{secrets.token_hex(3)}"
        add = ["ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns"]
        subprocess.run(
            [*add, f"/proc/self/fd/{self.namespace.fd}"], check=True, pass_fds=(self.namespace.fd,)
        )
        for words in (f"addr add {HOST_SIDE}/24 dev {self.link}", f"link set {self.link} up"):
            subprocess.run(["ip", *words.split()], check=True)
        self.namespace.ip(
            f"addr add {OUTSIDE}/24 dev eth0",
            "link set eth0 up",
            f"route add {self.range} via {HOST_SIDE}",
        )
        return self.namespace

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "link", "del", self.link], check=True)
        self.namespace.close()


def _speaks(address: str, port: int, seconds: float) -> bool:
    hello = {
        6379: (b"PING\r\n", b"+PONG"),
        5432: ((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"), b"N"),
    }.get(port, (b"GET /healthz HTTP/1.0\r\n\r\n", b"HTTP/1."))
    with suppress(OSError), socket.create_connection((address, port), timeout=seconds) as caller:
        caller.sendall(hello[0])
        answer = caller.recv(64)
        return answer.startswith(hello[1]) or (port == 5432 and answer[:1] in b"NS")
    return False


@pytest.fixture(scope="module")
def town(docker_engine: Engine) -> Iterator[Town]:
    for fleet in fresh(docker_engine):
        for owner in ("data", "payments"):
            fleet.secret(owner, "db-password", "a password\n")
        fleet.run("apply", "examples/05-shop", "--set", "shop")
        with Town(fleet) as town:
            yield town


def pairs() -> list[tuple[str, str]]:
    return [pair for pair in itertools.permutations(PARTIES, 2) if pair != ("host", "outside")]


def to_boxes() -> list[tuple[str, str]]:
    return [pair for pair in itertools.permutations(PARTIES, 2) if pair[1] in BOXES]


def test_everybody_can_be_heard_at_home(town: Town) -> None:
    """The positive control: each token is really told, so that silence means something."""
    for name in PARTIES:
        assert town.namespaces[name].ask("127.0.0.1", ANY_PORT) == town.tokens[name], name
    assert town.reaches("host", "outside")


@pytest.mark.parametrize(("source", "destination"), pairs(), ids=lambda one: one)
def test_a_port_that_nobody_declared_is_closed(town: Town, source: str, destination: str) -> None:
    if (source, destination) == ("outside", "host"):
        town.addresses["host"] = HOST_SIDE
        assert town.reaches(source, destination), "the host's own ports are not ours to close"
        return
    assert not town.reaches(source, destination, MOMENT)


@pytest.mark.parametrize(("source", "destination"), to_boxes(), ids=lambda one: one)
def test_a_real_port_answers_those_alone_who_declared_it(
    town: Town, source: str, destination: str
) -> None:
    port = REAL_PORTS[destination]
    is_linked = (source, destination) in LINKS
    seconds = PATIENT if is_linked else MOMENT
    assert town.speaks(source, town.addresses[destination], port, seconds) is is_linked


@pytest.mark.parametrize(("source", "destination"), sorted(LINKS))
def test_a_link_leads_by_name(town: Town, source: str, destination: str) -> None:
    """The name in the box's hosts file is the service's virtual address."""
    pid = town.fleet.container(source)["State"]["Pid"]
    hosts = Path(f"/proc/{pid}/root/etc/hosts").read_text()
    address = next(line.split()[0] for line in hosts.splitlines() if destination in line.split())
    assert address != town.addresses[destination]
    assert town.speaks(source, address, REAL_PORTS[destination])
    for other in set(BOXES) - {source, destination}:
        if (other, destination) not in LINKS:
            assert not town.speaks(other, address, REAL_PORTS[destination], MOMENT)


def test_the_published_port_answers_the_host_alone(town: Town) -> None:
    assert town.speaks("host", "127.0.0.1", 8080)
    assert not town.speaks("outside", HOST_SIDE, 8080, MOMENT)
    assert not town.speaks("outside", town.addresses["front.web"], 8080, MOMENT)
    for box in set(BOXES) - {"front.web"}:
        assert not town.speaks(box, town.addresses["host"], 8080, MOMENT)


def test_no_box_has_an_address_of_the_other_protocol(town: Town) -> None:
    for name in BOXES:
        pid = town.fleet.container(name)["State"]["Pid"]
        assert Path(f"/proc/{pid}/net/if_inet6").read_text() == ""
