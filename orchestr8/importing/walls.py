"""The walls that a Compose file lowers: powers, devices, namespaces of others.

What a person may be asked to answer for stands under `relax` with a reason that is to be completed.
What would make a box the host's equal is never asked for: it is a comment, since it takes an end
and others' word as well.
"""

from __future__ import annotations

from orchestr8.errors import Place
from orchestr8.importing.canonical import text
from orchestr8.importing.service import Carried
from orchestr8.isolation.capabilities import CAPABILITIES
from orchestr8.isolation.consent import Danger
from orchestr8.isolation.hostpaths import device_equals_host
from orchestr8.manifest import arguments, paths
from orchestr8.manifest.foreign import Scalar

_POWERS = "CAP_"
_LINKS = ("/dev/serial/", "/dev/disk/", "/dev/input/by-", "/dev/v4l/")
_EXPLAIN = "`orchestr8 explain relaxation {}`".format


def carry(service: Carried) -> None:
    """Everything that lessens the isolation of a service."""
    _privileged(service)
    _capabilities(service)
    _devices(service)
    _security(service)
    for key, share in (("pid", "ns.pid.share"), ("ipc", "ns.ipc.share")):
        _namespace(service, key, share)
    _others(service)


def as_comment(service: Carried, key: str, asked: str, said: str, at: Place) -> None:
    """A relaxation that equals the host: written as a comment, and said."""
    service.draft.remarks += [
        f"{said}: as good as the host. If it must be, with an end at most 90 days away:",
        f"  relax: [{{{asked}, why: …, until: …}}]",
    ]
    what = f"{said} makes the box the host's equal, and is not asked for"
    nearest = f"find a way without; else the line that is commented: {asked}"
    service.must(key, what, nearest, at=at)


def _privileged(service: Carried) -> None:
    if service.text("privileged") == "true":
        service.left(
            "privileged",
            "there is no such switch: the box has none of the powers",
            "ask for what is needed, one by one:  relax: [cap.add: NAME] or [device.add: …]",
        )


def _capabilities(service: Carried) -> None:
    user = service.text("user").partition(":")[0]
    for item in service.items("cap_add"):
        written = text(item)
        name = written.upper().removeprefix(_POWERS)
        if name == "NET_BIND_SERVICE":
            service.same("cap_add", "ports below 1024 are open to every box")
            continue
        try:
            arguments.capability(name)
        except ValueError as error:
            service.left("cap_add", str(error), _EXPLAIN("cap.add"), at=item.place)
            continue
        if user not in ("", "0", "root"):
            what = f"{name} has no effect for a program that is not root, there as here"
            service.left("cap_add", what, "take it out", at=item.place)
        elif CAPABILITIES[name].in_host_namespace.danger is Danger.HOST:
            as_comment(service, "cap_add", f"cap.add: {name}", f"cap_add: {name}", item.place)
        else:
            said = f"cap_add: {name}"
            service.relax("cap_add", "user.root", {}, f"{said}, which takes root", item.place)
            service.relax("cap_add", "cap.add", name, said, item.place)


def _devices(service: Carried) -> None:
    for item in service.items("devices"):
        found = {key: text(one.value) for key, one in getattr(item, "entries", {}).items()}
        source, target = found.get("source", ""), found.get("target", "")
        try:
            paths.device(source)
            access = arguments.access(found.get("permissions") or "rw").replace("m", "") or "rw"
        except ValueError as error:
            service.left("devices", str(error), _EXPLAIN("device.add"), at=item.place)
            continue
        if source.startswith(_LINKS):
            what = f"{source} only leads to a device"
            nearest = f"name the device itself: readlink -f {source}"
            service.must("devices", what, nearest, at=item.place)
            continue
        if target not in ("", source):
            what = f"{source} keeps its own path in the box; Compose called it {target}"
            service.changed("devices", what, at=item.place)
        if device_equals_host(source):
            asked = f"device.add: {{path: {source}, access: {access}}}"
            as_comment(service, "devices", asked, f"the device {source}", item.place)
        else:
            argument = {"path": source} if access == "rw" else {"path": source, "access": access}
            service.relax("devices", "device.add", argument, f"devices: {source}", item.place)


def _security(service: Carried) -> None:
    for item in service.items("security_opt"):
        option = text(item)
        if option.replace("=", ":") in ("no-new-privileges", "no-new-privileges:true"):
            service.same("security_opt", "no new privileges are ever gained")
        else:
            what = f"{option}: the profile's own filter and confinement always hold"
            service.left("security_opt", what, "`orchestr8 explain relaxation`", at=item.place)


def _namespace(service: Carried, key: str, share: str) -> None:
    asked = service.text(key)
    kind, _, name = asked.partition(":")
    if asked in ("", "private", "shareable", "none"):
        if asked:
            service.same(key, "each box has its own")
    elif kind == "service" and name in service.whole.services:
        service.relax(key, share, service.whole.services[name], f"{key}: {asked}")
    else:
        what = f"{asked}: no box sees the {key} namespace of the host or of a stranger"
        service.left(key, what, f"to join another service's: {_EXPLAIN(share)}")


def _others(service: Carried) -> None:
    if service.text("read_only") == "true":
        service.same("read_only", "the root is read-only; writable places are `scratch`")
    if service.text("init") == "true":
        what = "no init is put before the program, which is process 1 of its box"
        service.left("init", what, "an image whose entry point is an init, as tini is")
    for key in ("cgroup", "uts", "userns_mode"):
        value = service.value(key)
        asked = text(value) if isinstance(value, Scalar) else ""
        if asked == "private":
            service.same(key, "each box has its own")
        elif asked:
            service.left(key, f"{asked}: a box is never in a namespace of the host's")
