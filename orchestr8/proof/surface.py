"""Claims about the kernel as the box sees it: masks, read-only places, devices, parameters."""

from __future__ import annotations

from collections.abc import Mapping

from orchestr8.isolation.profile import PRIVATE
from orchestr8.proof import device_programs
from orchestr8.proof.claim import Answer, Claim, broken, failure, held, nothing_wrong, unproven
from orchestr8.proof.model import Expectation, Reading
from orchestr8.proof.privileges import strict_of
from orchestr8.proof.storage import CGROUPS

_HIDDEN = ("absent", "null device", "empty read-only")
NUMBERS = {
    "full": "c 1:7", "null": "c 1:3", "ptmx": "c 5:2", "pts/ptmx": "c 5:2", "random": "c 1:8",
    "tty": "c 5:0", "urandom": "c 1:9", "zero": "c 1:5",
}  # fmt: skip
"""Device numbers of the kernel (Documentation/admin-guide/devices.txt)."""
_STANDARD = {
    **{NUMBERS[name]: "rwm" for name in ("full", "null", "ptmx", "random", "tty")},
    **{NUMBERS[name]: "rwm" for name in ("urandom", "zero")},
    "c 5:1": "rwm", "c 136:*": "rwm",  # the console, and pseudo terminals of its own
    "c *:*": "m", "b *:*": "m",  # making a node without being able to open it
    "c 10:200": "rwm",  # runc before 1.2 adds tun for everyone; the box has no node of it
}  # fmt: skip
"""What runtimes allow every box, by kind and numbers."""


def _masks(expectation: Expectation, reading: Reading) -> Answer:
    thermal = sorted(path for path in reading.masked if path.endswith("/thermal_throttle"))
    paths = (*strict_of(expectation).masked_paths, *thermal)
    expected = f"{len(paths)} hidden"
    visible = [path for path in paths if reading.masked.get(path, "absent") not in _HIDDEN]
    if visible:
        return nothing_wrong(expected, (f"{path} is visible" for path in visible))
    unread = [path for path in paths if path not in reading.masked]
    if unread:
        return unproven(expected, _why(reading, f"mask of {unread[0]}") or unread[0])
    return held(expected, expected)


def _why(reading: Reading, subject: str) -> str:
    return failure(reading, subject, "paths", "tasks")


def _kernel_paths(expectation: Expectation, reading: Reading) -> Answer:
    """Read-only by the mount, so that no right of a user matters.

    The tmpfs that carries the trees of cgroup v1 may be root's to write in: the trees themselves
    are read-only mounts, and a box that is not root, nor passes for it, cannot make a folder there.
    """
    spec = expectation.spec
    paths = (*strict_of(expectation).read_only_paths, "/sys", CGROUPS)
    expected = f"{len(paths)} read-only"
    states = {path: reading.read_only[path] for path in paths if path in reading.read_only}
    if spec.uid != 0 and not spec.profile.capabilities and states.get(CGROUPS) == "root only":
        states[CGROUPS] = "read-only"
    wrong = [path for path, state in states.items() if state not in ("absent", "read-only")]
    if wrong:
        return nothing_wrong(expected, (f"{path} is writable" for path in wrong))
    unread = [path for path in paths if path not in states]
    if unread:
        return unproven(expected, _why(reading, f"rights of {unread[0]}") or unread[0])
    return held(expected, expected)


def _granted(expectation: Expectation) -> dict[str, str]:
    """Granted devices by their name below /dev, with their access."""
    devices = expectation.spec.profile.devices
    return {device.path.removeprefix("/dev/"): device.access for device in devices}


def _is_granted(name: str, granted: Mapping[str, str]) -> bool:
    """A granted folder stands for the nodes in it."""
    return any(_below(name, path) for path in granted)


def _devices(expectation: Expectation, reading: Reading) -> Answer:
    """Each node is the one that its name promises, and none is there that was not granted."""
    granted = _granted(expectation)
    names = (*strict_of(expectation).devices, *sorted(granted))
    expected = " ".join(names)
    if reading.devices is None:
        return unproven(expected, _why(reading, "devices"))
    wrong = []
    for node in reading.devices:
        name, kind, numbers = node.rsplit(" ", 2)
        right = NUMBERS.get(name)
        if right is None and name.startswith("pts/") and numbers.startswith("136:"):
            continue
        if right is None and _is_granted(name, granted):
            right = reading.host_devices.get(name)
        if right != f"{kind} {numbers}":
            wrong.append(node)
    return nothing_wrong(expected, wrong)


def _device_rules(expectation: Expectation, reading: Reading) -> Answer:
    """The cgroup lets the box open no other device, whatever node it finds or makes."""
    expected = "the same devices only"
    rules = reading.cgroup.get("devices.list")
    if rules is None and reading.device_programs is None:
        why = failure(reading, "tasks", "device programs", "cgroup")
        return unproven(expected, why or "no device controller")
    if rules is not None:
        allowed = tuple(rules.split("\n"))
    elif reading.device_programs:
        try:
            allowed = device_programs.rules(reading.device_programs)
        except ValueError as error:
            return unproven(expected, f"a device program: {error}")
    else:
        return broken(expected, "every device")
    return nothing_wrong(
        expected, (rule for rule in allowed if not _expected(rule, expectation, reading))
    )


def _expected(rule: str, expectation: Expectation, reading: Reading) -> bool:
    """Whether a rule is one that every box has, or that of a granted device.

    A rule may give less than that, and one for a device of its own stands beside `c *:* m`.
    """
    device, _, access = rule.rpartition(" ")
    if device[:2] not in ("b ", "c "):  # "a" is both kinds, and every number
        return False
    granted = _granted(expectation)
    letters = set(_STANDARD.get(device, "")) | set(_STANDARD[f"{device[:1]} *:*"])
    letters |= set(_STANDARD.get(device.rpartition(":")[0] + ":*", ""))
    for path, asked in granted.items():
        for name, numbers in reading.host_devices.items():
            if numbers == device and _below(name, path):
                letters |= set(asked)
    return set(access) <= letters


def _below(name: str, path: str) -> bool:
    return name == path or name.startswith(path + "/")


def _sysctls(expectation: Expectation, reading: Reading) -> Answer:
    wanted = dict(strict_of(expectation).sysctls)
    expected = ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in wanted.items())
    seen = {name: reading.sysctls.get(name) for name in wanted}
    wrong = [f"{name} {v}" for name, v in seen.items() if v not in (None, *_same(wanted[name]))]
    if wrong:
        return nothing_wrong(expected, wrong)
    unread = [name for name, value in seen.items() if value is None]
    if unread:
        return unproven(expected, failure(reading, "sysctls", "tasks") or unread[0])
    return held(expected, expected)


def _same(value: str) -> tuple[str, ...]:
    # "1 0" is a range of nobody; a user namespace shows its ids as those of nobody
    return (value, "65534 65534") if value == "1 0" else (value,)


def _hostname(expectation: Expectation, reading: Reading) -> Answer:
    expected = expectation.spec.hostname
    if reading.hostname is None:
        return unproven(expected, failure(reading, "sysctls", "tasks"))
    good = reading.hostname == expected
    return held(expected, reading.hostname) if good else broken(expected, reading.hostname)


def _has_hostname(expectation: Expectation) -> bool:
    """A box that joins a network has the hostname of whom it joins."""
    return bool(expectation.spec.hostname) and expectation.spec.profile.net == PRIVATE


SURFACE_CLAIMS = (
    Claim("masks", "what the kernel tells of the host is hidden", (), _masks),
    Claim("kernel-paths", "nothing of the kernel can be written", (), _kernel_paths),
    Claim("devices", "devices are those granted", ("devices",), _devices),
    Claim("device-rules", "no other device can be opened", ("devices",), _device_rules),
    Claim("sysctls", "kernel parameters of its network", (), _sysctls),
    Claim("hostname", "its hostname", ("hostname",), _hostname, _has_hostname),
)
