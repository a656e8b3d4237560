"""What a box has in common with another: its namespaces, and the file systems that show them.

A box that joins keeps a user namespace and ids of its own, so it has no power over what it joins.
It may then not mount anew what shows a joined namespace (/proc for pid, /sys for net), and a
runtime that may not mount takes the host's own instead. So it gets what the other one has mounted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct, field

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import State
from orchestr8.engines.crun import seen
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.places import Places
from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.host import mounts, namespaces
from orchestr8.host.mounts import IdMap
from orchestr8.names import BoxId

_FRESH_TIME, _ENTERING = ("/usr/bin/unshare", "--time"), ("/usr/bin/nsenter", "--no-fork")
"""Children of what follows are born into a time namespace of their own, and into one that is named;
what follows stays where it is. Both programs are util-linux's, which every distribution needs."""
BORN_INTO = ("pid", "time")
"""What a box that joins another's processes is born into, so that the runtime is told nothing."""
_SHARED_MEMORY = "/dev/shm"
_SHOWS = {"ipc": ("/dev/mqueue", _SHARED_MEMORY), "net": ("/sys",), "pid": ("/proc",)}
_READ_ONLY = ("/sys",)


class Peer(Struct, frozen=True):
    """A running box that is joined, by descriptors that go stale with it."""

    held: Carried
    namespace: int
    mounts: int


class Joined(Struct, frozen=True):
    """The boxes that a box joins, by kind of namespace; open for as long as it is being made."""

    peers: Mapping[str, Peer] = field(default_factory=dict)

    @property
    def namespaces(self) -> dict[str, str]:
        """Where the runtime finds each: a path that leads nowhere else, whoever gets a number."""
        own = os.getpid()
        return {kind: f"/proc/{own}/fd/{peer.namespace}" for kind, peer in self.peers.items()}

    @property
    def before_the_runtime(self) -> list[str]:
        """What makes the runtime's children be born where its own words do not bring them.

        Told of another's pid namespace, or of a time namespace beside it, crun makes a box in two
        steps. From the second on it counts in the namespace that is joined: the number that it
        notes is another process's on the host, and the box is the child of a process in there, so
        that no monitor learns of its end (1.8.1).
        """
        pid = self.namespaces.get("pid")
        return [*_FRESH_TIME, *_ENTERING, f"--pid={pid}"] if pid else []

    def lay_out(self, box: Box, place: Callable[[str], Path]) -> dict[str, Path]:
        """Mount what shows the joined namespaces; the places, by their targets in the box."""
        found = {}
        for kind, peer in self.peers.items():
            for target in _SHOWS[kind]:
                found[target] = place(target)
                self._show(box, peer, target, found[target])
        return found

    def _show(self, box: Box, peer: Peer, target: str, place: Path) -> None:
        read_only = target in _READ_ONLY
        idmap = _as_the_peer(box, peer.held) if target == _SHARED_MEMORY else None
        copied = namespaces.mounted_at(peer.mounts, target)
        try:
            mounts.attach_copy(copied, place, read_only=read_only, idmap=idmap)
        except FeatureMissingError:
            # Before Linux 6.3 memory cannot be seen under other ids: then it can be read only.
            mounts.attach_copy(copied, place, read_only=read_only)
        finally:
            os.close(copied)


@contextmanager
def opened(box: Box, places: Places, runtime: Path) -> Iterator[Joined]:
    """What a box joins; raises RejectedError where one of them does not run."""
    with ExitStack() as closing:
        peers = {}
        for kind, peer in box.joins:
            held = _running(kind, peer, places)
            seen.await_workload(held, runtime)
            found = []
            for name in (kind, "mnt"):
                found.append(_namespace(kind, held, name))
                closing.callback(os.close, found[-1])
            peers[kind] = Peer(held, *found)
        yield Joined(peers)


def _running(kind: str, peer: BoxId, places: Places) -> Carried:
    held = places.box(peer).held()
    if held is None or seen.state_of(held, places) is not State.RUNNING:
        raise _does_not_run(kind, peer)
    return held


def _namespace(kind: str, held: Carried, name: str) -> int:
    """One of the box's, for certain: a number that was given to another since is seen after."""
    found = namespaces.opened(held.process.pid if held.process else 0, name)
    if found is None:
        raise _does_not_run(kind, held.id)
    if held.process and not held.process.alive:
        os.close(found)
        raise _does_not_run(kind, held.id)
    return found


def _does_not_run(kind: str, peer: BoxId) -> RejectedError:
    return RejectedError(
        f"box {peer}, whose {kind} namespace is joined, does not run", "start it first"
    )


def _as_the_peer(box: Box, held: Carried) -> IdMap | None:
    """In shared memory both are one user, as which each of them may write and read."""
    spec = held.box_spec
    if spec is None:
        return None
    return IdMap(spec.uid, spec.gid, box.uid_base + box.spec.uid, box.uid_base + box.spec.gid)
