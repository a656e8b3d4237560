"""Claims about one box among all others: what two boxes must not have in common."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence

from orchestr8.isolation import features
from orchestr8.isolation.profile import PRIVATE
from orchestr8.names import BoxId, ServiceName
from orchestr8.proof.claim import (
    AcrossClaim,
    Answer,
    ByService,
    Entry,
    Neighbours,
    Pair,
    Place,
    broken,
    failure,
    held,
    nothing_wrong,
    numbers,
    unproven,
)
from orchestr8.proof.model import Expectation, Mount, Reading, TaskReading
from orchestr8.proof.namespaces import RANGE, joined
from orchestr8.proof.resources import CORES, cores_of
from orchestr8.proof.storage import RESOLUTION, unread_mounts
from orchestr8.units import format_cores

_SHAREABLE = ("pid", "net", "ipc")
_KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "uts")
_OF_THE_KERNEL = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "devpts", "devtmpfs"})
_ALONE = "nobody else"
_KEPT = ("box", "tasks", "cgroup")
"""Why there may be no word about a neighbour's cores."""


def as_neighbour(reading: Reading) -> Reading:
    """What of a reading other boxes are held against, which is a small part of it."""
    tasks = (
        TaskReading(
            task.pid,
            task.start_time,
            task.comm,
            {"Uid": task.status["Uid"]} if "Uid" in task.status else {},
            task.namespaces,
            uid_map=task.uid_map,
            security_label=task.security_label,
        )
        for task in reading.tasks
    )
    return Reading(
        reading.boot_id,
        tuple(tasks),
        host_namespaces={},
        mounts=tuple(_storage(reading)),
        cgroup={CORES: reading.cgroup[CORES]} if CORES in reading.cgroup else {},
        cgroup_path=reading.cgroup_path,
        failures={name: reading.failures[name] for name in _KEPT if name in reading.failures},
    )


def neighbours(pairs: Sequence[Pair], asked: Collection[BoxId] | None = None) -> Neighbours:
    """Index boxes by what they could have in common with those that are asked for, or with any.

    Of files that is what lies on a file system that one of those sees: most see mostly their own.
    """
    shown = {
        (mount.device, mount.root.rstrip("/"))
        for expectation, reading in pairs
        if asked is None or expectation.id in asked
        for mount in reading.mounts
    }
    devices = {device for device, _ in shown}
    boxes: dict[BoxId, Pair] = {}
    namespaces: dict[tuple[str, int], list[BoxId]] = {}
    users: dict[str, dict[ServiceName, list[BoxId]]] = {}
    ranges: dict[int, dict[ServiceName, list[BoxId]]] = {}
    labels: dict[str, list[BoxId]] = {}
    cgroups: dict[str, list[BoxId]] = {}
    storage: dict[Place, list[Entry]] = {}
    below: dict[Place, list[Entry]] = {}
    for expectation, reading in pairs:
        box_id = expectation.id
        boxes[box_id] = (expectation, reading)
        for kind, inode in _namespaces(expectation, reading):
            namespaces.setdefault((kind, inode), []).append(box_id)
        if expectation.spec.profile.user == PRIVATE:
            for user in _users(reading):
                users.setdefault(user, {}).setdefault(box_id.service_name, []).append(box_id)
        base = _base(reading)
        if base is not None:
            ranges.setdefault(base, {}).setdefault(box_id.service_name, []).append(box_id)
        for label in _labels(reading):
            labels.setdefault(label, []).append(box_id)
        if reading.cgroup_path:
            cgroups.setdefault(reading.cgroup_path, []).append(box_id)
        for mount in _storage(reading, devices):
            device, is_tree = mount.device, _is_tree(mount)
            here, *above = _paths(mount.root)
            storage.setdefault((device, here, is_tree), []).append((box_id, mount))
            for path in above:
                if (device, path) in shown:
                    below.setdefault((device, path, is_tree), []).append((box_id, mount))
    return Neighbours(
        boxes=boxes,
        namespaces={key: tuple(ids) for key, ids in namespaces.items()},
        users=users,
        ranges=ranges,
        bases=sorted(ranges),
        labels={key: tuple(ids) for key, ids in labels.items()},
        cgroups={key: tuple(ids) for key, ids in cgroups.items()},
        storage=storage,
        storage_below=below,
    )


def _storage(reading: Reading, devices: Collection[str] | None = None) -> Iterator[Mount]:
    """The mounts that show files which another box could be shown too, of these devices or any."""
    for mount in reading.mounts:
        if devices is not None and mount.device not in devices:
            continue
        if mount.type not in _OF_THE_KERNEL and mount.root != "/null":
            yield mount


def _paths(path: str) -> list[str]:
    """A path, and each folder above it up to the root, which is empty."""
    found = [path.rstrip("/")]
    while found[-1]:
        found.append(found[-1].rpartition("/")[0])
    return found


def _namespaces(expectation: Expectation, reading: Reading) -> set[tuple[str, int]]:
    kinds = [*_KINDS]
    kinds += ["user"] if expectation.features.has(features.NS_USER) else []
    kinds += ["time"] if expectation.features.has(features.NS_TIME) else []
    return {
        (kind, task.namespaces[kind])
        for task in reading.tasks
        for kind in kinds
        if kind in task.namespaces
    }


def _users(reading: Reading) -> set[str]:
    """The host's uids that the box's tasks have."""
    return {uid for task in reading.tasks for uid in task.status.get("Uid", "").split()}


def _joins(one: Expectation, other: Expectation, kind: str) -> bool:
    return (kind, other.id) in one.joins


def _may_share(one: Expectation, other: Expectation, kind: str) -> bool:
    """Whether two boxes are granted one namespace: either joins the other, or both a third."""
    if kind not in _SHAREABLE:
        return False
    if _joins(one, other, kind) or _joins(other, one, kind):
        return True
    mine, theirs = dict(one.joins).get(kind), dict(other.joins).get(kind)
    return mine is not None and mine == theirs


def _unique_namespaces(expectation: Expectation, reading: Reading, all_: Neighbours) -> Answer:
    """No namespace of another box, but those that were granted; and those for certain."""
    expected = _ALONE if not expectation.joins else "whom it joins only"
    reason = failure(reading, "tasks")
    found, partners = [], set()
    for kind, inode in sorted(_namespaces(expectation, reading)):
        for box_id in all_.namespaces.get((kind, inode), ()):
            if box_id == expectation.id:
                continue
            if _may_share(expectation, all_.boxes[box_id][0], kind):
                partners.add((kind, box_id))
            else:
                found.append(f"{kind} with {box_id}")
    if found:
        return nothing_wrong(expected, found)
    if not reading.tasks or reason:
        return unproven(expected, reason)
    missing = [kind for kind in _SHAREABLE if joined(expectation, kind)]
    for kind in missing:
        peer = dict(expectation.joins).get(kind)
        if peer is None or peer not in all_.boxes:
            return unproven(expected, f"the box whose {kind} it joins is not known")
        if (kind, peer) not in partners:
            return broken(expected, f"{kind} is not that of {peer}")
    return held(expected, expected)


def _unique_user(expectation: Expectation, reading: Reading, all_: Neighbours) -> Answer:
    """No id of another service's boxes; a service's own boxes have one.

    An id that was granted as the image's own, or root, may be another's too: that is what it says.
    """
    uids = _users(reading)
    if not uids:
        return unproven(_ALONE, failure(reading, "tasks"))
    if expectation.spec.profile.user != PRIVATE:
        return held("anyone", "anyone")
    others = {other for uid in uids for other in _of_others(expectation, all_.users.get(uid, {}))}
    problems = [f"{box_id} has the same" for box_id in others]
    return nothing_wrong(_ALONE, problems + _overlaps(expectation, reading, all_))


def _of_others(expectation: Expectation, found: ByService) -> Iterator[BoxId]:
    """The boxes of other services."""
    own = expectation.id.service_name
    return (box_id for name, boxes in found.items() if name != own for box_id in boxes)


def _overlaps(expectation: Expectation, reading: Reading, all_: Neighbours) -> list[str]:
    """Boxes of other services whose ranges of ids meet this one's."""
    base = _base(reading)
    if base is None or not expectation.features.has(features.NS_USER):
        return []
    first, last = bisect_right(all_.bases, base - RANGE), bisect_left(all_.bases, base + RANGE)
    meeting = (all_.ranges[other] for other in all_.bases[first:last])
    others = (box_id for boxes in meeting for box_id in _of_others(expectation, boxes))
    return [f"the range of {box_id} meets its own" for box_id in others]


def _base(reading: Reading) -> int | None:
    row = numbers(reading.tasks[0].uid_map) if reading.tasks else None
    return row[1] if row and len(row) == 3 and row[1] else None


def _labels(reading: Reading) -> set[str]:
    """The labels of the security module that its tasks carry."""
    return {task.security_label for task in reading.tasks if task.security_label}


def _unique_label(expectation: Expectation, reading: Reading, all_: Neighbours) -> Answer:
    """No other box is within its label's reach, but those whose processes or memory it shares."""
    labels = _labels(reading)
    if not labels:
        return unproven(_ALONE, failure(reading, "tasks"))
    others = {
        box_id
        for label in labels
        for box_id in all_.labels.get(label, ())
        if box_id != expectation.id
        and not any(_may_share(expectation, all_.boxes[box_id][0], kind) for kind in ("pid", "ipc"))
    }
    return nothing_wrong(_ALONE, (f"{box_id} has the same" for box_id in others))


def _unique_cgroup(expectation: Expectation, reading: Reading, all_: Neighbours) -> Answer:
    if not reading.cgroup_path:
        return unproven(_ALONE, failure(reading, "tasks", "cgroup"))
    others = [b for b in all_.cgroups.get(reading.cgroup_path, ()) if b != expectation.id]
    return nothing_wrong(_ALONE, (f"{box_id} is in it too" for box_id in others))


def _no_strays(expectation: Expectation, reading: Reading, all_: Neighbours) -> Answer:
    """Whoever is in its pid namespace is in its cgroup, or in that of a box that was let in."""
    if reading.strays is None:
        return unproven(_ALONE, failure(reading, "strays", "tasks"))
    if not reading.strays:
        return held(_ALONE, _ALONE)
    known = {
        task.pid
        for other, theirs in all_.boxes.values()
        if _may_share(expectation, other, "pid")
        for task in theirs.tasks
    }
    strays = [pid for pid in reading.strays if pid not in known]
    return nothing_wrong(_ALONE, (f"process {pid} is outside its cgroup" for pid in strays))


def _own_cores(expectation: Expectation, reading: Reading, all_: Neighbours) -> Answer:
    """No other box may run on the cores that are its own."""
    own = cores_of(reading)
    if own is None:
        return unproven(_ALONE, failure(reading, "tasks", "cgroup"))
    found, unread = [], []
    for box_id, (_, theirs) in all_.boxes.items():
        if box_id == expectation.id:
            continue
        cores = cores_of(theirs)
        if cores is None:
            unread.append(box_id)
        elif own & cores:
            found.append(f"{box_id} runs on {format_cores(own & cores)}")
    if found or not unread:
        return nothing_wrong(_ALONE, found)
    return unproven(_ALONE, f"on which cores {unread[0]} runs")


def _own_storage(expectation: Expectation, reading: Reading, all_: Neighbours) -> Answer:
    """No folder or file that another box sees too, but volumes and paths that both declare."""
    reason = unread_mounts(reading)
    if reason is not None:
        return unproven(_ALONE, reason)
    found = []
    for mount in _storage(reading):
        for box_id, other in _overlapping(mount, all_):
            if box_id != expectation.id and not _may_see(
                expectation, all_.boxes[box_id][0], mount, other
            ):
                found.append(f"{mount.target} with {box_id}")
    return nothing_wrong(_ALONE, found)


def _overlapping(mount: Mount, all_: Neighbours) -> Iterator[Entry]:
    """The mounts of any box that show the same path, one above it or one below it; of a tree that
    many boxes may have, those that are none."""
    paths = _paths(mount.root)
    for is_tree in (False,) if _is_tree(mount) else (False, True):
        for path in paths:
            yield from all_.storage.get((mount.device, path, is_tree), ())
        yield from all_.storage_below.get((mount.device, paths[0], is_tree), ())


def _is_tree(mount: Mount) -> bool:
    """Whether it is a read-only tree of an image, which others may have for their root too."""
    return mount.target == "/" and "ro" in mount.options


def _may_see(one: Expectation, other: Expectation, mine: Mount, theirs: Mount) -> bool:
    if mine.target in RESOLUTION:
        return _may_share(one, other, "net")
    if mine.target in ("/dev/shm", "/dev/mqueue"):
        return _may_share(one, other, "ipc")
    return _declares(one, mine.target) and _declares(other, theirs.target)


def _declares(expectation: Expectation, target: str) -> bool:
    spec = expectation.spec
    volumes = {volume.target for volume in spec.volumes}
    return target in volumes | {bind.target for bind in spec.profile.host_paths}


ACROSS_CLAIMS = (
    AcrossClaim(
        "alone.namespaces", "namespaces are shared with", ("pid", "net", "ipc"), _unique_namespaces
    ),
    AcrossClaim("alone.user", "its user ids are shared with", ("user",), _unique_user),
    AcrossClaim(
        "alone.label",
        "its security label is shared with",
        ("pid", "ipc"),
        _unique_label,
        lambda expectation: expectation.features.has(features.OWN_LABEL),
    ),
    AcrossClaim("alone.cgroup", "its cgroup is shared with", (), _unique_cgroup),
    AcrossClaim("alone.processes", "its processes are seen by", ("pid",), _no_strays),
    AcrossClaim(
        "alone.cores",
        "its dedicated cores are shared with",
        ("limits",),
        _own_cores,
        lambda expectation: bool(expectation.limits.dedicated_cores),
    ),
    AcrossClaim(
        "alone.storage", "its storage is shared with", ("volumes", "host_paths"), _own_storage
    ),
)
