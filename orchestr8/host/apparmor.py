"""Loading profiles into the kernel's AppArmor."""

from __future__ import annotations

import threading
from pathlib import Path

from orchestr8.errors import FeatureMissingError
from orchestr8.host import programs

_LOADED = Path("/sys/kernel/security/apparmor/profiles")
_LOAD = ("apparmor_parser", "--replace", "--skip-cache", "--quiet")
_ENABLED = Path("/sys/module/apparmor/parameters/enabled")
_one_at_a_time = threading.Lock()


def enabled() -> bool:
    """Whether this kernel has AppArmor in force."""
    try:
        return _ENABLED.read_text().strip() == "Y"
    except OSError:
        return False


def ensure(name: str, text: str) -> None:
    """Have a profile in force; its name says what it is, so one that is loaded is left alone.

    Raises FeatureMissingError where it cannot be loaded: a box is never started without it.
    """
    with _one_at_a_time:
        if _in_force(name):
            return
        answer = programs.run(_LOAD, "apparmor", text)
        if answer.status:
            raise FeatureMissingError(
                f"the AppArmor profile {name} cannot be loaded: {answer.first_error}",
                "run as root of the host; `aa-status` says what AppArmor does here",
            )


def _in_force(name: str) -> bool:
    """Whether the kernel enforces it; where that cannot be read, no."""
    try:
        return f"{name} (enforce)" in _LOADED.read_text().splitlines()
    except OSError:
        return False
