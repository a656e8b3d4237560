"""What owners and boxes use: two looks, and what went by between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from orchestr8.boxes.use import BoxUse, Ceiling, Use
from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.session import Session
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.names import BoxId, ServiceName


class Rates(Struct, frozen=True):
    """What went by in one second: cpu in thousandths of a core, traffic in bytes (None where it
    could not be read)."""

    cpu_millicores: int
    received_bytes: int | None = None
    sent_bytes: int | None = None


class BoxRow(Struct, frozen=True):
    """One running box. `restarts` is how often the boxes of its slot ended by themselves since one
    last behaved well."""

    id: BoxId
    slot: int
    use: Use
    rates: Rates
    limits: Limits
    restarts: int
    ceiling: Ceiling | None = None
    cores: tuple[int, ...] = ()
    """The cores that it is held to, where these are not all; `is_alone` is whether they are its
    own."""
    is_alone: bool = False


class OwnerRow(Struct, frozen=True):
    """One owner, and its running boxes by service and slot; the numbers are its control group's,
    so they are no sum of the rows."""

    owner: str
    use: Use
    rates: Rates
    quota: Quota
    restarts: int
    boxes: tuple[BoxRow, ...]


class _Looked(Struct, frozen=True):
    at: float
    boxes: tuple[ObservedBox, ...]
    uses: Mapping[BoxId, BoxUse] = field(default_factory=dict)


def top(session: Session, services: Sequence[ServiceName], seconds: float) -> tuple[OwnerRow, ...]:
    """The owners that have running boxes, as far as they are theirs who ask; rates are over so
    many seconds, which this takes. Raises EngineError."""
    first = _look(session, services)
    session.clock.sleep(seconds)
    last = _look(session, services)
    quotas = session.borders.owners.quotas()
    failures = session.store.ledger.records().failures
    restarts = {key: one.count for key, one in failures.items()}
    owners = sorted({box_id.owner for box_id in last.uses})
    return tuple(
        _owner(owner, quotas.get(owner, Quota()), _rows(session, owner, first, last, restarts),
               first, last)
        for owner in owners
    )  # fmt: skip


def _look(session: Session, services: Sequence[ServiceName]) -> _Looked:
    observed = session.borders.boxes.observe().boxes
    boxes = tuple(
        box
        for box in observed
        if box.state.runs and box.pid and session.may(box.id.owner)
        and (not services or box.id.service_name in services)
    )  # fmt: skip
    at, witness = session.clock.monotonic(), session.borders.witness
    read = {box.id: witness.use(box.id, box.pid or 0) for box in boxes}
    return _Looked(at, boxes, {box_id: use for box_id, use in read.items() if use})


def _rows(
    session: Session,
    owner: str,
    first: _Looked,
    last: _Looked,
    restarts: Mapping[tuple[ServiceName, int], int],
) -> tuple[BoxRow, ...]:
    found = [box for box in last.boxes if box.id.owner == owner and box.id in last.uses]
    features, declared = session.borders.boxes.features(), session.stored.standing().services()
    alone = {name for name, one in declared.items() if one.limits.dedicated_cores}
    found.sort(key=lambda box: (box.id.service, box.slot, box.id.serial))
    return tuple(
        BoxRow(
            box.id,
            box.slot,
            last.uses[box.id].box,
            _rates(first.uses.get(box.id), last.uses[box.id], last.at - first.at),
            box.limits or Limits(),
            restarts.get((box.id.service_name, box.slot), 0),
            session.ceilings.get(box.id),
            features.not_all(box.cores),
            box.id.service_name in alone and bool(features.not_all(box.cores)),
        )
        for box in found
    )


def _owner(
    owner: str, quota: Quota, rows: tuple[BoxRow, ...], first: _Looked, last: _Looked
) -> OwnerRow:
    """The owner's group as it was beside the last of its boxes that was looked at."""
    beside = last.uses[rows[-1].id].owner
    before = next((use.owner for one, use in first.uses.items() if one.owner == owner), beside)
    rates = Rates(
        _millicores(before, beside, last.at - first.at),
        sum(row.rates.received_bytes or 0 for row in rows),
        sum(row.rates.sent_bytes or 0 for row in rows),
    )
    return OwnerRow(owner, beside, rates, quota, sum(row.restarts for row in rows), rows)


def _rates(before: BoxUse | None, now: BoxUse, seconds: float) -> Rates:
    """Of a box that was not there at the first look, nothing has gone by."""
    before = before or now
    cpu = _millicores(before.box, now.box, seconds)
    if before.traffic is None or now.traffic is None:
        return Rates(cpu)
    return Rates(
        cpu,
        _a_second(now.traffic.received_bytes - before.traffic.received_bytes, seconds),
        _a_second(now.traffic.sent_bytes - before.traffic.sent_bytes, seconds),
    )


def _millicores(before: Use, now: Use, seconds: float) -> int:
    return _a_second((now.cpu_us - before.cpu_us) // 1000, seconds)


def _a_second(amount: int, seconds: float) -> int:
    return max(round(amount / seconds), 0) if seconds > 0 else 0
