"""Where things lie on this machine, and which engine is meant; read from the environment once."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from orchestr8 import units
from orchestr8.errors import UsageError

IMAGE_MAX = "ORCHESTR8_IMAGE_MAX"
PARALLEL_CALLS = 8
TICK_SECONDS = 0.02
"""How often whoever waits for calls looks around."""
SETTLE_MS = 3_000
"""A box without a health line counts as working after this long without an exit."""


class Settings(NamedTuple):
    """State folder, run folder (lost at reboot), secrets, the engine's name if given, who acts;
    how many bytes an image may take where the engine unpacks it into a store of ours; where lies
    what can be fetched again; and public keys of gpg that sign commits.

    `boxes` is the state folder below which an engine of ours keeps its boxes, where a store lies
    elsewhere for the moment: one that passes, or that is only being made."""

    state: Path
    run: Path
    secrets: Path
    engine: str
    actor: str
    image_bytes_max: int = 16 << 30
    cache: Path = Path("/var/cache/orchestr8")
    keys: Path = Path("/etc/orchestr8/keys")
    boxes: Path | None = None

    @classmethod
    def from_environment(cls, engine: str = "") -> Settings:
        """ORCHESTR8_STATE, ORCHESTR8_RUN, ORCHESTR8_SECRETS, ORCHESTR8_ENGINE, ORCHESTR8_IMAGE_MAX,
        ORCHESTR8_CACHE, ORCHESTR8_KEYS, or the defaults; raises UsageError."""
        return cls(
            Path(os.environ.get("ORCHESTR8_STATE") or "/var/lib/orchestr8"),
            Path(os.environ.get("ORCHESTR8_RUN") or "/run/orchestr8"),
            Path(os.environ.get("ORCHESTR8_SECRETS") or "/etc/orchestr8/secrets"),
            engine or os.environ.get("ORCHESTR8_ENGINE", ""),
            _login(),
            _image_bytes_max(),
            Path(os.environ.get("ORCHESTR8_CACHE") or "/var/cache/orchestr8"),
            Path(os.environ.get("ORCHESTR8_KEYS") or "/etc/orchestr8/keys"),
        )


def _image_bytes_max() -> int:
    text = os.environ.get(IMAGE_MAX) or "16GiB"
    try:
        return units.parse_size(text)
    except ValueError as error:
        raise UsageError(f"{IMAGE_MAX}: {error}", f"write {IMAGE_MAX}=16GiB") from error


def _login() -> str:
    """Who logged in, not who became root: the loginuid where the kernel knows it."""
    try:
        login_uid = int(Path("/proc/self/loginuid").read_text("ascii"))
    except (OSError, ValueError):
        login_uid = 4294967295
    if login_uid != 4294967295:
        return f"uid {login_uid}"
    import getpass  # for hosts whose kernel keeps no loginuid

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
