"""A command in a container of Docker's, and all that it printed."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import docker

_FRAME = struct.Struct(">BxxxL")


def executed(
    client: docker.APIClient, container: str, command: Sequence[str], **settings: Any
) -> tuple[int, bytes]:
    """Its exit status and its output, both streams as they came.

    Not by the library's own `exec_start`: that reads past what came with the answer's head, so now
    and then a quick command seems to have printed nothing.
    """
    made = client.exec_create(container, list(command), **settings)["Id"]
    address = f"{client.base_url}/v{client.api_version}/exec/{made}/start"
    answer = client.post(address, json={"Detach": False, "Tty": False}, timeout=None)
    answer.raise_for_status()
    return client.exec_inspect(made)["ExitCode"], _unframed(answer.content)


def _unframed(content: bytes) -> bytes:
    """What the frames carry."""
    pieces, at = [], 0
    while at < len(content):
        _, size = _FRAME.unpack_from(content, at)
        at += _FRAME.size
        pieces.append(content[at : at + size])
        at += size
    return b"".join(pieces)
