"""Figures of a machine as Prometheus reads them: counted while it runs, or looked up when asked.

Names of services are left out: owners are few, and what is measured of boxes is the engine's to
tell. Whoever asks gets the lines of the owners that are theirs; the platform gets all.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from orchestr8.controller.authority import Authority
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.progress import Phase
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.controller.source_status import source_status
from orchestr8.errors import Orchestr8Error
from orchestr8.names import PLATFORM

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0)
_PHASES = ("create", "start", "healthy")


class Metrics:
    """What is counted, and what was seen last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registry = CollectorRegistry()
        self._cycle: Cycle | None = None
        self._failures = self._counter(
            "box_failures",
            "Boxes that ended by themselves, fell ill or did not come up.",
            "owner",
        )
        self._heals = self._counter("heals", "Boxes that the loop made unasked.", "owner")
        self._phases = self._histogram(
            "box_phase_seconds", "How long boxes took that the loop made.", "owner", "phase"
        )
        self._turns = self._histogram("turn_seconds", "How long a turn of the loop took.")
        self._troubles = self._counter("turns_in_trouble", "Turns in which nothing could be seen.")
        self._commands = self._histogram(
            "command_seconds", "How long commands took at the API.", "verb", "exit"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"orchestr8_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            f"orchestr8_{name}", text, labels, registry=self._registry, buckets=_SECONDS
        )

    def turned(self, cycle: Cycle | None, seconds: float) -> None:
        """A turn of the loop is over; without a cycle nothing could be looked at."""
        self._turns.observe(seconds)
        self._cycle = cycle
        if cycle is None:
            self._troubles.inc()

    def phase(self, phase: Phase) -> None:
        """A phase of a box is over, or failed."""
        owner = phase.box.owner if phase.box else phase.service.owner if phase.service else ""
        if phase.milliseconds is None or not owner:
            return
        if phase.phase == "failed":
            self._failures.labels(owner).inc()
        elif phase.phase in _PHASES and not phase.failed:
            if phase.phase == "create":
                self._heals.labels(owner).inc()
            self._phases.labels(owner, phase.phase).observe(phase.milliseconds / 1000)

    def command(self, verb: str, status: int, seconds: float) -> None:
        """A command was done at the API."""
        self._commands.labels(verb, str(status)).observe(seconds)

    def told(self, authority: Authority) -> bytes:
        """Everything that is theirs who ask, as text."""
        text: bytes = generate_latest(_Seen(self._every(), authority))
        return text

    def _every(self) -> Iterator[Metric]:
        yield from self._registry.collect()
        if self._cycle:
            yield from _of_cycle(self._cycle)
        try:
            with session(self._settings, make=False) as opened:
                yield from list(_of_store(opened))
        except Orchestr8Error:
            return  # what can be told without the store is told


class _Seen:
    """The families that are theirs, as the library wants to be given them."""

    def __init__(self, families: Iterable[Metric], authority: Authority) -> None:
        self._families = families
        self._may: Callable[[str], bool] = authority.may
        self._all = authority.platform

    def collect(self) -> Iterator[Metric]:
        """Each family with the samples that are theirs; none of what is the whole machine's."""
        for family in self._families:
            if not self._all:
                family.samples = [
                    sample
                    for sample in family.samples
                    if "owner" in sample.labels and self._may(sample.labels["owner"])
                ]
            if family.samples:
                yield family


def _of_cycle(cycle: Cycle) -> Iterator[Metric]:
    """What there is, as the last turn saw it."""
    health = cycle.world.health
    boxes = Count(
        (box.id.owner, box.state.value, health[box.id].value if box.id in health else "")
        for box in cycle.world.boxes
    )
    yield _gauge("boxes", "Boxes that there are.", ("owner", "state", "health"), boxes)
    wanted: Count[tuple[str, ...]] = Count()
    for name, contract in cycle.contracts.services.items():
        wanted[(name.owner,)] += contract.service.replicas
    yield _gauge("boxes_wanted", "Boxes that there shall be.", ("owner",), wanted)
    waiting = Count(
        (step.service.owner, step.reason.value if step.reason else "unknown")
        for step in cycle.plan.waiting
    )
    yield _gauge("services_waiting", "Services that wait, and why.", ("owner", "reason"), waiting)
    gaps = {(gap.feature,): 1 for gap in cycle.contracts.gaps}
    yield _gauge("gap", "What of STRICT this host does not carry.", ("feature",), gaps)


def _of_store(opened: Session) -> Iterator[Metric]:
    """What is known of alarms and sources."""
    alarms = Count(
        (one.key.owner, one.key.kind) for one in opened.store.alarms.every() if one.standing
    )
    yield _gauge("alarms", "Alarms that stand.", ("owner", "alarm"), alarms)
    states: dict[tuple[str, ...], float] = {}
    good: dict[tuple[str, ...], float] = {}
    for source in source_status(opened):
        whose = (source.owner or PLATFORM, source.name)
        states[*whose, source.record.state or "never asked"] = 1
        good[whose] = source.record.good_ms / 1000
    yield _gauge("source", "What came of asking a source.", ("owner", "source", "state"), states)
    text = "Since when a source's commit is in force."
    yield _gauge("source_good_timestamp_seconds", text, ("owner", "source"), good)


def _gauge(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"orchestr8_{name}", text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family
