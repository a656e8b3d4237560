"""Whose wires are, and which of them carry, by real interfaces and namespaces."""

from __future__ import annotations

import os
import time
from contextlib import closing

from orchestr8.host import wires
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root


def _wait(ready: int) -> None:
    os.write(ready, b".")
    time.sleep(600)


def test_the_wires_of_tasks_that_live_are_found() -> None:
    with closing(Namespace()) as host, closing(Namespace()) as box, closing(Namespace()) as lone:
        host.ip(
            "link add one type veth peer name eth0 netns {other}",
            "link add two type veth peer name eth1 netns {other}",
            "link add here type veth peer name too",
            other=box,
        )
        with lone.serve(_wait) as gone:
            pass
        with box.serve(_wait) as first, box.serve(_wait) as second, lone.serve(_wait) as alone:
            found = host.run(lambda: wires.leading_to([first, second, alone, gone]))
    assert found == {first: ("one", "two"), second: ("one", "two")}


def test_those_that_are_up_and_on_the_bridge_carry() -> None:
    with closing(Namespace()) as host:
        for name in ("good", "loose", "set-down", "elsewhere"):
            host.ip(f"link add {name} type veth peer name {name}-end", f"link set {name} up")
        host.ip("link add ours type bridge", "link add other type bridge")
        for name, bridge in (("good", "ours"), ("set-down", "ours"), ("elsewhere", "other")):
            host.ip(f"link set {name} master {bridge}")
        host.ip("link set set-down down")
        assert host.run(lambda: wires.carrying("ours")) == {"good"}
        assert host.run(lambda: wires.carrying("absent")) == frozenset()
        harmed = {"loose", "set-down", "elsewhere"}
        host.run(lambda: wires.put_on("ours", harmed | {"absent"}))
        assert host.run(lambda: wires.carrying("ours")) == harmed | {"good"}
