"""The crun engine on a machine as users have it: pure cgroup v2, systemd, AppArmor in force.

It has folders of its own, beside those of the road on Docker. The tests are stages of one road and
run in their order.
"""

from __future__ import annotations

import json

import pytest

from tests.hosts.vm import Machine
from tests.vm.installation import Installation

MANIFEST = """\
orchestr8: 1
owner: me
volumes: {kept: {size: SIZE}}
services:
  hello:
    image: hello:1
    publish: {127.0.0.1:8090: 8080}
    health: {http: ':8080/'}
    connects: [cache:6379]
    limits: {memory: 64MiB, pids: 64}
  cache:
    image: redis:7
    args: [--save, '']
    health: {tcp: 6379}
    volumes: {/data: kept}
  hog:
    image: probe:1
    limits: {memory: 64MiB}
"""
SERVICES = ("cache", "hello", "hog")
MAKER = """\
[Unit]
Description=Somebody's unit that applies
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/env {environment} /usr/local/bin/orchestr8 apply /root/crun.yaml
"""


def write_manifest(machine: Machine, size: str) -> None:
    machine.check("cat >/root/crun.yaml", text=MANIFEST.replace("SIZE", size))


@pytest.fixture(scope="module")
def ours(installed: Machine) -> Installation:
    """The installation of this road."""
    return Installation(installed, "crun")


def test_boxes_outlive_the_login_that_made_them(ours: Installation) -> None:
    """With the strictest setting of logind: whatever is left in a session is killed at its end."""
    write_manifest(ours.machine, "32MiB")
    ours.take_images("hello", "redis", "probe")
    ours.machine.check(
        "mkdir -p /etc/systemd/logind.conf.d && "
        "printf '[Login]\\nKillUserProcesses=yes\\nKillExcludeUsers=nobody\\n' "
        ">/etc/systemd/logind.conf.d/strict.conf && systemctl restart systemd-logind"
    )
    session = (
        "systemd-run --quiet --wait --collect --pipe --property=PAMName=login --property=User=root "
        "--setenv=XDG_SESSION_TYPE=tty --setenv=XDG_SESSION_CLASS=user"
    )
    inside = (
        f"env {ours.environment} orchestr8 apply /root/crun.yaml; echo ended with $?; "
        "(setsid sleep 4711 >/dev/null 2>&1 &); cat /proc/self/cgroup; loginctl --no-legend"
    )
    said = ours.machine.check(f"{session} sh -c '{inside}'", timeout=1200)
    print(said)
    assert "ended with 0" in said
    assert "/user.slice/" in said, "it was a session"
    ended = "for n in $(seq 90); do pgrep -f '^sleep 4711' >/dev/null || exit 0; sleep 1; done"
    ours.machine.check(f"{ended}; loginctl; exit 1", timeout=120)
    assert sorted(ours.running()) == sorted(SERVICES)
    assert ours.machine.check("curl -sS --max-time 60 http://127.0.0.1:8090/")


def test_every_claim_holds_and_nothing_is_a_gap(ours: Installation) -> None:
    claims = ours.proved()
    print(len(claims), "claims held")


def test_doctor_sees_what_systemd_hands_over_and_how_fast_groups_are_entered(
    ours: Installation,
) -> None:
    checks = doctored(ours)
    assert checks["delegation"]["grade"] == "ok"
    assert checks["cgroups v2"]["grade"] == "limited"
    command, _, _ = checks["cgroups v2"]["mend"].partition("   (")
    ours.machine.check(command)
    assert "cgroups v2" not in doctored(ours), "what it named has mended it"


def doctored(ours: Installation) -> dict[str, dict[str, str]]:
    """What doctor says, by subject; nothing stands in the way of boxes."""
    checks = json.loads(ours.typed("doctor --output json"))["checks"]
    assert not [one for one in checks if one["grade"] == "blocked"], checks
    return {one["subject"]: one for one in checks}


def test_boxes_and_monitors_lie_in_a_scope_that_is_ours(ours: Installation) -> None:
    places = set(ours.machine.check("cat $(printf '/proc/%s/cgroup ' $(pidof conmon))").split())
    (monitors,) = places
    assert monitors.startswith("0::/orchestr8.slice/orchestr8-")
    assert monitors.endswith(".scope/me/monitors")
    for pid in ours.running().values():
        place = ours.machine.check(f"cat /proc/{pid}/cgroup").strip()
        assert place.startswith(f"{monitors.removesuffix('monitors')}me--")
    unit = monitors.split("/")[2]
    assert "Delegate=yes" in ours.machine.check(f"systemctl show -p Delegate {unit}")


def test_boxes_outlive_the_stop_and_the_restart_of_a_unit_that_applies(ours: Installation) -> None:
    before = ours.running()
    ours.machine.check(
        "cat >/etc/systemd/system/maker.service", text=MAKER.format(environment=ours.environment)
    )
    ours.machine.check("systemctl daemon-reload && systemctl start maker", timeout=900)
    ours.typed("restart hello.me")
    ours.machine.check("systemctl restart maker && systemctl stop maker", timeout=900)
    after = ours.running()
    assert after.keys() == before.keys()
    assert {name for name in before if after[name] != before[name]} == {"hello"}
    ours.machine.check("rm /etc/systemd/system/maker.service && systemctl daemon-reload")


def test_systemd_takes_no_limit_away(ours: Installation) -> None:
    before = ours.running()
    group = f"/sys/fs/cgroup$(cut -d: -f3 /proc/{before['hello']}/cgroup)"
    ours.machine.check("systemctl daemon-reload && systemctl daemon-reexec")
    ours.machine.check("systemctl set-property --runtime system.slice TasksMax=9999 MemoryMax=2G")
    ours.machine.check("systemctl restart systemd-journald systemd-udevd")
    read = ours.machine.check(f"cat {group}/memory.max {group}/pids.max {group}/cpu.max")
    assert read.split()[:2] == ["67108864", "64"]
    assert "max" not in read
    assert ours.running() == before
    ours.proved()


def test_a_sized_volume_grows_while_a_box_has_it(ours: Installation) -> None:
    """Which the kernel allows to who has CAP_SYS_RESOURCE."""
    before = ours.running()
    write_manifest(ours.machine, "96MiB")
    print(ours.typed("apply /root/crun.yaml"))
    assert ours.running() == before
    seen = ours.machine.check(f"stat -f -c '%S %b' /proc/{before['cache']}/root/data")
    block_bytes, blocks = map(int, seen.split())
    assert block_bytes * blocks > 80 << 20
    ours.proved()


def test_removed_it_leaves_nothing(ours: Installation) -> None:
    ours.typed("down")
    assert ours.running() == {}
    assert not ours.machine.check("grep /run/orchestr8-crun/.*/crun/ /proc/mounts || true")
    assert ours.machine.run("pidof conmon").status
    gone = "for n in $(seq 60); do ls -d /sys/fs/cgroup/orchestr8.slice/*.scope || exit 0; sleep 1;"
    ours.machine.check(f"{gone} done; exit 1", timeout=120)
