"""The laws of the whole road, each a function of a story and an engine.

A law looks at the machine and at what `apply` and `plan` answer, never into a stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from orchestr8.boxes.network import Door
from orchestr8.boxes.world import State
from orchestr8.errors import EngineError, Exit, ManifestError
from orchestr8.names import STANDBY
from orchestr8.planning.show import action_lines, plan_text
from orchestr8.units import parse_size
from tests.laws.laws import without_dangling
from tests.laws.road import Brief, Engine, Killed, Road, road
from tests.laws.road_stories import RoadStory
from tests.laws.watch import Watch

RoadLaw = Callable[[RoadStory, Engine], None]

LOOKS = {
    "boxes.logs", "boxes.observe", "images.resolve", "keepsake.kept", "network.absent",
    "network.listeners", "network.observe", "owners.quotas", "probes.check", "volumes.volumes",
    "witness.read", "witness.use",
}  # fmt: skip
"""The calls that change nothing."""


def comes_to_rest(story: RoadStory, engine: Engine) -> None:
    """Each apply makes the fleet as declared; then the plan is empty, and applying changes
    nothing."""
    with road(engine) as one:
        for brief in (story.before, story.after):
            _converges(one, brief)
        one.faults.calls.clear()
        assert one.apply(story.after).exit is Exit.DONE
        assert {call for call, _subject in one.faults.calls} <= LOOKS


def faults_delay_only(story: RoadStory, engine: Engine) -> None:
    """Whatever calls fail, the next apply without faults makes all as declared."""
    with road(engine) as one:
        _converges(one, story.before)
        _apply_with_faults(one, story)
        _converges(one, story.after)


def kills_delay_only(story: RoadStory, engine: Engine) -> None:
    """Killed at any call, the next apply makes all as declared, and nothing twice."""
    with road(engine) as one:
        _converges(one, story.before)
        with _faulty(one, story.kill()), suppress(Killed):
            one.apply(story.after)
        _converges(one, story.after)


def keeps_slots(story: RoadStory, engine: Engine) -> None:
    """At no call do more boxes run in a slot, or write to a volume, than the service allows."""
    assert not _watched(story, engine).crowded


def keeps_what_works(story: RoadStory, engine: Engine) -> None:
    """No healthy box is ended before its replacement is healthy, whatever fails meanwhile."""
    assert not _watched(story, engine).bared


def takes_back_what_failed(story: RoadStory, engine: Engine) -> None:
    """An update whose image is bad leaves the service as it was, and the rest as declared."""
    with road(engine) as one:
        _converges(one, story.before)
        applied = one.apply(story.spoilt)
        bad = {
            name
            for name, words in story.spoilt["services"].items()
            if words != story.after["services"][name]
        }
        was = story.before["services"]
        for name in bad:
            assert applied.exit in (Exit.ROLLED_BACK, Exit.FAILED)
            if name in was and was[name].get("replicas"):
                kept = [box for box in one.machine.boxes.values()
                        if str(box.box.id.service_name) == name]  # fmt: skip
                assert {box.box.spec.image for box in kept} == {was[name]["image"]}
                assert all(box.state.runs or box.box.slot == STANDBY for box in kept)


def equal_text_gives_an_equal_plan(story: RoadStory, engine: Engine) -> None:
    """In whatever order services stand, on this machine and on another, now and again."""
    turned: Brief = {"services": dict(reversed(story.after["services"].items()))}
    with road(engine) as one, road(engine) as other:
        for each in (one, other):
            _converges(each, story.before)
        plans = [each.plan(story.after).cycle.plan for each in (one, one, other)]
        plans.append(one.plan(turned).cycle.plan)
        assert plans[0] == plans[1] == plans[3]
        texts = [(plan_text(plan), action_lines(plan)) for plan in plans]
        assert texts == [texts[0]] * 4


def stays_with_its_owner(story: RoadStory, engine: Engine) -> None:
    """What one owner changes makes no call about another's box, and no line of the plan."""
    before, changed = _let_in(story.before["services"]), _let_in(story.after["services"])
    mine = {name: words for name, words in changed.items() if name.endswith(".one")}
    theirs = {name: words for name, words in before.items() if name.endswith(".two")}
    after = {
        name: without_dangling(words, mine | theirs) for name, words in (mine | theirs).items()
    }
    if not after or any(after[name] != words for name, words in theirs.items()):
        return
    with road(engine) as one:
        _converges(one, {"services": before})
        plan = one.plan({"services": after}).cycle.plan
        assert all(step.service.owner == "one" for step in plan.steps), plan_text(plan)
        one.faults.calls.clear()
        assert one.apply({"services": after}).exit is Exit.DONE
        acted = [pair for pair in one.faults.calls if pair[0] not in LOOKS]
        assert not [pair for pair in acted if pair[1].startswith("two--")], acted


def _let_in(services: Brief) -> dict[str, Brief]:
    """Services whose owner let web.one in from the beginning, so that a link to them, which would
    give them an interface, forces nothing."""
    caller = {"web.one": {"image": "x:1", "health": {"tcp": 5000}}}
    return {
        name: words if name.endswith(".one") else {**words, "accepts": ["web.one:1"]}
        for name, words in (caller | dict(services)).items()
    }


def keeps_data(story: RoadStory, engine: Engine) -> None:
    """Volumes stay, whatever is applied, taken down or forgotten."""
    with road(engine) as one:
        _converges(one, story.before)
        made = set(one.machine.volumes)
        _converges(one, story.after)
        made |= set(one.machine.volumes)
        assert one.remove().exit is Exit.DONE
        assert not one.machine.boxes
        assert set(one.machine.volumes) == made


def _converges(one: Road, brief: Brief) -> None:
    applied = one.apply(brief)
    assert applied.exit is Exit.DONE, applied
    _is_as_declared(one, brief)
    plan = one.plan(brief).cycle.plan
    assert plan.empty and not plan.steps, plan_text(plan)


def _is_as_declared(one: Road, brief: Brief) -> None:
    """One box in every slot, as declared and no other; each published port leads to all of them."""
    boxes = list(one.machine.boxes.values())
    slots = Counter((str(box.box.id.service_name), box.box.slot) for box in boxes)
    services = brief["services"]
    wanted = {
        (name, slot): 1
        for name, words in services.items()
        for slot in range(words.get("replicas", 1))
    }
    wanted |= {
        (name, STANDBY): words["standby"]
        for name, words in services.items()
        if "standby" in words and words.get("replicas", 1)
    }
    assert slots == wanted
    for box in boxes:
        words = services[str(box.box.id.service_name)]
        done = words.get("run") == "once" and box.state is State.STOPPED and box.exit_status == 0
        waits = box.box.slot == STANDBY and box.state is State.CREATED
        assert box.state.runs or done or waits, box
        assert box.box.spec.image == words["image"]
        if box.state.runs and "limits" in words:
            assert box.limits.memory_max_bytes == parse_size(words["limits"]["memory"])
    doors = {
        f"{element.address}:{element.host_port}": len(element.backends)
        for element in one.machine.elements
        if isinstance(element, Door)
    }
    published = {
        place: words.get("replicas", 1)
        for words in services.values()
        for place in words.get("publish", {})
        if words.get("replicas", 1)
    }
    assert doors == published


@contextmanager
def _faulty(one: Road, faults: tuple[object, ...]) -> Iterator[None]:
    """While these faults are ordered; they may well not be met."""
    for fault in faults:
        one.faults.order(fault)  # type: ignore[arg-type]
    try:
        yield
    finally:
        one.faults.clear()


def _apply_with_faults(one: Road, story: RoadStory) -> None:
    faults = tuple(order.fault() for order in story.orders)
    # an engine that is away during the first stages ends the apply; an image that cannot be looked
    # for is the manifest's problem
    with _faulty(one, faults), suppress(EngineError, ManifestError):
        one.apply(story.after)


def _watched(story: RoadStory, engine: Engine) -> Watch:
    """What was seen while the change met its faults, and while it was made true after them."""
    with road(engine) as one:
        _converges(one, story.before)
        watch = Watch(one, (story.before, story.after))
        watch.begin()
        _apply_with_faults(one, story)
        watch.begin()
        one.apply(story.after)
    return watch


ROAD_LAWS: tuple[RoadLaw, ...] = (
    comes_to_rest,
    faults_delay_only,
    kills_delay_only,
    keeps_slots,
    keeps_what_works,
    takes_back_what_failed,
    equal_text_gives_an_equal_plan,
    stays_with_its_owner,
    keeps_data,
)
