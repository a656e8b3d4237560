"""Which paths and devices of the host are as good as the host itself."""

from __future__ import annotations

_EQUAL_READ_OR_WRITE = (
    "/proc", "/sys", "/dev", "/run", "/var/run", "/var/lib/docker", "/var/lib/containerd",
    "/var/lib/kubelet", "/var/lib/orchestr8", "/var/spool/cron", "/etc/systemd", "/root",
    "/etc/orchestr8",
)  # fmt: skip
_EQUAL_WHOLE = ("/", "/etc", "/home", "/var", "/var/lib", "/var/log")
_EQUAL_WRITABLE = (
    "/etc", "/root", "/home", "/boot", "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin",
    "/sbin", "/opt",
)  # fmt: skip
_DEVICES = (
    "/dev/bus/usb", "/dev/cpu", "/dev/input", "/dev/kmem", "/dev/kmsg", "/dev/loop",
    "/dev/mapper", "/dev/mem", "/dev/nvme", "/dev/port", "/dev/sd", "/dev/sg", "/dev/uinput",
    "/dev/vd", "/dev/xvd", "/dev/dm-", "/dev/md", "/dev/mmcblk", "/dev/sr", "/dev/nbd",
)  # fmt: skip
TARGETS_REFUSED = (
    "/", "/bin", "/dev", "/etc/group", "/etc/hosts", "/etc/passwd", "/etc/resolv.conf", "/lib",
    "/lib64", "/proc", "/sbin", "/sys", "/usr", "/run/secrets",
)  # fmt: skip
TARGETS_ALLOWED = ("/dev/shm",)


def _at_or_below(path: str, bases: tuple[str, ...]) -> bool:
    return any(path == base or path.startswith(base.rstrip("/") + "/") for base in bases)


def equals_host(source: str, writable: bool) -> bool:
    """Whether a box that sees this path should be treated as equal to the host."""
    if source in _EQUAL_WHOLE or _at_or_below(source, _EQUAL_READ_OR_WRITE):
        return True
    return writable and _at_or_below(source, _EQUAL_WRITABLE)


def device_equals_host(path: str) -> bool:
    """Whether a device gives the host's memory, disks or keyboard."""
    return any(path.startswith(prefix) for prefix in _DEVICES)


def target_refused(path: str) -> bool:
    """Whether nothing may be mounted at this path of a box."""
    if path in TARGETS_ALLOWED:
        return False
    below = ("/dev", "/proc", "/sys", "/run/secrets")
    return path in TARGETS_REFUSED or _at_or_below(path, below)
