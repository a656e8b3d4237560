"""The shop kept by the server, as `enable --serve` has systemd run it.

The tests are stages of one road and run in their order, each from where the one before ended.
"""

from __future__ import annotations

import json

import pytest

from tests.scenarios.fleet import eventually
from tests.vm.installation import Installation
from tests.vm.shop import SERVICES, order, orders

SECONDS = 300
WATCHED = "[Service]\nWatchdogSec=40\nTimeoutAbortSec=20\n"
"""A server that is silent for a shorter time than two minutes is hung."""


@pytest.fixture(scope="module")
def unit(shop: Installation) -> str:
    """The server's unit, which runs."""
    print(shop.typed("enable --serve"))
    name = shop.machine.check("cd /etc/systemd/system && ls -d orchestr8-*.service").strip()
    verified = shop.machine.run(f"systemd-analyze verify --man=no {name}")
    assert f"{name}:" not in verified.output
    shop.machine.check(f"systemctl start {name}", timeout=SECONDS)
    return name


def shown(shop: Installation, unit: str, name: str) -> str:
    """A property of the unit, in systemd's words."""
    return shop.machine.check(f"systemctl show --value -p {name} {unit}").strip()


def told(shop: Installation, unit: str) -> list[dict[str, str]]:
    """The events of the server that the journal has since the boot."""
    lines = shop.machine.check(f"journalctl -b --no-pager -o json -u {unit}")
    entries = [json.loads(line) for line in lines.splitlines()]
    return [one for one in entries if "ORCHESTR8_EVENT" in one]


def kill(shop: Installation, service: str) -> str:
    """Ends a box's first process, as nobody should."""
    pid = shop.running()[service]
    assert int(pid) > 1
    shop.machine.check(f"kill -KILL {pid}")
    return pid


def test_systemd_hears_that_it_is_ready_and_boxes_are_left_alone(
    shop: Installation, unit: str
) -> None:
    """For a unit of this type a start is over when the server has said that it is ready."""
    assert shown(shop, unit, "Type") == "notify"
    assert shown(shop, unit, "ActiveState") == "active"
    assert sorted(shop.running()) == SERVICES
    assert orders(shop) == ["first"]


def test_a_box_that_is_killed_is_healed(shop: Installation, unit: str) -> None:
    pid = kill(shop, "cache")
    eventually(lambda: shop.running().get("cache", pid) != pid, SECONDS)
    eventually(lambda: order(shop, "second"), SECONDS)


def test_the_journal_has_each_event_with_its_parts(shop: Installation, unit: str) -> None:
    first = next(one for one in told(shop, unit) if one["ORCHESTR8_EVENT"] == "started")
    assert (first["PRIORITY"], first["SYSLOG_IDENTIFIER"]) == ("6", "orchestr8")
    assert first["_SYSTEMD_UNIT"] == unit

    def about_the_cache() -> set[str]:
        return {
            one["ORCHESTR8_EVENT"]
            for one in told(shop, unit)
            if "cache" in one.get("ORCHESTR8_SUBJECT", "")
        }

    # a box takes orders before its gate has been asked, and that is told behind the gate
    eventually(lambda: about_the_cache() >= {"step", "start", "healthy"}, SECONDS)
    print(shop.machine.check(f"journalctl -b --no-pager -u {unit}"))


def test_a_reload_is_heard_by_the_same_server(shop: Installation, unit: str) -> None:
    before, server = shop.running(), shown(shop, unit, "MainPID")
    shop.machine.check(f"systemctl reload {unit}")
    assert shown(shop, unit, "MainPID") == server
    assert shown(shop, unit, "ActiveState") == "active"
    assert "nothing to do" in shop.typed("apply --set shop")
    assert shop.running() == before


def test_boxes_outlive_the_restart_and_the_stop_of_the_server(
    shop: Installation, unit: str
) -> None:
    before, server = shop.running(), shown(shop, unit, "MainPID")
    shop.machine.check("systemctl daemon-reload && systemctl daemon-reexec")
    shop.machine.check(f"systemctl restart {unit}", timeout=SECONDS)
    assert shown(shop, unit, "MainPID") != server
    assert shop.running() == before
    shop.machine.check(f"systemctl stop {unit}", timeout=SECONDS)
    assert shown(shop, unit, "Result") == "success"
    assert shop.running() == before
    shop.proved()


def test_what_ended_meanwhile_is_healed_at_the_next_start(shop: Installation, unit: str) -> None:
    pid = kill(shop, "api")
    shop.machine.check(f"systemctl start {unit}", timeout=SECONDS)
    eventually(lambda: shop.running().get("api", pid) != pid, SECONDS)
    eventually(lambda: order(shop, "third"), SECONDS)


def test_a_server_that_hangs_is_begun_again(shop: Installation, unit: str) -> None:
    before = shop.running()
    folder = f"/run/systemd/system/{unit}.d"
    shop.machine.check(f"mkdir -p {folder} && cat >{folder}/watched.conf", text=WATCHED)
    shop.machine.check(f"systemctl daemon-reload && systemctl restart {unit}", timeout=SECONDS)
    server = shown(shop, unit, "MainPID")
    assert int(server) > 1
    shop.machine.check(f"kill -STOP {server}")
    eventually(lambda: shown(shop, unit, "NRestarts") == "1", SECONDS)
    eventually(lambda: shown(shop, unit, "ActiveState") == "active", SECONDS)
    assert shop.machine.check(f"journalctl -b --no-pager -u {unit} -g 'Watchdog timeout'")
    assert shop.running() == before
    shop.machine.check(f"rm -r {folder} && systemctl daemon-reload")


def test_after_a_reboot_fresh_boxes_are_there_with_all_their_data(
    shop: Installation, unit: str
) -> None:
    shop.machine.reboot()
    shop.machine.check(f"systemctl start {unit}", timeout=SECONDS)
    eventually(lambda: sorted(shop.running()) == SERVICES, SECONDS)
    eventually(lambda: order(shop, "fourth"), SECONDS)
    assert {"first", "second", "third", "fourth"} == set(orders(shop))
    shop.proved()


def test_disabled_and_removed_it_leaves_nothing(shop: Installation, unit: str) -> None:
    shop.machine.check(f"systemctl stop {unit}", timeout=SECONDS)
    shop.typed("disable")
    shop.typed("remove --set shop")
    assert shop.running() == {}
    assert not shop.machine.check("grep /run/orchestr8-shop/.*/crun/ /proc/mounts || true")
