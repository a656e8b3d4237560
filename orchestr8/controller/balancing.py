"""The loop's part in sharing an owner's memory: it looks, has it decided, and sets ceilings.

Only owners are looked at whose boxes could take from each other what was promised; on all other
machines it costs nothing. All that is remembered may be lost: ceilings that nobody stands for any
more are undone by the next plan, as any limit that is not as declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from orchestr8 import units
from orchestr8.boxes.use import Ceiling
from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.progress import Event, Listener
from orchestr8.controller.session import Session
from orchestr8.errors import EngineError, StoreError
from orchestr8.isolation import features
from orchestr8.isolation.limits import Limits
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.balance import CALM, NOTHING, Division, Load, contended, decide
from orchestr8.store.chain import Entry

SECONDS, SECONDS_NEAR = 2.0, 0.25
"""How often an owner is looked at: at rest, and while its boxes use half of the quota or more."""
KIND = "rebalance"
"""The journal's word."""


class _Member(Struct, frozen=True):
    """A running box and the limits that were declared for it."""

    box: ObservedBox
    limits: Limits

    def load(self, held_bytes: int) -> Load:
        """What counts of it."""
        limits = self.limits
        guarantee = limits.memory_guarantee_bytes or 0
        return Load(self.box.id, guarantee, limits.memory_max_bytes, held_bytes)


@dataclass
class _Owner:
    """One owner whose boxes are looked at; `due` is in monotonic seconds."""

    name: str
    quota_bytes: int
    members: Sequence[_Member]
    due: float
    division: Division = NOTHING
    biased: dict[BoxId, bool] = field(default_factory=dict)


@dataclass
class Balancer:
    """Looks after the memory of owners. Used by the loop's thread alone."""

    session: Session
    listener: Listener
    _owners: dict[str, _Owner] = field(default_factory=dict)
    _by_kernel: bool = False

    def follow(self, cycle: Cycle) -> None:
        """From now on the owners of this cycle that need it, and no others."""
        self._by_kernel = cycle.world.features.has(features.MEMORY_GUARANTEE)
        members: dict[str, list[_Member]] = {}
        for box in cycle.world.boxes:
            service = cycle.desired.services.get(box.id.service_name)
            if service is not None and box.state.runs and box.pid:
                members.setdefault(box.id.owner, []).append(_Member(box, service.limits))
        before, now = self._owners, self.session.clock.monotonic()
        self._owners = {}
        for name, found in members.items():
            quota = cycle.desired.quotas.get(name)
            most = quota.memory_bytes if quota else None
            if most is not None and contended(most, [one.load(0) for one in found]):
                owner = before.get(name) or _Owner(name, most, found, now)
                owner.quota_bytes, owner.members = most, found
                self._owners[name] = owner
        there = {one.box.id for owner in self._owners.values() for one in owner.members}
        kept = {one: ceiling for one, ceiling in self.session.ceilings.items() if one in there}
        if len(kept) < len(self.session.ceilings):
            self.session.ceilings = kept

    def due(self) -> float | None:
        """When `tick` has something to do (monotonic seconds); None while it has nothing."""
        return min((owner.due for owner in self._owners.values()), default=None)

    def tick(self) -> set[ServiceName]:
        """Looks at the owners whose time has come, and does what is decided; the services whose
        boxes have other limits now."""
        now, before = self.session.clock.monotonic(), self.session.ceilings
        for owner in self._owners.values():
            if owner.due <= now:
                try:
                    owner.due = now + self._look(owner)
                except (EngineError, StoreError):
                    owner.due = now + SECONDS  # a full look says what is the matter
        after = self.session.ceilings
        changed = before.keys() ^ after.keys()
        changed |= {one for one in before.keys() & after.keys() if before[one] != after[one]}
        return {box_id.service_name for box_id in changed}

    def lift(self) -> None:
        """Nobody will watch the ceilings any more: each box may have its maximum again."""
        with suppress(EngineError, StoreError):
            for owner in self._owners.values():
                self._apply(owner, {}, "nobody watches it any more")

    def _look(self, owner: _Owner) -> float:
        """One look at an owner's boxes; in how many seconds the next.

        Far from the quota its own use says enough.
        """
        is_held = any(one.box.id in self.session.ceilings for one in owner.members)
        if not is_held and self._is_far(owner):
            return SECONDS
        witness, loads = self.session.borders.witness, []
        for member in owner.members:
            use = witness.use(member.box.id, member.box.pid or 0)
            if use:
                loads.append(member.load(use.box.held_bytes))
        now_ms = int(self.session.clock.monotonic() * 1000)
        owner.division = decide(
            owner.quota_bytes, loads, owner.division, now_ms, ceilings=not self._by_kernel
        )
        self._apply(owner, owner.division.ceilings, _cause(owner, loads))
        self._bias(owner)
        used = sum(load.own_bytes for load in loads)
        return SECONDS_NEAR if used * 2 >= owner.quota_bytes else SECONDS

    def _is_far(self, owner: _Owner) -> bool:
        """Whether all that the owner's boxes hold and were promised is far from its quota."""
        for member in owner.members:
            use = self.session.borders.witness.use(member.box.id, member.box.pid or 0)
            if use:
                promised = sum(one.limits.memory_guarantee_bytes or 0 for one in owner.members)
                return (use.owner.held_bytes + promised) * 100 < owner.quota_bytes * CALM
        return True

    def _apply(self, owner: _Owner, ceilings: Mapping[BoxId, int], cause: str) -> None:
        """Sets what is not so yet. What a box cannot give back is asked for again later."""
        told = []
        for member in owner.members:
            before = self.session.ceilings.get(member.box.id)
            most = member.limits.memory_max_bytes
            was = before.memory_bytes if before else most
            wanted = ceilings.get(member.box.id, most)
            if wanted == was or not self._set(member, wanted):
                continue
            kept = dict(self.session.ceilings)
            kept.pop(member.box.id, None)
            if wanted < most:
                kept[member.box.id] = Ceiling(wanted, cause, self.session.clock.now_ms())
            self.session.ceilings = kept
            change = f"{units.rounded_size(was)} -> {units.rounded_size(wanted)}"
            told.append((member.box.id, f"limits.memory.max {change}"))
        now_ms, actor = self.session.clock.now_ms(), self.session.settings.actor
        self.session.store.journal.append(
            Entry(now_ms, actor, KIND, str(box_id), cause, f"done: {what}") for box_id, what in told
        )
        for box_id, what in told:
            self.listener.tell(Event("step", f"{KIND}: {what}: {cause}", str(box_id)))

    def _set(self, member: _Member, memory_bytes: int) -> bool:
        limits = replace(member.limits, memory_max_bytes=memory_bytes)
        try:
            self.session.borders.boxes.update(member.box.id, limits)
        except EngineError:
            return False  # it has ended, grew meanwhile, or cannot be reached
        return True

    def _bias(self, owner: _Owner) -> None:
        """Who has more than was promised shall end before who has not."""
        before, owner.biased = owner.biased, {}
        for member in owner.members:
            box_id = member.box.id
            first = box_id in owner.division.over
            if before.get(box_id) is not first:
                self.session.borders.owners.bias(box_id, member.box.pid or 0, first=first)
            owner.biased[box_id] = first


def _cause(owner: _Owner, loads: Sequence[Load]) -> str:
    """Why ceilings are as they are, in a sentence."""
    quota = units.format_size(owner.quota_bytes)
    if not owner.division.ceilings:
        return f"there is room again in the quota of {quota}"
    promised = sum(max(load.guarantee_bytes - load.held_bytes, 0) for load in loads)
    return (
        f"owner {owner.name} comes near its quota of {quota}, and "
        f"{units.rounded_size(promised)} that is guaranteed is not used yet"
    )
