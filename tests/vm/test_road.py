"""The road on a machine as users have it: installed, applied, proved, and back after every end.

The tests are stages of one road and run in their order, each from where the one before ended.
"""

from __future__ import annotations

import json

from tests.hosts.vm import Machine

MANIFEST = """\
orchestr8: 1
owner: me
volumes: {kept: {}}
services:
  hello:
    image: hello:1
    publish: {127.0.0.1:8080: 8080}
    health: {http: ':8080/'}
    connects: [cache:6379]
  cache:
    image: redis:7
    args: [--save, '']
    health: {tcp: 6379}
    volumes: {/data: kept}
"""


def boxes(machine: Machine) -> dict[str, str]:
    """The running boxes' container ids by service."""
    listed = machine.check(
        "docker ps --no-trunc --filter label=orchestr8.installation --format '{{.Names}} {{.ID}}'"
    )
    return {name.split("--")[1]: number for name, number in map(str.split, listed.splitlines())}


def proved(machine: Machine) -> dict[str, str]:
    """The verdicts of all claims about all boxes, by box and claim; none may be but held."""
    document = json.loads(machine.check("orchestr8 prove --output json"))
    verdicts = {
        f"{one['box']}: {finding['claim']}": finding["verdict"]
        for one in document["boxes"]
        for finding in one["findings"]
    }
    assert set(verdicts.values()) == {"held"}, verdicts
    return verdicts


def test_it_is_the_host_that_users_have(machine: Machine) -> None:
    assert machine.check("cat /proc/1/comm").strip() == "systemd"
    assert machine.check("stat -fc %T /sys/fs/cgroup").strip() == "cgroup2fs"
    assert machine.check("cat /sys/module/apparmor/parameters/enabled").strip() == "Y"


def test_the_readmes_lines_install_it(installed: Machine) -> None:
    assert "orchestr8" in installed.check("orchestr8 --version")
    print(installed.check("orchestr8 doctor"))


def test_an_apply_brings_the_boxes_up(installed: Machine) -> None:
    installed.check("cat >/root/services.yaml", text=MANIFEST)
    print(installed.check("orchestr8 apply /root/services.yaml", timeout=1200))
    assert set(boxes(installed)) == {"hello", "cache"}
    assert installed.check("curl -sS --max-time 60 http://127.0.0.1:8080/")


def test_every_claim_holds(installed: Machine) -> None:
    verdicts = proved(installed)
    print(len(verdicts), "claims held")


def test_a_second_apply_does_nothing(installed: Machine) -> None:
    before = boxes(installed)
    assert "nothing to do" in installed.check("orchestr8 apply /root/services.yaml")
    assert boxes(installed) == before


def test_apparmor_holds_every_box_to_our_profile(installed: Machine) -> None:
    held = [claim for claim in proved(installed) if claim.endswith(": lsm")]
    assert len(held) == 2
    pids = installed.check("docker ps -q | xargs docker inspect -f '{{.State.Pid}}'").split()
    labels = {installed.check(f"cat /proc/{pid}/attr/apparmor/current").strip() for pid in pids}
    assert len(labels) == 1
    assert labels.pop().startswith("orchestr8.strict-1.")


def test_it_is_enabled_at_boot(installed: Machine) -> None:
    said = installed.check("orchestr8 enable")
    print(said)
    assert "/etc/systemd/system/orchestr8.service" in said
    verified = installed.run("systemd-analyze verify --man=no orchestr8.service")
    assert "orchestr8.service:" not in verified.output
    assert installed.check("systemctl is-enabled orchestr8").strip() == "enabled"


def test_after_a_reboot_fresh_boxes_are_there_and_proved(installed: Machine) -> None:
    before = boxes(installed)
    installed.reboot()
    came_back(installed, before)


def test_after_a_restart_of_docker_too(installed: Machine) -> None:
    before = boxes(installed)
    installed.check("systemctl restart docker")
    came_back(installed, before)


def test_after_a_power_cut_too(installed: Machine) -> None:
    before = boxes(installed)
    installed.cut_power()
    installed.start()
    came_back(installed, before)


def test_a_store_that_is_lost_after_all_that_is_adopted(installed: Machine) -> None:
    before = boxes(installed)
    installed.check("rm -r /var/lib/orchestr8")
    assert "adopted 2 boxes" in installed.check("orchestr8 adopt")
    assert "nothing to do" in installed.check("orchestr8 apply /root/services.yaml")
    assert boxes(installed) == before
    proved(installed)


def test_disabled_it_stays_down(installed: Machine) -> None:
    installed.check("orchestr8 disable")
    assert installed.run("systemctl cat orchestr8").status
    installed.check("systemctl restart docker")
    assert boxes(installed) == {}


def came_back(machine: Machine, before: dict[str, str]) -> None:
    """The unit has done its work: fresh boxes for all services, healthy and proved."""
    wait = "until systemctl is-active -q orchestr8; do systemctl is-failed -q orchestr8 && exit 1; "
    answer = machine.run(f"{wait} sleep 2; done", timeout=1200)
    journal = machine.check("journalctl -b --no-pager -n 40 -u orchestr8")
    assert answer.status == 0, journal
    print(journal)
    after = boxes(machine)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values()), "a box runs once"
    proved(machine)
    machine.check("curl -sS --max-time 60 http://127.0.0.1:8080/")
