"""What the host answers when a file of ours cannot be written or a box's file cannot be had."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from orchestr8.errors import EngineError, RejectedError, UnavailableError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def words(doing: str) -> Iterator[None]:
    """Errors of the host in our words: where, what, and what would mend it."""
    try:
        yield
    except OSError as error:
        raise told(doing, error) from error


def told(doing: str, error: OSError) -> EngineError:
    """One of them."""
    where = f" ({error.filename})" if error.filename else ""
    what = f"{doing}: {(error.strerror or str(error)).lower()}{where}"
    if error.errno in _FULL:
        return RejectedError(
            what, "make room on that disk: `orchestr8 image gc` deletes images that no box runs"
        )
    if error.errno in _SHORT:
        return UnavailableError(what, "the host is short of it now: look at what takes so much")
    if error.errno in _CLOSED:
        return RejectedError(
            what, "run as root of the host, and look whether that disk is mounted read-only"
        )
    return RejectedError(what, "look at that place on the host; `orchestr8 doctor` examines it")
