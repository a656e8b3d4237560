"""What a claim is, and the ways of answering that most claims share.

A claim is a sentence that must be true of a running box. Its check says what was expected, what
was observed, and the verdict. The rule for all of them: what is wrong is broken, what could not be
read is unproven, and only what was read of *every* task is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from orchestr8.names import BoxId, ServiceName
from orchestr8.proof.model import Expectation, Mount, Reading, TaskReading, Verdict

UNREAD = "(could not be read)"


class Answer(NamedTuple):
    """What a check says."""

    expected: str
    observed: str
    verdict: Verdict


def held(expected: str, observed: str) -> Answer:
    """It is as it must be."""
    return Answer(expected, observed, Verdict.HELD)


def broken(expected: str, observed: str) -> Answer:
    """It is not as it must be."""
    return Answer(expected, observed, Verdict.BROKEN)


def unproven(expected: str, reason: str = "") -> Answer:
    """Nobody knows."""
    return Answer(
        expected, f"(could not be read: {reason})" if reason else UNREAD, Verdict.UNPROVEN
    )


Pair = tuple[Expectation, Reading]
Entry = tuple[BoxId, Mount]
Place = tuple[str, str, bool]
ByService = Mapping[ServiceName, Sequence[BoxId]]
"""Boxes of one service have an id and its range in common, however many they are."""


class Neighbours(Struct, frozen=True):
    """The running boxes of this machine, by what two of them could have in common.

    `users` has the ids of boxes that shall have them for themselves, `ranges` the first id of each
    box's range and `bases` these numbers in order. `storage` leads from a device, a path on it and
    whether they are trees of images to the mounts of that path, `storage_below` to those of paths
    below it.

    Made once for all proofs of a round, so that many boxes cost what they cost one by one.
    """

    boxes: Mapping[BoxId, Pair] = field(default_factory=dict)
    namespaces: Mapping[tuple[str, int], tuple[BoxId, ...]] = field(default_factory=dict)
    users: Mapping[str, ByService] = field(default_factory=dict)
    ranges: Mapping[int, ByService] = field(default_factory=dict)
    bases: Sequence[int] = ()
    labels: Mapping[str, tuple[BoxId, ...]] = field(default_factory=dict)
    cgroups: Mapping[str, tuple[BoxId, ...]] = field(default_factory=dict)
    storage: Mapping[Place, list[Entry]] = field(default_factory=dict)
    storage_below: Mapping[Place, list[Entry]] = field(default_factory=dict)


Check = Callable[[Expectation, Reading], Answer]
AcrossCheck = Callable[[Expectation, Reading, Neighbours], Answer]


def _always(_: Expectation) -> bool:
    return True


class Claim(Struct, frozen=True):
    """One sentence about one box.

    `dimensions` are the fields of the profile and of the spec that it answers for. A claim that
    does not apply, because the engine or host lacks the feature (a gap) or the box has nothing of
    the kind, is not counted.
    `of_tasks` marks those that look at every task.
    """

    id: str
    sentence: str
    dimensions: tuple[str, ...]
    check: Check
    applies: Callable[[Expectation], bool] = _always
    of_tasks: bool = False


class AcrossClaim(Struct, frozen=True):
    """One sentence about one box among all others."""

    id: str
    sentence: str
    dimensions: tuple[str, ...]
    check: AcrossCheck
    applies: Callable[[Expectation], bool] = _always


def named(task: TaskReading) -> str:
    """A task as people find it again."""
    return f"{task.pid} {task.comm}"


def failure(reading: Reading, *subjects: str) -> str:
    """Why a subject, or the box as a whole, could not be read, or empty."""
    found = (reading.failures[name] for name in (*subjects, "box") if name in reading.failures)
    return next(found, "")


def every_task(
    reading: Reading,
    expected: str,
    observe: Callable[[TaskReading], str | None],
    right: Callable[[str], bool] | None = None,
) -> Answer:
    """Look at every task: `observe` gives what is seen of one, or None if it was not read.

    A wrong task breaks the claim whatever else is unknown; an unread task, or a list of tasks that
    is not whole, leaves it unproven.
    """
    right = right or (lambda text: text == expected)
    seen = [(task, observe(task)) for task in reading.tasks]
    wrong = [(task, text) for task, text in seen if text is not None and not right(text)]
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return broken(expected, f"{wrong[0][1]} ({named(wrong[0][0])}{more})")
    incomplete = failure(reading, "tasks")
    if not seen or incomplete:
        return unproven(expected, incomplete)
    unread = [task for task, text in seen if text is None]
    if unread:
        return unproven(expected, _why_unread(reading, unread[0]))
    return held(expected, " | ".join(sorted({text for _, text in seen if text})) or expected)


def _why_unread(reading: Reading, task: TaskReading) -> str:
    """The first failure that names the task, else only the task."""
    suffix = f" of {task.pid}"
    found = [text for subject, text in reading.failures.items() if subject.endswith(suffix)]
    return found[0] if found else named(task)


def nothing_wrong(expected: str, wrong: Iterable[str]) -> Answer:
    """Held if nothing is wrong, else broken with all of it, shortened."""
    found = sorted(wrong)
    if not found:
        return held(expected, expected)
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""
    return broken(expected, "; ".join(found[:3]) + more)


def numbers(text: str | None) -> tuple[int, ...] | None:
    """The whole numbers of a line, or None if it is missing or no such line."""
    if text is None:
        return None
    words = text.split()
    return tuple(map(int, words)) if all(word.isdecimal() for word in words) else None


def listed(items: Sequence[str]) -> str:
    """Words in a row, or `none`."""
    return ", ".join(items) if items else "none"
