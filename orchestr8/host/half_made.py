"""What is made under a name of its own first, so that it appears whole or not at all.

Its maker holds a lock on it, which goes with the maker however that ends. So what nobody holds was
left by one that was killed, and whoever comes next takes it away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

_PREFIX = ".making-"
_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


@contextlib.contextmanager
def file(folder: Path) -> Iterator[Path]:
    """An empty file in a folder, for its maker alone; its name goes at the end, links to it stay.

    Raises OSError.
    """
    with _held(folder, lambda path: os.open(path, _FILE, 0o600)) as path:
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def inner_folder(folder: Path) -> Iterator[Path]:
    """An empty folder in a folder, for its maker alone; what is in it at the end goes with it.

    Raises OSError.
    """
    with _held(folder, _opened_folder) as path:
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Take away what killed makers left in a folder; what is being made now is left alone."""
    for left in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # its maker lives, or somebody else was faster
            opened = os.open(left, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            finally:
                os.close(opened)


@contextlib.contextmanager
def _held(folder: Path, make: Callable[[Path], int]) -> Iterator[Path]:
    """Makes, opens and locks it; once more where a sweep came in between, to which it looked as if
    nobody held it."""
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(8)}"
        with contextlib.suppress(FileNotFoundError):
            opened = make(path)
            fcntl.flock(opened, fcntl.LOCK_EX)
            if os.fstat(opened).st_nlink:
                break
            os.close(opened)
        folder.stat()  # or this would go on for ever without the folder
    try:
        yield path
    finally:
        os.close(opened)


def _opened_folder(path: Path) -> int:
    path.mkdir(mode=0o700)
    return os.open(path, _FOLDER)
