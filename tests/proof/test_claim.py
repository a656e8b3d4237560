"""What claims have in common: every task is asked, and what is wrong is told in few words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from orchestr8.proof.claim import every_task, nothing_wrong, numbers
from orchestr8.proof.model import Reading, TaskReading, Verdict
from orchestr8.proof.prove import prove
from tests.proof.cases import pair_of, recorded

EXPECTATION, READING = pair_of(recorded()["base"])


def with_tasks(count: int) -> Reading:
    """The recorded box with so many tasks, numbered from 1."""
    task = replace(READING.tasks[0], comm="probe")
    return replace(READING, tasks=tuple(replace(task, pid=n + 1) for n in range(count)))


def says(answers: dict[int, str]) -> Callable[[TaskReading], str | None]:
    """What is seen of each task, by its number; of another one, what is right."""
    return lambda task: answers.get(task.pid, "1")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({1: "0"}, "0 (1 probe)"),
        ({1: "0", 3: "7"}, "0 (1 probe, and 1 more)"),
        ({2: "5", 3: "7", 4: "8"}, "5 (2 probe, and 2 more)"),
    ],
)
def test_the_first_wrong_task_is_told_and_the_others_counted(
    wrong: dict[int, str], told: str
) -> None:
    answer = every_task(with_tasks(4), "1", says(wrong))
    assert (answer.verdict, answer.observed) == (Verdict.BROKEN, told)
    assert every_task(with_tasks(4), "1", says({})).verdict is Verdict.HELD


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, "a"), (3, "a; b; c"), (4, "a; b; c, and 1 more"), (6, "a; b; c, and 3 more")],
)
def test_three_wrongs_are_told_and_the_others_counted(count: int, told: str) -> None:
    answer = nothing_wrong("none", reversed("abcdef"[:count]))
    assert (answer.verdict, answer.observed) == (Verdict.BROKEN, told)


@pytest.mark.parametrize(("count", "told"), [(1, "(1 task)"), (2, "(2 tasks)")])
def test_it_is_said_how_many_tasks_were_asked(count: int, told: str) -> None:
    proof = prove(EXPECTATION, with_tasks(count))
    sentences = {finding.claim: finding.sentence for finding in proof.findings}
    assert sentences["seccomp"].endswith(told)
    assert "task" not in sentences["limits.memory"]


@pytest.mark.parametrize(
    ("line", "read"),
    [(None, None), ("", ()), ("0\t65536", (0, 65536)), ("0 -1", None), ("x", None)],
)
def test_a_line_is_read_as_numbers_only_where_all_of_it_are(
    line: str | None, read: tuple[int, ...] | None
) -> None:
    assert numbers(line) == read
