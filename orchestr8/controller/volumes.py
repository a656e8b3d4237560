"""Volumes as people handle them: what there is, copies, and the one call that deletes data."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import cast

from msgspec import Struct

from orchestr8.boxes.world import ObservedBox, ObservedCopy, ObservedVolume
from orchestr8.controller.deeds import journalled
from orchestr8.controller.session import Session
from orchestr8.engines.protocol import Copies
from orchestr8.errors import FeatureMissingError, RejectedError, UsageError
from orchestr8.names import ServiceName
from orchestr8.planning.wording import volume_written


class Use(Struct, frozen=True):
    """A box that has a volume; `since_ms` is its start, 0 while it does not run."""

    box: ObservedBox
    read_only: bool
    since_ms: int


class VolumeStatus(Struct, frozen=True):
    """One volume: whose it is, which set declares it (none: an orphan), and who has it."""

    volume: ObservedVolume
    set_name: str
    used_bytes: int | None
    uses: tuple[Use, ...]

    @property
    def name(self) -> str:
        """As people type it."""
        return volume_written(self.volume)


def volumes(session: Session) -> tuple[tuple[VolumeStatus, ...], tuple[ObservedCopy, ...]]:
    """Every volume of this installation that is theirs who ask, and every copy."""
    borders = session.borders
    boxes = borders.boxes.observe().boxes
    sets = {
        (volume.owner, volume.name): set_name
        for set_name, part in session.stored.fleet.sets.items()
        for volume in part.volumes
    }
    copies = borders.volumes if isinstance(borders.volumes, Copies) else None
    found = tuple(
        VolumeStatus(
            volume,
            sets.get((volume.owner, volume.volume), ""),
            copies.used(volume.name) if copies else None,
            _uses(volume.name, boxes),
        )
        for volume in borders.volumes.volumes()
        if session.may(volume.owner)
    )
    made = copies.copies() if copies else ()
    return found, tuple(copy for copy in made if session.may(copy.owner))


def copy_volume(session: Session, name: str, label: str) -> ObservedCopy:
    """A copy of a volume as it is at one moment; what writes to it is held still meanwhile."""
    copies = _copies(session)
    with session.changing():
        status = volume_named(session, name)
        writers = [use.box for use in status.uses if use.since_ms and not use.read_only]
        with (
            journalled(session, "copy volume", f"{status.volume.name}@{label}") as deed,
            session.occupying(_users(session, status.volume)),
        ):
            made = session.beside(copies.copy, status.volume.name, label, writers)
            deed.result = "done"
        return made


def restore_volume(session: Session, name: str, copy_name: str) -> ObservedCopy:
    """Puts a copy in the place of a volume's content; refused while a box has the volume."""
    copies = _copies(session)
    with session.changing():
        status = volume_named(session, name)
        copy = copy_named(session, status, copy_name)
        _require_free(status, "restored")
        with (
            journalled(session, "restore volume", f"{status.volume.name}@{copy.label}") as deed,
            session.occupying(_users(session, status.volume)),
        ):
            session.beside(copies.restore, status.volume.name, copy)
            deed.result = "done"
        return copy


def delete_volume(session: Session, name: str) -> None:
    """Deletes a volume with its data; refused while a box has it. Its copies stay."""
    with session.changing():
        status = volume_named(session, name)
        _require_free(status, "deleted")
        with (
            journalled(session, "delete volume", status.volume.name) as deed,
            session.occupying(_users(session, status.volume)),
        ):
            session.beside(session.borders.volumes.delete, status.volume.name)
            deed.result = "done"


def discard_copy(session: Session, name: str) -> None:
    """Deletes a copy, written VOLUME@COPY."""
    copies = _copies(session)
    with session.changing():
        found = {copy_written(one): one for one in volumes(session)[1]}
        if name not in found:
            raise UsageError(f"there is no copy {name}", _known(name, found))
        subject = f"{found[name].name}@{found[name].label}"
        with journalled(session, "discard copy", subject) as deed:
            session.beside(copies.discard, found[name])
            deed.result = "done"


def volume_named(session: Session, name: str) -> VolumeStatus:
    """The volume that is written so; raises UsageError."""
    found = {one.name: one for one in volumes(session)[0]}
    if name not in found:
        raise UsageError(f"there is no volume {name}", _known(name, found))
    return found[name]


def copy_named(session: Session, status: VolumeStatus, name: str) -> ObservedCopy:
    """A copy of the same owner, by its label or as VOLUME@COPY; raises UsageError."""
    own = [one for one in _copies(session).copies() if one.owner == status.volume.owner]
    found = {copy_written(one): one for one in own}
    found |= {one.label: one for one in own if one.name == status.volume.name}
    if name not in found:
        raise UsageError(
            f"volume {status.name} has no copy {name}", _known(name, [*map(copy_written, own)])
        )
    return found[name]


def copy_written(copy: ObservedCopy) -> str:
    """A copy as people type it: `ledger.payments@2027-02-28T10-00-00Z`."""
    return f"{volume_written(ObservedVolume(copy.name, copy.owner, copy.volume, 0))}@{copy.label}"


def _uses(name: str, boxes: Sequence[ObservedBox]) -> tuple[Use, ...]:
    return tuple(
        Use(box, mount.read_only, box.started_ms if box.state.runs else 0)
        for box in boxes
        for mount in (box.spec.volumes if box.spec else ())
        if mount.volume == name
    )


def _require_free(status: VolumeStatus, what: str) -> None:
    if status.uses:
        user = status.uses[0].box
        raise RejectedError(
            f"volume {status.name} cannot be {what}: box {user.id} has it",
            f"stop it first: orchestr8 down --set {user.set_name}, or replicas: 0",
        )


def _copies(session: Session) -> Copies:
    found = session.borders.volumes
    if not isinstance(found, Copies):
        raise FeatureMissingError(
            f"the engine {session.borders.name} makes no copies of volumes",
            "copy what is in it by a box that mounts it",
        )
    return cast(Copies, found)


def _users(session: Session, volume: ObservedVolume) -> frozenset[ServiceName]:
    """The services that mount it, in the fleet in force."""
    return frozenset(
        name
        for name, service in session.stored.fleet.services().items()
        if any((one.owner, one.volume) == (volume.owner, volume.volume) for one in service.volumes)
    )


def _known(name: str, found: Sequence[str] | dict[str, object] | object) -> str:
    names = sorted(cast("Sequence[str]", found))
    near = get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]}? `orchestr8 volume ls` lists all"
    return "`orchestr8 volume ls` lists all"
