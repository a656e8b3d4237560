"""The sentences that several decisions share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestr8 import units
from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.spec import SpecVolume
from orchestr8.boxes.world import ObservedBox, ObservedVolume

_SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS",
    8: "SIGFPE", 9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE",
    14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
}  # fmt: skip
"""Those that end a program, by their numbers on Linux."""
_BY_SIGNAL = 128


def how_it_ended(box: ObservedBox) -> str:
    """Why a stopped box no longer runs, said of it.

    A program that exits with such a status itself cannot be told from one that a signal ended.
    """
    if box.out_of_memory:
        most = f" ({units.format_size(box.limits.memory_max_bytes)})" if box.limits else ""
        return f"ran out of memory{most}"
    if box.exit_status is None:
        return box.unseen.value if box.unseen else "stopped"
    signal = _SIGNALS.get(box.exit_status - _BY_SIGNAL)
    return f"exited with status {box.exit_status}{f' (as by {signal})' if signal else ''}"


def in_a_row(count: int) -> str:
    """How often something happened without a good time between."""
    return "once" if count == 1 else f"{count} times in a row"


def counted(number: int, one: str, more: str) -> str:
    """`1 standby`, `2 standbys`."""
    return f"{number} {one if number == 1 else more}"


def from_now(at_ms: int, now_ms: int) -> str:
    """A time to come, in whole seconds or minutes, never less than it is."""
    seconds = max(1, -(-(at_ms - now_ms) // 1000))
    return units.format_time(seconds * 1000) if seconds < 120 else f"{-(-seconds // 60)}m"


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def first_of(words: Sequence[str], most: int) -> str:
    """`a, b and 3 more`: a line stays readable however many there are; empty for none."""
    left = len(words) - most
    return ", ".join(words[:most]) + (f" and {left} more" if left > 0 else "")


def on_cores(cores: Iterable[int], *, is_own: bool) -> str:
    """`alone on core 3`, `on cores 0-2, beside others`."""
    numbers = sorted(cores)
    said = f"on core{'s' * (len(numbers) != 1)} {units.format_cores(numbers)}"
    return f"alone {said}" if is_own else f"{said}, beside others"


def is_own(volume: SpecVolume, owner: str) -> bool:
    """Whether a volume is of this owner."""
    return volume.volume.startswith(f"{owner}--")


def volume_written(volume: DesiredVolume | ObservedVolume) -> str:
    """A volume as people type it: `ledger.payments`, or of a further slot `1.ledger.payments`."""
    _, _, slot = volume.name.removeprefix(f"{volume.owner}--").partition("--")
    return f"{slot}{'.' if slot else ''}{volume.volume}.{volume.owner}"


def volume_label(volume: SpecVolume) -> str:
    """A volume as its owner wrote it: `"data"`, or of a further slot `"data" (slot 1)`."""
    _, name, *slot = volume.volume.split("--")
    return f'"{name}" (slot {slot[0]})' if slot else f'"{name}"'
