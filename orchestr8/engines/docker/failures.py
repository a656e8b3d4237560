"""Docker's exceptions and messages in our words.

One table: what an answer looks like, which of the three errors it is, what happened, and whose
move it is. What no row knows is told as it came, and sorted by its status alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import urllib3.exceptions
from msgspec import DecodeError, Struct

from orchestr8.descriptors import REMEDY
from orchestr8.engines.docker import endpoint
from orchestr8.errors import (
    EngineError,
    FeatureMissingError,
    RejectedError,
    ShortageError,
    UnavailableError,
)

_Kind = type[UnavailableError] | type[RejectedError] | type[FeatureMissingError]


class RefusalError(Exception):
    """An answer of the engine that is no success, before anybody has said what was being done."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


FOREIGN = (
    RefusalError,
    urllib3.exceptions.HTTPError,
    DecodeError,
    OSError,
)
"""Everything that a call of the engine may raise, beside what the library has of its own."""


class Row(Struct, frozen=True):
    """One known answer: a pattern in Docker's text; named groups fill the sentences."""

    pattern: str
    kind: _Kind
    what: str
    remedy: str = ""


_SEE = "look at the log of dockerd"

ROWS = (
    Row(r"too many open files", ShortageError,
        "the Docker Engine or the machine has no file descriptor left", REMEDY),
    Row(r"no space left on device|disk quota exceeded", RejectedError,
        "the disk that holds Docker's data is full",
        "free some space; docker system df shows what takes it"),
    Row(r'container name "/?(?P<name>[^"]+)" is already in use', RejectedError,
        "the name {name} belongs to a container that is not this installation's",
        "rename it: docker rename {name} OTHER"),
    Row(r"network with name (?P<name>\S+) already exists", RejectedError,
        "the network {name} is there and is not this installation's",
        "remove it: docker network rm {name}"),
    Row(r"(?:pool|subnet) overlaps|overlaps with (?:other one|existing)", RejectedError,
        "the boxes' address range is in use by another network of Docker",
        "find it with docker network ls and inspect, and remove it"),
    Row(r"could not find an available.*address pool", RejectedError,
        "Docker's own address pools are used up",
        "remove networks that nothing uses: docker network prune"),
    Row(r"address already in use", RejectedError,
        "the box's address is in use by another container",
        "find it: docker network inspect the network of the boxes"),
    Row(r"port is already allocated|bind for (?P<port>\S+) failed", RejectedError,
        "the port of the host is taken", "see who listens: ss -ltnp"),
    Row(r"no such image: ?(?P<image>\S+)|no such image", RejectedError,
        "the image is not on this engine", "apply again: it is fetched first"),
    Row(r"pull access denied for (?P<image>[^,\s]+)", RejectedError,
        "no registry gives {image} to this machine: it does not exist there, or asks for a login",
        "look at its name; docker login REGISTRY; or build it and load it: docker load"),
    Row(r"manifest unknown|manifest for (?P<image>\S+) not found|repository .* not found",
        RejectedError, "the registry has no image of this name and tag", "look at name and tag"),
    Row(r"no matching manifest for (?P<platform>\S+)", RejectedError,
        "the image does not exist for {platform}", "build or choose one for this machine"),
    Row(r"unauthorized|authentication required|denied: requested access", RejectedError,
        "the registry asks for a login", "docker login REGISTRY, as root"),
    Row(r"toomanyrequests|rate limit", UnavailableError,
        "the registry limits how often one may fetch", "wait, or log in: docker login"),
    Row(r"invalid reference format", RejectedError,
        "the image's name is malformed", "write registry/name:tag or name@sha256:digest"),
    Row(r"no such host|server misbehaving|tls handshake timeout|i/o timeout|"
        r"dial (?:tcp|udp)\b.*(?:refused|unreachable|no route to host|timed out)|"
        r"failed to resolve reference|client\.timeout exceeded|request canceled while waiting",
        UnavailableError, "the registry does not answer",
        "see whether this machine reaches it:  curl https://REGISTRY/"),
    Row(r"x509:|http: server gave http response to https client", RejectedError,
        "the registry's certificate is not trusted", "put its CA below /etc/docker/certs.d"),
    Row(r'(?:exec: "(?P<program>[^"]*)": .*(?:no such file|not found|is a directory))|'
        r'exec (?P<other>/\S+): no such file', RejectedError,
        "the image has no program {program}{other}",
        "mend entrypoint and args, or the image"),
    Row(r'exec: "(?P<program>[^"]*)": .*permission denied|'
        r"exec (?P<other>/\S+): permission denied", RejectedError,
        "the box's user may not run {program}{other}",
        "make it executable for everyone in the image, or relax user.fixed"),
    Row(r"exec format error", RejectedError,
        "the program is for another processor than this machine's",
        "build or choose an image for this machine"),
    Row(r"chdir to cwd|mkdir .*cwd|no such file or directory.*working directory", RejectedError,
        "the box's working directory cannot be entered by its user",
        "write workdir: with a directory that everyone may enter"),
    Row(r"bind source path does not exist: (?P<path>\S+)", RejectedError,
        "the engine does not see {path}",
        "apply again: the box is made anew; where that does not help, the engine came as a snap or "
        "in a container, and does not see this machine's folders: install it as a package"),
    Row(r"not a directory.*are you trying to mount|mounting .* to rootfs at \"?(?P<path>[^\"\s]+)",
        RejectedError, "something of the box cannot be mounted at {path}",
        "look whether the image has a file there where a directory is mounted, or the reverse"),
    Row(r"non-shareable ipc", RejectedError,
        "the box whose ipc namespace is joined was made before anyone might join it",
        "let it be made anew; then this box can join"),
    Row(r"cannot join (?:network|pid|ipc) of a non running|"
        r"(?:join|network) .*container .*is not running", RejectedError,
        "the box whose namespace is joined does not run", "start that one first"),
    Row(r"minimum memory limit allowed", RejectedError,
        "the memory limit is below what Docker takes", "write at least 6MiB"),
    Row(r"range of cpus is from", RejectedError,
        "the cpu limit is more than this machine has", "lower limits.cpu"),
    Row(r"cpu\.(?:cfs_quota_us|max).*invalid argument", RejectedError,
        "the box's cpu limit is more than its owner's quota",
        "lower limits.cpu, or ask the platform for a larger quota"),
    Row(r"device or resource busy|unable to set memory limit|memory limit.*(?:usage|busy)",
        RejectedError, "the box uses more memory than the new limit",
        "lower it less, or let the box be replaced"),
    Row(r"error gathering device information.*?\"(?P<path>[^\"]+)\"", RejectedError,
        "this machine has no device {path}", "take device.add out, or load the driver"),
    Row(r"sysctl .*(?:not allowed|separate kernel namespace)|unknown sysctl|"
        r"open /proc/sys/(?P<name>\S+): no such file", FeatureMissingError,
        "this kernel does not give a box a setting of its own that STRICT asks for",
        "run a kernel with IPv4 and its own network namespaces"),
    Row(r"seccomp.*(?:not enabled|not supported|unsupported)", FeatureMissingError,
        "this kernel or engine has no seccomp filters", "run a kernel with CONFIG_SECCOMP_FILTER"),
    Row(r"apparmor", FeatureMissingError,
        "the kernel's AppArmor does not know the box's profile", "apply again: it is loaded first"),
    Row(r"no such volume|(?:get|volume) (?P<name>\S+): no such volume", RejectedError,
        "the volume is not there", "apply again: it is made first"),
    Row(r"volume is in use|remove (?P<name>\S+): volume is in use", RejectedError,
        "a container still has the volume", "remove that box first"),
    Row(r"client version .* is too (?:old|new)|minimum supported api version", RejectedError,
        "this Docker Engine and this orchestr8 have no API version in common",
        "update the older of the two"),
    Row(r"connection error: desc|containerd|context deadline exceeded|context canceled|"
        r"shutting down|transport is closing", UnavailableError,
        "the Docker Engine is starting, stopping or waits for containerd", _SEE),
)  # fmt: skip


def translated(error: Exception, doing: str, endpoint_url: str) -> EngineError:
    """One foreign exception in our words."""
    if isinstance(error, RefusalError):
        return answered(str(error), doing, error.status)
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return late(doing, endpoint_url)
    refused = operating_system_error(error)
    if refused:
        return endpoint.unanswered(endpoint_url, refused)
    if isinstance(error, urllib3.exceptions.HTTPError | DecodeError):
        return broken_off(doing, endpoint_url)
    # the rest is what the library itself finds wrong: bad arguments, versions, contexts, streams
    return answered(str(error), doing, None)


@contextmanager
def words(
    doing: str,
    endpoint_url: str,
    foreign: tuple[type[Exception], ...] = FOREIGN,
    translate: Callable[[Exception, str, str], EngineError] = translated,
) -> Iterator[None]:
    """Let none of the engine's exceptions out of a call; `doing` says what was being done."""
    try:
        yield
    except foreign as error:
        raise translate(error, doing, endpoint_url) from error


def late(doing: str, endpoint_url: str) -> UnavailableError:
    """An answer that did not come."""
    return UnavailableError(
        f"{doing}: the Docker Engine at {endpoint_url} did not answer in time", _SEE
    )


def broken_off(doing: str, endpoint_url: str) -> UnavailableError:
    """An answer that came in part."""
    return UnavailableError(
        f"{doing}: the Docker Engine at {endpoint_url} broke off its answer", _SEE
    )


def answered(text: str, doing: str, status: int | None) -> EngineError:
    """A message of the engine, whether it came as an error or in a stream, in our words."""
    one_line = " ".join(str(text).split())
    for row in ROWS:
        match = re.search(row.pattern, one_line, re.IGNORECASE)
        if match:
            found = {name: value or "" for name, value in match.groupdict().items()}
            return row.kind(f"{doing}: {row.what.format(**found)}", row.remedy.format(**found))
    if status in (502, 503, 504):
        return UnavailableError(f"{doing}: the Docker Engine says: {one_line}", _SEE)
    return RejectedError(f"{doing}: the Docker Engine says: {one_line}", _SEE)


def operating_system_error(error: BaseException) -> OSError | None:
    """The system's own error behind the library's, found through causes and arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        candidate = waiting.pop(0)
        if not isinstance(candidate, BaseException) or id(candidate) in seen:
            continue
        seen.add(id(candidate))
        # requests derives its exceptions from OSError too, without a number
        if isinstance(candidate, OSError) and candidate.errno is not None:
            return candidate
        if isinstance(candidate, TimeoutError):
            return candidate
        waiting += [candidate.__cause__, candidate.__context__, *candidate.args]
        waiting.append(getattr(candidate, "reason", None))
    return None
