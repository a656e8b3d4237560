"""The crun engine on a machine as users have it: pure cgroup v2, systemd, AppArmor in force.

It has folders of its own, beside those of the road on Docker. The tests are stages of one road and
run in their order.
"""

from __future__ import annotations

import json

from tests.hosts.vm import Answer, Machine

OWN = (
    "ORCHESTR8_ENGINE=crun ORCHESTR8_STATE=/var/lib/orchestr8-crun "
    "ORCHESTR8_RUN=/run/orchestr8-crun "
)
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
MAKER = f"""\
[Unit]
Description=Somebody's unit that applies
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/env {OWN} /usr/local/bin/orchestr8 apply /root/crun.yaml
"""


def tried(machine: Machine, command: str, timeout: float = 900) -> Answer:
    """What becomes of a command of this installation."""
    return machine.run(f"{OWN} orchestr8 {command}", timeout=timeout)


def typed(machine: Machine, command: str, timeout: float = 900) -> str:
    """What a command of this installation prints; it must succeed."""
    answer = tried(machine, command, timeout)
    assert answer.status == 0, answer.output
    return answer.output


def write_manifest(machine: Machine, size: str) -> None:
    machine.check("cat >/root/crun.yaml", text=MANIFEST.replace("SIZE", size))


def running(machine: Machine) -> dict[str, str]:
    """The first processes of running boxes by service, in the runtime's own words."""
    listed = machine.check(
        "for root in /run/orchestr8-crun/*/crun/crun; do "
        'test -d "$root" && crun --root "$root" list; done; true'
    )
    rows = [line.split() for line in listed.splitlines() if " running " in line]
    return {row[0].split("--")[1]: row[1] for row in rows}


def proved(machine: Machine) -> set[str]:
    """The claims about all boxes, each by box and claim; all are held, and nothing is a gap."""
    document = json.loads(typed(machine, "prove --output json"))
    assert not document["gaps"], document["gaps"]
    verdicts = {
        f"{one['box']}: {finding['claim']}": (finding["verdict"], finding["observed"])
        for one in document["boxes"]
        for finding in one["findings"]
    }
    wrong = {claim: found for claim, found in verdicts.items() if found[0] != "held"}
    assert not wrong
    return set(verdicts)


def test_boxes_outlive_the_login_that_made_them(installed: Machine) -> None:
    """With the strictest setting of logind: whatever is left in a session is killed at its end."""
    write_manifest(installed, "32MiB")
    for name in ("hello", "redis", "probe"):
        typed(installed, f"image import /project/images/{name}.tar")
    installed.check(
        "mkdir -p /etc/systemd/logind.conf.d && "
        "printf '[Login]\\nKillUserProcesses=yes\\nKillExcludeUsers=nobody\\n' "
        ">/etc/systemd/logind.conf.d/strict.conf && systemctl restart systemd-logind"
    )
    session = (
        "systemd-run --quiet --wait --collect --pipe --property=PAMName=login --property=User=root "
        "--setenv=XDG_SESSION_TYPE=tty --setenv=XDG_SESSION_CLASS=user"
    )
    inside = (
        f"env {OWN} orchestr8 apply /root/crun.yaml; echo ended with $?; "
        "(setsid sleep 4711 >/dev/null 2>&1 &); cat /proc/self/cgroup; loginctl --no-legend"
    )
    said = installed.check(f"{session} sh -c '{inside}'", timeout=1200)
    print(said)
    assert "ended with 0" in said
    assert "/user.slice/" in said, "it was a session"
    ended = "for n in $(seq 90); do pgrep -f '^sleep 4711' >/dev/null || exit 0; sleep 1; done"
    installed.check(f"{ended}; loginctl; exit 1", timeout=120)
    assert sorted(running(installed)) == sorted(SERVICES)
    assert installed.check("curl -sS --max-time 60 http://127.0.0.1:8090/")


def test_every_claim_holds_and_nothing_is_a_gap(installed: Machine) -> None:
    claims = proved(installed)
    print(len(claims), "claims held")
    for claim in ("lsm", "device-rules", "limits.memory"):
        about = [one for one in claims if one.endswith(f": {claim}")]
        assert len(about) == len(SERVICES), (claim, sorted(claims))


def test_boxes_and_monitors_lie_in_a_scope_that_is_ours(installed: Machine) -> None:
    places = set(installed.check("cat $(printf '/proc/%s/cgroup ' $(pidof conmon))").split())
    (monitors,) = places
    assert monitors.startswith("0::/orchestr8.slice/orchestr8-")
    assert monitors.endswith(".scope/me/monitors")
    for pid in running(installed).values():
        place = installed.check(f"cat /proc/{pid}/cgroup").strip()
        assert place.startswith(f"{monitors.removesuffix('monitors')}me--")
    unit = monitors.split("/")[2]
    assert "Delegate=yes" in installed.check(f"systemctl show -p Delegate {unit}")


def test_boxes_outlive_the_stop_and_the_restart_of_a_unit_that_applies(installed: Machine) -> None:
    before = running(installed)
    installed.check("cat >/etc/systemd/system/maker.service", text=MAKER)
    installed.check("systemctl daemon-reload && systemctl start maker", timeout=900)
    typed(installed, "restart hello.me")
    installed.check("systemctl restart maker && systemctl stop maker", timeout=900)
    after = running(installed)
    assert after.keys() == before.keys()
    assert {name for name in before if after[name] != before[name]} == {"hello"}
    installed.check("rm /etc/systemd/system/maker.service && systemctl daemon-reload")


def test_systemd_takes_no_limit_away(installed: Machine) -> None:
    before = running(installed)
    group = f"/sys/fs/cgroup$(cut -d: -f3 /proc/{before['hello']}/cgroup)"
    installed.check("systemctl daemon-reload && systemctl daemon-reexec")
    installed.check("systemctl set-property --runtime system.slice TasksMax=9999 MemoryMax=2G")
    installed.check("systemctl restart systemd-journald systemd-udevd")
    read = installed.check(f"cat {group}/memory.max {group}/pids.max {group}/cpu.max")
    assert read.split()[:2] == ["67108864", "64"]
    assert "max" not in read
    assert running(installed) == before
    proved(installed)


def test_a_sized_volume_grows_while_a_box_has_it(installed: Machine) -> None:
    """Which the kernel allows to who has CAP_SYS_RESOURCE."""
    before = running(installed)
    write_manifest(installed, "96MiB")
    print(typed(installed, "apply /root/crun.yaml"))
    assert running(installed) == before
    seen = installed.check(f"stat -f -c '%S %b' /proc/{before['cache']}/root/data")
    block_bytes, blocks = map(int, seen.split())
    assert block_bytes * blocks > 80 << 20
    proved(installed)


def test_removed_it_leaves_nothing(installed: Machine) -> None:
    typed(installed, "down")
    assert running(installed) == {}
    assert not installed.check("grep /run/orchestr8-crun/.*/crun/ /proc/mounts || true")
    assert installed.run("pidof conmon").status
    gone = "for n in $(seq 60); do ls -d /sys/fs/cgroup/orchestr8.slice/*.scope || exit 0; sleep 1;"
    installed.check(f"{gone} done; exit 1", timeout=120)
