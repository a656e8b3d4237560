"""Archives into a running Docker Engine, only those that it lacks."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote


class EngineError(Exception):
    """The engine does not answer, or refuses an archive."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=300)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def lacks(socket_path: str, tag: str, image_id: str, layers: list[str]) -> bool:
    """Whether the engine has another image or none by this name."""
    status, answer = _call(socket_path, "GET", f"/images/{quote(tag, safe='')}/json")
    if status == 404:
        return True
    if status != 200:
        raise EngineError(f"the engine at {socket_path} answered {status}: {answer}")
    if answer["Id"] == f"sha256:{image_id}":
        return False
    # An engine that keeps images in containerd gives them ids of its own.
    driver_status = _call(socket_path, "GET", "/info")[1].get("DriverStatus") or []
    own_ids = any("io.containerd.snapshotter" in str(row) for row in driver_status)
    return not (own_ids and answer["RootFS"]["Layers"] == layers)


def load(socket_path: str, archive: Path) -> None:
    with archive.open("rb") as body:
        status, answer = _call(
            socket_path,
            "POST",
            "/images/load?quiet=1",
            body,
            {"Content-Type": "application/x-tar", "Content-Length": str(archive.stat().st_size)},
        )
    if status != 200 or "error" in answer:
        raise EngineError(f"the engine refused {archive}: {answer}")


def _call(
    socket_path: str,
    method: str,
    target: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    connection = _Connection(socket_path)
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(f"no Docker Engine answers at {socket_path}: {error}") from error
    finally:
        connection.close()
    try:
        # A load answers with several documents, one a line; the last says how it went.
        return response.status, json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return response.status, {}
