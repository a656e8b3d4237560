"""The examination of a host and its engine: each check with what it saw and what would mend it.

A check is a function that looks at one thing and says so. It must work where nothing else does, so
none of them needs the store or raises.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from orchestr8.cli.checks import Check, Grade, Host, installing
from orchestr8.cli.dockerd import Dockerd, ask
from orchestr8.engines.select import Choice
from orchestr8.errors import EngineError
from orchestr8.host import nft_library
from orchestr8.store.lock import MOUNTED_REMEDY

API_LEAST = (1, 41)
IDMAPPED_SINCE = (5, 12)
_ADMINISTRATORS = "/usr/local/sbin:/usr/sbin:/sbin"
_CONTROLLERS = ("cpu", "memory", "pids")


def engine_checks(host: Host, choice: Choice) -> tuple[Check, ...]:
    """Every check of this engine."""
    match choice.engine:
        case "memory":
            return ()
        case "crun":
            from orchestr8.cli.crun_checkup import crun_checks

            return tuple(crun_checks(host))
        case _:
            return tuple(_docker(choice.endpoint))


def host_checks(host: Host) -> tuple[Check, ...]:
    """Every check of the host beside its engine."""
    return tuple(found for check in (_rights, _folders, *_FOR_ALL) for found in check(host))


def checks_for_all(host: Host) -> tuple[Check, ...]:
    """Those of them that tell whoever is not root the same as root."""
    return tuple(found for check in _FOR_ALL for found in check(host))


def _docker(endpoint: str) -> Iterator[Check]:
    try:
        dockerd = ask(endpoint)
    except EngineError as error:
        yield Check("engine", Grade.BAD, error.what, error.remedy)
        return
    version = f"Docker Engine {dockerd.version or '(version unknown)'}, API {dockerd.api or '?'}"
    if dockerd.api_version < API_LEAST:
        yield Check(
            "engine", Grade.BAD, f"{version}: too old; 1.41 is needed",
            "update it to Docker 20.10 or later",
        )  # fmt: skip
    else:
        yield Check("engine", Grade.GOOD, f"{version}, answers at {dockerd.endpoint}")
    yield from _engine_modes(dockerd)
    yield from _engine_limits(dockerd)


def _engine_modes(dockerd: Dockerd) -> Iterator[Check]:
    for option in ("rootless", "userns"):
        if dockerd.has(option):
            yield Check(
                "engine mode", Grade.BAD,
                f"the engine runs in {option} mode, in which a box cannot have a uid of its own",
                "use an engine without it",
            )  # fmt: skip
    if not dockerd.has("seccomp"):
        yield Check(
            "seccomp", Grade.BAD, "the engine filters no system calls",
            "use a kernel and an engine with seccomp",
        )  # fmt: skip
    if dockerd.live_restore:
        yield Check("live-restore", Grade.GOOD, "boxes live on while dockerd restarts")
    else:
        yield Check(
            "live-restore", Grade.LIMITED,
            "off: a stop of dockerd ends every box; `orchestr8 enable` brings fresh ones",
            'write {"live-restore": true} into /etc/docker/daemon.json, then: '
            "kill -HUP $(pidof dockerd)",
        )  # fmt: skip


def _engine_limits(dockerd: Dockerd) -> Iterator[Check]:
    if not dockerd.pids_limit:
        yield Check(
            "pids limit", Grade.BAD, "the engine cannot limit how many processes a box has",
            "enable the pids controller of the kernel",
        )  # fmt: skip
    if not dockerd.swap_limit:
        yield Check(
            "swap limit", Grade.LIMITED, "the engine cannot keep a box from swapping",
            "boot with swapaccount=1, or without swap: swapoff -a",
        )  # fmt: skip


def _rights(host: Host) -> Iterator[Check]:
    if os.geteuid() == 0:
        yield Check("rights", Grade.GOOD, "root")
    else:
        yield Check(
            "rights", Grade.BAD,
            f"uid {os.geteuid()}: without root neither the packet filter nor cgroups can be set",
            "sudo orchestr8 doctor",
        )  # fmt: skip


def _kernel(host: Host) -> Iterator[Check]:
    release = platform.release()
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    seen = f"Linux {release}, {platform.machine()}"
    if platform.system() != "Linux":
        yield Check("kernel", Grade.BAD, f"{platform.system()} has no boxes", "use Linux")
        return
    yield Check("kernel", Grade.GOOD, seen)
    if numbers < IDMAPPED_SINCE:
        yield Check(
            "shared volumes", Grade.LIMITED,
            "no idmapped mounts: services with different uids cannot share a volume",
            "use Linux 5.12 or later",
        )  # fmt: skip
    if not host.exists("proc/sys/kernel/seccomp/actions_avail"):
        yield Check(
            "seccomp", Grade.BAD, "the kernel filters no system calls", "use a kernel with seccomp"
        )


def _cgroups(host: Host) -> Iterator[Check]:
    unified = host.text("sys/fs/cgroup/cgroup.controllers").split()
    if unified:
        missing = [name for name in _CONTROLLERS if name not in unified]
        seen = f"version 2 ({', '.join(sorted(unified))})"
    else:
        missing = [name for name in _CONTROLLERS if not host.exists(f"sys/fs/cgroup/{name}")]
        hybrid = host.exists("sys/fs/cgroup/unified")
        seen = "version 1" + (" beside an empty version 2" if hybrid else "")
    if missing:
        yield Check(
            "cgroups", Grade.BAD, f"{seen}; without {', '.join(missing)}",
            "enable them:  echo '+cpu +memory +pids' > /sys/fs/cgroup/cgroup.subtree_control"
            if unified
            else "mount them below /sys/fs/cgroup (the package cgroupfs-mount does)",
        )  # fmt: skip
    elif unified:
        yield Check("cgroups", Grade.GOOD, seen)
    else:
        yield Check(
            "cgroups", Grade.LIMITED,
            f"{seen}: there is no memory.low, so `serve` keeps memory guarantees, within quotas",
            "boot with systemd.unified_cgroup_hierarchy=1 for version 2",
        )  # fmt: skip


def _packet_filter(host: Host) -> Iterator[Check]:
    path = f"{host.environment.get('PATH', '')}:{_ADMINISTRATORS}"
    nft = shutil.which("nft", path=path)
    if nft_library.found():
        yield Check("packet filter", Grade.GOOD, "libnftables is there")
    elif nft:
        yield Check(
            "packet filter", Grade.LIMITED,
            f"changed by {nft}: a process, some 3 ms, for each change; libnftables is not there",
            *installing("libnftables1"),
        )  # fmt: skip
    else:
        yield Check(
            "packet filter", Grade.BAD,
            "neither libnftables nor the program nft is there; nothing could be kept apart",
            *installing("nftables"),
        )  # fmt: skip
    if host.exists("proc/sys/net/bridge"):
        yield Check("bridge filter", Grade.GOOD, "br_netfilter: boxes of one bridge are kept apart")
    else:
        yield Check(
            "bridge filter", Grade.BAD,
            "br_netfilter is not loaded, so boxes of one bridge could reach each other",
            "modprobe br_netfilter && echo br_netfilter > /etc/modules-load.d/orchestr8.conf",
            safe=True,
        )  # fmt: skip
    if host.text("proc/sys/net/ipv4/ip_forward") != "1":
        yield Check(
            "forwarding", Grade.BAD, "net.ipv4.ip_forward is off, so no box reaches another",
            "echo net.ipv4.ip_forward=1 > /etc/sysctl.d/orchestr8.conf && "
            "sysctl -p /etc/sysctl.d/orchestr8.conf",
        )  # fmt: skip


def _security_module(host: Host) -> Iterator[Check]:
    if host.text("sys/module/apparmor/parameters/enabled") == "Y":
        yield Check("AppArmor", Grade.GOOD, "in force")
    elif host.text("sys/fs/selinux/enforce") == "1":
        yield Check(
            "SELinux", Grade.GOOD,
            "in force; labels were written by its rules, and not tried on such a kernel yet",
        )  # fmt: skip
    elif host.exists("sys/fs/selinux/enforce"):
        yield Check(
            "SELinux", Grade.LIMITED,
            "it only watches: one wall fewer, said as a gap in each plan", "setenforce 1",
        )  # fmt: skip
    else:
        yield Check(
            "AppArmor", Grade.LIMITED,
            "neither AppArmor nor SELinux is in force: one wall fewer, said as a gap in each plan",
            "boot with apparmor=1 security=apparmor, and install the package apparmor",
        )  # fmt: skip


def _folders(host: Host) -> Iterator[Check]:
    state = host.settings.state
    parent = next((one for one in (state, *state.parents) if _is_folder(one)), Path("/"))
    if not os.access(parent, os.W_OK):
        mend = MOUNTED_REMEDY if os.geteuid() == 0 else "run as root"
        yield Check("state folder", Grade.BAD, f"{state} cannot be written", mend)
    else:
        there = "in use" if (state / "orchestr8.db").exists() else "nothing is applied yet"
        yield Check("state folder", Grade.GOOD, f"{state} ({there})")
    secrets = host.settings.secrets
    if _is_folder(secrets) and stat.S_IMODE(secrets.stat().st_mode) & 0o007:
        yield Check(
            "secrets", Grade.LIMITED, f"{secrets} is open to every user of this host",
            f"chmod 700 {shlex.quote(str(secrets))}", safe=True,
        )  # fmt: skip


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _python(host: Host) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    if find_spec("yaml._yaml"):
        yield Check("Python", Grade.GOOD, version)
    else:
        yield Check(
            "Python", Grade.LIMITED, f"{version}, without libyaml: manifests are read slowly",
            "pip install --force-reinstall --only-binary :all: pyyaml",
        )  # fmt: skip


_FOR_ALL: tuple[Callable[[Host], Iterator[Check]], ...] = (
    _kernel, _cgroups, _packet_filter, _security_module, _python,
)  # fmt: skip
