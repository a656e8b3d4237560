"""Forges say that something was pushed: a source is asked at once, not when its interval is over.

Whoever says so needs no identity; it shows that it knows the secret of the source's `webhook`, as
forges show it: GitHub, Gitea and Forgejo sign the body with it, GitLab sends it. Nothing that is
sent is believed: the source is only asked what it has. So a request that is heard twice costs one
more question, and a wrong one learns nothing, not even which sources there are.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from orchestr8.errors import EngineError
from orchestr8.host.secret_files import read_secret
from orchestr8.names import PLATFORM

BODY_BYTES_MOST = 1 << 20
SECRET_BYTES_LEAST = 16
"""A shorter secret could be guessed from one signed body; it counts as none."""
_SIGNATURES = {"HTTP_X_HUB_SIGNATURE_256": "sha256=", "HTTP_X_GITEA_SIGNATURE": ""}
"""What stands before the digest in each header that has one."""
_TOKEN = "HTTP_X_GITLAB_TOKEN"


class Sources(Protocol):
    """Whoever asks sources."""

    def webhook(self, name: str) -> str:
        """The file of the secret that wakes a source; empty where nothing does."""

    def wake(self, name: str) -> None:
        """Asks the source at once."""


class Hooks:
    """Hears what forges say of this machine's sources."""

    def __init__(self, sources: Sources, folder: Path, note: Callable[[str], None]) -> None:
        self._sources = sources
        self._folder = folder
        self._note = note
        self._noted: dict[str, str] = {}
        self._nobodys = secrets.token_bytes(32)

    def hear(self, name: str, request: Mapping[str, Any]) -> bool:
        """Wakes a source if the request shows that it knows its secret."""
        body = _body(request)
        secret = self._secret(name)
        # Without a secret all the same is done, so that the time that it takes tells nothing.
        if body is None or not _shows(secret or self._nobodys, body, request) or not secret:
            return False
        self._sources.wake(name)
        return True

    def _secret(self, name: str) -> bytes:
        """The source's secret; empty where it has none that counts, which is noted once."""
        file = self._sources.webhook(name)
        if not file:
            return b""
        try:
            secret = read_secret(self._folder, PLATFORM, file).strip()
            wrong = ""
            if len(secret) < SECRET_BYTES_LEAST:
                wrong = f"its secret {file} has fewer than {SECRET_BYTES_LEAST} bytes"
        except EngineError as error:
            secret, wrong = b"", f"{error.what}; {error.remedy}"
        if wrong != self._noted.get(name, ""):
            self._noted[name] = wrong
            if wrong:
                self._note(f"the webhook of the source {name} cannot be heard: {wrong}")
        return b"" if wrong else secret


def _body(request: Mapping[str, Any]) -> bytes | None:
    """What was sent, or None where that is too much, or how much is not said."""
    length = str(request.get("CONTENT_LENGTH") or "")
    if not length.isdecimal() or len(length) > 9 or int(length) > BODY_BYTES_MOST:
        return None
    body = bytes(request["wsgi.input"].read(int(length)))
    return body if len(body) == int(length) else None


def _shows(secret: bytes, body: bytes, request: Mapping[str, Any]) -> bool:
    """Whether a request shows, in one of the forges' ways, that it knows the secret."""
    digest = hmac.digest(secret, body, "sha256").hex()
    shown = [(name, f"{before}{digest}".encode()) for name, before in _SIGNATURES.items()]
    return any(
        hmac.compare_digest(str(request.get(name, "")).encode(errors="replace"), right)
        for name, right in [*shown, (_TOKEN, secret)]
    )
