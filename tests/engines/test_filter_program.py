"""The compiled filters answer as the data says: every number, every argument that decides."""

from __future__ import annotations

import pytest

from orchestr8.engines.crun.filter_program import ALLOW, KILL_THREAD, program
from orchestr8.isolation.seccomp import FILTERS
from orchestr8.proof import calls, filters

CASES = [(name, architecture) for name in FILTERS for architecture in calls.AUDIT]


def answers(name: str, architecture: str, number: int, arguments: tuple[int, ...] = ()) -> int:
    parsed = filters.parse(program(name, architecture))
    return filters.run(parsed, calls.AUDIT[architecture], number, arguments)


def expected(errno: int | None) -> int:
    return ALLOW if errno is None else 0x0005_0000 | errno


@pytest.mark.parametrize(("name", "architecture"), CASES)
def test_every_call_is_answered_as_the_data_says(name: str, architecture: str) -> None:
    chosen = FILTERS[name]
    names = {number: call for call, number in calls.numbers(architecture).items()}
    for number in range(calls.NUMBERS_END):
        errno = chosen.answer(names.get(number, ""), ())
        assert answers(name, architecture, number) == expected(errno), names.get(number, number)


@pytest.mark.parametrize(("name", "architecture"), CASES)
def test_arguments_decide_as_the_data_says(name: str, architecture: str) -> None:
    chosen, numbers = FILTERS[name], calls.numbers(architecture)
    for call, arguments in filters.probes():
        if call in numbers:
            wanted = chosen.answer(call, arguments)
            found = answers(name, architecture, numbers[call], arguments)
            if wanted is None or found == ALLOW:
                assert found == expected(wanted), (call, arguments)


@pytest.mark.parametrize(("name", "architecture"), CASES)
def test_calls_of_other_tables_kill(name: str, architecture: str) -> None:
    parsed = filters.parse(program(name, architecture))
    for number in (0, 1, 59, 400):
        assert filters.run(parsed, calls.FOREIGN[architecture], number, ()) == KILL_THREAD
    if architecture == "amd64":
        assert answers(name, architecture, 1 | calls.X32_BIT) == KILL_THREAD


@pytest.mark.parametrize(("name", "architecture"), CASES)
def test_the_proof_finds_nothing_too_much(name: str, architecture: str) -> None:
    assert filters.too_much((program(name, architecture),), name, architecture) == ()


def test_a_plain_call_is_found_in_a_few_steps() -> None:
    """As a list the same filter takes some 350 comparisons for the calls at its end."""
    for call, number in calls.numbers("amd64").items():
        if FILTERS["strict-1"].answer(call) is None and not _ruled(call):
            assert _steps(number) <= 14, call


def _ruled(call: str) -> bool:
    return any(rule.call == call for rule in FILTERS["strict-1"].rules)


def _steps(number: int) -> int:
    """How many instructions run for a call without arguments: loads, jumps, the answer."""
    parsed = filters.parse(program("strict-1", "amd64"))
    place = steps = 0
    while parsed[place][0] != 0x06:
        code, true, false, k = parsed[place]
        word = calls.AUDIT["amd64"] if place < 2 else number
        met = {0x15: word == k, 0x35: word >= k}.get(code)
        place += 1 + (k if code == 0x05 else 0 if met is None else true if met else false)
        steps += 1
    return steps + 1
