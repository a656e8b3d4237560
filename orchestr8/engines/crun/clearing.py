"""What is left of a box is ended, and taken back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator

from orchestr8.engines import living
from orchestr8.engines.crun import failures
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.making import Parts
from orchestr8.engines.crun.processes import Process, at_work, end, ending
from orchestr8.host import trees
from orchestr8.kernel import files
from orchestr8.names import BoxId

END_SECONDS = 30.0
"""How long what was killed may take to be gone, on a machine that is busy beyond measure too."""
_LOOK_SECONDS = 0.001


def clear(parts: Parts, box_id: BoxId, held: Carried | None) -> None:
    """Take everything of a box back, in whatever state it is left."""
    with failures.words(f"taking box {box_id} back"):
        parts.cgroups.keep()
        with _ending_all(parts, box_id, held):
            _forget_state(parts, box_id, whole=held is not None and held.process is not None)
            parts.cgroups.of(box_id).remove()
            parts.preparation.release(box_id)
        (parts.places.sockets / str(box_id)).unlink(missing_ok=True)
        (parts.places.exits / str(box_id)).unlink(missing_ok=True)
        parts.places.box(box_id).forget()


def end_rest(parts: Parts, held: Carried) -> None:
    """End what a box left behind in the pid namespace of another, which goes on without it."""
    deadline = time.monotonic() + END_SECONDS
    while "pid" in dict(held.joins) and time.monotonic() < deadline:
        members = parts.cgroups.of(held.id).members()
        if not members:
            return
        end(_boxed(members), END_SECONDS)
        time.sleep(_LOOK_SECONDS)


def _forget_state(parts: Parts, box_id: BoxId, *, whole: bool) -> None:
    """What the runtime knows of a box whose tasks have ended.

    Of a whole one that is its folder, and nothing else that we do not take back ourselves. Of one
    that was only begun the runtime is asked to take back what it made.
    """
    state = parts.places.box(box_id).runtime
    if whole:
        with contextlib.suppress(OSError):
            trees.remove(state)
    if state.exists():
        parts.monitors.runtime.delete(str(box_id))
        trees.remove(state)  # what crun itself had only begun


@contextlib.contextmanager
def _ending_all(parts: Parts, box_id: BoxId, held: Carried | None) -> Iterator[None]:
    """A box's processes have ended, but for its monitor, which ends meanwhile: that lives in none
    of its groups, and writes to no folder of those that go meanwhile."""
    if held and held.process and held.boot_id == files.boot_id():
        living.let_go_on(held.process.pid, str(box_id))
        end([held.process], END_SECONDS)
        with ending([held.monitor] if held.monitor else [], END_SECONDS):
            end_rest(parts, held)
            yield
        return
    _end_half_made(parts, box_id)
    yield


def _end_half_made(parts: Parts, box_id: BoxId) -> None:
    """End the processes of a box whose making was cut off, and may go on without whoever began it.
    Nobody noted them: the programs that make it are ended, and whoever lives in its group."""
    deadline = time.monotonic() + END_SECONDS
    words, cgroup = (f"--root={parts.places.runtime}", str(box_id)), parts.cgroups.of(box_id)
    with parts.places.box(box_id).being_made(END_SECONDS):
        while time.monotonic() < deadline:  # then removing the group says what is the matter
            working, members = at_work(words), cgroup.members()
            if working.complete and not working.found and not members:
                return
            end([*working.found, *_boxed(members)], END_SECONDS)
            time.sleep(_LOOK_SECONDS)


def _boxed(numbers: Iterable[int]) -> list[Process]:
    return [one for one in map(Process.of, numbers) if one and one.boxed]
