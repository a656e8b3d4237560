"""What a box's last lines mean, where they are known, and the manifest line that mends it.

An ordered table: the first pattern that matches gives the sentence and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestr8.boxes.spec import BoxSpec
from orchestr8.names import ServiceName


@dataclass(frozen=True)
class Advice:
    """A sentence for people and the manifest line to add under the service."""

    what: str
    line: str


@dataclass(frozen=True)
class Ending:
    """What is known of a box that failed."""

    service: ServiceName
    why: str
    lines: Sequence[str]
    out_of_memory: bool = False
    memory_max_bytes: int = 0


def advise(ending: Ending, spec: BoxSpec | None) -> Advice | None:
    """The first rule that knows what happened, or None."""
    if ending.out_of_memory:
        return _out_of_memory(ending)
    text = "\n".join((ending.why, *ending.lines))
    for pattern, answer in _PATTERNS:
        match = re.search(pattern, text, re.IGNORECASE | re.MULTILINE)
        if match:
            return answer(match, ending, spec)
    return None


def _out_of_memory(ending: Ending) -> Advice:
    mebibytes = max(ending.memory_max_bytes >> 20, 6)
    return Advice(
        f"the program needs more than {mebibytes}MiB; scratch counts as memory too",
        f"limits: {{memory: {mebibytes * 2}MiB}}",
    )


def _folder(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"


def _read_only(match: re.Match[str], ending: Ending, _: BoxSpec | None) -> Advice:
    path = match["path"]
    folder = _folder(path) if "." in path.rsplit("/", 1)[-1] else path
    return Advice(
        f"the program wants to write to {folder}, and the root is read-only; owner "
        f"{ending.service.owner} may add to {ending.service.service}",
        f"scratch: {{{folder}: 16MiB}}",
    )


def _read_only_somewhere(_: re.Match[str], ending: Ending, __: BoxSpec | None) -> Advice:
    return Advice(
        f"the program wants to write where the root is read-only; owner {ending.service.owner} "
        f"may add to {ending.service.service} the folder that it means",
        "scratch: {/path/of/folder: 16MiB}",
    )


def _port(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice(
        "the address or port cannot be bound; ports below 1024 are open to every box, so another "
        "program of the box holds it or the address is not the box's",
        'let the program listen on 0.0.0.0, as in  args: [--listen, "0.0.0.0:8080"]',
    )


def _chown(_: re.Match[str], ending: Ending, __: BoxSpec | None) -> Advice:
    return Advice(
        "the program starts as root's helper and gives files away, and nothing runs as root here; "
        "most images skip that when they start as their own user",
        "relax: [user.fixed: 999:999]   # the id that the image's files belong to",
    )


def _user(match: re.Match[str], ending: Ending, spec: BoxSpec | None) -> Advice:
    uid = spec.uid if spec else "its uid"
    return Advice(
        f"the program looks for a user that the image does not have (it runs as uid {uid})",
        "relax: [user.fixed: 999:999]   # the id of a user in the image's /etc/passwd",
    )


def _architecture(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice("the image's program is for another processor", "image: one for this machine")


def _missing_binary(match: re.Match[str], _: Ending, __: BoxSpec | None) -> Advice:
    return Advice("the program to start is not in the image", "entrypoint: [/path/of/the/program]")


def _noexec(match: re.Match[str], _: Ending, __: BoxSpec | None) -> Advice:
    return Advice(
        "the program loads code from a scratch folder, where nothing may be executed",
        "relax: [fs.scratch-exec: /tmp]",
    )


def _space(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice("a scratch folder is full", "scratch: {/tmp: 64MiB}")


Rule = Callable[[re.Match[str], Ending, BoxSpec | None], Advice]

_PATTERNS: tuple[tuple[str, Rule], ...] = (
    (r"exec format error", _architecture),
    (r"(executable file not found|no such file or directory.*unknown|: not found in)|"
     r"the program .* is not in the image|stat .*: no such file", _missing_binary),
    (r"(?:open|mkdir|create|write|touch|unlink|rename)[^\n]*?[\"'( ](?P<path>/[\w./-]+)[^\n]*"
     r"read-only file system", _read_only),
    (r"(?P<path>/[\w./-]+)[^\n]*read-only file system", _read_only),
    (r"read-only file system[^\n]*?(?P<path>/[\w./-]+)", _read_only),
    (r"read-only file system|EROFS", _read_only_somewhere),
    (r"failed to map segment|cannot open shared object.*permission", _noexec),
    (r"(chown|chgrp|setgid|setuid|setgroups|initgroups)[^\n]*"
     r"(not permitted|permission denied|failed)", _chown),
    (r"(user|uid)[^\n]*(does not exist|not found|unknown|no such)|getpwnam|getpwuid|"
     r"whoami: cannot find|look up effective user", _user),
    (r"bind[^\n]*(permission denied|in use|cannot assign)|address already in use", _port),
    (r"no space left on device", _space),
)  # fmt: skip
