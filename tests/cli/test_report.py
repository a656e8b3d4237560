"""Where errors become words: a bug says that it is one, and what belongs to others is named so."""

from __future__ import annotations

import errno
import fcntl
import json

import pytest

from orchestr8.cli.report import report, wants_json
from orchestr8.errors import (
    Exit,
    FeatureMissingError,
    Orchestr8Error,
    RejectedError,
    StoreError,
    TimedOutError,
    UnavailableError,
    UsageError,
)
from tests.cli.console import HELLO, Console


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("what", "remedy"), Exit.USAGE),
        (UnavailableError("what", "remedy"), Exit.FAILED),
        (RejectedError("what", "remedy"), Exit.FAILED),
        (FeatureMissingError("what", "remedy"), Exit.FAILED),
        (StoreError("what", "remedy"), Exit.FAILED),
        (TimedOutError("what", "remedy"), Exit.TIMED_OUT),
    ],
)
def test_every_error_has_its_status_and_its_remedy(
    error: Orchestr8Error, status: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error, ["plan"]) == status
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "orchestr8: what\n   remedy\n")


def test_foreign_words_cannot_act(capsys: pytest.CaptureFixture[str]) -> None:
    report(RejectedError("the engine says: \x1b[2J\nsecond", ""), [])
    assert capsys.readouterr().err == "orchestr8: the engine says: \\x1b[2J\n   second\n"


def test_a_lack_of_descriptors_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(OSError(errno.EMFILE, "too many open files"), ["plan"]) == Exit.FAILED
    said = capsys.readouterr().err
    assert said.startswith("orchestr8: this process or the machine has no file descriptor left\n")
    assert "bug" not in said


def test_a_bug_is_said_to_be_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORCHESTR8_DEBUG", raising=False)
    assert report(ZeroDivisionError("division by zero"), ["plan"]) == 1
    shown = capsys.readouterr().err
    assert "this is a bug in orchestr8: ZeroDivisionError: division by zero" in shown
    assert "ORCHESTR8_DEBUG=1" in shown
    assert "Traceback" not in shown
    monkeypatch.setenv("ORCHESTR8_DEBUG", "1")
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError as error:
        report(error, ["plan"])
    assert "Traceback" in capsys.readouterr().err


def test_errors_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    report(RejectedError("what", "remedy"), ["plan", "--output", "json"])
    shown = capsys.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out) == {
        "schema": 1, "kind": "error", "exit": 1, "what": "what", "remedy": "remedy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["plan", "--output", "json"], True),
        (["plan", "--output=json", "x"], True),
        (["plan", "--output", "text"], False),
        (["exec", "a.b", "--", "tool", "--output", "json"], False),
        (["plan", "json"], False),
    ],
)
def test_json_is_wanted_where_it_was_typed(typed: list[str], wanted: bool) -> None:
    assert wants_json(typed) is wanted


def test_another_apply_holds_the_lock(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    (console.folder / "state").mkdir()
    with (console.folder / "state" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = console.run("apply", "hello.yaml", ORCHESTR8_ENGINE="memory")
    assert answer.status == 1
    assert "another orchestr8 is changing this machine" in answer.errors


def test_a_database_that_is_none(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    console.write("state/orchestr8.db", "not a database, but long enough to be looked at" * 100)
    for words in (["plan", "hello.yaml"], ["status"], ["down"]):
        answer = console.run(*words, ORCHESTR8_ENGINE="memory")
        assert answer.status == 1
        assert "cannot be used: file is not a database" in answer.errors
        assert "backup" in answer.errors
    answer = console.run("validate", "hello.yaml")
    assert answer.status == 0
    assert "no problems." in answer.output
