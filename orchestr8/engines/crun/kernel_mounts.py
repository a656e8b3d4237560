"""What a box that waits at its gate sees of the kernel: nothing through the host's own mounts.

A runtime that may not mount one of the kernel's file systems may take the host's own in its place:
crun 1.8.1 does, writable and with all cgroups below it, for /sys in a network namespace that the
box's user namespace does not own. So it is looked at before the gate of any box is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from orchestr8.engines.crun.processes import Process
from orchestr8.errors import RejectedError
from orchestr8.kernel import files
from orchestr8.names import BoxId

_WANTED = {"/proc": "proc", "/sys": "sysfs", "/dev/mqueue": "mqueue"}
_KINDS = frozenset(_WANTED.values())
_LINE = re.compile(r"^[^ \n]+ [^ \n]+ ([^ \n]+) [^ \n]+ ([^ \n]+) .*? - ([^ \n]+)", re.MULTILINE)
"""Device, target and kind of a line of mountinfo. Of all white space in a path the kernel writes
blanks, tabs and ends of lines otherwise, and nothing else."""


def require_own(box_id: BoxId, first: Process, granted: Iterable[str]) -> None:
    """Raises RejectedError where a box sees a mount of the host's, but below what was `granted`."""
    hosts, there = set(map(_device, _WANTED)), {}
    text = files.read_text(f"/proc/{first.pid}/mountinfo", limit=files.LARGE_BYTES)
    for device, target, kind in mounted(box_id, text):
        there[target] = kind
        foreign = kind in _KINDS and device in hosts
        if (foreign or kind.startswith("cgroup")) and not _below(target, granted):
            raise _refused(box_id, f"the host's own {kind} at {target}")
    for target, kind in _WANTED.items():
        if there.get(target) != kind:
            raise _refused(box_id, f"{there.get(target, 'nothing')} at {target}, not {kind}")


def mounted(box_id: BoxId, mountinfo: str) -> list[tuple[str, str, str]]:
    """Device, target and kind of each mount; RejectedError where a line is none, so that no mount
    goes unseen."""
    found = _LINE.findall(mountinfo)
    if len(found) != mountinfo.count("\n"):
        raise _refused(box_id, "mounts that cannot be read")
    return found


def _device(path: str) -> str:
    try:
        number = Path(path).stat().st_dev
    except FileNotFoundError:  # the host has no message queues
        return ""
    return f"{os.major(number)}:{os.minor(number)}"


def _below(target: str, granted: Iterable[str]) -> bool:
    return any(PurePosixPath(target).is_relative_to(one) for one in granted)


def _refused(box_id: BoxId, what: str) -> RejectedError:
    return RejectedError(
        f"creating box {box_id}: the runtime gave it {what}",
        "report this with the versions of crun and of the kernel; the box was not made",
    )
