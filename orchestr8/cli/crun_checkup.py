"""What the crun engine needs of a host: its programs, and control groups that crun takes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

from orchestr8.cli.checks import Check, Grade, Host, installing
from orchestr8.engines.crun import installed
from orchestr8.engines.crun.machine import OLDEST, version_of
from orchestr8.host import forward_policy

_KNOWN_FLAWS_BELOW = (1, 20)
_HUGETLB = "/sys/fs/cgroup/hugetlb"


def crun_checks(host: Host) -> Iterator[Check]:
    """Every check of the engine."""
    yield _runtime()
    for name, what in (
        ("conmon", "keeps a box's log and its exit status"),
        ("skopeo", "moves images"),
        ("umoci", "unpacks images"),
    ):
        found = installed.found(name)
        if found:
            yield Check(name, Grade.GOOD, f"{found}; it {what}")
        else:
            yield Check(name, Grade.BAD, f"missing; it {what}", *installing(name))
    yield from _hybrid(host)
    yield from _moves(host)
    yield from _delegation(host)
    yield from _closed_bridges(host)


def _runtime() -> Check:
    found = installed.found("crun")
    if not found:
        return Check("crun", Grade.BAD, "missing; it makes boxes", *installing("crun"))
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    return judged(said)


def judged(said: str) -> Check:
    """What `crun --version` said."""
    version = version_of(said)
    found = re.search(r"version ([\d.]+)", said)
    named = f"crun {found[1]}" if found and any(version) else "crun of an unknown version"
    if version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Check("crun", Grade.BAD, f"{named} is too old", f"install crun {oldest} or later")
    if version < _KNOWN_FLAWS_BELOW:
        return Check(
            "crun", Grade.LIMITED,
            f"{named}: below 1.20 flaws are known (CVE-2025-24965), if nobody mended the package",
            "keep the distribution's security updates installed, or take crun 1.20",
        )  # fmt: skip
    return Check("crun", Grade.GOOD, named)


def _hybrid(host: Host) -> Iterator[Check]:
    """crun refuses v1 and v2 together where v2 has a controller of its own."""
    for folder in ("sys/fs/cgroup/unified", "sys/fs/cgroup"):
        controllers = host.text(f"{folder}/cgroup.controllers")
        if host.exists("sys/fs/cgroup/memory") and "hugetlb" in controllers.split():
            yield Check(
                "cgroups v1", Grade.BAD, "crun refuses this mixture: hugetlb sits on cgroup v2",
                f"mkdir -p {_HUGETLB} && mount -t cgroup -o hugetlb cgroup {_HUGETLB}",
                safe=True,
            )  # fmt: skip
            return


def _moves(host: Host) -> Iterator[Check]:
    """On version 2 a monitor is moved out of the way of its box."""
    for line in host.text("proc/mounts").splitlines():
        _, place, kind, options, *_ = [*line.split(), "", "", "", ""]
        if (place, kind) == ("/sys/fs/cgroup", "cgroup2") and "favordynmods" not in options:
            yield Check(
                "cgroups v2", Grade.LIMITED,
                "favordynmods is off: moving a process between groups takes some 15 ms, else one",
                "mount -o remount,favordynmods /sys/fs/cgroup   (each fork then costs a little)",
            )  # fmt: skip


def _delegation(host: Host) -> Iterator[Check]:
    """Where systemd owns the tree of groups, boxes live in a part that it has handed over."""
    unified = host.exists("sys/fs/cgroup/cgroup.controllers")
    if not (unified and host.exists("run/systemd/system")):
        return
    if installed.found("systemd-run"):
        yield Check("delegation", Grade.GOOD, "boxes live in a scope that systemd hands over")
    else:
        yield Check(
            "delegation", Grade.BAD, "systemd-run is missing; systemd hands no groups over to us",
            *installing("systemd"),
        )  # fmt: skip


def _closed_bridges(host: Host) -> Iterator[Check]:
    """Docker closes FORWARD as it starts; an apply, or a server's next look, opens it for us."""
    for bridge in forward_policy.closed_to(bridges_in_use(host)):
        yield Check(
            "forwarding", Grade.LIMITED,
            f"the host's filter drops what it forwards for {bridge}, as Docker or ufw set it",
            "orchestr8 apply   (a server does it by itself within a minute)",
        )  # fmt: skip


def bridges_in_use(host: Host) -> list[str]:
    """Bridges of any installation with something on them: one that is gone leaves its bridge, for
    which nothing is forwarded and no apply mends anything."""
    folder = host.root / "sys/class/net"
    return sorted(one.parent.name for one in folder.glob("o8-*/brif") if any(one.iterdir()))
