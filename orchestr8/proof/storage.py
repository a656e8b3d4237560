"""Claims about what the box sees of files: every mount is a declared one, and no more.

A mount is judged by where it is, what kind of file system it shows, and its options; what it
shows of the host by the host's own paths for the same content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from orchestr8.isolation.profile import PRIVATE, Scratch
from orchestr8.proof.claim import Answer, Claim, broken, failure, held, nothing_wrong, unproven
from orchestr8.proof.model import Expectation, Mount, Reading
from orchestr8.proof.privileges import strict_of
from orchestr8.units import format_size

SHARED_MEMORY = "/dev/shm"
SECRETS = "/run/secrets"
CGROUPS = "/sys/fs/cgroup"
RESOLUTION = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
_PAGE = 65_536  # the largest page of a kernel: a tmpfs has whole pages
_TIGHT = frozenset({"nosuid", "nodev", "noexec"})
_TABLES_SHARE, _TABLES_MOST = 32, 8 << 20
"""What a file system may count beyond the size of a volume: its own tables."""
_WHOLE_TYPES = {
    "/proc": "proc", "/dev": "tmpfs", "/dev/pts": "devpts", "/dev/mqueue": "mqueue",
    "/sys": "sysfs",
}  # fmt: skip
_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}


def scratch_of(expectation: Expectation) -> tuple[Scratch, ...]:
    """The scratch of STRICT with the profile's own in its place, sorted by path.

    Shared memory that is joined is the peer's.
    """
    profile = expectation.spec.profile
    merged = {item.path: item for item in strict_of(expectation).scratch}
    merged |= {item.path: item for item in profile.scratch}
    if profile.ipc != PRIVATE:
        merged.pop(SHARED_MEMORY, None)
    return tuple(merged[path] for path in sorted(merged))


def unread_mounts(reading: Reading) -> str | None:
    """Why nothing can be said about mounts, or None if it can."""
    if reading.mounts and "mounts" not in reading.failures:
        return None
    return failure(reading, "mounts", "tasks") or "no mounts"


def _answer(
    expected: str,
    targets: Iterable[str],
    wrong: Callable[[str, Mount], str],
    reading: Reading,
) -> Answer:
    """Each target has exactly one mount, and nothing is wrong with it."""
    reason = unread_mounts(reading)
    if reason is not None:
        return unproven(expected, reason)
    problems = []
    for target in targets:
        found = [mount for mount in reading.mounts if mount.target == target]
        if len(found) != 1:
            problems.append(f"{target} has {len(found) or 'no'} mount{'s' * (len(found) > 1)}")
        elif problem := wrong(target, found[0]):
            problems.append(f"{target} {problem}")
    return nothing_wrong(expected, problems)


def _root(_: Expectation, reading: Reading) -> Answer:
    reason = unread_mounts(reading)
    if reason is not None:
        return unproven("ro", reason)
    roots = [mount for mount in reading.mounts if mount.target == "/"]
    if not roots:
        return unproven("ro", "no mount at /")
    options = ",".join(sorted(roots[-1].options))
    state = reading.read_only.get("/")
    if state is None:
        return unproven("ro", failure(reading, "rights of /", "paths"))
    good = "ro" in roots[-1].options and state == "read-only"
    return held("ro", options) if good else broken("ro", options)


def _propagation(_: Expectation, reading: Reading) -> Answer:
    """A mount may receive from the engine's, and none may hand on."""
    reason = unread_mounts(reading)
    if reason is not None:
        return unproven("none", reason)
    shared = [
        f"{mount.target} is {option}"
        for mount in reading.mounts
        for option in mount.optional
        if option.startswith("shared:")
    ]
    return nothing_wrong("none", shared)


def _scratch(expectation: Expectation, reading: Reading) -> Answer:
    wanted = {item.path: item for item in scratch_of(expectation)}

    def wrong(target: str, mount: Mount) -> str:
        item = wanted[target]
        needed = _TIGHT - {"noexec"} if item.executable else _TIGHT
        if mount.type != "tmpfs" or mount.host_paths:
            return f"is {_shown(mount)}"
        if missing := needed - mount.options:
            return f"lacks {','.join(sorted(missing))}"
        size = tmpfs_bytes(mount)
        if size is None:
            return "has no size"
        return f"has {size} bytes" if size > -(-item.size_bytes // _PAGE) * _PAGE else ""

    expected = ", ".join(f"{path} {format_size(item.size_bytes)}" for path, item in wanted.items())
    return _answer(expected or "none", wanted, wrong, reading)


def tmpfs_bytes(mount: Mount) -> int | None:
    """The size of a tmpfs; None if it has the default, which is half of the machine's memory."""
    for option in mount.super_options:
        name, _, text = option.partition("=")
        if name == "size" and text:
            shift = _UNITS.get(text[-1].lower(), 0)
            digits = text[:-1] if shift else text
            return int(digits) << shift if digits.isdecimal() else None
    return None


def _bind_problem(mount: Mount, source: str, read_only: bool) -> str:
    """What is wrong with a bind of a path of the host."""
    if source not in mount.host_paths:
        return f"is {_shown(mount)}, not {source}"
    if missing := _TIGHT - mount.options:
        return f"lacks {','.join(sorted(missing))}"
    return "is writable" if read_only and "ro" not in mount.options else ""


def _volumes(expectation: Expectation, reading: Reading) -> Answer:
    wanted = {volume.target: volume for volume in expectation.spec.volumes}
    expected = ", ".join(f"{v.target} {v.volume}" for v in wanted.values()) or "none"
    unknown = [target for target in wanted if not expectation.volumes.get(target)]
    if unknown:
        return unproven(expected, f"where the content of {unknown[0]} lies is not known")

    def wrong(target: str, mount: Mount) -> str:
        return _bind_problem(mount, expectation.volumes[target], wanted[target].read_only)

    return _answer(expected, wanted, wrong, reading)


def _volume_sizes(expectation: Expectation, reading: Reading) -> Answer:
    """Such a volume is a whole file system of its own, and the kernel's own count of it fits."""
    wanted = expectation.volume_sizes
    expected = ", ".join(f"{target} {format_size(size)}" for target, size in wanted.items())
    for target in wanted:
        if reason := failure(reading, f"file system of {target}"):
            return unproven(expected, reason)

    def wrong(target: str, mount: Mount) -> str:
        has = reading.file_systems.get(target)
        if mount.root != "/" or has is None:
            return f"is part of {mount.source}, which has no size of its own"
        if has > wanted[target] + wanted[target] // _TABLES_SHARE + _TABLES_MOST:
            return f"has {format_size(has)}"
        return f"has only {format_size(has)}" if has < wanted[target] * 9 // 10 else ""

    return _answer(expected or "none", wanted, wrong, reading)


def _host_paths(expectation: Expectation, reading: Reading) -> Answer:
    wanted = {bind.target: bind for bind in expectation.spec.profile.host_paths}
    expected = ", ".join(f"{bind.source} at {bind.target}" for bind in wanted.values()) or "none"

    def wrong(target: str, mount: Mount) -> str:
        return _bind_problem(mount, wanted[target].source, wanted[target].read_only)

    return _answer(expected, wanted, wrong, reading)


def _files(expectation: Expectation, reading: Reading) -> Answer:
    """Files and secrets of the manifest are read-only; secrets lie in memory only."""
    files = [file.target for file in expectation.spec.files]
    secrets = [f"{SECRETS}/{secret.name}" for secret in expectation.spec.secrets]
    if secrets and any(mount.target == SECRETS for mount in reading.mounts):
        secrets = [SECRETS]
    expected = ", ".join((*files, *secrets)) or "none"

    def wrong(target: str, mount: Mount) -> str:
        if "ro" not in mount.options:
            return "is writable"
        if target in secrets and mount.type != "tmpfs":
            return f"is {_shown(mount)}, not memory"
        if target in secrets and not mount.options >= _TIGHT:
            return f"lacks {','.join(sorted(_TIGHT - mount.options))}"
        return ""

    return _answer(expected, (*files, *secrets), wrong, reading)


def _shown(mount: Mount) -> str:
    return f"{mount.type} {mount.host_paths[0] if mount.host_paths else mount.root}"[:80]


def _undeclared(expectation: Expectation, reading: Reading) -> Answer:
    """Beyond the declared targets there is only what every box has, each of it once.

    So no path of the host that nobody declared, no second /proc or /sys without masks, none of the
    kernel's own file systems (debugfs, tracefs, bpf and the like).
    """
    reason = unread_mounts(reading)
    if reason is not None:
        return unproven("none", reason)
    declared = _declared(expectation)
    counts = Counter(mount.target for mount in reading.mounts)
    surplus = []
    for mount in reading.mounts:
        if mount.target in declared:
            known = counts[mount.target] == 1
        else:
            known = _belongs(expectation, reading, mount, counts)
        if not known:
            surplus.append(f"{mount.target} ({_shown(mount)})")
    return nothing_wrong("none", surplus)


def _declared(expectation: Expectation) -> frozenset[str]:
    spec = expectation.spec
    secrets = {f"{SECRETS}/{secret.name}" for secret in spec.secrets}
    return frozenset(
        {
            *(item.path for item in scratch_of(expectation)),
            *(volume.target for volume in spec.volumes),
            *(bind.target for bind in spec.profile.host_paths),
            *(file.target for file in spec.files),
            *(secrets | {SECRETS} if secrets else ()),
        }
    )


def _belongs(
    expectation: Expectation, reading: Reading, mount: Mount, counts: Counter[str]
) -> bool:
    """Whether an undeclared mount is one that every box has."""
    target, once = mount.target, counts[mount.target] == 1
    if target == "/":
        return once
    if target in _WHOLE_TYPES:
        return once and mount.type == _WHOLE_TYPES[target] and mount.root == "/"
    if target == CGROUPS or target.startswith(CGROUPS + "/"):
        return _is_cgroup(mount, reading)
    if target in RESOLUTION:
        # not the host's own file of that name
        return once and "ro" in mount.options and target not in mount.host_paths
    if target in strict_of(expectation).read_only_paths:
        same = mount.type == "proc" and mount.root == target.removeprefix("/proc")
        return once and same and "ro" in mount.options
    if target == SHARED_MEMORY and expectation.spec.profile.ipc != PRIVATE:
        return once and mount.type == "tmpfs" and mount.options >= _TIGHT
    if target.startswith("/dev/"):
        return once and mount.type in ("devtmpfs", "tmpfs") and mount.root == target[4:]
    return once and target.startswith(("/proc/", "/sys/")) and _hides(mount)


def _is_cgroup(mount: Mount, reading: Reading) -> bool:
    """A view of the box's own cgroups; on v1 a tmpfs carries one mount a tree.

    An engine that makes the tmpfs read-only by a bind over itself mounts each twice.
    """
    if mount.type == "tmpfs":
        return mount.target == CGROUPS and not mount.host_paths
    if mount.type not in ("cgroup", "cgroup2") or "ro" not in mount.options:
        return False
    path = reading.cgroup_path
    return mount.root == path or mount.root.startswith(path + "/")


def _hides(mount: Mount) -> bool:
    """A mask: the null device, or an empty read-only file system of its own."""
    if mount.root == "/null":
        return mount.type in ("tmpfs", "devtmpfs")
    empty = mount.type == "tmpfs" and mount.root == "/" and not mount.host_paths
    return empty and "ro" in mount.options


STORAGE_CLAIMS = (
    Claim("root", "root is mounted read-only", (), _root),
    Claim("scratch", "scratch is small, and nothing in it can run", ("scratch",), _scratch),
    Claim("volumes", "volumes are those declared", ("volumes",), _volumes),
    Claim(
        "volume-sizes",
        "a volume with a size is a file system of it",
        ("volumes",),
        _volume_sizes,
        lambda expectation: bool(expectation.volume_sizes),
    ),
    Claim("host-paths", "paths of the host are those declared", ("host_paths",), _host_paths),
    Claim("files", "files and secrets are read-only", ("files", "secrets"), _files),
    Claim(
        "mounts",
        "no mount that nobody declared",
        ("host_paths", "volumes", "scratch"),
        _undeclared,
    ),
    Claim("propagation", "no mount of its own reaches the host", (), _propagation),
)
