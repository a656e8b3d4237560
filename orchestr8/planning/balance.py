"""Who may still grow while an owner's boxes come near its quota: readings in, ceilings out.

Within a quota the kernel moves idle memory between boxes by itself, faster than any loop. What it
cannot do without `memory.low` is to keep a guarantee that its box does not use yet: a neighbour may
have it all before. So as long as there is room nobody is held to anything. Once what is held and
what is promised come near the quota, a box that has more than it was promised may have no more than
what the others neither hold nor were promised. Who is within its guarantee is never held.

A ceiling that comes late costs a neighbour little, one that goes late may end its box. So they rise
and go at once, and are lowered rarely: never again before a rest, which grows while it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from orchestr8.names import BoxId

NEAR, CALM = 85, 70
"""Percent of the quota, held or promised, from which ceilings are set and below which they go."""
REST_MS, REST_MOST_MS = 1_000, 8_000
"""How long nothing is lowered again: after the first time, and after many."""
FORGIVEN_MS = 60_000
"""After so long without a ceiling the next one is the first again."""
GRAINS = 32
"""A change of less than this part of the quota is none."""
PAGE_BYTES = 65_536
"""The largest page: the kernel rounds a limit to pages."""


class Load(Struct, frozen=True):
    """One running box: what it was promised, what it may have at most, and what it holds, all in
    bytes."""

    id: BoxId
    guarantee_bytes: int
    max_bytes: int
    held_bytes: int

    @property
    def own_bytes(self) -> int:
        """What is its own now, in whole pages: what it holds, or what it was promised if that is
        more."""
        own = max(self.held_bytes, self.guarantee_bytes)
        return min(own + -own % PAGE_BYTES, self.max_bytes)

    @property
    def is_over(self) -> bool:
        """Whether it has more than it was promised."""
        return self.held_bytes > self.guarantee_bytes


class Division(Struct, frozen=True):
    """What was decided for the boxes of one owner.

    `ceilings` has the boxes that are held to less than their maximum. `lowered_ms` is when one was
    lowered last, `times` how often in a row. `over` are the boxes above their guarantee: the kernel
    shall end one of those first.
    """

    ceilings: Mapping[BoxId, int] = field(default_factory=dict)
    lowered_ms: int = 0
    times: int = 0
    over: frozenset[BoxId] = frozenset()


NOTHING = Division()


def contended(quota_bytes: int | None, loads: Sequence[Load]) -> bool:
    """Whether these boxes could ever take from each other what was promised."""
    if quota_bytes is None or not any(load.guarantee_bytes for load in loads):
        return False
    return sum(load.max_bytes for load in loads) > quota_bytes


def decide(
    quota_bytes: int, loads: Sequence[Load], before: Division, now_ms: int, *, ceilings: bool
) -> Division:
    """What holds from now on; `ceilings` is whether guarantees need them on this host."""
    if not contended(quota_bytes, loads):
        return NOTHING
    over = frozenset(load.id for load in loads if load.is_over)
    if not ceilings:
        return Division(over=over)
    grain = quota_bytes // GRAINS
    wanted = fair(quota_bytes, loads) if _is_near(quota_bytes, loads, before) else {}
    kept = {
        box_id: wanted[box_id] if wanted[box_id] >= ceiling + grain else ceiling
        for box_id, ceiling in before.ceilings.items()
        if box_id in wanted
    }
    times = before.times
    if not before.ceilings and now_ms - before.lowered_ms >= FORGIVEN_MS:
        times = 0
    lower = {one for one in wanted if one not in kept or wanted[one] <= kept[one] - grain}
    rest_ms = min(REST_MS << min(times - 1, 16), REST_MOST_MS) if times else 0
    if not lower or now_ms - before.lowered_ms < rest_ms:
        return Division(kept, before.lowered_ms, times, over)
    return Division(kept | {one: wanted[one] for one in lower}, now_ms, times + 1, over)


def fair(quota_bytes: int, loads: Sequence[Load]) -> dict[BoxId, int]:
    """The most that each box above its guarantee may have, where that is less than its maximum: no
    one of them alone can take what the others hold or were promised."""
    claimed = sum(load.own_bytes for load in loads)
    most = {}
    for load in loads:
        left = quota_bytes - (claimed - load.own_bytes)
        ceiling = max(left - left % PAGE_BYTES, load.own_bytes)
        if load.is_over and ceiling < load.max_bytes:
            most[load.id] = ceiling
    return most


def _is_near(quota_bytes: int, loads: Sequence[Load], before: Division) -> bool:
    """Whether a promise is in danger: somebody has no more than it was promised, and little is
    left that nobody holds or was promised."""
    if not any(load.guarantee_bytes and not load.is_over for load in loads):
        return False
    claimed = sum(load.own_bytes for load in loads)
    return claimed * 100 >= quota_bytes * (CALM if before.ceilings else NEAR)
