"""The lock for one writer of a state folder, and what its disk refuses in our words."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.errors import StoreError, UnavailableError

DAMAGED_REMEDY = (
    "`orchestr8 backup restore FILE` brings a backup back; without one `orchestr8 adopt` takes the "
    "boxes over that run"
)
MOUNTED_REMEDY = "look why its disk is mounted read-only (dmesg), and mount it writable again"
TURN_SECONDS = 0.1
"""How often somebody who waits for the lock looks whether it is free."""
_SERVER = "server "
_NOT_OPENED = ("readonly", "unable to open")


@contextmanager
def writer_lock(folder: Path, patience_ms: int = 0, *, server: bool = False) -> Iterator[None]:
    """Holds the state folder's lock; raises UnavailableError when another process has it still
    after `patience_ms`. A `server` keeps it for long, and others are told so."""
    with told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience_ms / 1000
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise refusal(folder, _server(descriptor))
            time.sleep(TURN_SECONDS)
        with told(folder):
            # What a server that was killed wrote is not true any more.
            os.ftruncate(descriptor, 0)
            if server:
                os.pwrite(descriptor, f"{_SERVER}{os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def serving_pid(folder: Path) -> int:
    """The process of the server that holds a folder's lock; 0 where there is none."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return 0 if _locked(descriptor) else _server(descriptor)
    finally:
        os.close(descriptor)


def _server(descriptor: int) -> int:
    word, _, pid = os.pread(descriptor, 100, 0).decode("ascii", "replace").partition(" ")
    return int(pid) if f"{word} " == _SERVER and pid.isdecimal() else 0


def refusal(folder: Path, pid: int) -> UnavailableError:
    """What is said to whoever finds a folder locked; `pid` is the server's, or 0."""
    if pid:
        return UnavailableError(
            f"a server is running here and makes all changes (pid {pid}, lock of {folder})",
            f"stop it first (kill {pid}, or systemctl stop orchestr8): boxes run on",
        )
    return UnavailableError(
        f"another orchestr8 is changing this machine (lock of {folder})",
        "wait until it is done, then type the command again",
    )


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def no_permission(folder: Path) -> StoreError:
    """What somebody hears who may not use this state folder."""
    remedy = "look at its rights and attributes, and whether this is root of the host"
    if os.geteuid():
        remedy = (
            "run this as root; what a running `orchestr8 serve` does for members of an owner needs "
            "no root, nor does `orchestr8 plan PATH --engine memory`"
        )
    return StoreError(f"this user may not use the state folder {folder}", remedy)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """SQLite's and the disk's refusals in our words."""
    try:
        yield
    except PermissionError as error:
        raise no_permission(folder) from error
    except sqlite3.DatabaseError as error:
        if os.geteuid() and any(word in str(error) for word in _NOT_OPENED):
            raise no_permission(folder) from error
        raise StoreError(
            f"the state folder {folder} cannot be used: {error}", _remedy(error)
        ) from (error)
    except OSError as error:
        if error.errno == errno.EROFS:
            raise StoreError(
                f"the state folder {folder} cannot be written: its disk is mounted read-only",
                f"{MOUNTED_REMEDY}, then type the command again",
            ) from error
        raise StoreError(
            f"the state folder {folder} cannot be used: {error.strerror}",
            "look at the disk's space and at the folder's rights",
        ) from error


def _remedy(error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if "full" in text:
        return "make room on its disk, then type the command again"
    if any(word in text for word in _NOT_OPENED):
        return "look at the folder's rights and at whether its disk is mounted read-only"
    if any(word in text for word in ("malformed", "not a database", "no such table")):
        return DAMAGED_REMEDY
    return "look at the disk, then type the command again"
