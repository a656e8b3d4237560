"""A simulated machine and plans for it, in brief."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from orchestr8.contract.model import ImageFacts
from orchestr8.controller.execute import Outcome
from orchestr8.engines.memory.clock import FakeClock
from orchestr8.engines.memory.machine import Machine
from orchestr8.isolation.limits import Quota
from orchestr8.manifest.model import Health, TcpCheck
from orchestr8.names import BoxId
from orchestr8.planning.plan import Action, AwaitBox, Call, CreateBox, Plan, Purpose, StartBox
from tests.engines.boxes import IMAGE_ID, box

HEALTH = Health(TcpCheck(8080), within_ms=60_000)


def machine() -> Machine:
    """A machine whose clock stands still, with the image and the owner's cgroup that boxes need."""
    made = Machine(clock=FakeClock())
    made.register(ImageFacts("probe:1", IMAGE_ID, entrypoint=("/usr/bin/probe",)))
    made.quotas["web"] = Quota()
    return made


def box_id(number: int) -> BoxId:
    """The n-th box of one service."""
    return BoxId("web", "front", number)


def coming_up(
    numbers: Iterable[int], health: Health | None = HEALTH, *, done: bool = False
) -> Plan:
    """A plan that creates, starts and awaits boxes, each on its own."""
    actions: list[Action] = []

    def add(call: Call, number: int, needs: tuple[int, ...] = ()) -> int:
        service = box_id(number).service_name
        actions.append(Action(call, Purpose.PROVISION, "none of it runs", service, needs))
        return len(actions) - 1

    within_ms = health.within_ms if health else 60_000
    for number in numbers:
        created = add(CreateBox(box(str(box_id(number)), run_once=done)), number)
        started = add(StartBox(box_id(number)), number, (created,))
        add(AwaitBox(box_id(number), health, done, within_ms), number, (started,))
    return Plan(actions=tuple(actions))


@dataclass
class Told:
    """What an executor said of its actions: begins and ends, in order."""

    heard: list[tuple[Action, Outcome | None]] = field(default_factory=list)
    listener: Callable[[Action, Outcome | None], None] = lambda _action, _outcome: None

    def __call__(self, action: Action, outcome: Outcome | None) -> None:
        """Listens."""
        self.heard.append((action, outcome))
        self.listener(action, outcome)

    def ended(self, kind: type[Call]) -> int:
        """How many actions of a kind have ended."""
        return sum(
            outcome is not None and isinstance(one.call, kind) for one, outcome in self.heard
        )
