"""A small machine of namespaces: a host with a bridge, boxes on it, and a host outside."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestr8.boxes.network import Element, NetworkState
from orchestr8.host import wires
from orchestr8.host.network import HostNetwork
from tests.host.namespaces import Namespace

BRIDGE = "o8test0"
SUBNET = "10.77.0.0/24"
SERVICES = "10.77.128.0/24"
GATEWAY = "10.77.0.1"
HOST_OUTSIDE = "203.0.113.1"
OUTSIDE = "203.0.113.2"
OUTSIDE_TOO = "203.0.113.3"
METADATA = "169.254.169.254"
PRIVATE_OUTSIDE = "10.9.9.9"
PORT = 8000
OTHER_PORT = 8001

DROPS = ("-P FORWARD DROP",)
DOCKER = (
    *DROPS,
    "-N DOCKER-USER",
    "-A DOCKER-USER -j RETURN",
    "-I FORWARD -j DOCKER-USER",
)
"""What a Docker Engine leaves in front of our bridge."""


@dataclass
class Lab:
    """Every party has a token of its own and tells it on PORT and OTHER_PORT."""

    host: Namespace
    outside: Namespace
    boxes: dict[str, Namespace]
    addresses: dict[str, str]
    network: HostNetwork
    tokens: dict[str, str] = field(default_factory=dict)

    def change(self, add: tuple[Element, ...] = (), remove: tuple[Element, ...] = ()) -> None:
        self.host.run(lambda: self.network.change(add, remove))

    def observe(self) -> NetworkState:
        return self.host.run(self.network.observe)

    def only(self, *wanted: Element) -> None:
        """Exactly these elements."""
        held = self.observe().elements
        self.change(wanted, tuple(held - set(wanted)))

    def party(self, name: str) -> Namespace:
        return {"host": self.host, "outside": self.outside, **self.boxes}[name]

    def who(self, caller: str, address: str, port: int, udp: bool = False) -> str:
        """The name of the party that answers the caller, or the empty text."""
        token = self.party(caller).ask(address, port, udp)
        return {told: name for name, told in self.tokens.items()}[token] if token else ""

    def closed(self, caller: str, address: str, *ports: int) -> bool:
        """Whether nobody answers within a moment; an open port answers in a thousandth of it."""
        return not self.answered(caller, (address,), ports)

    def answered(
        self, caller: str, addresses: Iterable[str], ports: Iterable[int]
    ) -> set[tuple[str, int]]:
        """The addresses and ports that answer the caller within a moment."""
        places = [(address, port) for address in addresses for port in ports]
        return self.party(caller).answered(places, seconds=0.25)


@contextmanager
def lab(names: str = "abc", firewall: tuple[str, ...] = ()) -> Iterator[Lab]:
    """The machine, prepared and default-deny; `firewall` are lines of iptables made before."""
    with ExitStack() as stack:
        host, outside = (stack.enter_context(_namespace()) for _ in range(2))
        boxes = {name: stack.enter_context(_namespace()) for name in names}
        addresses = {name: f"10.77.0.{10 + number}" for number, name in enumerate(names)}
        network = HostNetwork(
            installation=f"test-{secrets.token_hex(4)}",
            bridge=BRIDGE,
            subnet=SUBNET,
            service_range=SERVICES,
            gateway=GATEWAY,
            made_by=Maker(lambda: _make_bridge(host), tuple(names)),
        )
        _connect_outside(host, outside)
        made = Lab(host, outside, boxes, addresses, network)
        host.run(lambda: _iptables(firewall))
        host.run(network.prepare)
        for name, box in boxes.items():
            _connect_box(host, box, name, addresses[name])
        for name, party in {"host": host, "outside": outside, **boxes}.items():
            made.tokens[name] = secrets.token_hex(8)
            for port in (PORT, OTHER_PORT):
                stack.enter_context(party.token_server(port, made.tokens[name]))
        yield made


def unlike(network: HostNetwork, **settings: Any) -> HostNetwork:
    """A network on the same machine that differs in this, and remembers nothing."""
    names = [name for name in HostNetwork.__struct_fields__ if not name.startswith("_")]
    return HostNetwork(**{name: getattr(network, name) for name in names} | settings)


@contextmanager
def _namespace() -> Iterator[Namespace]:
    made = Namespace()
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True)
class Maker:
    """Makes the bridge as it is told, and looks after the wires of these boxes."""

    make: Callable[[], None]
    boxes: tuple[str, ...] = ()

    def lacks(self) -> str:
        return wires.told(BRIDGE, self._cut_off())

    def mend(self) -> None:
        wires.put_on(BRIDGE, self._cut_off())

    def _cut_off(self) -> frozenset[str]:
        return frozenset(map(_wire, self.boxes)) - wires.carrying(BRIDGE)


def _make_bridge(host: Namespace) -> None:
    host.ip(
        f"link add {BRIDGE} type bridge",
        f"addr add {GATEWAY}/24 dev {BRIDGE}",
        f"link set {BRIDGE} up",
    )


def _wire(box_name: str) -> str:
    return f"box-{box_name}"


def _connect_outside(host: Namespace, outside: Namespace) -> None:
    host.ip("link add up0 type veth peer name eth0 netns {other}", other=outside)
    host.ip(
        f"addr add {HOST_OUTSIDE}/24 dev up0",
        "link set up0 up",
        f"route add default via {OUTSIDE}",
    )
    outside.ip(
        *(
            f"addr add {address}/24 dev eth0"
            for address in (OUTSIDE, OUTSIDE_TOO, METADATA, PRIVATE_OUTSIDE)
        ),
        "link set eth0 up",
        f"route add default via {HOST_OUTSIDE}",
    )
    host.run(_set_host_parameters)


def _connect_box(host: Namespace, box: Namespace, name: str, address: str) -> None:
    wire = _wire(name)
    host.ip(f"link add {wire} type veth peer name eth0 netns {{other}}", other=box)
    host.ip(f"link set {wire} master {BRIDGE}", f"link set {wire} up")
    box.ip(
        f"addr add {address}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {GATEWAY}",
    )


def _iptables(lines: tuple[str, ...]) -> None:
    for line in lines:
        subprocess.run(["iptables", "-w", *line.split()], check=True, capture_output=True)


def _set_host_parameters() -> None:
    parameters = Path("/proc/sys/net")
    (parameters / "ipv4/ip_forward").write_text("1")
    (parameters / "ipv4/conf/all/rp_filter").write_text("1")
    # As on a host where nobody asked for it: what the bridge needs, it must say for itself.
    for family in ("ip", "ip6"):
        (parameters / f"bridge/bridge-nf-call-{family}tables").write_text("0")
