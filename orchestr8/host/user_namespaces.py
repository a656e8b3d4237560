"""A user namespace that exists only to say how a mount maps ids."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from orchestr8.errors import FeatureMissingError

_REMEDY = "look at the sysctl user.max_user_namespaces (not 0), and install util-linux"


@contextlib.contextmanager
def mapping(uid_from: int, uid_to: int, gid_from: int, gid_to: int) -> Iterator[int]:
    """A descriptor of a namespace that maps one uid and one gid, and nothing else.

    A process of another program makes it: this one may have threads, and then cannot. It ends as
    soon as the descriptor is open, which keeps the namespace.
    """
    command = ["unshare", "--user", "--", "sh", "-c", "echo; read _"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as maker:
        assert maker.stdout and maker.stdin and maker.stderr
        try:
            if not maker.stdout.read(1):
                why = maker.stderr.read().decode(errors="replace").strip()
                raise FeatureMissingError(f"no user namespace can be made: {why}", _REMEDY)
            place = Path("/proc", str(maker.pid))
            # From the namespace that owns the files to the one that sees them, one id each.
            (place / "uid_map").write_text(f"{uid_from} {uid_to} 1")
            (place / "gid_map").write_text(f"{gid_from} {gid_to} 1")
            descriptor = os.open(place / "ns/user", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise FeatureMissingError(
                f"no user namespace can be set up: {error.strerror}", _REMEDY
            ) from error
        finally:
            maker.stdin.close()
    try:
        yield descriptor
    finally:
        os.close(descriptor)
