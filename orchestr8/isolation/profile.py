"""The isolation profile: all isolation settings of a box together.

A profile names a version of STRICT and then only what deviates from it, so a box that nobody
relaxed is `Profile()`. Each field name is a dimension that translations and claims refer to.
"""

from __future__ import annotations

from msgspec import Struct

PRIVATE = "private"


class Scratch(Struct, frozen=True):
    """A tmpfs in the box, counted to its memory; `mode` is octal digits."""

    path: str
    size_bytes: int
    executable: bool = False
    mode: str = "1777"


class Device(Struct, frozen=True):
    """A device node; `access` is a subset of rwm in that order."""

    path: str
    access: str = "rw"


class HostPath(Struct, frozen=True):
    """A directory or file of the host, bound into the box; never executable, suid or a device."""

    source: str
    target: str
    read_only: bool = True


class Profile(Struct, frozen=True):
    """STRICT of one version, less what was granted.

    `pid`, `net` and `ipc` are "private" or the service (`api.payments`) whose box of the same
    slot is joined. `user` is "private" (an id of the service's own), "fixed" or "root"; the ids
    themselves stand in the spec.
    """

    strict: int = 1
    pid: str = PRIVATE
    net: str = PRIVATE
    ipc: str = PRIVATE
    user: str = PRIVATE
    capabilities: tuple[str, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    devices: tuple[Device, ...] = ()
    host_paths: tuple[HostPath, ...] = ()
    image_env: tuple[str, ...] = ()
