"""The kernel's capabilities one by one: number, danger and consent in either user namespace.

Numbers are the kernel's (include/uapi/linux/capability.h); the judgement is the catalogue's.
"""

from __future__ import annotations

from msgspec import Struct

from orchestr8.isolation.consent import Assessment, Consent, Danger

_OWNER_MINOR = Assessment(Danger.MINOR, Consent.OWNER)
_PLATFORM_MINOR = Assessment(Danger.MINOR, Consent.PLATFORM)
_PLATFORM = Assessment(Danger.MODERATE, Consent.PLATFORM)
_TWO = Assessment(Danger.HOST, Consent.TWO)
_TWO_MODERATE = Assessment(Danger.MODERATE, Consent.TWO)


class Capability(Struct, frozen=True):
    """One capability, named without the CAP_ prefix.

    `in_user_namespace` is None where it has no effect there and hides the intent.
    """

    name: str
    number: int
    adds: str
    in_user_namespace: Assessment | None
    in_host_namespace: Assessment


def _table() -> dict[str, Capability]:
    minor, minor_p, mod, two = _OWNER_MINOR, _PLATFORM_MINOR, _PLATFORM, _TWO
    rows: tuple[tuple[str, str, Assessment | None, Assessment], ...] = (
        ("CHOWN", "give files away", minor, mod),
        ("DAC_OVERRIDE", "ignore file permissions", minor, mod),
        ("DAC_READ_SEARCH", "read any file, by handle as well", mod, two),
        ("FOWNER", "change modes and times of others' files", minor, mod),
        ("FSETID", "keep set-id bits", minor, mod),
        ("KILL", "signal any uid in the box", minor, minor),
        ("SETGID", "change group ids", minor, mod),
        ("SETUID", "change user ids", minor, mod),
        ("SETPCAP", "change bounding and inheritable sets", minor, mod),
        ("LINUX_IMMUTABLE", "set immutable and append-only marks", mod, mod),
        ("NET_BIND_SERVICE", "bind ports below 1024 (every box may already)", minor, minor),
        ("NET_BROADCAST", "nothing in today's kernels", minor, minor),
        ("NET_ADMIN", "interfaces, routes and packet filter of its network", mod, two),
        ("NET_RAW", "raw and packet sockets: spoofing and sniffing on the segment", mod, mod),
        ("IPC_LOCK", "lock memory and use huge pages", minor, minor),
        ("IPC_OWNER", "ignore System V IPC permissions", minor, minor),
        ("SYS_MODULE", "load kernel modules", None, two),
        ("SYS_RAWIO", "I/O ports, /dev/mem and raw disk commands", None, two),
        ("SYS_CHROOT", "change the root directory", minor, minor),
        ("SYS_PTRACE", "read and write the memory of every process it sees", mod, mod),
        ("SYS_PACCT", "switch process accounting", None, mod),
        ("SYS_ADMIN", "mounts, namespaces and hundreds of controls", mod, two),
        ("SYS_BOOT", "reboot and load another kernel", None, two),
        ("SYS_NICE", "raise priorities and move others between cores", mod, mod),
        ("SYS_RESOURCE", "exceed quotas and raise hard limits", mod, mod),
        ("SYS_TIME", "set the host's clock", None, two),
        ("SYS_TTY_CONFIG", "control virtual terminals", None, mod),
        ("MKNOD", "make device nodes", None, mod),
        ("LEASE", "take file leases", minor, minor),
        ("AUDIT_WRITE", "write audit records", minor, minor),
        ("AUDIT_CONTROL", "switch the host's audit off", None, two),
        ("SETFCAP", "put capabilities on files", minor, mod),
        ("MAC_OVERRIDE", "ignore mandatory access control", None, two),
        ("MAC_ADMIN", "change mandatory access control", None, two),
        ("SYSLOG", "read the kernel's log and addresses", mod, mod),
        ("WAKE_ALARM", "wake the host from suspend", minor_p, minor_p),
        ("BLOCK_SUSPEND", "keep the host awake", minor_p, minor_p),
        ("AUDIT_READ", "read the host's audit stream", None, mod),
        ("PERFMON", "sample the kernel", mod, mod),
        ("BPF", "load kernel programs", _TWO_MODERATE, two),
        ("CHECKPOINT_RESTORE", "choose pids and read mapped files", mod, mod),
    )
    return {
        name: Capability(name, number, adds, inside, outside)
        for number, (name, adds, inside, outside) in enumerate(rows)
    }


CAPABILITIES = _table()


def mask(names: tuple[str, ...]) -> int:
    """The capability names as the kernel's bit mask."""
    bits = 0
    for name in names:
        bits |= 1 << CAPABILITIES[name].number
    return bits
