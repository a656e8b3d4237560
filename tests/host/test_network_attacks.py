"""Ways round the table that others have been caught by; each is first shown to work without it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.boxes.network import Door, Pass, Route
from tests.host.lab import BRIDGE, GATEWAY, HOST_OUTSIDE, OTHER_PORT, PORT, Lab, lab
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root

_TENTATIVE = 0x40
A, B = "10.77.0.10", "10.77.0.11"


@pytest.fixture
def machine() -> Iterator[Lab]:
    with lab("ab") as made:
        yield made


def test_boxes_do_not_meet_by_ipv6(machine: Lab) -> None:
    machine.boxes["a"].run(_link_local)
    address = machine.boxes["b"].run(_link_local)
    with machine.boxes["b"].token_server(9000, "six", socket.AF_INET6):
        assert not machine.boxes["a"].ask(f"{address}%eth0", 9000, seconds=0.5)
        machine.host.run(machine.network.remove_all)
        assert machine.boxes["a"].ask(f"{address}%eth0", 9000) == "six", "the attack is none"


def test_the_host_has_no_ipv6_address_towards_boxes(machine: Lab) -> None:
    assert BRIDGE not in machine.host.run(lambda: Path("/proc/net/if_inet6").read_text())


def test_a_box_does_not_reach_the_hosts_loopback(machine: Lab) -> None:
    """The class of CVE-2020-8558: a packet from the wire that claims to be for 127.0.0.1."""
    machine.change((Door("127.0.0.1", 80, PORT, (B,)),))
    _lead_loopback_to(machine.boxes["a"], GATEWAY)
    with machine.host.token_server(9000, "loopback", address="127.0.0.1"):
        assert not machine.boxes["a"].ask("127.0.0.1", 9000, seconds=0.5)
        assert machine.closed("a", "127.0.0.1", 80)
        machine.host.run(machine.network.remove_all)
        assert machine.boxes["a"].ask("127.0.0.1", 9000) == "loopback", "the attack is none"


def test_a_neighbour_outside_does_not_reach_a_loopback_door(machine: Lab) -> None:
    machine.change((Door("127.0.0.1", 80, PORT, (B,)),))
    _lead_loopback_to(machine.outside, HOST_OUTSIDE)
    assert machine.who("host", "127.0.0.1", 80) == "b"
    assert machine.closed("outside", "127.0.0.1", 80)


def test_a_box_does_not_speak_as_another(machine: Lab) -> None:
    forged = "10.77.1.99"
    machine.change((Pass(forged, B, PORT),))
    machine.boxes["a"].ip(f"addr add {forged}/32 dev eth0")
    machine.boxes["b"].ip(f"route add {forged}/32 dev eth0")

    def ask() -> str:
        with socket.socket() as caller:
            caller.bind((forged, 0))
            caller.settimeout(0.5)
            try:
                caller.connect((B, PORT))
            except OSError:
                return ""
        return "connected"

    assert not machine.boxes["a"].run(ask)


def test_no_redirect_leads_round_the_table(machine: Lab) -> None:
    """The host must not tell a box a shorter way to a virtual address."""
    seen = Path("/proc/net/snmp")
    before = machine.boxes["a"].run(lambda: _redirects(seen.read_text()))
    machine.change((Pass(A, B, PORT), Route("10.77.128.1", PORT, (B,))))
    for _ in range(5):
        assert machine.who("a", "10.77.128.1", PORT) == "b"
    assert machine.boxes["a"].run(lambda: _redirects(seen.read_text())) == before


def test_the_hosts_own_programs_do_not_pass_a_box_s_door(machine: Lab) -> None:
    machine.change((Door("127.0.0.1", 80, PORT, (B,)),))
    assert machine.closed("host", B, PORT)
    assert machine.closed("host", B, OTHER_PORT)


def _link_local() -> str:
    """The interface's own address, when the kernel is certain that nobody else has it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            address, _, _, _, flags, interface = line.split()
            if interface == "eth0" and not int(flags, 16) & _TENTATIVE:
                return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
        time.sleep(0.02)
    raise LookupError("no address")


def _lead_loopback_to(caller: Namespace, gateway: str) -> None:
    """From now on 127.0.0.1 leaves the caller's namespace over the wire."""
    caller.ip(
        "addr del 127.0.0.1/8 dev lo",
        f"route add 127.0.0.1/32 via {gateway} dev eth0 src {_own_address(caller)}",
    )
    caller.run(lambda: Path("/proc/sys/net/ipv4/conf/eth0/route_localnet").write_text("1"))


def _own_address(caller: Namespace) -> str:
    def probe() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.connect(("192.0.2.1", 9))
            return str(asker.getsockname()[0])

    return caller.run(probe)


def _redirects(snmp: str) -> int:
    names, values = (line.split() for line in snmp.splitlines() if line.startswith("Icmp:"))
    return int(values[names.index("InRedirects")])
