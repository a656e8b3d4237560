"""Programs that write into a folder of ours, and are ended when it grows beyond its bounds.

An image is untrusted: a few kilobytes of it can unpack to terabytes, or to as many files as the
disk has places for. How far a program has come is seen on the disk, not asked.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host import programs
from orchestr8.units import format_size

FILES_MAX = 2_000_000
DOCUMENT_BYTES_MAX = 4 << 20
PACKAGES = "skopeo and umoci"
BYTES_MAX_VARIABLE = "ORCHESTR8_IMAGE_MAX"
_FREE_LEAST = 64 << 20
"""So much of the disk stays free: boxes write to it as well."""
_LOOK_SECONDS = 0.02
_SECONDS_MAX = 900
_ASK_SECONDS = 60
_ERRORS_MAX = 64 << 10


class Bounds(Struct, frozen=True):
    """What an image may take."""

    bytes_max: int = 16 << 30
    files_max: int = FILES_MAX


class Taken(Struct, frozen=True):
    """What a folder takes on the disk."""

    size_bytes: int
    files: int


def taken(folder: Path) -> Taken:
    """Every file once, whatever is deleted meanwhile."""
    size_bytes = files = 0
    pending = [str(folder)]
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            size_bytes += status.st_blocks * 512 // max(status.st_nlink, 1)
            files += 1
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
    return Taken(size_bytes, files)


def run(command: Sequence[str], folder: Path, bounds: Bounds, doing: str) -> str:
    """Run a program to its end; what it wrote to its error output, empty if it succeeded.

    It dies with us: nobody would end it then. Raises RejectedError where the folder grows beyond
    the bounds or fills the disk, and UnavailableError after a quarter of an hour.
    """
    with tempfile.TemporaryFile() as errors:
        status = _ended(programs.start(_mortal(command), PACKAGES, errors), folder, bounds, doing)
        return "" if status == 0 else _said(errors, status)


def asked(command: Sequence[str], doing: str) -> tuple[str, bytes]:
    """What a program wrote to its error output, empty if it succeeded, and to its output."""
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        process = programs.start(_mortal(command), PACKAGES, errors, output)
        try:
            status = process.wait(_ASK_SECONDS)
        except subprocess.TimeoutExpired:
            raise UnavailableError(
                f"{doing}: no answer within {_ASK_SECONDS} s",
                "look whether the registry can be reached",
            ) from None
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        return "" if status == 0 else _said(errors, status), output.read(DOCUMENT_BYTES_MAX)


def _ended(process: subprocess.Popen[bytes], folder: Path, bounds: Bounds, doing: str) -> int:
    """The exit status; looked at on the way are the folder and the clock."""
    began, pause = time.monotonic(), _LOOK_SECONDS
    try:
        while True:
            try:
                status = process.wait(pause)
                _require(folder, bounds, doing)
                return status
            except subprocess.TimeoutExpired:
                looked = time.monotonic()
                _require(folder, bounds, doing)
                if looked - began > _SECONDS_MAX:
                    raise UnavailableError(
                        f"{doing}: not done after {_SECONDS_MAX // 60} minutes",
                        "look whether the registry is slow; the next try goes on there",
                    ) from None
                # A look at many files takes its time: a tenth of the whole at most.
                pause = max(_LOOK_SECONDS, 10 * (time.monotonic() - looked))
    finally:
        process.kill()
        process.wait()


def _said(errors: IO[bytes], status: int) -> str:
    errors.seek(0)
    said = errors.read(_ERRORS_MAX).decode("utf-8", "replace")
    return said if said.strip() else f"exit status {status}"


def _mortal(command: Sequence[str]) -> list[str]:
    """As a program that is ended when we are."""
    if not (programs.found("setpriv") and programs.found(command[0])):
        return list(command)
    return ["setpriv", "--pdeathsig", "KILL", "--", *command]


def _require(folder: Path, bounds: Bounds, doing: str) -> None:
    now = taken(folder)
    if now.size_bytes > bounds.bytes_max:
        raise RejectedError(
            f"{doing}: it takes more than {format_size(bounds.bytes_max)} on the disk",
            "an image that grows so much may be meant to fill the disk; if you do want it, set "
            f"{BYTES_MAX_VARIABLE}={format_size(2 * bounds.bytes_max)} in the environment",
        )
    if now.files > bounds.files_max:
        raise RejectedError(
            f"{doing}: it has more than {bounds.files_max:,} files",
            "build it with fewer, or with an archive of them",
        )
    status = os.statvfs(folder)
    if status.f_bavail * status.f_frsize < _FREE_LEAST:
        raise RejectedError(
            f"{doing}: the disk is full but for {format_size(_FREE_LEAST)}, which are kept free",
            "make room on it: `orchestr8 image gc` deletes images that no box runs",
        )
