"""What shall exist: services with their slots, owners, volumes, and the network between them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.use import Ceilings
from orchestr8.contract.model import Egress
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.manifest.model import Health, Link, Publish, Stop, Update
from orchestr8.names import BoxId, ServiceName

Dealt = Mapping[tuple[ServiceName, int], tuple[int, ...]]
"""Which cores each slot has for itself, of the services that have dedicated ones."""


class Box(Struct, frozen=True):
    """One box to be made: everything that an engine needs to know.

    `joins` names, for a shared namespace (pid, net, ipc), the box that is joined.
    `names` are the hosts file's lines: service name and virtual address. `shares` has "ipc" where
    another box joins that namespace: some engines must know before they make it. A standby has the
    slot STANDBY until it takes one.
    """

    id: BoxId
    slot: int
    set_name: str
    service_key: str
    spec: BoxSpec
    limits: Limits
    address: str = ""
    names: tuple[tuple[str, str], ...] = ()
    joins: tuple[tuple[str, BoxId], ...] = ()
    shares: tuple[str, ...] = ()
    uid_base: int = 0
    """The service's uid range and, below, its virtual address and how its boxes are asked to end:
    for whoever finds the box alone."""
    service_address: str = ""
    stop: Stop = Stop()
    cores: tuple[int, ...] = ()
    """The cores that it may run on; empty is every one."""


class DesiredService(Struct, frozen=True, gc=False):
    """One service: a spec for each slot, and what may change without a new box."""

    name: ServiceName
    set_name: str
    key: str
    address: str
    """Its stable virtual address."""
    slots: tuple[BoxSpec, ...]
    limits: Limits
    run_once: bool = False
    health: Health | None = None
    stop: Stop = Stop()
    update: Update = Update()
    connects: tuple[Link, ...] = ()
    after: tuple[ServiceName, ...] = ()
    publish: tuple[Publish, ...] = ()
    egress: tuple[Egress, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    new_boxes_allowed: bool = True
    notes: tuple[str, ...] = ()
    stop_first_why: str = ""
    """Why boxes cannot overlap (an exclusive volume), or empty."""
    shares: tuple[str, ...] = ()
    """The namespaces of its boxes that another service joins, where engines must know at once."""
    missing: tuple[str, ...] = ()
    """What a new box would need and is not there, such as a secret; what runs is left alone."""
    uid_base: int = 0
    standby: int = 0
    """How many boxes shall wait at their gates, where the engine can keep them so."""


class DesiredVolume(Struct, frozen=True, order=True):
    """A volume by its engine name; its content belongs to `uid`, and is the data of `service`."""

    name: str
    owner: str
    volume: str
    uid: int
    size_bytes: int | None = None
    slot: int | None = None
    service: ServiceName | None = None


class Desired(Struct, frozen=True):
    """What shall exist on this machine."""

    services: Mapping[ServiceName, DesiredService]
    quotas: Mapping[str, Quota]
    volumes: tuple[DesiredVolume, ...] = ()
    reserve_cpu_millicores: int = 0
    reserve_memory_bytes: int = 0
    unwanted: Mapping[BoxId, str] = field(default_factory=dict)
    """Boxes that somebody wants replaced, whatever they are, and the cause that the plan gives."""
    busy: frozenset[ServiceName] = frozenset()
    """Services that another plan is carried out for: this one leaves them to it."""
    ceilings: Ceilings = field(default_factory=dict)
    """Boxes that may have less memory than their maximum for now."""
    being_dealt: Dealt | None = None
    """The cores that a plan deals out which is carried out at this moment; None where none is."""
    being_left: frozenset[int] = frozenset()
    """The cores that boxes which have them for themselves leave in the course of it."""
