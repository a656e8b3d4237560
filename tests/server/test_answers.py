"""What came of a command is given again to whoever asks with the same key, for a while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestr8.server import answers
from orchestr8.server.answers import Answer, Kept

WHOSE = (1000, "a")


def said(*events: str, over: bool = True) -> Callable[[], Answer]:
    """Begins a command that says this."""

    def begin() -> Answer:
        answer = Answer(keeps=True)
        for event in events:
            answer.put(out=event)
        if over:
            answer.end()
        return answer

    return begin


def is_done_anew(kept: Kept) -> bool:
    """Whether a command with the key is begun, and not told from memory."""
    return isinstance(kept.once(WHOSE, b"x", said("again")), Answer)


@pytest.fixture
def kept() -> Kept:
    """What remembers one command."""
    made = Kept()
    assert isinstance(made.once(WHOSE, b"x", said("first")), Answer)
    assert made.once(WHOSE, b"x", said("again")) == [b'{"out": "first"}\n']
    return made


def test_an_old_answer_is_forgotten(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "KEPT_SECONDS", -1.0)
    assert is_done_anew(kept)


def test_a_long_answer_is_forgotten(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LINES_BYTES_MOST", 8)
    assert is_done_anew(kept)


def test_of_too_many_answers_all_are_forgotten(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "KEPT_MOST", 1)
    assert is_done_anew(kept)


def test_what_is_under_way_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    kept.once(WHOSE, b"x", said("begun", over=False))
    monkeypatch.setattr(answers, "KEPT_SECONDS", -1.0)
    monkeypatch.setattr(answers, "KEPT_MOST", 0)
    assert kept.once(WHOSE, b"x", said("again")) == (
        "the command with this idempotency key is under way"
    )
