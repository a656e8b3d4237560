"""Sizes, times and shares as Compose writes them, to our units."""

from __future__ import annotations

import re

from orchestr8 import units

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)")
_BINARY = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SIZE_MOST = 1 << 49
CPU_MOST = 1_024_000
_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d|w)")
_MILLISECONDS = {
    "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7,
    "w": 6.048e8,
}  # fmt: skip


def size(text: str) -> int:
    """`1.5g` to bytes, all units binary; raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    unit = match[2].lower().removesuffix("ib").removesuffix("b") if match else ""
    if not match or unit not in _BINARY:
        raise ValueError(f'"{text}" is no size that Compose knows')
    size_bytes = int(float(match[1]) * (1 << _BINARY[unit]))
    if size_bytes > _SIZE_MOST:
        raise ValueError(f'"{text}" is more than any machine has')
    return size_bytes


def rounded(size_bytes: int, least_bytes: int = 1 << 20) -> str:
    """Bytes as a manifest writes them: whole KiB, and not less than what is sensible."""
    kibibytes = max(-(-size_bytes // 1024), least_bytes // 1024)
    return units.format_size(kibibytes * 1024)


def time(text: str) -> int:
    """`1m30s` to milliseconds; raises ValueError."""
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'"{text}" is no time that Compose knows')
    return round(sum(float(number) * _MILLISECONDS[unit] for number, unit in parts))


def cpu(text: str) -> int:
    """`0.5` to thousandths of a core, at least 10; raises ValueError."""
    if not re.fullmatch(r"[0-9]{1,5}(?:\.[0-9]*)?|\.[0-9]+", text):
        raise ValueError(f'"{text}" is no number of cores')
    return min(max(round(float(text) * 1000), 10), CPU_MOST)


def count(text: str) -> int:
    """A whole number of processes; -1 is Compose's word for no limit. Raises ValueError."""
    if not re.fullmatch(r"-1|[1-9][0-9]{0,5}", text):
        raise ValueError(f'"{text}" is no number of processes')
    return int(text)
