"""Who listens on the host, by what the kernel shows."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.errors import EngineError
from orchestr8.host import nft, table
from orchestr8.host.listeners import absent, listeners
from orchestr8.host.network import HostNetwork, foreign_doors
from tests.conformance.ports import published
from tests.host.lab import Maker
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root


@pytest.fixture
def host() -> Iterator[Namespace]:
    made = Namespace()
    yield made
    made.close()


def _listen(family: int, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.bind((address, port))
    made.listen()
    return made


def test_every_listening_socket_is_named(host: Namespace) -> None:
    def seen() -> dict[tuple[str, int], str]:
        held = [
            _listen(socket.AF_INET, "127.0.0.1", 8080),
            _listen(socket.AF_INET, "0.0.0.0", 8081),
            _listen(socket.AF_INET6, "::", 8082),
            _listen(socket.AF_INET6, "::1", 8083),
            _listen(socket.AF_INET6, "::ffff:127.0.0.1", 8084),
        ]
        caller = socket.create_connection(("127.0.0.1", 8080))
        found = dict(listeners())
        for each in (*held, caller):
            each.close()
        return found

    found = host.run(seen)
    name = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    places = {
        ("127.0.0.1", 8080), ("0.0.0.0", 8081), ("0.0.0.0", 8082), ("::1", 8083),
        ("127.0.0.1", 8084),
    }  # fmt: skip
    assert found == dict.fromkeys(places, name)


def test_a_quiet_host_has_none(host: Namespace) -> None:
    assert host.run(lambda: dict(listeners())) == {}


def test_an_address_that_is_not_there_is_told(host: Namespace) -> None:
    addresses = ("0.0.0.0", "127.0.0.1", "127.9.9.9", "192.0.2.7")
    assert host.run(lambda: absent(addresses)) == {"192.0.2.7"}


@pytest.mark.parametrize("boxes", [True, False], ids=["with boxes", "without"])
def test_what_another_installation_publishes_is_taken_while_it_has_boxes(
    host: Namespace, boxes: bool
) -> None:
    def seen() -> list[dict[tuple[str, int], str]]:
        with published(("127.0.0.1", 8080), boxes=boxes):
            (name,) = nft.tables()
            other = name.removeprefix(table.PREFIX)
            return [dict(foreign_doors(one)) for one in ("ours", other)]

    theirs, own = host.run(seen)
    assert list(theirs) == ([("127.0.0.1", 8080)] if boxes else [])
    assert all(who.startswith("orchestr8's installation ") for who in theirs.values())
    assert own == {}


def test_whoever_may_not_read_the_packet_filter_is_told_of_programs(host: Namespace) -> None:
    """As `init` asks, which needs no root."""

    def seen() -> list[tuple[str, int]]:
        with _listen(socket.AF_INET, "127.0.0.1", 8080):
            os.setuid(65_534)
            with pytest.raises(EngineError):
                foreign_doors("ours")
            ranges, maker = ("10.9.0.0/25", "10.9.0.128/25", "10.9.0.1"), Maker(lambda: None)
            return list(HostNetwork("ours", "o8-ours", *ranges, maker).listeners())

    assert host.run(seen) == [("127.0.0.1", 8080)]
