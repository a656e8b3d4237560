"""The parser of /proc/PID/mountinfo: proc_pid_mountinfo(5).

A workload that may mount, or whoever named a folder, decides what stands in it: spaces, tabs, line
breaks and backslashes come as octal escapes, and a line that does not parse is an error, not a
line less.
"""

from __future__ import annotations

import re
from functools import lru_cache

from orchestr8.proof.model import Mount

_ESCAPE = re.compile(r"\\([0-7]{3})")
_OPTION = re.compile(r'(?:(?<==)"[^"]*"(?=,|$)|[^,])+')
"""A value with commas, such as SELinux's categories, stands in quotes."""
_MOUNTS_MAX, _LISTS_KEPT = 4096, 256


def unescape(text: str) -> str:
    """Undo the kernel's octal escapes of space, tab, line break and backslash (\\040)."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def parse_line(line: str) -> Mount:
    """One line; raises ValueError if it is not one."""
    before, dash, after = line.partition(" - ")
    fields, tail = before.split(" "), after.split(" ")
    if not dash or len(fields) < 6 or len(tail) < 3:
        raise ValueError(f"not a line of mountinfo: {line[:80]!r}")
    return Mount(
        id=int(fields[0]),
        device=fields[2],
        root=unescape(fields[3]),
        target=unescape(fields[4]),
        options=_words(fields[5]),
        optional=tuple(fields[6:]),
        type=unescape(tail[0]),
        source=unescape(tail[1]),
        super_options=_words(tail[2]),
    )


@lru_cache(maxsize=_LISTS_KEPT)
def _words(text: str) -> frozenset[str]:
    """A list of options; most mounts of all boxes have one of a few."""
    words = _OPTION.findall(text) if '"' in text else text.split(",")
    return frozenset(map(unescape, words))


def parse(text: str) -> tuple[Mount, ...]:
    """All lines, in the kernel's order: of two mounts at one place the later one is seen."""
    lines = text.split("\n")
    if len(lines) > _MOUNTS_MAX:
        raise ValueError(f"more than {_MOUNTS_MAX} mounts")
    return tuple(parse_line(line) for line in lines if line)
