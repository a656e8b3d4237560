"""Secrets as they lie on the host: one folder an owner, readable by root alone."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from orchestr8.errors import EngineError, RejectedError, UnavailableError
from orchestr8.host import mount_calls

BYTES_MAX = 1 << 20


def read_secret(folder: Path, owner: str, file: str) -> bytes:
    """A secret's content from `folder/owner/file`.

    No link is followed below the folder, and what is checked is what is read: whoever may write
    there cannot swap it in between, or lead to a file of another owner or the host.
    """
    path = folder / owner / file
    try:
        root = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            opened = mount_calls.open_beneath(root, f"{owner}/{file}", os.O_RDONLY | os.O_NONBLOCK)
        finally:
            os.close(root)
    except OSError as error:
        raise _failure(path, error) from error
    try:
        _require_safe(path, os.fstat(opened))  # before a file is made of it: a folder is none
        with os.fdopen(opened, "rb", closefd=False) as content:
            text = content.read(BYTES_MAX + 1)
    finally:
        os.close(opened)
    if len(text) > BYTES_MAX:
        raise RejectedError(f"{path} is larger than {BYTES_MAX} bytes", "use a volume for it")
    return text


def _require_safe(path: Path, seen: os.stat_result) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise _no_file(path)
    if seen.st_uid not in (0, os.geteuid()):
        raise RejectedError(
            f"{path} belongs to uid {seen.st_uid}, who could change it", f"chown root: {path}"
        )
    if seen.st_mode & 0o027:
        raise RejectedError(f"{path} can be read or changed by others", f"chmod 600 {path}")


def _no_file(path: Path) -> RejectedError:
    return RejectedError(f"{path} is no plain file", "put the secret itself there")


def _failure(path: Path, error: OSError) -> EngineError:
    match error.errno:
        case errno.ENOENT:
            return RejectedError(
                f"the secret {path} is missing",
                f"write it there: install -D -m 600 /dev/stdin {path}",
            )
        case errno.ELOOP:
            return RejectedError(f"a part of {path} is a link", "put the secret itself there")
        case errno.ENXIO:  # a socket
            return _no_file(path)
        case errno.ENOTDIR:
            return RejectedError(f"a part of {path} is no folder", "make a folder of it")
        case errno.EXDEV:
            return RejectedError(f"{path} leads out of its folder", "name a file inside of it")
        case errno.EACCES | errno.EPERM:
            return RejectedError(f"the secret {path} cannot be read", "run as root")
        case _:
            return UnavailableError(f"{path}: {error.strerror}", "look at the disk")
