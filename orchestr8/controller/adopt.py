"""A store that was lost begins anew with the boxes that are there: nothing of theirs is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.network import Ranges
from orchestr8.boxes.world import Installation, ObservedBox, ObservedVolume, Unseen
from orchestr8.contract.model import ImageFacts
from orchestr8.controller.keepsake import Kept, read_kept
from orchestr8.controller.session import RANGES_KEY, Session, session
from orchestr8.controller.settings import Settings
from orchestr8.engines.protocol import Borders
from orchestr8.errors import RejectedError, StoreError, UnavailableError, UsageError
from orchestr8.isolation.limits import Quota
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.recognise import Recognised, recognise
from orchestr8.planning.wording import counted
from orchestr8.store.adoption import Identity, Taken
from orchestr8.store.lock import refusal, serving_pid
from orchestr8.store.standing import Standing, move_aside, standing


class Found(Struct, frozen=True):
    """One installation on the engine. `alive` is the state folder that its store is whole in, or
    empty; `busy` whether that is being changed at this moment."""

    installation: Installation
    homes: tuple[str, ...]
    kept: Kept | None
    alive: str = ""
    busy: bool = False

    @property
    def id(self) -> str:
        """The installation's id."""
        return self.installation.id


class Adopted(Struct, frozen=True):
    """What was taken over, and what could not be brought back.

    `sets` leads from a set to its services; `damaged` is where a store that could not be read lies
    now; `key_lost` says that files and secrets cannot be compared with those of the manifests.
    """

    installation: str
    sets: dict[str, tuple[ServiceName, ...]]
    boxes: tuple[ObservedBox, ...]
    volumes: tuple[ObservedVolume, ...]
    unreadable: tuple[BoxId, ...] = ()
    quotas: tuple[str, ...] = ()
    damaged: Path | None = None
    key_lost: bool = False
    store_was_lost: bool = True

    @property
    def strays(self) -> tuple[BoxId, ...]:
        """Boxes that cannot go on: image, output and volumes went along with their folders."""
        return tuple(box.id for box in self.boxes if box.unseen is Unseen.FOLDER)


def look(looking: Session, own: Path) -> tuple[Found, ...]:
    """Every installation that has something on the engine, as seen by whoever uses `own`."""
    return tuple(
        _found(looking, one, own)
        for one in looking.borders.installations.found()
        if one.boxes or one.volumes
    )


def lost(looking: Session, own: Path) -> str:
    """Boxes that say that their store lay in `own`, where it is not any more, in a few words; or
    the empty text. Those of the store that is looked with are not meant."""
    known = looking.store.ledger.installation
    others = (one for one in look(looking, own) if one.id != known and not one.alive)
    found = [one for one in others if str(own.absolute()) in one.homes]
    if not found:
        return ""
    many = sum(one.installation.boxes for one in found)
    which = ", ".join(one.id for one in found)
    boxes = "1 box that it knew is" if many == 1 else f"{many} boxes that it knew are"
    return f"{boxes} on {looking.choice} (installation {which})"


def require_not_lost(looking: Session, own: Path) -> None:
    """Raises StoreError where boxes say that their store lay in `own`, and none is there."""
    if found := lost(looking, own):
        raise StoreError(
            f"the store in {own} is gone, and {found}",
            "take them over as they run:  orchestr8 adopt\n"
            "or bring the store back, which knows more:  orchestr8 backup restore FILE\n"
            "to leave them and begin anew set ORCHESTR8_STATE to another folder",
        )


def adopt(settings: Settings, looking: Session, asked: str, *, move_damaged: bool) -> Adopted:
    """Takes an installation's boxes over. `looking` is a session on a store that passes.

    Raises what says why none is taken: several are there, one is alive elsewhere, none is lost.
    """
    here = standing(settings.state)
    if here.locked:
        raise refusal(settings.state, serving_pid(settings.state))
    if here.installation and not _is_empty(settings):
        return _take_strays(settings, asked)
    chosen = _choose(look(looking, settings.state), asked, settings.state)
    aside = _clear(here, chosen, move_damaged=move_damaged)
    _begin(settings, chosen)
    with session(settings) as own, own.store.writing():
        taken = take_over(own, chosen.kept.moved if chosen.kept else {})
        own.write_engine_down()
        own.write_kept()
        return replace(taken, damaged=aside, key_lost=chosen.kept is None and _hashed(taken.boxes))


def _found(looking: Session, one: Installation, own: Path) -> Found:
    kept = read_kept(looking.borders_of(one.id).keepsake)
    homes = {*one.homes, *((kept.home,) if kept else ())}
    alive, busy = "", False
    for home in sorted(homes):
        if Path(home) == own.absolute():
            continue
        there = _standing_of(Path(home))
        if there.installation == one.id or there.damage or there.locked:
            alive, busy = home, busy or there.locked
    return Found(one, tuple(sorted(homes)), kept, alive, busy)


def _standing_of(home: Path) -> Standing:
    """A folder that cannot be judged is not called lost."""
    try:
        return standing(home)
    except StoreError as error:
        return Standing(home, True, damage=error.what)


def _is_empty(settings: Settings) -> bool:
    with session(settings) as own:
        return own.store.adoption.is_empty()


def _choose(found: Sequence[Found], asked: str, own: Path) -> Found:
    if asked:
        named = [one for one in found if one.id == asked]
        if not named:
            raise UsageError(
                f'there is no installation "{asked}" on this engine', _listed(found) or "none is"
            )
        if named[0].busy:
            raise UnavailableError(
                f"installation {asked} is being changed at this moment (lock of {named[0].alive})",
                "wait until that is done",
            )
        return named[0]
    if not found:
        raise UsageError(
            "no boxes or volumes of an installation are on this engine: nothing is there to adopt",
            "begin with `orchestr8 apply PATH`",
        )
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} installations are on this engine; none was taken",
            f"{_listed(found)}\nname one: orchestr8 adopt --installation {_likeliest(found, own)}",
        )
    if found[0].alive:
        raise UsageError(
            f"installation {found[0].id} is not lost: its store is in {found[0].alive}",
            f"use it: ORCHESTR8_STATE={found[0].alive} orchestr8 status; if that store shall never "
            f"be used again: orchestr8 adopt --installation {found[0].id}",
        )
    return found[0]


def _listed(found: Sequence[Found]) -> str:
    return "\n".join(_line(one) for one in found)


def _line(one: Found) -> str:
    seen = one.installation
    where = f"alive in {one.alive}" if one.alive else f"lost from {', '.join(one.homes) or '?'}"
    boxes = f"{counted(seen.boxes, 'box', 'boxes')}, {seen.running} running"
    return f"{one.id}: {boxes}, {counted(seen.volumes, 'volume', 'volumes')}, {where}"


def _likeliest(found: Sequence[Found], own: Path) -> str:
    """The lost one whose store lay here, else any lost one, else any."""
    return min(found, key=lambda one: (bool(one.alive), str(own.absolute()) not in one.homes)).id


def _clear(here: Standing, chosen: Found, *, move_damaged: bool) -> Path | None:
    """Puts a damaged store out of the way, if that was agreed to."""
    if not here.damage:
        return None
    if not move_damaged:
        raise UsageError(
            f"the store in {here.folder} is damaged ({here.damage}), and installation {chosen.id} "
            "can be adopted instead",
            "a backup brings back more:  orchestr8 backup restore FILE\n"
            "without one:  orchestr8 adopt --yes   (puts the damaged store aside, deletes nothing)",
        )
    return move_aside(here.folder)


def _begin(settings: Settings, chosen: Found) -> None:
    """The fresh store gets the installation's name, its key and its addresses."""
    with session(settings) as fresh, fresh.store.writing():
        key = chosen.kept.key if chosen.kept else fresh.store.adoption.identity().key
        fresh.store.adoption.become(Identity(chosen.id, key))
        ranges = _ranges(chosen)
        if ranges:
            fresh.store.ledger.remember(RANGES_KEY, f"{ranges.subnet} {ranges.services}")
        if chosen.kept and chosen.kept.team:
            fresh.store.documents.note_platform()


def _ranges(chosen: Found) -> Ranges | None:
    """The addresses that were written down, or those that its network has and the half beside."""
    if chosen.kept:
        return Ranges(chosen.kept.subnet, chosen.kept.services)
    if not chosen.installation.subnet:
        return None
    lower, upper = IPv4Network(chosen.installation.subnet).supernet().subnets()
    return Ranges(str(lower), str(upper))


def _take_strays(settings: Settings, asked: str) -> Adopted:
    """A store that is whole takes over what it does not know of its own installation."""
    with session(settings) as own, own.store.writing():
        identity = own.store.adoption.identity()
        if asked not in ("", identity.installation):
            raise UsageError(
                f"the store in {settings.state} is installation {identity.installation}'s and "
                "whole; it cannot become another's",
                f"adopt into another folder: ORCHESTR8_STATE=FOLDER orchestr8 adopt "
                f"--installation {asked}",
            )
        known = own.store.ledger.records().boxes
        if all(box.id in known for box in own.borders.boxes.observe().boxes):
            raise UsageError(
                f"the store in {settings.state} is whole and knows every box of its "
                "installation: nothing is there to adopt",
                "see what runs: orchestr8 status",
            )
        return replace(take_over(own, {}), store_was_lost=False)


def take_over(own: Session, moved: Mapping[str, str]) -> Adopted:
    """Writes down what boxes and volumes say of themselves; no call changes anything."""
    borders, ledger = own.borders, own.store.ledger
    boxes, volumes = borders.boxes.observe().boxes, borders.volumes.volumes()
    known = ledger.records()
    if not boxes and not volumes:
        raise RejectedError("the boxes went while they were looked at", "type the command again")
    found = recognise(boxes, volumes, known, own.ranges)
    declared = own.stored.fleet.services()
    sets = {
        name: moved.get(str(name), of_set)
        for name, of_set in found.sets.items()
        if name not in declared
    }
    taken = Taken(found.services, found.boxes, sets, found.floor, found.address_last)
    with own.store.together():
        own.store.adoption.take(taken)
        own.store.pins.note_images(_pins(borders, boxes))
        own.store.pins.note_strict(
            {box.id.service_name: box.spec.profile.strict for box in boxes if box.spec}
        )
        own.write_down(
            "adopt",
            f"installation {own.store.ledger.installation}",
            "the store did not know these boxes",
            " ".join(str(one.id) for one in found.boxes),
        )
    return _adopted(own, found, sets, boxes, volumes)


def _adopted(
    own: Session,
    found: Recognised,
    sets: dict[ServiceName, str],
    boxes: Sequence[ObservedBox],
    volumes: tuple[ObservedVolume, ...],
) -> Adopted:
    by_set: dict[str, list[ServiceName]] = {}
    for name, set_name in sorted(sets.items()):
        by_set.setdefault(set_name, []).append(name)
    fresh = {record.id for record in found.boxes}
    return Adopted(
        own.store.ledger.installation,
        {set_name: tuple(names) for set_name, names in sorted(by_set.items())},
        tuple(box for box in boxes if box.id in fresh),
        volumes,
        found.unreadable,
        tuple(sorted(owner for owner, q in own.borders.owners.quotas().items() if q != Quota())),
    )


def _pins(borders: Borders, boxes: Sequence[ObservedBox]) -> Iterator[ImageFacts]:
    """What the images' tags meant when these boxes were made; of two meanings the younger."""
    for box in sorted(boxes, key=lambda one: one.created_ms):
        if box.spec and box.spec.image:
            facts = borders.images.resolve(box.spec.image_id)
            if facts:
                yield replace(facts, reference=box.spec.image)


def _hashed(boxes: Sequence[ObservedBox]) -> bool:
    """Whether any box carries a hash that only the lost key could give again."""
    return any(box.spec and (box.spec.files or box.spec.secrets) for box in boxes)
