"""Boxes that are loosened on purpose, one setting each, and the claims that must break."""

from __future__ import annotations

from tests.kernel.boxes import OWNER, STRICT, UID, Wanted, security

MIB = 1 << 20

LOOSENED: dict[str, tuple[Wanted, set[str]]] = {
    "a capability": (STRICT.loosened(CapAdd=["NET_RAW"]), {"capabilities"}),
    "root with Docker's capabilities": (
        STRICT.loosened(CapDrop=[]).configured(User="0:0"),
        {"capabilities", "user"},
    ),
    "new privileges": (
        STRICT.loosened(SecurityOpt=security(no_new_privileges=False)),
        {"no-new-privileges"},
    ),
    "no system call filter": (STRICT.loosened(SecurityOpt=security(seccomp="unconfined")),
                              {"seccomp"}),
    "another user": (STRICT.configured(User="65532:65532"), {"user"}),
    "a user without a group": (STRICT.configured(User=f"{UID}"), {"user"}),
    "a further group": (STRICT.loosened(GroupAdd=["4"]), {"user"}),
    "a loader variable": (
        STRICT.configured(Env=["LD_PRELOAD=/nowhere.so"]), {"environment"},
    ),
    "the host's processes": (
        STRICT.loosened(PidMode="host"), {"ns.pid", "alone.processes"},
    ),
    "the host's network": (
        STRICT.loosened(NetworkMode="host", Sysctls={}),
        {"ns.net", "interfaces", "addresses", "sysctls"},
    ),
    "the host's shared memory": (STRICT.loosened(IpcMode="host"), {"ns.ipc"}),
    "the host's name": (
        STRICT.loosened(UTSMode="host").configured(Hostname=""), {"ns.uts", "hostname"},
    ),
    "the host's cgroups": (STRICT.loosened(CgroupnsMode="host"), {"ns.cgroup"}),
    "a writable root": (STRICT.loosened(ReadonlyRootfs=False), {"root", "mounts"}),
    "a folder of the host": (
        STRICT.loosened(Binds=["/etc:/host:ro"]), {"mounts"},
    ),
    "executable scratch": (
        STRICT.loosened(Tmpfs={"/run": f"size=1m,uid={UID}", "/tmp": "exec,size=16m"}),
        {"scratch"},
    ),
    "endless scratch": (
        STRICT.loosened(Tmpfs={"/run": "size=1m", "/tmp": "noexec,nosuid,nodev"}), {"scratch"},
    ),
    "more scratch": (
        STRICT.loosened(Tmpfs={"/run": "size=1m", "/tmp": "size=16m", "/srv": "size=1m"}),
        {"mounts"},
    ),
    "no masks": (STRICT.loosened(MaskedPaths=[]), {"masks"}),
    "writable kernel paths": (STRICT.loosened(ReadonlyPaths=[]), {"kernel-paths"}),
    "a device": (
        STRICT.loosened(Devices=[{"PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/kmsg",
                                  "CgroupPermissions": "r"}]),
        {"devices", "device-rules"},
    ),
    "a device under another's name": (
        STRICT.loosened(Devices=[{"PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/full",
                                  "CgroupPermissions": "r"}]),
        {"devices", "device-rules"},
    ),
    "rules for devices": (STRICT.loosened(DeviceCgroupRules=["a *:* rwm"]), {"device-rules"}),
    "more open files": (
        STRICT.loosened(Ulimits=[{"Name": "nofile", "Soft": 1024, "Hard": 4097}]), {"rlimits"},
    ),
    "survives the host": (STRICT.loosened(OomScoreAdj=0), {"oom"}),
    "other kernel parameters": (
        STRICT.loosened(Sysctls={"net.ipv4.ping_group_range": "0 0"}), {"sysctls"},
    ),
    "no memory limit": (
        STRICT.loosened(Memory=0, MemorySwap=0), {"limits.memory", "limits.swap"},
    ),
    "swap": (STRICT.loosened(MemorySwap=128 * MIB), {"limits.swap"}),
    "no cpu limit": (STRICT.loosened(NanoCpus=0), {"limits.cpu"}),
    "more cpu": (STRICT.loosened(NanoCpus=600_000_000), {"limits.cpu"}),
    "no limit of processes": (STRICT.loosened(PidsLimit=-1), {"limits.pids"}),
    "another owner": (STRICT.loosened(CgroupParent="/orchestr8-test/other"), {"owner"}),
    "an owner's name elsewhere": (STRICT.loosened(CgroupParent=f"/{OWNER}"), {"owner"}),
    "everything": (
        STRICT.loosened(Privileged=True, MaskedPaths=None, ReadonlyPaths=None, SecurityOpt=[]),
        {"capabilities", "no-new-privileges", "seccomp", "masks", "devices", "device-rules",
         "kernel-paths"},
    ),
}  # fmt: skip
