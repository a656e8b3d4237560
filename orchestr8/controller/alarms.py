"""What of all that is known somebody is called for, and whose it is.

Levels, not events: what is wrong now is compared with what was wrong before, in the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from orchestr8.contract.expiry import end_ms
from orchestr8.contract.model import Grant
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.failing import ATTEMPTS
from orchestr8.controller.session import Session
from orchestr8.controller.sources import FAILED, INVALID, REFUSED, UNREACHABLE
from orchestr8.controller.tokens import ending
from orchestr8.names import PLATFORM, BoxId
from orchestr8.planning.holds import moment
from orchestr8.planning.plan import Mark, Reason
from orchestr8.store.alarms import Key

MACHINE = "this machine"
BROKEN, ENDED, ENDS, FAILING, HELD_BACK, SOURCE, TROUBLE, WAITS = (
    "broken", "ended", "ends", "failing", "held back", "source", "trouble", "waits"
)  # fmt: skip
PATIENCE_MS = {WAITS: 120_000, UNREACHABLE: 300_000, ENDS: 12 * 3_600_000}
"""How long it must be so before anybody is called, where that is not at once. Of what ends nobody
hears at midnight, nor of what was given for some hours."""
USUAL_PATIENCE_MS = 3_000
_DAY_MS = 86_400_000
_ON_EXPIRY = {
    "keep": "its boxes run on with it, and no change of the service is placed",
    "tighten": "its boxes are replaced by tight ones",
    "stop": "its boxes are stopped",
}
_WAITS_BY_INTENT = (Reason.HELD, Reason.BACK_OFF, Reason.ENDED)
"""What somebody wants to wait, and what is told as another alarm."""
Standing = dict[Key, str]


@dataclass
class Watch:
    """Compares what is wrong with what was, turn by turn."""

    session: Session

    def look(
        self, cycle: Cycle, unwanted: Mapping[BoxId, str], everywhere: Collection[str]
    ) -> None:
        """After a turn: why boxes are to be replaced, and the claims that are broken in so many
        that nothing is replaced for them. Raises StoreError."""
        found = dict(_of_services(cycle))
        found |= dict(_of_updates(self.session, cycle))
        found |= dict(_of_claims(unwanted, everywhere))
        before = self._standing()
        found |= dict(_of_sources(self.session, before))
        found |= dict(_of_ends(self.session, cycle, before))
        self._note(found, before.keys() - found.keys())

    def trouble(self, what: str) -> None:
        """Nothing can be looked at: whatever stood stands. Raises StoreError."""
        self._note({Key(PLATFORM, TROUBLE, MACHINE): what}, set())

    def _standing(self) -> Standing:
        every = self.session.store.alarms.every()
        return {alarm.key: alarm.what for alarm in every if alarm.standing}

    def _note(self, found: Standing, over: Collection[Key]) -> None:
        before = self._standing()
        changed = {key: what for key, what in found.items() if before.get(key) != what}
        if not changed and not over:
            return
        store = self.session.store
        with store.together():
            store.alarms.note(changed, over, self.session.clock.now_ms())
            for key in sorted(changed.keys() - before.keys()):
                self.session.write_down(f"alarm {key.kind}", key.subject, changed[key], "raised")
            for key in sorted(over):
                self.session.write_down(f"alarm {key.kind}", key.subject, before[key], "over")


def _of_services(cycle: Cycle) -> Iterator[tuple[Key, str]]:
    """What fails again and again, waits for something, or has a relaxation that ended."""
    worst: dict[Key, int] = {}
    for (name, slot), failures in sorted(cycle.records.failures.items()):
        desired = cycle.desired.services.get(name)
        if desired is None or slot >= len(desired.slots) or failures.count < ATTEMPTS:
            continue
        key = Key(name.owner, FAILING, str(name))
        if failures.count > worst.get(key, 0):
            worst[key] = failures.count
            # without the number, which grows: one alarm, and not one for each failure
            yield key, f"slot {slot} fails again and again: {failures.cause}"
    for step in cycle.plan.waiting:
        if step.reason not in _WAITS_BY_INTENT:
            what = ": ".join(filter(None, (step.what, step.cause)))
            yield Key(step.service.owner, WAITS, str(step.service)), what
    for line in cycle.plan.upkeep:
        if line.mark is Mark.WAITS:
            yield Key(PLATFORM, WAITS, line.subject), line.cause
    for name, contract in cycle.contracts.services.items():
        ended = sorted(grant.id for grant in contract.ended)
        if ended:
            what = f"its paperwork has ended: {', '.join(ended)}"
            yield Key(name.owner, ENDED, str(name)), what


def _of_updates(session: Session, cycle: Cycle) -> Iterator[tuple[Key, str]]:
    for name, revision in session.held_back.items():
        if name in cycle.desired.services:
            what = f"its update failed, and it runs as revision {revision} has it"
            yield Key(name.owner, HELD_BACK, str(name)), what


def _of_claims(
    unwanted: Mapping[BoxId, str], everywhere: Collection[str]
) -> Iterator[tuple[Key, str]]:
    for box_id, why in unwanted.items():
        yield Key(box_id.owner, BROKEN, str(box_id)), why
    for claim in everywhere:
        what = f"the claim {claim} is broken in several boxes at once: nothing is replaced for it"
        yield Key(PLATFORM, BROKEN, claim), what


def _of_sources(session: Session, before: Standing) -> Iterator[tuple[Key, str]]:
    records = session.store.sources.records()
    for source in session.stored.fleet.platform.sources:
        record = records.get(source.name)
        if not record or record.state not in (FAILED, INVALID, REFUSED, UNREACHABLE):
            continue
        first = record.problems[0] if record.problems else None
        what = f"{record.state}: {first.place}: {first.what}" if first else record.state
        key = Key(source.owner or PLATFORM, SOURCE, f"source {source.name}")
        if record.state == UNREACHABLE:
            yield key._replace(kind=UNREACHABLE), what
            if key not in before or record.seen == record.good:
                continue
            what = before[key]  # of a bad commit nobody has heard that it is gone
        yield key, what


def _of_ends(session: Session, cycle: Cycle, before: Standing) -> Iterator[tuple[Key, str]]:
    """What ends within some days: each relaxation by itself, since each is renewed by itself."""
    policy, now_ms = session.stored.fleet.platform.policy, session.clock.now_ms()
    notice_ms = policy.notice_days * _DAY_MS
    then = _ON_EXPIRY[policy.on_expiry]
    for name, contract in cycle.contracts.services.items():
        near: dict[Key, Grant] = {}
        for grant in contract.grants:
            if not grant.until or grant.ended or end_ms(grant.until) >= now_ms + notice_ms:
                continue
            key = Key(name.owner, ENDS, f"{grant.id} of {name}")
            near[key] = min(near.get(key, grant), grant, key=lambda one: end_ms(one.until))
        for key, grant in near.items():
            yield key, f"it ends {grant.until} ({grant.by}); then {then}"
    for token in ending(session, notice_ms):
        key = Key(token.owner, ENDS, f"token {token.name}")
        # of one that has ended nobody hears that it is over, until somebody has done something
        if token.until_ms > now_ms or key in before:
            yield key, f"it ends {moment(token.until_ms)}; then nobody is let in with it"
