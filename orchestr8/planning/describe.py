"""The lines that people read: what happens to each service, why, and with what effect."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from msgspec import Struct

from orchestr8.boxes.spec import BoxSpec, FieldChange
from orchestr8.boxes.world import ObservedBox
from orchestr8.names import ServiceName
from orchestr8.planning.beside import changes_beside
from orchestr8.planning.changes import spec_changes
from orchestr8.planning.core_moves import own_changes
from orchestr8.planning.draft import Draft
from orchestr8.planning.moves import Adjust, Finish, Moves, Provision, Release, Replace, Wait
from orchestr8.planning.plan import Mark, Step, Upkeep
from orchestr8.planning.replace import stop_first_why
from orchestr8.planning.rules import NO_BOX_YET
from orchestr8.planning.upkeep import link_changes, upkeep
from orchestr8.planning.wording import counted, is_own, listed, on_cores, volume_label

IN_PLACE = "in place, no restart"
STAND_BY, REPLACE_STANDBY, RELEASE_STANDBY = "stand by", "replace standby", "release standby"
"""What happens to boxes that take no part in the work."""
_ORDER = {mark: position for position, mark in enumerate(Mark)}
_Move = TypeVar("_Move", Provision, Replace, Release, Wait)


def describe(draft: Draft) -> tuple[tuple[Step, ...], tuple[Upkeep, ...]]:
    """The steps by mark and service, and the lines that are no service's."""
    links, cores, beside = link_changes(draft), own_changes(draft), changes_beside(draft)
    steps: list[Step] = []
    for name in draft.moves.keys() | links.keys() | cores.keys():
        about = _About(draft, name, draft.moves.get(name, Moves()))
        steps += about.provisions()
        steps += about.replacements(beside.get(name, ()))
        steps += about.standbys()
        steps += about.releases()
        steps += about.rebalance((*cores.get(name, ()), *links.get(name, ())))
        steps += about.waits()
    steps.sort(key=lambda one: (_ORDER[one.mark], one.service, one.cause, str(one.changes)))
    return tuple(steps), upkeep(draft, is_explained=bool(steps))


class _About(Struct, frozen=True):
    """The lines of one service."""

    draft: Draft
    name: ServiceName
    moves: Moves

    @property
    def running(self) -> int:
        """How many of its boxes run now."""
        return sum(box.state.runs for box in self.draft.seen.of(self.name))

    @property
    def notes(self) -> tuple[str, ...]:
        """What degrades for its fresh boxes."""
        service = self.draft.desired.services.get(self.name)
        return service.notes if service else ()

    def provisions(self) -> Iterable[Step]:
        """Boxes where none runs."""
        moves = [move for move in self.moves.slots if isinstance(move, Provision)]
        before = self.running
        for alike in _alike(moves, lambda move: (move.cause, move.changes, bool(move.standby))):
            count = len(alike)
            taken = f"{counted(count, 'standby is', 'standbys are')} started"
            specs, slots = [move.spec for move in alike], [move.slot for move in alike]
            fresh = self._effect_of_fresh(specs, slots)
            yield Step(
                Mark.PROVISION,
                self.name,
                before,
                before + count,
                "provision",
                cause="" if alike[0].cause == NO_BOX_YET else alike[0].cause,
                changes=alike[0].changes,
                effect=taken if alike[0].standby else fresh,
                notes=self.notes,
                count=count,
            )
            before += count

    def replacements(self, beside: tuple[FieldChange, ...]) -> Iterable[Step]:
        """Boxes that take the place of others, and what changes with them."""
        moves = [move for move in self.moves.slots if isinstance(move, Replace)]
        for alike in _alike(moves, lambda move: (move.cause, move.changes)):
            cause = "" if alike[0].changes else alike[0].cause
            yield self._replacement(cause, len(alike), alike[0].changes, beside)
        finished = sum(isinstance(move, Finish) for move in self.moves.slots)
        if finished:
            cause = "an interrupted replacement goes on"
            yield self._replacement(cause, finished, ())

    def standbys(self) -> Iterable[Step]:
        """Boxes that wait, and those that waited for nothing."""
        fresh, outdated = self.moves.standbys, self.moves.outdated
        anew, running = min(len(fresh), len(outdated)), self.running
        spec = outdated[0].box.spec if outdated else None
        if anew:
            changes = spec_changes(fresh[0].spec, spec) if spec else ()
            yield Step(
                Mark.REPLACE, self.name, running, running, REPLACE_STANDBY,
                cause="" if changes else outdated[0].cause, changes=changes,
                effect="it never ran", count=anew,
            )  # fmt: skip
        if len(fresh) > anew:
            yield Step(
                Mark.PROVISION, self.name, running, running, STAND_BY,
                effect=f"{counted(len(fresh) - anew, 'box waits', 'boxes wait')} to be started",
                count=len(fresh) - anew,
            )  # fmt: skip
        if len(outdated) > anew:
            yield Step(
                Mark.RELEASE, self.name, running, running, RELEASE_STANDBY,
                cause=outdated[0].cause, effect="it never ran", count=len(outdated) - anew,
            )  # fmt: skip

    def releases(self) -> Iterable[Step]:
        """Boxes that go."""
        for alike in _alike(self.moves.releases, lambda release: release.cause):
            boxes = [release.box for release in alike]
            if self.name in self.draft.desired.services:
                before = self.running
                after = before - sum(box.state.runs for box in boxes)
            else:
                before, after = len(self.draft.seen.of(self.name)), 0
            yield Step(
                Mark.RELEASE,
                self.name,
                before,
                after,
                "release",
                cause=alike[0].cause,
                effect=_effect_of_release(boxes, self.name.owner),
                notes=() if self.moves.slots else self.notes,
                count=len(boxes),
            )

    def rebalance(self, others: tuple[FieldChange, ...]) -> Iterable[Step]:
        """What is set in place: what each box has, and `others` beside that."""
        adjusts = self.moves.adjusts
        if not adjusts and not others:
            return
        changes = {change: None for adjust in adjusts for change in adjust.changes}
        changes |= dict.fromkeys(others)
        if not changes:
            changes = dict.fromkeys(_names_change(adjust) for adjust in adjusts)
        yield Step(
            Mark.REBALANCE,
            self.name,
            self.running,
            self.running,
            "rebalance",
            changes=tuple(changes),
            effect=IN_PLACE,
            count=self.running if others else len(adjusts),
        )

    def waits(self) -> Iterable[Step]:
        """What cannot be done now."""
        moves = [move for move in self.moves.slots if isinstance(move, Wait)]
        service = self.draft.desired.services.get(self.name)
        moves += [self.moves.standbys_wait] if self.moves.standbys_wait else []
        for alike in _alike(moves, lambda move: (move.cause, move.remedy, move.try_again_ms)):
            first = alike[0]
            yield Step(
                Mark.WAITS,
                self.name,
                self.running,
                max(len(self.moves.slots), len(service.slots) if service else 0),
                "waits",
                cause=first.cause,
                effect=first.remedy,
                try_again_ms=first.try_again_ms,
                count=len(alike),
                reason=first.reason,
                whose_move=first.whose_move,
            )

    def _replacement(
        self,
        cause: str,
        count: int,
        changes: tuple[FieldChange, ...],
        beside: tuple[FieldChange, ...] = (),
    ) -> Step:
        why = stop_first_why(self.draft.desired.services[self.name])
        effect = f"stop-first: {why}, short gap" if why else "start-first, no gap"
        return Step(
            Mark.REPLACE,
            self.name,
            self.running,
            self.running,
            "replace",
            cause=cause,
            changes=changes,
            effect=effect,
            notes=self.notes,
            count=count,
            beside=beside,
        )

    def _effect_of_fresh(self, specs: list[BoxSpec], slots: list[int]) -> str:
        words = ["runs once"] if specs[0].run_once else []
        present = {volume.name for volume in self.draft.world.volumes}
        mounts = {
            volume_label(volume): volume.volume in present
            for spec in specs
            for volume in spec.volumes
            if is_own(volume, self.name.owner)
        }
        for is_kept, word in ((False, "new"), (True, "kept")):
            labels = sorted(label for label, kept in mounts.items() if kept is is_kept)
            if labels:
                words.append(_volumes_are(labels, word))
        if not words:
            words.append("a fresh box" if len(specs) == 1 else f"{len(specs)} fresh boxes")
        return ", ".join(words) + self._on_cores(slots)

    def _on_cores(self, slots: Iterable[int]) -> str:
        """What fresh boxes have for themselves, each in words of its own."""
        own = [self.draft.cores.own.get((self.name, slot), ()) for slot in slots]
        return "".join(f", {on_cores(cores, is_own=True)}" for cores in own if cores)


def _alike(moves: Iterable[_Move], key: Callable[[_Move], Hashable]) -> list[list[_Move]]:
    """Moves that make one line together, in the order in which they first come."""
    found: dict[Hashable, list[_Move]] = {}
    for move in moves:
        found.setdefault(key(move), []).append(move)
    return list(found.values())


def _effect_of_release(boxes: Iterable[ObservedBox], owner: str) -> str:
    specs = [box.spec for box in boxes if box.spec]
    labels = {
        volume_label(volume) for spec in specs for volume in spec.volumes if is_own(volume, owner)
    }
    return _volumes_are(sorted(labels), "kept") if labels else "nothing of it stays"


def _volumes_are(labels: list[str], word: str) -> str:
    if len(labels) == 1:
        return f"its volume {labels[0]} is {word}"
    return f"its volumes {listed(labels)} are {word}"


def _names_change(adjust: Adjust) -> FieldChange:
    names = (adjust.box.names, adjust.names or ())
    before, after = (" ".join(name for name, _ in one) or "(none)" for one in names)
    return FieldChange("names", before, after)
