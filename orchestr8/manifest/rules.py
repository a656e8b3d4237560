"""What must be true of one service as a whole, whatever else exists.

Each rule looks at one service and yields its problems: the path within the service, what is
wrong, the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

from orchestr8 import units
from orchestr8.errors import Place, Problem
from orchestr8.isolation.limits import CORE_MILLICORES, LimitsAsked
from orchestr8.isolation.strict import NEWEST, VERSIONS
from orchestr8.manifest.model import CommandCheck, Service
from orchestr8.manifest.paths import inside
from orchestr8.manifest.places import Places

Flaw = tuple[str, str, str]

ENV_BYTES_MAX = 64 << 10
COMMAND_BYTES_MAX = 64 << 10
_DEFAULT_SCRATCH = tuple(scratch.path for scratch in VERSIONS[NEWEST].scratch)
_CORE_WORDS = {"max": "maximum", "guarantee": "guarantee"}
_SECRETS_FOLDER = "/run/secrets"
_ONCE_PER = {
    "cap.add": "name",
    "device.add": "path",
    "fs.host-path": "target",
    "fs.scratch-exec": "path",
    "net.egress": "to",
}
"""The argument that tells two requests of one relaxation apart; the others are asked once."""
CONFLICTS = (("user.root", "user.fixed", "a box runs as one user"),)
_JOINED = ("ns.ipc.share", "ns.net.share", "ns.pid.share")
_NETWORK_OF_ITS_OWN = ("publish", "accepts", "connects", "edge")


def service_problems(service: Service) -> list[Problem]:
    """Everything that is wrong with one service in itself."""
    return [
        Problem(service.place(path), f"services.{service.name.service}{what}", remedy)
        for rule in _RULES
        for path, what, remedy in rule(service)
    ]


def value_place(service: Service, path: str) -> Place:
    """Where the value at a path of a service stands, not its key."""
    places = service.places
    return places.value(path) if isinstance(places, Places) else service.place(path)


class Guarantee(NamedTuple):
    """What may be guaranteed: both numbers, and how they are written."""

    name: str
    guaranteed: int | None
    maximum: int | None
    said: Callable[[int], str]


def guarantees(limits: LimitsAsked) -> tuple[Guarantee, ...]:
    """Those that there are."""
    return (
        Guarantee(
            "cpu", limits.cpu_guarantee_millicores, limits.cpu_max_millicores, units.format_cpu
        ),
        Guarantee(
            "memory", limits.memory_guarantee_bytes, limits.memory_max_bytes, units.format_size
        ),
    )


def _guarantees(service: Service) -> Iterator[Flaw]:
    """Above a maximum that is written; what is not written is known with the contract."""
    for name, guarantee, maximum, said in guarantees(service.limits):
        if guarantee is not None and maximum is not None and guarantee > maximum:
            yield (
                f"limits.{name}.guarantee",
                f".limits.{name}: the guarantee of {said(guarantee)} is above the maximum of "
                f"{said(maximum)}",
                f"write max: {said(guarantee)} or more, or guarantee less",
            )


def _dedicated(service: Service) -> Iterator[Flaw]:
    """Whole cores are a maximum and a guarantee; a standby has no slot that cores are dealt to."""
    limits = service.limits
    cores = limits.dedicated_cores
    if cores is None:
        return
    written = {"max": limits.cpu_max_millicores, "guarantee": limits.cpu_guarantee_millicores}
    for key, asked in written.items():
        if asked is not None and asked != cores * CORE_MILLICORES:
            yield (
                f"limits.cpu.{key}",
                f".limits.cpu: {key} {units.format_cpu(asked)} beside {cores} dedicated, the "
                f"{_CORE_WORDS[key]} as well",
                f"take {key} out, or write another number of dedicated cores",
            )
    if service.standby:
        what = ".standby: cores are dedicated to slots, and a standby has no slot"
        yield "standby", what, "take standby out, or limits.cpu.dedicated"


def _commands(service: Service) -> Iterator[Flaw]:
    check = service.health.check if service.health else None
    commands = {
        "entrypoint": service.entrypoint,
        "args": service.args,
        "health.command": check.command if isinstance(check, CommandCheck) else None,
    }
    for path, words in commands.items():
        key = path.rpartition(".")[2]
        if words is None:
            continue
        if not words and path != "args":
            yield (
                path,
                f".{path} is an empty list",
                f"write {key}: [program, argument], or no line",
            )
        elif words and not words[0]:
            yield path, f".{path} starts with an empty text", "take the empty text out"
        elif sum(len(word.encode()) + 1 for word in words) > COMMAND_BYTES_MAX:
            yield path, f".{path} has more than 64KiB", "put what is long into a file: `files`"


def _environment(service: Service) -> Iterator[Flaw]:
    size_bytes = sum(len(name) + len(value.encode()) + 2 for name, value in service.env)
    if size_bytes > ENV_BYTES_MAX:
        yield "env", ".env has more than 64KiB together", "put what is long into a file: `files`"


def _lists(service: Service) -> Iterator[Flaw]:
    lists: dict[str, tuple[Hashable, ...]] = {
        "secrets": service.secrets,
        "after": service.after,
        "accepts": tuple(f"{link.peer}:{link.port}" for link in service.accepts),
        "connects": tuple(f"{link.peer}:{link.port}" for link in service.connects),
    }
    for path, items in lists.items():
        for index in _repeated(items):
            yield f"{path}.{index}", f".{path} lists {items[index]} twice", "keep one of the two"


def _repeated(items: Iterable[Hashable]) -> Iterator[int]:
    seen: set[Hashable] = set()
    for index, item in enumerate(items):
        if item in seen:
            yield index
        seen.add(item)


def _once(service: Service) -> Iterator[Flaw]:
    if not service.run_once:
        return
    rows = (
        ("replicas", service.replicas not in (0, 1), "it has one box"),
        ("standby", service.standby > 0, "it is started once"),
        ("edge", service.edge is not None, "it ends, and an edge needs boxes that stay"),
    )
    for path, refused, reason in rows:
        if refused:
            yield path, f" has `run: once` and {path}; {reason}", "take one of the two out"


def _standby(service: Service) -> Iterator[Flaw]:
    """What belongs to one slot cannot be given to a box that has none yet."""
    if not service.standby:
        return
    if service.volumes and service.replicas > 1:
        what = ".standby: with replicas each slot has volumes of its own, and a standby has no slot"
        yield "standby", what, "take standby out, or write replicas: 1"
    shared = [asked.id for asked in service.relax if asked.id in _JOINED]
    if shared:
        what = f".standby: {shared[0]} joins the box of the same slot, and a standby has no slot"
        yield "standby", what, "take one of the two out"


def _targets(service: Service) -> Iterator[Flaw]:
    """Mount targets: none twice, none inside another, save below the scratch of every box."""
    mounts = [(file.target, f"files.{file.target}") for file in service.files]
    mounts += [(volume.target, f"volumes.{volume.target}") for volume in service.volumes]
    mounts += [(scratch.path, f"scratch.{scratch.path}") for scratch in service.scratch]
    mounts += [
        (str(dict(relaxation.arguments)["target"]), f"relax.{index}")
        for index, relaxation in enumerate(service.relax)
        if relaxation.id == "fs.host-path"
    ]
    mounts.sort(key=lambda mount: mount[0].split("/"))
    open_above: list[tuple[str, str]] = []
    for target, path in mounts:
        while open_above and not inside(target, open_above[-1][0]):
            open_above.pop()
        if open_above:
            above, above_path = open_above[-1]
            at = service.place(above_path)
            if target == above:
                what = (
                    f": {target} is mounted twice; also by {_field(above_path)} in line {at.line}"
                )
                yield path, what, "keep one of the two, or choose another path"
            elif above not in _DEFAULT_SCRATCH:
                what = f": {target} lies inside {above}, which {_field(above_path)} mounts"
                yield path, what, "choose a path outside it"
        open_above.append((target, path))


def _field(path: str) -> str:
    name = path.partition(".")[0]
    return "`relax`" if name == "relax" else f"`{name}`"


def _relaxations(service: Service) -> Iterator[Flaw]:
    seen: dict[tuple[str, object], int] = {}
    for index, asked in enumerate(service.relax):
        argument = dict(asked.arguments).get(_ONCE_PER.get(asked.id, ""))
        first = seen.setdefault((asked.id, argument), index)
        if first != index:
            line = service.relax[first].place.line
            what = f".relax: {asked.id} is asked twice; first in line {line}"
            same = asked.arguments == service.relax[first].arguments
            remedy = "keep one of the two"
            yield f"relax.{index}", what, remedy if same else f"{remedy}; they are never joined"
    by_id = {asked.id: index for index, asked in enumerate(service.relax)}
    for one, other, reason in CONFLICTS:
        if one in by_id and other in by_id:
            index = max(by_id[one], by_id[other])
            yield f"relax.{index}", f".relax: {one} and {other}; {reason}", "keep one of the two"
    if "ns.net.share" in by_id:
        yield from _joined_network(service, by_id)


def _joined_network(service: Service, by_id: dict[str, int]) -> Iterator[Flaw]:
    for field in _NETWORK_OF_ITS_OWN:
        if getattr(service, field):
            yield (
                f"relax.{by_id['ns.net.share']}",
                f".relax: ns.net.share and {field}; a box in another's network has no address "
                "of its own",
                f"say {field} in the service that is joined",
            )
    if "net.egress" in by_id:
        yield (
            f"relax.{by_id['net.egress']}",
            ".relax: net.egress and ns.net.share; a box in another's network has no address "
            "of its own",
            "say net.egress in the service that is joined",
        )


def _executable_scratch(service: Service) -> Iterator[Flaw]:
    present = {*_DEFAULT_SCRATCH, *(scratch.path for scratch in service.scratch)}
    for index, asked in enumerate(service.relax):
        path = dict(asked.arguments).get("path")
        if asked.id == "fs.scratch-exec" and path not in present:
            what = f".relax: fs.scratch-exec of {path}, which is no scratch of this service"
            yield f"relax.{index}", what, f"write scratch: {{{path}: 16MiB}}"


def _joined(service: Service) -> Iterator[Flaw]:
    for index, asked in enumerate(service.relax):
        if dict(asked.arguments).get("with") == str(service.name):
            what = f".relax: {asked.id} with the service itself"
            yield f"relax.{index}", what, "name the service that is joined"
    for index, peer in enumerate(service.after):
        if peer == service.name:
            yield f"after.{index}", ".after names the service itself", "take it out"


def _calls_itself(service: Service) -> Iterator[Flaw]:
    for number, link in enumerate(service.connects):
        if link.peer == service.name:
            yield (
                f"connects.{number}",
                ".connects: a service does not connect to itself",
                "let the program call 127.0.0.1; with replicas each box does",
            )


_RULES: tuple[Callable[[Service], Iterator[Flaw]], ...] = (
    _guarantees,
    _dedicated,
    _commands,
    _environment,
    _lists,
    _once,
    _standby,
    _targets,
    _relaxations,
    _executable_scratch,
    _joined,
    _calls_itself,
)
