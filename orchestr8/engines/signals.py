"""The signal that asks a box to end."""

from __future__ import annotations

_STOP_SIGNALS = frozenset(
    {"SIGHUP", "SIGINT", "SIGKILL", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"}
)


def stop_signal(image_signal: str) -> str:
    """The image's own signal if it is one that asks, else SIGTERM."""
    name = image_signal.upper()
    name = name if name.startswith("SIG") else f"SIG{name}"
    return name if name in _STOP_SIGNALS else "SIGTERM"
