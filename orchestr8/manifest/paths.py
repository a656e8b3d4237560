"""Readers of paths: inside a box, on the host, and in the repository beside the manifest."""

from __future__ import annotations

import posixpath
import re

from orchestr8.isolation.hostpaths import target_refused
from orchestr8.manifest.scalars import literal
from orchestr8.manifest.wording import shortened

_LENGTH_MAX = 1024
_COMPONENT_BYTES_MAX = 255
_MAGIC = r"/proc/(?:[0-9]+|self|thread-self)(?:/|$)|/dev/fd(?:/|$)|/dev/std"
_DEVICE_DIRECTORIES = ("/dev/fd", "/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/std")
_DEVICES_PRESENT = (
    "/dev/full", "/dev/null", "/dev/ptmx", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero",
)  # fmt: skip


def _plain(text: str, example: str) -> None:
    literal(text)
    if not text:
        raise ValueError(f"is an empty path; write one, as in {example}")
    if len(text) > _LENGTH_MAX:
        raise ValueError(f"is a path of more than {_LENGTH_MAX} characters; use a shorter one")
    if text.startswith("~") or "$HOME" in text:
        raise ValueError(f'"{shortened(text)}" stands for no directory here; as in {example}')
    for character in ":,;\\\n\t":
        if character in text:
            raise ValueError(
                f'a path cannot contain "{character}"; use another name'.replace("\n", "\\n")
            )
    if any(len(part.encode()) > _COMPONENT_BYTES_MAX for part in text.split("/")):
        raise ValueError("has a part of more than 255 bytes; use a shorter name")


def absolute(text: str) -> str:
    """An absolute path equal to its own normal form."""
    _plain(text, "/var/cache/api")
    if not text.startswith("/"):
        raise ValueError(f'"{shortened(text)}" is not an absolute path; start it with /')
    normal = "/" + posixpath.normpath(text).lstrip("/")
    if ".." in text.split("/"):
        raise ValueError(f'"{shortened(text)}" leads upwards by ".."; write {shortened(normal)}')
    if text != normal:
        raise ValueError(f'"{shortened(text)}" is not in its plain form; write {shortened(normal)}')
    return text


def target(text: str) -> str:
    """Where something may be mounted in a box."""
    path = absolute(text)
    if path == "/run/secrets" or path.startswith("/run/secrets/"):
        raise ValueError(f"{path} belongs to `secrets`; list the secret there")
    if target_refused(path):
        raise ValueError(
            f"nothing may be mounted at {path}; choose a path that the kernel, the loader "
            "and name resolution do not depend on"
        )
    return path


def workdir(text: str) -> str:
    """The directory in which a program starts."""
    path = absolute(text)
    if re.match(r"/(?:proc|sys|dev)(?:/|$)", path):
        raise ValueError(f"{shortened(path)} is the kernel's; choose a directory of the image")
    return path


def host_source(text: str) -> str:
    """A path of the host; never one that means something else to each process."""
    path = absolute(text)
    if re.match(_MAGIC, path):
        raise ValueError(
            f"{shortened(path)} means another thing to each process; write where it leads"
        )
    return path


def device(text: str) -> str:
    """A device node of the host that a box does not have already."""
    path = absolute(text)
    if path in _DEVICES_PRESENT:
        raise ValueError(f"{path} is in every box already; take the line out")
    if not path.startswith("/dev/") or path.startswith(_DEVICE_DIRECTORIES):
        raise ValueError(f'"{shortened(path)}" is not a device; write it as in /dev/fuse')
    return path


def beside(text: str) -> str:
    """A file of the repository, relative to the manifest's folder; returned in plain form."""
    _plain(text, "./api.toml")
    if text.startswith("/"):
        raise ValueError(
            f"{shortened(text)} is absolute; files are read beside the manifest: write ./NAME "
            "(a path of the host is the relaxation fs.host-path)"
        )
    path = text.removeprefix("./")
    normal = posixpath.normpath(path)
    if normal == ".." or normal.startswith("../"):
        raise ValueError(
            f'"{shortened(text)}" leads out of the manifest\'s folder; put the file beside it'
        )
    if normal == "." or path.endswith("/"):
        raise ValueError(f'"{shortened(text)}" is a folder; write each file by itself')
    if path != normal:
        raise ValueError(f'"{shortened(text)}" is not in its plain form; write ./{normal}')
    return path


def joined(manifest_name: str, relative: str) -> str:
    """A path beside a manifest as seen from where the manifest's own name is seen."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(manifest_name), relative))


def inside(path: str, base: str) -> bool:
    """Whether `path` is `base` or lies below it."""
    return path == base or path.startswith(base.rstrip("/") + "/")
