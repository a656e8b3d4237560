"""The catalogue of relaxations: one entry each, deny by default.

An entry says what it weakens and why one would want it, how dangerous it is with given arguments,
and how it changes the profile. `changes` names the dimensions that it touches: each of them needs
a translation line in every engine and a claim, and each entry needs a granted and a refused case;
tests/house fails while one is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import astuple, replace

from orchestr8.isolation import capabilities, hostpaths
from orchestr8.isolation.consent import Assessment, Consent, Danger
from orchestr8.isolation.profile import Device, HostPath, Profile, Scratch
from orchestr8.isolation.strict import VERSIONS

Value = str | int | bool | tuple[str, ...] | tuple[int, ...]
Arguments = Mapping[str, Value]
Part = TypeVar("Part", Scratch, Device, HostPath)

OWNER_MINOR = Assessment(Danger.MINOR, Consent.OWNER)
PEER_MODERATE = Assessment(Danger.MODERATE, Consent.PEER)
PLATFORM_MODERATE = Assessment(Danger.MODERATE, Consent.PLATFORM)
TWO_HOST = Assessment(Danger.HOST, Consent.TWO)


class Kind(Enum):
    """How an argument is written and checked."""

    CAPABILITY = "a capability's name without CAP_, as in CHOWN"
    UID_GID = "digits uid:gid, as in 999:999"
    TARGET = "an absolute path inside the box"
    SOURCE = "an absolute path of the host"
    DEVICE = "a device path, as in /dev/fuse"
    ACCESS = "letters of rwm"
    MODE = "ro or rw"
    CIDRS = "an address range or a list of them, as in 198.51.100.0/24"
    PORTS = "a list of ports, as in [443]"
    SERVICE = "a service, as in api.payments"
    ENV_NAMES = "a list of environment variable names"


class Parameter(Struct, frozen=True):
    """One typed parameter of a relaxation."""

    name: str
    kind: Kind
    default: Value | None = None
    """None means that it must be given."""


class Relaxation(Struct, frozen=True):
    """One named weakening of the profile."""

    id: str
    weakens: str
    why: str
    changes: tuple[str, ...]
    assess: Callable[[Arguments, bool], Assessment]
    """Danger and consent from the arguments and whether the box has a user namespace."""
    apply: Callable[[Profile, Arguments], Profile] = lambda profile, _: profile
    parameters: tuple[Parameter, ...] = ()
    field: str = ""
    """The plain manifest field that implies it; empty for those written under `relax`."""
    instead: str = ""
    """What often does the job without it."""


def _always(assessment: Assessment) -> Callable[[Arguments, bool], Assessment]:
    return lambda _arguments, _user_namespace: assessment


def _text(arguments: Arguments, name: str) -> str:
    return str(arguments[name])


def _assess_capability(arguments: Arguments, user_namespace: bool) -> Assessment:
    capability = capabilities.CAPABILITIES[_text(arguments, "name")]
    inside = capability.in_user_namespace if user_namespace else None
    return inside or capability.in_host_namespace


def _add_capability(profile: Profile, arguments: Arguments) -> Profile:
    names = {*profile.capabilities, _text(arguments, "name")}
    return replace(profile, capabilities=tuple(sorted(names)))


def _assess_root(_: Arguments, user_namespace: bool) -> Assessment:
    return OWNER_MINOR if user_namespace else PLATFORM_MODERATE


def _assess_host_path(arguments: Arguments, _: bool) -> Assessment:
    if hostpaths.equals_host(_text(arguments, "source"), arguments["mode"] == "rw"):
        return TWO_HOST
    return PLATFORM_MODERATE


def _add_host_path(profile: Profile, arguments: Arguments) -> Profile:
    added = HostPath(
        _text(arguments, "source"), _text(arguments, "target"), arguments["mode"] == "ro"
    )
    return replace(profile, host_paths=_in_order({*profile.host_paths, added}))


def _assess_device(arguments: Arguments, _: bool) -> Assessment:
    return TWO_HOST if hostpaths.device_equals_host(_text(arguments, "path")) else PLATFORM_MODERATE


def _add_device(profile: Profile, arguments: Arguments) -> Profile:
    added = Device(_text(arguments, "path"), _text(arguments, "access"))
    return replace(profile, devices=_in_order({*profile.devices, added}))


def _scratch_executable(profile: Profile, arguments: Arguments) -> Profile:
    """STRICT's own scratch is not in the profile until something about it deviates."""
    path = _text(arguments, "path")
    present = {scratch.path: scratch for scratch in VERSIONS[profile.strict].scratch}
    present |= {scratch.path: scratch for scratch in profile.scratch}
    found = present.get(path)
    return _with_scratch(profile, replace(found, executable=True)) if found else profile


def _add_scratch(profile: Profile, arguments: Arguments) -> Profile:
    size_bytes = int(str(arguments["size"]))
    return _with_scratch(profile, Scratch(_text(arguments, "path"), size_bytes))


def _with_scratch(profile: Profile, added: Scratch) -> Profile:
    kept = tuple(scratch for scratch in profile.scratch if scratch.path != added.path)
    return replace(profile, scratch=_in_order((*kept, added)))


def _in_order(found: Iterable[Part]) -> tuple[Part, ...]:
    """Sorted by the fields in turn, so that equal profiles are written alike."""
    return tuple(sorted(found, key=astuple))


def _assess_publish(arguments: Arguments, _: bool) -> Assessment:
    loopback = _text(arguments, "address").startswith("127.")
    return OWNER_MINOR if loopback and int(str(arguments["port"])) >= 1024 else PLATFORM_MODERATE


def _assess_link(arguments: Arguments, _: bool) -> Assessment:
    return PEER_MODERATE if arguments.get("foreign") else OWNER_MINOR


def _share(namespace: str, apply: Callable[[Profile, Arguments], Profile]) -> Relaxation:
    reach = {
        "pid": "either side sees, signals and may trace the other's processes",
        "net": "both sides have one loopback, one address and one set of ports",
        "ipc": "both sides have one set of System V and POSIX shared memory",
    }
    return Relaxation(
        f"ns.{namespace}.share",
        weakens=f"the {namespace} namespace is another service's: {reach[namespace]}",
        why="two programs that must work closely together, such as a debugger or a sidecar",
        changes=(namespace,),
        assess=_always(PEER_MODERATE),
        apply=apply,
        parameters=(Parameter("with", Kind.SERVICE),),
        instead="a link, if one port is all that is needed",
    )


_ENTRIES = (
    Relaxation(
        "cap.add",
        weakens="the capability sets, which are empty",
        why="an entry point that starts as root and steps down, or a tool that needs one power",
        changes=("capabilities",),
        assess=_assess_capability,
        apply=_add_capability,
        parameters=(Parameter("name", Kind.CAPABILITY),),
        instead="start the program as its own user; ports below 1024 are open to every box",
    ),
    Relaxation(
        "user.fixed",
        weakens="the service's private uid: the image's own numbers are used, and others may too",
        why="an image whose files belong to a fixed uid and are closed to everyone else",
        changes=("user",),
        assess=_always(OWNER_MINOR),
        apply=lambda profile, _: replace(profile, user="fixed"),
        parameters=(Parameter("id", Kind.UID_GID),),
    ),
    Relaxation(
        "user.root",
        weakens="the rule that nothing runs as root",
        why="an image that insists on uid 0",
        changes=("user",),
        assess=_assess_root,
        apply=lambda profile, _: replace(profile, user="root"),
        instead="user.fixed with the id that the program steps down to",
    ),
    Relaxation(
        "fs.host-path",
        weakens="the rule that no directory of the host is visible",
        why="a program whose subject is the host, such as a backup or a log shipper",
        changes=("host_paths",),
        assess=_assess_host_path,
        apply=_add_host_path,
        parameters=(
            Parameter("source", Kind.SOURCE),
            Parameter("target", Kind.TARGET),
            Parameter("mode", Kind.MODE, "ro"),
        ),
        instead="a volume, shared with the services that need it",
    ),
    Relaxation(
        "fs.scratch-exec",
        weakens="noexec on one scratch directory",
        why="a runtime that unpacks native code before it loads it (JNI, PyInstaller)",
        changes=("scratch",),
        assess=_always(OWNER_MINOR),
        apply=_scratch_executable,
        parameters=(Parameter("path", Kind.TARGET),),
    ),
    Relaxation(
        "device.add",
        weakens="the short list of harmless devices",
        why="hardware or a kernel interface that the program is about (FUSE, a GPU, serial lines)",
        changes=("devices",),
        assess=_assess_device,
        apply=_add_device,
        parameters=(Parameter("path", Kind.DEVICE), Parameter("access", Kind.ACCESS, "rw")),
    ),
    Relaxation(
        "image.env",
        weakens="the filter on loader variables that an image sets",
        why="an image whose own LD_PRELOAD or NODE_OPTIONS is wanted",
        changes=("image_env",),
        assess=_always(OWNER_MINOR),
        apply=lambda profile, arguments: replace(
            profile, image_env=tuple(sorted(_names(arguments["names"])))
        ),
        parameters=(Parameter("names", Kind.ENV_NAMES),),
        instead="env in the manifest, where the value is written down",
    ),
    Relaxation(
        "net.egress",
        weakens="the rule that a box reaches nothing outside",
        why="a service that calls another company's interface or a mail relay",
        changes=("egress",),
        assess=_always(PLATFORM_MODERATE),
        parameters=(Parameter("to", Kind.CIDRS), Parameter("ports", Kind.PORTS)),
        instead="connects, if what it calls is a service here",
    ),
    _share("pid", lambda profile, given: replace(profile, pid=_text(given, "with"))),
    _share("net", lambda profile, given: replace(profile, net=_text(given, "with"))),
    _share("ipc", lambda profile, given: replace(profile, ipc=_text(given, "with"))),
    Relaxation(
        "net.publish",
        weakens="the rule that no port of the host leads into a box",
        why="a service for people or programs outside",
        changes=("publish",),
        assess=_assess_publish,
        field="publish",
    ),
    Relaxation(
        "net.link",
        weakens="default-deny between services: one port, one direction",
        why="a service that calls another",
        changes=("links",),
        assess=_assess_link,
        field="connects",
    ),
    Relaxation(
        "fs.scratch",
        weakens="the box has more writable memory than the default scratch",
        why="a program that writes caches or temporary files",
        changes=("scratch",),
        assess=_always(OWNER_MINOR),
        apply=_add_scratch,
        field="scratch",
    ),
    Relaxation(
        "fs.volume",
        weakens="the box has storage that outlives it",
        why="data",
        changes=("volumes",),
        assess=_always(OWNER_MINOR),
        field="volumes",
    ),
    Relaxation(
        "fs.volume.shared",
        weakens="two services see one directory",
        why="a report that reads what another service writes",
        changes=("volumes",),
        assess=_always(PEER_MODERATE),
        field="volumes of another service",
        instead="a link over which the owner hands out what is needed",
    ),
    Relaxation(
        "image.tag",
        weakens="what runs is what a tag meant when it was first resolved",
        why="images that are built and tagged locally",
        changes=("image",),
        assess=_always(OWNER_MINOR),
        field="image",
        instead="name@sha256:… in the manifest",
    ),
)


def _names(value: Value) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, tuple) else (str(value),)


RELAXATIONS = {entry.id: entry for entry in _ENTRIES}
ASKED_BY_NAME = {entry.id: entry for entry in _ENTRIES if not entry.field}
