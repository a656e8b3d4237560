"""What `make bench` wrote is what the document says, and what a row says is true."""

from __future__ import annotations

from importlib import import_module

import pytest

from benchmarks import document, results
from benchmarks.__main__ import GROUPS
from benchmarks.results import Measured
from benchmarks.rows import Row, Verdict, failed, in_turn, medians

KEYS = {"name", "ours", "peer", "peer_name", "ratio", "unit", "runs", "machine"}


def row(ours: float | None, peer: float | None, peer_name: str = "peer", most: float = 2) -> Row:
    return Row("a row", ours, peer, peer_name, "ms", 5, most)


def test_the_document_is_what_the_results_say() -> None:
    assert document.FILE.read_text("utf-8") == document.text(results.read()), "run `make bench`"


def test_the_results_have_what_was_promised() -> None:
    for written in results.read():
        assert written.keys() >= KEYS
        assert written["group"] in GROUPS


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_has_rows_and_a_title(group: str) -> None:
    module = import_module(f"benchmarks.{group}")
    assert module.TITLE and callable(module.rows)


@pytest.mark.parametrize(
    ("found", "verdict", "shown"),
    [
        (row(20, 10), Verdict.MET, "ratio 2.00, at most 2  met"),
        (row(21, 10), Verdict.MISSED, "ratio 2.10, at most 2  MISSED"),
        (row(20, None), Verdict.PEER_MISSING, "peer -  at most 2  PEER MISSING"),
        (row(2, None, ""), Verdict.MET, "at most 2  met"),
        (row(2.1, None, ""), Verdict.MISSED, "at most 2  MISSED"),
        (Row("a row", 3, 2, "peer", "ms", 5), Verdict.BESIDE, "ratio 1.50"),
        (failed("a row", OSError("no\nspace")), Verdict.FAILED, "FAILED  OSError: no space"),
    ],
)
def test_a_row_says_what_it_came_to(found: Row, verdict: Verdict, shown: str) -> None:
    assert found.verdict is verdict
    assert document.line(found).endswith(shown)


def test_a_group_that_ran_replaces_its_rows_only() -> None:
    first, second = Measured("startup", row(1, 1)), Measured("planning", row(2, 1))
    written = results.together([], [second], "one machine")
    written = results.together(written, [first], "another")
    written = results.together(written, [first], "another")
    assert [(one["group"], one["machine"]) for one in written] == [
        ("planning", "one machine"),
        ("startup", "another"),
    ]
    assert [results.row_of(one) for one in written] == [second.row, first.row]
    assert "| a row | 2 ms | peer 1 | 2.00 | at most 2: met | 5 |" in document.text(written)


def test_measures_take_turns_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []

    def measure(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    measures = {"a": lambda: measure("a"), "b": lambda: measure("b")}
    found = in_turn(3, measures)
    assert calls == ["a", "b"] * 4
    assert medians(found) == {"a": 5, "b": 6}
    calls.clear()
    in_turn(3, measures, warm=0, both_ways=True)
    assert calls == ["a", "b", "b", "a", "a", "b"]
