"""Which paths and devices of the host are as good as the host itself."""

from __future__ import annotations

_EQUAL_READ_OR_WRITE = (
    "/dev", "/etc/gshadow", "/etc/kubernetes", "/etc/orchestr8", "/etc/shadow", "/etc/ssh",
    "/etc/ssl/private", "/etc/sudoers", "/etc/sudoers.d", "/etc/systemd", "/proc", "/root", "/run",
    "/sys", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/etcd",
    "/var/lib/kubelet", "/var/lib/orchestr8", "/var/run", "/var/spool/cron",
)  # fmt: skip
_EQUAL_WHOLE = ("/home", "/var/log")
_EQUAL_WRITABLE = (
    "/bin", "/boot", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/root",
    "/sbin", "/usr",
)  # fmt: skip
_DEVICES_LESS_THAN_HOST = (
    "/dev/accel", "/dev/dri/render", "/dev/fuse", "/dev/gpiochip", "/dev/hwrng", "/dev/i2c-",
    "/dev/infiniband/", "/dev/kfd", "/dev/kvm", "/dev/media", "/dev/net/tun", "/dev/nvidia",
    "/dev/pps", "/dev/ptp", "/dev/rtc", "/dev/snd/", "/dev/spidev", "/dev/tpm", "/dev/ttyACM",
    "/dev/ttyAMA", "/dev/ttyS", "/dev/ttyUSB", "/dev/userfaultfd", "/dev/vhost-", "/dev/video",
    "/dev/vsock",
)  # fmt: skip
"""Beginnings of names. Block devices have no end of names, so every other device counts as one."""
TARGETS_REFUSED = (
    "/", "/bin", "/dev", "/etc/group", "/etc/hosts", "/etc/passwd", "/etc/resolv.conf", "/lib",
    "/lib64", "/proc", "/sbin", "/sys", "/usr", "/run/secrets",
)  # fmt: skip
TARGETS_ALLOWED = ("/dev/shm",)


def _at_or_below(path: str, bases: tuple[str, ...]) -> bool:
    return any(path == base or path.startswith(base.rstrip("/") + "/") for base in bases)


def _holds(path: str, bases: tuple[str, ...]) -> bool:
    return any(base.startswith(path.rstrip("/") + "/") for base in bases)


def equals_host(source: str, writable: bool) -> bool:
    """Whether a box that sees this path should be treated as equal to the host."""
    if source in _EQUAL_WHOLE or _at_or_below(source, _EQUAL_READ_OR_WRITE):
        return True
    if _holds(source, _EQUAL_READ_OR_WRITE) or "/.ssh/" in f"{source}/":
        return True
    return writable and _at_or_below(source, _EQUAL_WRITABLE)


def device_equals_host(path: str) -> bool:
    """Whether a device gives the host's memory, disks or keyboard."""
    return not path.startswith(_DEVICES_LESS_THAN_HOST)


def target_refused(path: str) -> bool:
    """Whether nothing may be mounted at this path of a box."""
    if path in TARGETS_ALLOWED:
        return False
    below = ("/dev", "/proc", "/sys", "/run/secrets")
    return path in TARGETS_REFUSED or _at_or_below(path, below)
