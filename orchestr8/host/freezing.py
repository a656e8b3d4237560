"""Holding writers still while something is copied, and never longer than we live.

A guard stands beside each freeze: a process of its own that thaws when the pipe to us closes
without a word, which it does when we are killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host import hierarchies
from orchestr8.host.volume_images import FIFREEZE, FITHAW

_WAIT_SECONDS = 60.0
"""A task comes to a stand when it has had a processor, of which its box may have little."""
_PAUSE_SECONDS = 0.005
_AGAIN_SECONDS = 0.25
_THAW_FILE_SYSTEM = f"""\
import fcntl, os, sys
if sys.stdin.read():
    sys.exit()
try:
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), {FITHAW}, 0)
except OSError:
    pass
"""
_THAW_BOXES = """\
import sys
if sys.stdin.read():
    sys.exit()
for one in sys.argv[1:]:
    path, text = one.split("=", 1)
    try:
        open(path, "w").write(text)
    except OSError:
        pass
"""


@contextlib.contextmanager
def file_system(folder: Path) -> Iterator[None]:
    """Nothing is written to the file system mounted at a folder; what was written is on its disk.

    Writers wait in the kernel meanwhile. Raises UnavailableError where it is frozen already.
    """
    with _guarded(_THAW_FILE_SYSTEM, [str(folder)]):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.ioctl(opened, FIFREEZE, 0)
            except OSError as error:
                raise UnavailableError(
                    f"the volume at {folder} cannot be frozen: {error.strerror}",
                    "is another copy of it being made?",
                ) from error
            try:
                yield
            finally:
                fcntl.ioctl(opened, FITHAW, 0)
        finally:
            os.close(opened)


@contextlib.contextmanager
def boxes(writers: Sequence[tuple[int, str]]) -> Iterator[None]:
    """Everything in these boxes stands still; each is its first pid, and a word of its cgroup.

    Raises UnavailableError where one does not come to a stand.
    """
    files = [_freezer(pid, word) for pid, word in writers]
    thaw = [f"{file}={'0' if file.name == 'cgroup.freeze' else 'THAWED'}" for file in files]
    if not files:
        yield
        return
    with _guarded(_THAW_BOXES, thaw):
        try:
            for file in files:
                file.write_text("1" if file.name == "cgroup.freeze" else "FROZEN")
            for file in files:
                _await_frozen(file)
            yield
        except OSError as error:
            raise UnavailableError(
                f"a box could not be held still: {error.strerror}", "try again"
            ) from error
        finally:
            for file in files:
                with contextlib.suppress(OSError):
                    _thaw(file)


def let_go_on(pid: int, word: str) -> None:
    """A box goes on that somebody holds still; as above. On v1 it could not even be killed."""
    with contextlib.suppress(OSError, RejectedError):  # it has ended, or is not held by its own
        _thaw(_freezer(pid, word))


def _thaw(file: Path) -> None:
    file.write_text("0" if file.name == "cgroup.freeze" else "THAWED")


def _freezer(pid: int, word: str) -> Path:
    """The control file that freezes the cgroup of a box, and of nothing else."""
    trees = hierarchies.by_controller()
    tree = trees.get("freezer") or next(
        (one for one in hierarchies.everywhere() if one.version == 2), None
    )
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError as error:
        raise RejectedError("a box ended meanwhile", "try again") from error
    for line in lines:
        _, names, path = line.split(":", 2)
        mine = "freezer" in names.split(",") if tree and tree.version == 1 else not names
        if tree and mine and word and word in path:
            name = "freezer.state" if tree.version == 1 else "cgroup.freeze"
            return tree.path / path.lstrip("/") / name
    raise RejectedError(
        f"the cgroup of process {pid} cannot be frozen", "stop the box that writes, then copy"
    )


def _await_frozen(file: Path) -> None:
    """On v1 a task that was just begun can be missed, and then the group never comes to a stand: it
    is let go and told again, as runc does."""
    now = time.monotonic()
    until, again = now + _WAIT_SECONDS, now + _AGAIN_SECONDS
    while not _is_frozen(file):
        now = time.monotonic()
        if now > until:
            raise UnavailableError(
                "a box did not come to a stand", "one of its tasks waits for a disk: try again"
            )
        if now > again and file.name == "freezer.state":
            file.write_text("THAWED")
            file.write_text("FROZEN")
            again = now + _AGAIN_SECONDS
        time.sleep(_PAUSE_SECONDS)


def _is_frozen(file: Path) -> bool:
    if file.name == "freezer.state":
        return file.read_text().strip() == "FROZEN"
    return "frozen 1" in file.with_name("cgroup.events").read_text()


@contextlib.contextmanager
def _guarded(script: str, arguments: Sequence[str]) -> Iterator[None]:
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert guard.stdin
        guard.stdin.write(b"thawed")
        guard.stdin.close()
        guard.wait()
