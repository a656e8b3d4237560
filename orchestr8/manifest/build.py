"""Typed blocks to the frozen values that every later stage uses.

Nothing is judged here; a name without an owner gets the file's, and a field that was not written
gets its default.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from orchestr8.alike import first
from orchestr8.errors import Place
from orchestr8.isolation.limits import LimitsAsked
from orchestr8.isolation.relaxations import RELAXATIONS, Kind
from orchestr8.manifest import paths
from orchestr8.manifest.arguments import Arguments, Asked
from orchestr8.manifest.model import (
    CommandCheck,
    Edge,
    FileMount,
    Health,
    HttpCheck,
    Link,
    Publish,
    RelaxationAsked,
    ScratchAsked,
    Secret,
    Service,
    Stop,
    TcpCheck,
    Update,
    Volume,
    VolumeMount,
)
from orchestr8.manifest.nodes import Parsed
from orchestr8.manifest.parts import HealthBlock, LimitsBlock, StopBlock, UpdateBlock
from orchestr8.manifest.places import Places
from orchestr8.manifest.schema import SecretBlock, ServiceBlock, VolumeBlock
from orchestr8.names import ServiceName

Value = TypeVar("Value", Health, Stop, Update)


def service(parsed: Parsed, name: ServiceName, block: ServiceBlock) -> Service:
    """One service of a file."""
    places = Places(parsed, "services", name.service)
    file_name = parsed.source.name
    return Service(
        name=first(ServiceName.of(name.owner, name.service)),
        image=first(block.image),
        run_once=block.run == "once",
        entrypoint=None if block.entrypoint is None else tuple(block.entrypoint),
        args=None if block.args is None else first(tuple(block.args)),
        env=first(tuple(sorted(block.env.items()))),
        workdir=block.workdir or "",
        files=tuple(
            FileMount(target, paths.joined(file_name, source))
            for target, source in sorted(block.files.items())
        ),
        secrets=tuple(block.secrets),
        replicas=1 if block.replicas is None else block.replicas,
        standby=block.standby or 0,
        after=tuple(_peer(peer, name.owner) for peer in block.after),
        limits=first(_limits(block.limits)),
        scratch=tuple(ScratchAsked(path, size) for path, size in sorted(block.scratch.items())),
        volumes=tuple(
            VolumeMount(target, volume, owner or name.owner)
            for target, (volume, owner) in sorted(block.volumes.items())
        ),
        accepts=_links(block.accepts, name.owner),
        connects=_links(block.connects, name.owner),
        publish=tuple(
            Publish(address, host_port, port)
            for (address, host_port), port in sorted(block.publish.items())
        ),
        health=first(_health(block.health)),
        stop=first(_stop(block.stop)),
        update=first(_update(block.update)),
        edge=_edge(block),
        relax=tuple(
            _relaxation(asked, name.owner, places.get(f"relax.{index}", Place("")))
            for index, asked in enumerate(block.relax)
        ),
        places=places,
    )


def _peer(peer: tuple[str, str], owner: str) -> ServiceName:
    name: ServiceName = first(ServiceName.of(peer[1] or owner, peer[0]))
    return name


def _links(links: Iterable[tuple[tuple[str, str], int]], owner: str) -> tuple[Link, ...]:
    return tuple(Link(_peer(peer, owner), port) for peer, port in links)


def _limits(block: LimitsBlock | None) -> LimitsAsked:
    written: dict[str, int | None] = {}
    if block is not None:
        written = {"pids_max": block.pids}
        if block.cpu:
            written["cpu_max_millicores"] = block.cpu.max
            written["cpu_guarantee_millicores"] = block.cpu.guarantee
            written["dedicated_cores"] = block.cpu.dedicated
        if block.memory:
            written["memory_max_bytes"] = block.memory.max
            written["memory_guarantee_bytes"] = block.memory.guarantee
        if block.io:
            written["io_read_bytes"], written["io_write_bytes"] = block.io.read, block.io.write
        if block.bandwidth:
            written["bandwidth_out_bits"] = block.bandwidth.out
            written["bandwidth_in_bits"] = block.bandwidth.in_
    return LimitsAsked(**written)


def _health(block: HealthBlock | None) -> Health | None:
    if block is None:
        return None
    check: HttpCheck | TcpCheck | CommandCheck = CommandCheck(tuple(block.command or ()))
    if block.http is not None:
        check = block.http
    elif block.tcp is not None:
        check = TcpCheck(block.tcp)
    return _written(
        Health(check),
        every_ms=block.every,
        failures=block.failures,
        within_ms=block.within,
        timeout_ms=block.timeout,
    )


def _stop(block: StopBlock | None) -> Stop:
    if block is None:
        return Stop()
    return _written(Stop(), signal=block.signal, grace_ms=block.grace)


def _update(block: UpdateBlock | None) -> Update:
    if block is None:
        return Update()
    return _written(
        Update(),
        order=block.order,
        parallel=block.parallel,
        within_ms=block.within,
        on_failure=block.on_failure,
    )


def _edge(block: ServiceBlock) -> Edge | None:
    edge = block.edge
    return Edge(edge.listen, edge.to, edge.tls or "", edge.overflow) if edge else None


def _written(value: Value, **fields: Any) -> Value:
    """`value` with the fields that were written, which are those that are not None."""
    return replace(value, **{name: given for name, given in fields.items() if given is not None})


def _relaxation(asked: Asked, owner: str, place: Place) -> RelaxationAsked:
    arguments = resolved(asked, owner)
    return RelaxationAsked(asked.id, arguments, asked.why, asked.until, place)


def resolved(asked: Asked, owner: str) -> Arguments:
    """The arguments with every bare service given its owner."""
    services = {p.name for p in RELAXATIONS[asked.id].parameters if p.kind is Kind.SERVICE}
    return tuple(
        (name, str(ServiceName.parse(str(value), owner)) if name in services else value)
        for name, value in asked.arguments
    )


def volume(name: str, owner: str, block: VolumeBlock, place: Place) -> Volume:
    """One volume of a file."""
    share = sorted((_peer(peer, owner), mode) for peer, mode in block.share.items())
    return Volume(name, owner, block.size, tuple(share), place)


def secret(name: str, owner: str, block: SecretBlock, place: Place) -> Secret:
    """One secret of a file."""
    if block.sealed is not None:
        return Secret(name, owner, "", paths.joined(place.file, block.sealed), place)
    return Secret(name, owner, block.file or name, place=place)
