"""Stories for the laws: what is wanted first, what happens, what is wanted then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from orchestr8.boxes.world import Health
from orchestr8.engines.memory.workload import SIGKILL_STATUS
from orchestr8.planning.plan import Plan
from tests.laws.simulation import Simulation

OWNERS = ("one", "two")
NAMES = tuple(f"{service}.{owner}" for owner in OWNERS for service in ("api", "db", "job", "web"))
SHARERS = ("web.one", "web.two")
"""Those that may join the process namespace of their owner's api."""

Brief = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """What is wanted first and made true, what is wanted then until its plan is interrupted after
    `begun` actions, and what is wanted in the end.

    `mishaps` are kinds and picks, `cut` is where the last plan is interrupted by the law that asks
    for it, `held` says for such a law which service is left alone, `picks` choose an order of
    actions.
    """

    before: Brief
    between: Brief
    begun: int
    after: Brief
    mishaps: tuple[tuple[str, int], ...] = ()
    cut: int = 0
    picks: tuple[int, ...] = ()
    held: int | None = None


@st.composite
def services(draw: st.DrawFn, name: str, names: tuple[str, ...]) -> Brief:
    """One service in brief, of those things that move the planner."""
    others = [other for other in names if other != name]
    words: Brief = {
        "image": draw(st.sampled_from(("x:1", "x:2"))),
        "replicas": draw(st.sampled_from((1, 1, 2, 3, 0))),
    }
    if name.startswith("job"):
        return words | {"run": "once", "replicas": 1}
    linked = draw(st.lists(st.sampled_from(others), max_size=2, unique=True)) if others else []
    if linked:
        words["connects"] = [f"{peer}:{5000 + NAMES.index(peer)}" for peer in linked]
    earlier = [other for other in others if NAMES.index(other) < NAMES.index(name)]
    if earlier and draw(st.booleans()):
        words["after"] = [draw(st.sampled_from(earlier))]
    if draw(st.booleans()):
        words["health"] = {"tcp": 5000 + NAMES.index(name)}
    if draw(st.booleans()):
        words["publish"] = {f"127.0.0.1:{8000 + NAMES.index(name)}": 80}
    if name.startswith("db") and draw(st.booleans()):
        words["volumes"] = {"/data": "data"}
    if draw(st.booleans()):
        order = draw(st.sampled_from(("start-first", "stop-first")))
        words["update"] = {"order": order, "parallel": draw(st.integers(1, 2))}
    if draw(st.booleans()):
        words["limits"] = {"memory": draw(st.sampled_from(("64MiB", "256MiB")))}
    if draw(st.booleans()):
        grace_ms = draw(st.sampled_from((5_000, 60_000)))
        words["stop"] = {"signal": draw(st.sampled_from(("", "SIGINT"))), "grace_ms": grace_ms}
    if draw(st.booleans()) and not ("volumes" in words and words["replicas"] > 1):
        words["standby"] = draw(st.sampled_from((1, 2)))
    api = f"api.{name.partition('.')[2]}"
    if name in SHARERS and api in names and draw(st.booleans()):
        words |= {"share": {"pid": api}, "replicas": 1}
        words.pop("standby", None)
    return words


@st.composite
def fleets(draw: st.DrawFn) -> Brief:
    """Some of the services, all that is said of them drawn anew."""
    names = tuple(sorted(draw(st.sets(st.sampled_from(NAMES), max_size=5)), key=NAMES.index))
    return {"services": {name: draw(services(name, names)) for name in names}}


@st.composite
def next_fleets(draw: st.DrawFn, before: Brief) -> Brief:
    """The fleet after a change: mostly of one service, sometimes of everything."""
    if draw(st.integers(0, 3)) == 0:
        return draw(fleets())
    names = tuple(before["services"])
    changed = dict(before["services"])
    if names:
        name = draw(st.sampled_from(names))
        changed[name] = draw(services(name, names))
    return {"services": changed}


MISHAPS = ("crash", "gone", "ill", "limits", "flush", "reboot", "image", "stray")


@st.composite
def stories(draw: st.DrawFn, *, mishaps: bool = True) -> Story:
    """A whole story."""
    before = draw(fleets())
    between = draw(next_fleets(before))
    begun = draw(st.sampled_from((0, 0, 1, 2, 3, 4, 5, 6, 8, 10, 13)))
    happened = st.tuples(st.sampled_from(MISHAPS), st.integers(0, 20))
    return Story(
        before,
        between,
        begun,
        draw(next_fleets(between if begun else before)),
        tuple(draw(st.lists(happened, max_size=2))) if mishaps else (),
        draw(st.integers(0, 40)),
        tuple(draw(st.lists(st.integers(0, 10), max_size=12))),
        draw(st.none() | st.integers(0, 4)),
    )


def befall(simulation: Simulation, mishap: tuple[str, int]) -> None:
    """What other programs and people do to a machine."""
    kind, pick = mishap
    machine = simulation.machine
    ids = sorted(machine.boxes)
    box_id = ids[pick % len(ids)] if ids else None
    match kind:
        case "crash" if box_id and machine.boxes[box_id].state.runs:
            machine.crash(box_id, SIGKILL_STATUS)
        case "gone" if box_id:
            del machine.boxes[box_id]
        case "ill" if box_id and machine.boxes[box_id].state.runs:
            simulation.health[box_id] = Health.UNHEALTHY
        case "limits" if box_id:
            box = machine.boxes[box_id]
            limits = replace(box.limits, memory_max_bytes=32 << 20)
            machine.boxes[box_id] = replace(box, limits=limits)
        case "flush":
            machine.elements.clear()
        case "reboot":
            machine.reboot()
        case "image":
            machine.images.clear()
        case _:
            pass


def some_order(plan: Plan, picks: tuple[int, ...]) -> list[int]:
    """An order that respects what actions wait for; the picks choose among those that may go."""
    left = list(range(len(plan.actions)))
    done: set[int] = set()
    order: list[int] = []
    while left:
        ready = [number for number in left if set(plan.actions[number].needs) <= done]
        pick = picks[len(order) % len(picks)] if picks else 0
        chosen = ready[pick % len(ready)]
        left.remove(chosen)
        done.add(chosen)
        order.append(chosen)
    return order
