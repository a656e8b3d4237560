"""A box's interface, with real namespaces and without a box."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.engines.crun.carried import carried_of, lay_down
from orchestr8.engines.crun.own_bridge import OwnBridge
from orchestr8.engines.crun.places import Places
from orchestr8.engines.crun.plugs import Plugs
from orchestr8.engines.crun.processes import Process
from orchestr8.errors import RejectedError
from orchestr8.host import links
from orchestr8.host.links import Links
from orchestr8.names import BoxId
from tests.engines.boxes import box as made
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root

PLUGS = Plugs("o8-plugtest", "10.77.0.0/17", "10.77.0.1")
ONE, TWO = BoxId("me", "hello", 1), BoxId("me", "hello", 2)


@pytest.fixture
def host() -> Iterator[Namespace]:
    with closing(Namespace()) as made:
        made.run(PLUGS.make_bridge)
        yield made


@pytest.fixture
def box() -> Iterator[int]:
    """The pid of a process in a network of its own."""
    with closing(Namespace()) as made, made.serve(_wait) as pid:
        yield pid


def _wait(ready: int) -> None:
    os.write(ready, b".")
    time.sleep(600)


def _said(*words: str, pid: int | None = None) -> str:
    inside = ["nsenter", f"--net=/proc/{pid}/ns/net"] if pid else []
    return subprocess.run(
        [*inside, "ip", "-brief", *words], check=True, capture_output=True, text=True
    ).stdout


def test_a_bridge_comes_with_its_address_and_is_up(host: Namespace) -> None:
    assert "10.77.0.1/17" in host.run(lambda: _said("address", "show", "dev", PLUGS.bridge))
    assert ",UP" in host.run(lambda: _said("link", "show", "dev", PLUGS.bridge))


def test_a_bridge_that_was_only_begun_is_finished() -> None:
    def begin_and_make() -> str:
        with Links() as here:
            here.send([links.bridge(f"{PLUGS.bridge}.new")], "beginning")
        PLUGS.make_bridge()
        return _said("address")

    with closing(Namespace()) as host:
        said = host.run(begin_and_make)
    assert "10.77.0.1/17" in said
    assert ".new" not in said


def test_a_bridge_that_somebody_deleted_comes_back_with_the_wires_of_boxes_that_live(
    host: Namespace, box: int, tmp_path: Path
) -> None:
    """But for another's, which lost its bridge as well, and for one whose box has gone."""
    first = Process.of(box)
    assert first
    places = Places(tmp_path / "state", tmp_path / "run")
    record = places.box(ONE).record
    record.parent.mkdir(parents=True)
    lay_down(record, replace(carried_of(made(str(ONE)), "a", "/s"), process=first, monitor=first))
    own = OwnBridge(PLUGS, places)

    def delete_and_make() -> None:
        other = Plugs("o8-other", "10.78.0.0/17", "10.78.0.1")
        with closing(Namespace()) as theirs, theirs.serve(_wait) as pid:
            other.make_bridge()
            other.plug(TWO, pid, "10.78.0.9")
            PLUGS.plug(ONE, box, "10.77.0.9")
            assert own.lacks() == ""
            for bridge in (PLUGS.bridge, other.bridge):
                subprocess.run(["ip", "link", "delete", bridge], check=True)
            own.make()
            assert "the wire of a box is off the bridge o8-plugtest" in own.lacks()
            own.mend()
            assert own.lacks() == ""
            assert PLUGS.seen() == {PLUGS.name(ONE)}

    host.run(delete_and_make)


def test_a_box_gets_interface_address_and_way_out(host: Namespace, box: int) -> None:
    host.run(lambda: PLUGS.plug(ONE, box, "10.77.0.9"))
    assert "10.77.0.9/17" in _said("address", "show", "dev", "eth0", pid=box)
    assert "default via 10.77.0.1 dev eth0" in _said("route", pid=box)
    assert len(host.run(PLUGS.seen)) == 1


def test_the_callers_own_network_is_left_alone(host: Namespace, box: int) -> None:
    def plug_and_look() -> tuple[int, int]:
        before = Path("/proc/thread-self/ns/net").stat().st_ino
        PLUGS.plug(ONE, box, "10.77.0.9")
        return before, Path("/proc/thread-self/ns/net").stat().st_ino

    before, after = host.run(plug_and_look)
    assert before == after


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda box: PLUGS.plug(TWO, box, "10.77.0.9"), "plugging box me--hello--2 in: "),
        (lambda box: PLUGS.plug(TWO, 0, "10.77.0.9"), "it has ended"),
        (lambda box: PLUGS.plug(TWO, os.getpid(), "10.77.0.9"), "not in the network of a box"),
    ],
    ids=["its-eth0-is-there", "no-process", "another-process"],
)
def test_what_cannot_be_plugged_in(
    host: Namespace, box: int, act: Callable[[int], None], words: str
) -> None:
    host.run(lambda: PLUGS.plug(ONE, box, "10.77.0.9"))
    with pytest.raises(RejectedError, match=words):
        host.run(lambda: act(box))


def test_a_wire_of_the_same_name_gives_way(host: Namespace, box: int) -> None:
    """The kernel takes its time over that of a box of this id that has just gone."""
    host.run(lambda: PLUGS.plug(ONE, box, "10.77.0.8"))
    host.run(lambda: PLUGS.plug(ONE, box, "10.77.0.9"))
    said = _said("address", "show", "dev", "eth0", pid=box)
    assert "10.77.0.9/17" in said and "10.77.0.8" not in said
    assert len(host.run(PLUGS.seen)) == 1


def test_a_bridge_that_is_not_there(box: int) -> None:
    with closing(Namespace()) as host, pytest.raises(RejectedError, match="is not there"):
        host.run(lambda: PLUGS.plug(ONE, box, "10.77.0.9"))


def test_without_rights(host: Namespace, box: int) -> None:
    def act() -> None:
        with Links() as here:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            here.send([links.bridge("other")], "making a bridge")

    with pytest.raises(RejectedError, match=r"making a bridge: .*permitted") as failure:
        host.run(act)
    assert "CAP_NET_ADMIN" in failure.value.remedy


def test_the_interface_goes_with_its_network(host: Namespace) -> None:
    with closing(Namespace()) as gone, gone.serve(_wait) as pid:
        host.run(lambda: PLUGS.plug(ONE, pid, "10.77.0.9"))
    deadline = time.monotonic() + 30
    while host.run(PLUGS.seen):
        assert time.monotonic() < deadline, "the interface is there still"
        time.sleep(0.01)


def test_an_interface_whose_network_somebody_keeps_is_taken_away(host: Namespace, box: int) -> None:
    with closing(Namespace()) as other, other.serve(_wait) as pid:
        host.run(lambda: PLUGS.plug(ONE, box, "10.77.0.9"))
        host.run(lambda: PLUGS.plug(TWO, pid, "10.77.0.10"))
        host.run(lambda: PLUGS.sweep(PLUGS.seen(), (ONE, TWO)))
        assert len(host.run(PLUGS.seen)) == 2
        host.run(lambda: PLUGS.sweep(PLUGS.seen(), (TWO,)))
        assert len(host.run(PLUGS.seen)) == 1
        assert "eth0" not in _said("link", pid=box)
        assert "eth0" in _said("link", pid=pid)
