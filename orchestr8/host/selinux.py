"""What the host's SELinux says, and labels on files of ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from orchestr8.errors import RejectedError

_HERE = Path("/sys/fs/selinux")
_ATTRIBUTE = "security.selinux"


def missing(labels: Iterable[str], here: Path = _HERE) -> str:
    """Why files and processes cannot be held to these labels; empty where they are."""
    try:
        if (here / "enforce").read_text().strip() != "1":
            return "SELinux is there and does not enforce: setenforce 1"
    except OSError:
        return "SELinux is not in force"
    unknown = [label for label in labels if not _is_known(label, here)]
    if unknown:
        return f"SELinux's policy does not know {unknown[0]}: install container-selinux"
    return ""


def label(place: Path, text: str) -> None:
    """Have a file or folder of ours, and all in it, carry a label; links are not followed.

    The place itself comes last, so that one that carries it is left alone, and what was cut off
    begins anew. A label that is somebody's is written over: never call it for a place of others.
    """
    try:
        if _carried(place) == text:
            return
        value = text.encode() + b"\0"
        if place.is_dir():
            for _, folders, names, at in os.fwalk(place, follow_symlinks=False):
                for name in (*folders, *names):
                    with suppress(FileNotFoundError):
                        # By the open folder: whoever may write here cannot lead us elsewhere.
                        inside = f"/proc/self/fd/{at}/{name}"
                        os.setxattr(inside, _ATTRIBUTE, value, follow_symlinks=False)
        os.setxattr(place, _ATTRIBUTE, value, follow_symlinks=False)
    except OSError as error:
        raise RejectedError(
            f"{place} cannot be labelled {text}: {error.strerror}",
            "look at the host's audit log; its file system must keep labels",
        ) from error


def _carried(place: Path) -> str:
    try:
        found = os.getxattr(place, _ATTRIBUTE, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return ""
        raise
    return found.rstrip(b"\0").decode("utf-8", "replace")


def _is_known(text: str, here: Path) -> bool:
    """Whether the policy that is loaded takes a label."""
    try:
        asked = os.open(here / "context", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(asked, text.encode() + b"\0")
    except OSError:
        return False
    finally:
        os.close(asked)
    return True
