"""What a box's last lines mean, where they are known, and the manifest line that mends it.

An ordered table: the first pattern that matches gives the sentence and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from orchestr8.boxes.spec import BoxSpec
from orchestr8.isolation.hostpaths import target_refused
from orchestr8.names import ServiceName

_UNKNOWN_FOLDER = "/path/of/folder"
_COLUMNS_READ = 500
"""A line's beginning says what happened; the rest could be made to take long to search."""


class Advice(Struct, frozen=True):
    """A sentence for people and the manifest line to add under the service."""

    what: str
    line: str


class Ending(Struct, frozen=True):
    """What is known of a box that failed."""

    service: ServiceName
    why: str
    lines: Sequence[str]
    out_of_memory: bool = False
    memory_max_bytes: int = 0


def advise(ending: Ending, spec: BoxSpec | None) -> Advice | None:
    """The first rule that knows what happened, or None."""
    if ending.out_of_memory:
        return _needs_memory(ending)
    text = "\n".join(line[:_COLUMNS_READ] for line in (ending.why, *ending.lines))
    for pattern, answer in _PATTERNS:
        match = pattern.search(text)
        if match:
            return answer(match, ending, spec)
    return None


def _needs_memory(ending: Ending) -> Advice:
    mebibytes = max(ending.memory_max_bytes >> 20, 6)
    return Advice(
        f"the program needs more than {mebibytes}MiB; scratch counts as memory too",
        f"limits: {{memory: {mebibytes * 2}MiB}}",
    )


def _out_of_memory(_: re.Match[str], ending: Ending, __: BoxSpec | None) -> Advice:
    return _needs_memory(ending)


def _may_be_mounted(folder: str) -> str:
    """The folder, or a stand-in where nothing may be mounted, since the image's own would go."""
    return _UNKNOWN_FOLDER if target_refused(folder) else folder


def _parent(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"


def _made_folder(match: re.Match[str], ending: Ending, _: BoxSpec | None) -> Advice:
    return _wants_to_write(match["path"], ending)


def _written_file(match: re.Match[str], ending: Ending, _: BoxSpec | None) -> Advice:
    return _wants_to_write(_parent(match["path"]), ending)


def _written_something(match: re.Match[str], ending: Ending, _: BoxSpec | None) -> Advice:
    path = match["path"]
    is_file = "." in path.rsplit("/", 1)[-1]
    return _wants_to_write(_parent(path) if is_file else path, ending)


def _wants_to_write(folder: str, ending: Ending) -> Advice:
    return Advice(
        f"the program wants to write to {folder}, and the root is read-only; owner "
        f"{ending.service.owner} may add to {ending.service.service}",
        f"scratch: {{{_may_be_mounted(folder)}: 16MiB}}",
    )


def _written_somewhere(_: re.Match[str], ending: Ending, __: BoxSpec | None) -> Advice:
    return Advice(
        f"the program wants to write where the root is read-only; owner {ending.service.owner} "
        f"may add to {ending.service.service} the folder that it means",
        f"scratch: {{{_UNKNOWN_FOLDER}: 16MiB}}",
    )


def _closed_file(match: re.Match[str], _: Ending, spec: BoxSpec | None) -> Advice:
    folder = _may_be_mounted(_parent(match["path"]))
    return Advice(
        f"the program, {_running_as(spec)}, may not open {match['path']}; where it only writes "
        "there, a scratch folder of its own does",
        f"scratch: {{{folder}: 16MiB}}   # or, to read it:  relax: [user.fixed: 999:999]",
    )


def _running_as(spec: BoxSpec | None) -> str:
    return f"which runs as uid {spec.uid}" if spec else "which runs as a uid of its own"


def _port(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice(
        "the address or port cannot be bound; ports below 1024 are open to every box, so another "
        "program of the box holds it or the address is not the box's",
        'let the program listen on 0.0.0.0, as in  args: [--listen, "0.0.0.0:8080"]',
    )


def _chown(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice(
        "the program starts as root's helper and gives files away, and nothing runs as root here; "
        "most images skip that when they start as their own user",
        "relax: [user.fixed: 999:999]   # the id that the image's files belong to",
    )


def _user(_: re.Match[str], __: Ending, spec: BoxSpec | None) -> Advice:
    return Advice(
        f"the program looks for a user that the image does not have, {_running_as(spec)}",
        "relax: [user.fixed: 999:999]   # the id of a user in the image's /etc/passwd",
    )


def _foreign_data(_: re.Match[str], __: Ending, spec: BoxSpec | None) -> Advice:
    return Advice(
        f"the data belongs to another id than the program's, {_running_as(spec)}",
        "relax: [user.fixed: 999:999]   # the id that the data belongs to",
    )


def _architecture(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice("the image's program is for another processor", "image: one for this machine")


def _missing_binary(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice("the program to start is not in the image", "entrypoint: [/path/of/the/program]")


def _missing_check(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice(
        "the program of the health check is not in the image, or may not be executed",
        "health: {command: [/path/of/the/program]}",
    )


def _noexec(match: re.Match[str], _: Ending, __: BoxSpec | None) -> Advice:
    path = match.groupdict().get("path") or "/tmp/x"
    usual = next((one for one in ("/run", "/dev/shm") if path.startswith(f"{one}/")), "/tmp")
    return Advice(
        "the program loads code from a scratch folder, where nothing may be executed",
        f"relax: [fs.scratch-exec: {usual}]",
    )


def _space(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice("a scratch folder is full", "scratch: {/tmp: 64MiB}")


def _shared_memory(_: re.Match[str], __: Ending, ___: BoxSpec | None) -> Advice:
    return Advice("the box's shared memory is full", "scratch: {/dev/shm: 64MiB}")


Rule = Callable[[re.Match[str], Ending, BoxSpec | None], Advice]

_PATH = r"(?P<path>/[\w.@+/-]*[\w+-])"
_QUOTED = r"[^\n]*?[\"'( ]" + _PATH
_ON_READ_ONLY = r"^(?=[^\n]*read-only file system)[^\n]*?"
_SHELL = r"^(?:\S*/)?(?:[\w-]+\.sh|ba?sh|dash|ash|sh): (?:exec: )?(?:(?:line )?\d+: )?"
_TABLE: tuple[tuple[str, Rule], ...] = (
    (r"\Anot healthy within [^\n]*the command ended with status 12[67]\b", _missing_check),
    (r"exec format error", _architecture),
    (r"executable file [^\n]*not found|stat [^\n]*: no such file|"
     r"the program [^\n]* is not in the image|"
     r"(?:^exec /|env: )[^\n]*: no such file or directory", _missing_binary),
    (_SHELL + r"[\w./-]+: (?:command )?not found", _missing_binary),
    (_ON_READ_ONLY + r"(?:mkdir|director)" + _QUOTED, _made_folder),
    (_ON_READ_ONLY + r"(?:open|creat|writ|touch|unlink|renam|lock|file /|copyfile)" + _QUOTED,
     _written_file),
    (_ON_READ_ONLY + _PATH, _written_something),
    (r"read-only file system|EROFS", _written_somewhere),
    (r"^(?:[^\n]*?" + _PATH + r")?[^\n]*failed to map segment", _noexec),
    (r"(?:chown|chgrp|chmod|set(?:res)?[ug]id|setgroups|initgroups|failed switching to)[^\n]*"
     r"(?:not permitted|permission denied|failed)|(?:chown|chmod)\([^\n]*\n[^\n]*not permitted|"
     r"not permitted, [lf]?ch(?:own|mod)", _chown),
    (r"has wrong ownership|must be started by the user that owns", _foreign_data),
    (r"look up effective user|getpw(?:nam|uid)|get_passwd|whoami: |unknown uid|"
     r"cannot find name for (?:user|group)|unable to find user|no such user", _user),
    (r"bind[^\n]*(?:permission denied|in use|cannot assign)|address already in use|"
     r"listen EACCES", _port),
    (r"shared memory segment[^\n]*no space left", _shared_memory),
    (r"no space left on device", _space),
    (r"cannot allocate memory|\bout of memory\b|^MemoryError|std::bad_alloc|"
     r"java\.lang\.OutOfMemoryError", _out_of_memory),
    (r"^(?=[^\n]*permission denied)[^\n]*?[\"']" + _PATH, _closed_file),
)  # fmt: skip
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.MULTILINE), answer) for pattern, answer in _TABLE
)
