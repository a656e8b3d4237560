"""Sizes, rates, times and cpu: text as people write it to whole numbers, and back.

Every reader raises ValueError with a sentence that says what is wrong and how to write it.
Bytes are whole numbers, cpu is thousandths of one core, rates are bytes or bits a second,
times are milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_BINARY = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_KUBERNETES = {"Ki": "KiB", "Mi": "MiB", "Gi": "GiB", "Ti": "TiB"}
_MISLEADING = {
    "k": "KiB", "K": "KiB", "KB": "KiB", "kB": "KiB", "m": "MiB", "M": "MiB", "MB": "MiB",
    "g": "GiB", "G": "GiB", "GB": "GiB", "t": "TiB", "T": "TiB", "TB": "TiB",
}  # fmt: skip
_BITS = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
_TIMES = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_TIME_WORDS = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m",
    "minute": "m", "minutes": "m", "hour": "h", "hours": "h", "day": "d", "days": "d",
}  # fmt: skip
_QUANTITY = re.compile(r"([0-9]+)([A-Za-z/]*)")
_LOOSE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([A-Za-z]+) ?")
"""A number and a unit as people write them elsewhere."""
_DIGITS_MAX = 12
_SIZE_MAX = 1 << 50
_CORES_MAX = 8_192  # the most that Linux can be built for


def _quantity(text: str, example: str, meant: Callable[[str], str]) -> tuple[int, str]:
    match = _QUANTITY.fullmatch(text)
    if not match:
        guess = _guess(meant(text))
        raise ValueError(f'"{text}" is not a whole number and a unit, as in {example}{guess}')
    digits, unit = match.groups()
    if len(digits) > 1 and digits[0] == "0":
        raise ValueError(f'"{text}" has a leading zero; write {digits.lstrip("0") or "0"}{unit}')
    if len(digits) > _DIGITS_MAX:
        raise ValueError(f'"{text}" has more than {_DIGITS_MAX} digits')
    return int(digits), unit


def _guess(meant: str) -> str:
    return f"; did you mean {meant}?" if meant else ""


def parse_size(text: str) -> int:
    """`128MiB` to bytes."""
    number, unit = _quantity(text, "128MiB", _size_meant)
    unit = _KUBERNETES.get(unit, unit)
    if unit not in _BINARY:
        is_known = unit in _MISLEADING
        what = f'the unit "{unit}" is ambiguous' if is_known else f'"{text}" has no size unit'
        raise ValueError(what + (_guess(_size_meant(text)) or "; units are B KiB MiB GiB TiB"))
    size_bytes = number * _BINARY[unit]
    if not 0 < size_bytes <= _SIZE_MAX:
        raise ValueError(f'"{text}" is out of range: above 0 and at most 1024TiB')
    return size_bytes


def _size_meant(text: str) -> str:
    """The size that is probably meant by a text that is none, in whole MiB from one on; empty
    where nothing suggests itself."""
    match = _LOOSE.fullmatch(text)
    if not match:
        is_number = re.fullmatch("[0-9]{1,12}", text) is not None
        is_bytes = is_number and int(text) >= _BINARY["MiB"]
        return format_size(int(text)) if is_bytes else f"{text}MiB" if is_number else ""
    number, unit = match.groups()
    unit = _KUBERNETES.get(unit, _MISLEADING.get(unit, unit))
    scale = {one.lower(): size for one, size in _BINARY.items()}.get(unit.lower(), 0)
    size_bytes = int(float(number) * scale)
    if size_bytes >= _BINARY["MiB"]:
        size_bytes -= size_bytes % _BINARY["MiB"]
    return format_size(size_bytes) if size_bytes else ""


def format_size(size_bytes: int) -> str:
    """Bytes in the largest unit that keeps them whole."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size_bytes and size_bytes % _BINARY[unit] == 0:
            return f"{size_bytes // _BINARY[unit]}{unit}"
    return f"{size_bytes}B"


def rounded_size(size_bytes: int) -> str:
    """Bytes for people, in the unit that leaves a number they read: `16.1MiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size_bytes >= _BINARY[unit]:
            return f"{size_bytes / _BINARY[unit]:.1f}".removesuffix(".0") + unit
    return f"{size_bytes}B"


def parse_cpu(text: str) -> int:
    """`0.5` or `250m` to thousandths of one core, 10 (0.01) and up."""
    match = re.fullmatch(r"([0-9]{1,6})m", text)
    if match:
        millicores = int(match[1])
    else:
        match = re.fullmatch(r"(0|[1-9][0-9]{0,4})(?:\.([0-9]{1,3}))?", text)
        if not match:
            raise ValueError(f'"{text}" is not a number of cores, as in 0.5 (at most 3 decimals)')
        millicores = int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
    if millicores < 10:
        raise ValueError(f'"{text}" is below the least of 0.01 cores')
    return millicores


def format_cpu(millicores: int) -> str:
    """Thousandths of a core as a decimal without idle zeros."""
    return f"{millicores / 1000:.3f}".rstrip("0").rstrip(".")


def parse_byte_rate(text: str) -> int:
    """`50MiB/s` to bytes a second."""
    size, slash, per = text.partition("/")
    if not slash or per != "s":
        raise ValueError(f'"{text}" is not a rate, as in 50MiB/s')
    return parse_size(size)


def parse_bit_rate(text: str) -> int:
    """`20Mbit/s` to bits a second."""
    number, unit = _quantity(text, "20Mbit/s", lambda _: "")
    if unit not in _BITS:
        raise ValueError(f'"{text}" is not a bit rate; units are bit/s kbit/s Mbit/s Gbit/s')
    if number == 0:
        raise ValueError("a rate of nothing is no rate")
    return number * _BITS[unit]


def format_bit_rate(bits: int) -> str:
    """Bits a second in the largest unit that keeps them whole."""
    for unit in ("Gbit/s", "Mbit/s", "kbit/s"):
        if bits and bits % _BITS[unit] == 0:
            return f"{bits // _BITS[unit]}{unit}"
    return f"{bits}bit/s"


def parse_time(text: str) -> int:
    """`2s` to milliseconds."""
    number, unit = _quantity(text, "30s", _time_meant)
    if unit not in _TIMES:
        remedy = _guess(_time_meant(text)) or "; units are ms s m h d, as in 30s"
        raise ValueError(f'"{text}" needs a unit of time{remedy}')
    return number * _TIMES[unit]


def _time_meant(text: str) -> str:
    """The time that is probably meant by `1m30s`, `1.5s` or `10 min`; empty where nothing suggests
    itself."""
    if not re.fullmatch(f"(?:{_LOOSE.pattern})+", text):
        return ""
    parts = [(float(number), _TIME_WORDS.get(unit, unit)) for number, unit in _LOOSE.findall(text)]
    if not all(unit in _TIMES for _, unit in parts):
        return ""
    milliseconds = int(sum(number * _TIMES[unit] for number, unit in parts))
    return format_time(milliseconds) if milliseconds else ""


def format_time(milliseconds: int) -> str:
    """Milliseconds in the largest unit that keeps them whole."""
    for unit in ("d", "h", "m", "s"):
        if milliseconds and milliseconds % _TIMES[unit] == 0:
            return f"{milliseconds // _TIMES[unit]}{unit}"
    return f"{milliseconds}ms"


def parse_cores(text: str) -> tuple[int, ...]:
    """The kernel's list of cores, `0-2,5`, as numbers in order; ValueError for what is none."""
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, dash, last = part.partition("-")
        least, most = int(first), int(last if dash else first)
        if not 0 <= least <= most < _CORES_MAX:
            raise ValueError(f"{part} are no cores")
        found.update(range(least, most + 1))
    return tuple(sorted(found))


def format_cores(cores: Iterable[int]) -> str:
    """Cores as the kernel lists them: `0-2,5`."""
    ranges: list[list[int]] = []
    for core in sorted(cores):
        if ranges and core == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], core]
        else:
            ranges.append([core])
    return ",".join("-".join(map(str, one)) for one in ranges)
