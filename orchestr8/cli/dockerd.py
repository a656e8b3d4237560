"""What a Docker Engine says about itself, asked with the standard library alone.

For `doctor`, which has to work on a host where nothing else does.
"""

from __future__ import annotations

import http.client
import json
import socket

from msgspec import Struct

from orchestr8.engines.docker.endpoint import require_answer, socket_path

_SECONDS = 5.0


class Dockerd(Struct, frozen=True):
    """An engine that answers. Where it says nothing about a thing, the thing counts as missing."""

    endpoint: str
    version: str
    api: str
    live_restore: bool
    swap_limit: bool
    pids_limit: bool
    cgroup_driver: str
    security: tuple[str, ...]

    @property
    def api_version(self) -> tuple[int, int]:
        """The newest API that it speaks, for comparison."""
        major, _, minor = self.api.partition(".")
        return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)

    def has(self, option: str) -> bool:
        """Whether a security option is on: seccomp, apparmor, userns, rootless."""
        return any(one.split(",")[0] == f"name={option}" for one in self.security)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Raises OSError where nobody answers."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)


def ask(endpoint_url: str) -> Dockerd:
    """Asks; raises an EngineError with the reason where nothing of use answers."""
    require_answer(endpoint_url)
    version = _get(endpoint_url, "/version")
    info = _get(endpoint_url, "/info")
    options = info.get("SecurityOptions")
    return Dockerd(
        endpoint=endpoint_url,
        version=str(version.get("Version", "")),
        api=str(version.get("ApiVersion", "")),
        live_restore=info.get("LiveRestoreEnabled") is True,
        swap_limit=info.get("SwapLimit") is True,
        pids_limit=info.get("PidsLimit") is True,
        cgroup_driver=str(info.get("CgroupDriver", "")),
        security=tuple(map(str, options)) if isinstance(options, list) else (),
    )


def _get(endpoint_url: str, path: str) -> dict[str, object]:
    connection = UnixConnection(socket_path(endpoint_url))
    try:
        connection.request("GET", path)
        found = json.loads(connection.getresponse().read(4 << 20))
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return found if isinstance(found, dict) else {}
