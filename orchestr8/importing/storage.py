"""What a service reads and keeps: volumes, files, scratch."""

from __future__ import annotations

import posixpath

from orchestr8 import names
from orchestr8.importing import known, quantities
from orchestr8.importing.canonical import entries, items, text
from orchestr8.importing.draft import Line
from orchestr8.importing.model import Absent
from orchestr8.importing.naming import fitted
from orchestr8.importing.service import Carried, Whole
from orchestr8.importing.walls import as_comment
from orchestr8.isolation.hostpaths import equals_host
from orchestr8.isolation.strict import NEWEST, VERSIONS
from orchestr8.manifest import paths
from orchestr8.manifest.foreign import Entry, Mapping
from orchestr8.manifest.text import FILE_BYTES_MAX

SCRATCH_CHOSEN = 64 << 20
"""The size of a scratch where the file names none: Compose's default is half of the memory."""

_ENGINE_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "/var/run", "/run")
_OPTIONS_LEFT = {
    "labels": "only orchestr8's own labels are set",
    "mode": "everybody in the box may write to scratch",
    "propagation": "what is mounted later at the host stays there",
    "recursive": "what is mounted below comes along, as it does by default",
}
_CLOCKS = ("/etc/localtime", "/etc/timezone")
_DEFAULTS = tuple(scratch.path for scratch in VERSIONS[NEWEST].scratch)
_MOUNTS = ("files", "scratch", "volumes")
_SECRETS = "/run/secrets"


def carry(service: Carried) -> None:
    """Everything that is mounted into a service."""
    for item in service.items("volumes"):
        if isinstance(item, Mapping):
            _mount(service, item)
    for item in service.items("tmpfs"):
        path, _, options = text(item).partition(":")
        _scratch(service, "tmpfs", path, options.split(",") if options else [])
    if service.text("shm_size"):
        _scratch(service, "shm_size", "/dev/shm", [f"size={service.text('shm_size')}"])
    _declared(service)


def _target(service: Carried, key: str, asked: str, item: Mapping) -> str:
    """Where something is mounted, if it may be and nothing is in the way; else empty, and said."""
    try:
        target = paths.target(posixpath.normpath(asked) if asked else asked)
    except ValueError as error:
        service.must(key, f"{asked}: {error}", "mount it elsewhere", at=item.place)
        return ""
    for field in _MOUNTS:
        line = service.draft.lines.get(field)
        for other in line.value if line else ():
            inside = paths.inside(target, other) and other not in _DEFAULTS
            around = paths.inside(other, target) and target not in _DEFAULTS
            if target == other or inside or around:
                what = f"{target} and {other} lie within each other, and mounts do not"
                service.must(key, what, "choose paths beside each other", at=item.place)
                return ""
    return target


def _mount(service: Carried, item: Mapping) -> None:
    kind, source = text(item.get("type")), text(item.get("source"))
    asked = text(item.get("target"))
    _options(service, item)
    if kind == "tmpfs":
        found = item.get("tmpfs")
        size = text(found.get("size")) if isinstance(found, Mapping) else ""
        _scratch(service, "volumes", asked, [f"size={size}"] if size else [])
    elif kind == "bind":
        _bind(service, item, source, asked)
    elif kind == "volume":
        _volume(service, item, source, asked)
    else:
        what = f"{asked}: a mount of the kind {kind}"
        service.left("volumes", what, "`volumes`, `files` or `scratch`", at=item.place)


def _declared(service: Carried) -> None:
    """Volumes that the image declares and the file does not mount: nameless ones with Compose.

    Where the program is another than the image's own, its data are not looked for.
    """
    lines = service.draft.lines
    mounts = [path for field in _MOUNTS for path in lines.get(field, Line({})).value]
    is_own_program = "entrypoint" not in lines and "run" not in lines
    for path in known.volumes_of(service.text("image")):
        if any(paths.inside(path, one) or paths.inside(one, path) for one in mounts):
            continue
        if not is_own_program:
            service.draft.add("scratch", path, "1MiB")
            continue
        name = _unused(_named_after(service, path), service.whole)
        service.draft.add("volumes", path, name)
        service.whole.draft.volumes[name] = {}
        what = f"its image declares a volume at {path}, nameless with Compose; it is {name} now"
        nearest = f"where it may be lost with the box:  scratch: {{{path}: 64MiB}}"
        service.changed("image", what, nearest)


def _named_after(service: Carried, path: str) -> str:
    """A name for a nameless volume: `cache-data`."""
    own, last = service.draft.name, posixpath.basename(path)
    return fitted(own if own == last else f"{own}-{last}", names.NAME_LENGTH_MAX - 3, "data")


def _options(service: Carried, item: Mapping) -> None:
    """What a mount says beside what is mounted where."""
    if item.get("consistency"):
        service.same("volumes", "a mount is the same at both sides at once")
    for name, found in item.entries.items():
        for option, entry in entries(found.value).items():
            if option == "selinux":
                _label(service, item, entry)
            elif option in _OPTIONS_LEFT:
                what = f"{name}.{option}: {_OPTIONS_LEFT[option]}"
                service.left("volumes", what, "take it out", at=entry.place)
            elif option == "nocopy":
                service.same("volumes", "nothing of the image is copied into a volume")


def _label(service: Carried, item: Mapping, option: Entry) -> None:
    """`z` and `Z`: whatever is mounted is labelled for the box, but for folders of the host."""
    if not text(item.get("source")).startswith("/"):
        service.same("volumes", "what a box mounts gets its label of SELinux by itself")
        return
    what = "selinux: nothing of the host is labelled anew"
    service.left(
        "volumes", what, "label it at the host, where SELinux is in force", at=option.place
    )


def _volume(service: Carried, item: Mapping, source: str, asked: str) -> None:
    options = item.get("volume")
    if isinstance(options, Mapping) and options.get("subpath"):
        what = f"{asked}: a part of a volume cannot be mounted, only the whole"
        service.must("volumes", what, "a volume of its own", at=item.place)
        return
    target = _target(service, "volumes", asked, item)
    if not target:
        return
    whole = service.whole
    if source and source not in whole.volumes:
        what = f"{source} is not declared under the top-level `volumes`"
        service.must("volumes", what, "declare it", at=item.place)
        return
    if not source:
        source = name = _unused(_named_after(service, target), whole)
        service.changed("volumes", f"{target}: the nameless volume is {name} now", at=item.place)
    name = whole.volumes.get(source, source)
    service.draft.add("volumes", target, name)
    _shared(service, item, name, text(item.get("read_only")) == "true")


def _unused(name: str, whole: Whole) -> str:
    taken = {*whole.volumes.values(), *whole.draft.volumes}
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, 1_000))
    return next(one for one in numbered if one not in taken)


def _shared(service: Carried, item: Mapping, name: str, read_only: bool) -> None:
    """The first service that writes to a volume has it, or the first that mounts it; the others are
    named by it. Whoever has one may write to it."""
    own, volumes = service.draft.name, service.whole.draft.volumes
    writer = _writer(service.whole, text(item.get("source")))
    home = service.whole.homes.setdefault(name, writer or own)
    block = volumes.setdefault(name, {})
    if home != own:
        block.setdefault("share", {})[own] = "ro" if read_only else "rw"
        if service.draft.lines.get("replicas", Line(1)).value > 1:
            what = f"{name} is shared, and a service with replicas has a volume for each box"
            service.must("volumes", what, "replicas: 1", at=item.place)
    elif read_only:
        what = f"{name} is this service's own, which may write to it"
        service.changed("volumes", what, at=item.place)


def _writer(whole: Whole, source: str) -> str:
    """The first service that mounts a volume and may write to it; empty where none does."""
    for key, body in whole.document.services.items():
        for item in items(body.get("volumes")):
            mount = {name: text(one.value) for name, one in entries(item).items()}
            if mount.get("source") == source != "" and mount.get("read_only") != "true":
                return whole.services[key]
    return ""


def _scratch(service: Carried, key: str, path: str, options: list[str]) -> None:
    item = Mapping(service.place(key))
    path = posixpath.normpath(path) if path else path
    if path in service.draft.lines.get("scratch", Line({})).value:
        return
    target = _target(service, key, path, item)
    if not target:
        return
    given = dict(option.partition("=")[::2] for option in options)
    size_bytes = SCRATCH_CHOSEN
    try:
        size_bytes = quantities.size(given["size"]) if given.get("size") else SCRATCH_CHOSEN
    except ValueError as error:
        service.must(key, str(error), "write scratch: {/path: 64MiB}")
    service.draft.add("scratch", target, quantities.rounded(size_bytes))
    if not given.get("size"):
        service.draft.comment("scratch", "a size had to be chosen; it counts as memory")
    if "exec" in given:
        service.draft.append("relax", {"fs.scratch-exec": target})


def _bind(service: Carried, item: Mapping, source: str, asked: str) -> None:
    read_only = text(item.get("read_only")) == "true"
    if source.endswith(_ENGINE_SOCKETS):
        service.left(
            "volumes",
            f"{source}: who speaks to the engine is the host's equal",
            "what the program would have asked the engine, in a file of its own: `files`",
            at=item.place,
        )
    elif source in _CLOCKS:
        service.left("volumes", f"{source}: the host's clock", "env: {TZ: Europe/Berlin}",
                     at=item.place)  # fmt: skip
    elif source.startswith("/"):
        _host_path(service, item, asked, read_only)
    elif source.startswith("~"):
        what = f"{source}: ~ is nobody's folder here"
        service.must("volumes", what, _instead(source, asked, read_only), at=item.place)
    else:
        _beside(service, item, asked, read_only)


def _host_path(service: Carried, item: Mapping, asked: str, read_only: bool) -> None:
    """A path of this machine: a wall that is lowered, or one that stays."""
    source = text(item.get("source")).rstrip("/") or "/"
    mode = "ro" if read_only else "rw"
    try:
        paths.host_source(source)
    except ValueError as error:
        service.must("volumes", f"{source}: {error}", "name a path", at=item.place)
        return
    if equals_host(source, not read_only):
        argument = f"fs.host-path: {{source: {source}, target: {asked}, mode: {mode}}}"
        as_comment(service, "volumes", argument, f"the mount of {source}", item.place)
        return
    target = _target(service, "volumes", asked, item)
    if target:
        asked_for = {"source": source, "target": target, "mode": mode}
        service.relax("volumes", "fs.host-path", asked_for, f"volumes: {source}", item.place)
        what = f"{source}: its files have to let the service's own uid in"
        service.changed("volumes", what, "relax: [user.fixed: UID:GID], whose they are",
                        at=item.place)  # fmt: skip


def _beside(service: Carried, item: Mapping, asked: str, read_only: bool) -> None:
    """A path beside the Compose file: a file of the repository, or a folder, which is refused."""
    source = posixpath.normpath(text(item.get("source")))
    content = service.whole.content(source)
    if isinstance(content, Absent):
        what = f"{source} {content.value}"
        if content is Absent.MISSING:
            what += ", so that Compose makes a folder of it"
        nearest = _instead(source, asked, read_only)
        service.must("volumes", what, nearest, at=item.place)
        return
    if file_beside(service, "volumes", item, source, asked) and not read_only:
        what = f"{source} is read-only in the box"
        service.changed("volumes", what, "a volume, for what the program writes", at=item.place)


def _instead(source: str, target: str, read_only: bool) -> str:
    """What to write in place of a folder of this machine."""
    each = f"each file by itself:  files: {{{target.rstrip('/')}/NAME: ./{source}/NAME}}"
    volume = f"for what the program writes:  volumes: {{{target.rstrip('/')}: NAME}}"
    host = "`orchestr8 explain relaxation fs.host-path`"
    if source.startswith("~"):
        return f"{volume};  for a folder of the host: {host}"
    return f"{each}" if read_only else f"{volume};  {each}"


def file_beside(service: Carried, key: str, item: Mapping, source: str, asked: str) -> bool:
    """A file beside the manifest, read-only in the box; False where it cannot be, which is said."""
    target = _target(service, key, asked, item)
    try:
        path = paths.beside(f"./{source.removeprefix('./')}")
    except ValueError as error:
        service.must(key, f"{source} {error}", "put it beside the manifest", at=item.place)
        return False
    content = service.whole.content(source)
    if isinstance(content, Absent) or len(content) > FILE_BYTES_MAX:
        why = content.value if isinstance(content, Absent) else "has more than 1MiB"
        service.must(key, f"{source} {why}", "put it into the image, or a volume", at=item.place)
        return False
    return bool(target) and service.draft.add("files", target, f"./{path}")


def declare_volumes(whole: Whole) -> None:
    """What is to be said of the file's volumes, and those that no service mounts."""
    empty: list[str] = []
    for key, entry in whole.document.part("volumes").items():
        name, path = whole.volumes[key], f"volumes.{key}"
        found: dict[str, Entry] = dict(getattr(entry.value, "entries", {}))
        if name not in whole.draft.volumes:
            what = "no service that is imported mounts it"
            whole.findings.left(entry.place, path, what, "nothing: volumes are made when mounted")
            continue
        kind = text(found["driver"].value) if "driver" in found else "local"
        if kind != "local":
            what = f"{kind}: a volume is a directory of this machine"
            place = found["driver"].place
            whole.findings.left(place, f"{path}.driver", what, "mount it at the host")
        empty.append(name if name == key else f"{name} (there {key})")
    if empty:
        names = ", ".join(empty)
        what = f"{names}: empty at first; what Compose's volume and the image hold is not copied"
        nearest = "copy what they hold after the first apply, as docs/import.md says"
        whole.findings.must(whole.document.root.entries["volumes"].place, "volumes", what, nearest)
