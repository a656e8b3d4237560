"""What `doctor` says to whoever is not root: who they are to this machine, and who does what they
type.

Nothing is opened that is root's, and nothing is asked but who they are.
"""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path

from orchestr8.cli.checks import Check, Grade
from orchestr8.cli.dockerd import UnixConnection
from orchestr8.controller.settings import Settings
from orchestr8.line import SOCKET


def member_checks(settings: Settings) -> tuple[Check, ...]:
    """The server as this user meets it; a blocked check says whose move it is."""
    path, uid = settings.run / SOCKET, os.geteuid()
    try:
        status, told = _asked(path)
    except (OSError, ValueError, http.client.HTTPException):
        return (
            Check(
                "rights", Grade.BAD,
                f"uid {uid}: no root, and no server answers at {path} that would do it for you",
                "have whoever runs this machine start it: orchestr8 enable --serve; or become root",
            ),
        )  # fmt: skip
    if status != http.client.OK:
        return (
            Check("server", Grade.GOOD, f"answers at {path}"),
            Check(
                "rights", Grade.BAD,
                f"uid {uid}: {told.get('what', 'it does not say who you are')}",
                str(told.get("remedy") or "ask whoever runs this machine"),
            ),
        )  # fmt: skip
    owners = told["owners"] if isinstance(told["owners"], list) else []
    of = "the platform" if told["platform"] else ", ".join(map(str, owners))
    return (
        Check("server", Grade.GOOD, f"answers at {path}, and does what you type"),
        Check("rights", Grade.GOOD, f"{told['name']}, a member of {of}"),
    )


def _asked(path: Path) -> tuple[int, dict[str, object]]:
    """The server's answer to who they are; raises where none comes."""
    connection = UnixConnection(str(path))
    try:
        connection.request("GET", "/v1/me")
        answer = connection.getresponse()
        told = json.loads(answer.read())
    finally:
        connection.close()
    if not isinstance(told, dict):
        raise ValueError
    return answer.status, told
