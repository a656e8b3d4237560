"""What is typed wrongly gets a sentence, what to type instead, and exit status 2."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestr8.cli.verbs import OF_OTHER_TOOLS, VERBS, nearest_verb
from tests.cli.console import HELLO, Console


def test_alone_it_prints_the_commands_of_an_ordinary_day(console: Console) -> None:
    answer = console.run()
    typed = [line for line in answer.output.splitlines() if line.startswith("  orchestr8 ")]
    assert answer.status == 0
    assert len(typed) == 6
    assert console.left_behind == []


def test_version(console: Console) -> None:
    answer = console.run("--version")
    assert (answer.status, answer.output) == (0, "orchestr8 0.1.0\n")


def test_help_lists_every_verb(console: Console) -> None:
    answer = console.run("--help")
    assert answer.status == 0
    for name, verb in VERBS.items():
        assert f"  {name} " in answer.output
        assert verb.summary.split(".")[0][:40] in answer.output


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(console: Console, verb: str) -> None:
    answer = console.run(verb, "--help")
    assert answer.status == 0
    assert f"Usage: orchestr8 {verb}" in answer.output


WRONG = {
    "an unknown command": (["valdate", "x"], "did you mean `orchestr8 validate`?"),
    "another tool's word": (["up"], "did you mean `orchestr8 apply`?"),
    "a word like nothing": (["zzzzzz"], "`orchestr8 --help` lists every command"),
    "an unknown option": (["plan", "x", "--frobnicate"], "`orchestr8 plan --help`"),
    "an unknown option of all": (["--frobnicate"], "`orchestr8 --help` says what it takes"),
    "a missing path": (["validate"], "`orchestr8 validate --help` says what it takes"),
    "a plan of nothing": (["plan"], "write orchestr8 plan PATH, or plan --source NAME"),
    "a source and a path": (["plan", "x", "--source", "y"], "leave the rest out"),
    "a missing service": (["why"], "`orchestr8 why --help` says what it takes"),
    "a surplus word": (["schema", "x"], "`orchestr8 schema --help` says what it takes"),
    "an output format": (["plan", "x", "--output", "xml"], "`orchestr8 plan --help`"),
    "a set's name": (["plan", "x", "--set", "Shop"], "cannot name a set"),
    "a set's reserved name": (["apply", "x", "--set", "host"], "reserved word"),
    "a set for a revision": (["rollback", "shop"], "for 'REVISION': a whole number is needed\n"),
    "a time": (["apply", "x", "--timeout", "ten"], "write --timeout 10m"),
    "a time without end": (["apply", "x", "--timeout", "99d"], "at most 1d"),
    "a date": (["validate", "x", "--at", "tomorrow"], "write --at 2027-02-28"),
    "a number of lines": (["logs", "a.b", "--lines", "0"], "`orchestr8 logs --help`"),
    "a command in a box": (["exec", "a.b"], "orchestr8 exec a.b -- ls -l /tmp"),
    "a field": (["explain", "service.helth"], "did you mean service.health?"),
    "two fields": (["explain", "service", "volume"], "one thing at a time"),
    "a relaxation": (["explain", "relaxation", "cap.ad"], "did you mean cap.add?"),
    "an image": (["init", "UPPER:1"], "write upper"),
    "an owner": (["init", "a:1", "--owner", "No"], '"No"'),
    "nothing applied": (["why", "a.b"], "begin with `orchestr8 apply PATH`"),
    "nothing to stop": (["down"], "nothing is applied on this machine yet"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(console: Console, case: str) -> None:
    words, remedy = WRONG[case]
    answer = console.run(*words)
    assert answer.status == 2
    assert answer.output == ""
    assert answer.errors.startswith("orchestr8: ")
    assert remedy in answer.errors
    assert console.left_behind == []


def test_an_engine_that_does_not_exist(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    answer = console.run("plan", "hello.yaml", "--engine", "podman")
    assert answer.status == 2
    assert 'there is no engine "podman"' in answer.errors


def test_usage_errors_are_json_where_json_was_asked_for(console: Console) -> None:
    answer = console.run("plan", "--frobnicate", "--output", "json")
    assert answer.status == 2
    assert answer.errors == ""
    assert answer.document["schema"] == 1
    assert answer.document["kind"] == "error"
    assert answer.document["exit"] == 2


def test_words_of_other_tools_lead_to_verbs_that_exist() -> None:
    for word, verb in OF_OTHER_TOOLS.items():
        assert word not in VERBS
        assert verb in VERBS or verb.startswith("--")
    assert nearest_verb("statsu") == "status"


def test_an_interrupt_is_a_sentence(console: Console) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestr8", "validate", "-"],
        cwd=console.folder,
        env=console.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever started the tests in the background made them, and so this, deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin and process.stderr
    process.stdin.write("orchestr8: 1\n")
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not _waits_for_input(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    errors = process.stderr.read()
    assert process.wait(60) == 130
    assert errors == "orchestr8: interrupted\n   nothing was changed\n"


def _waits_for_input(pid: int) -> bool:
    """Whether the process sits in a read of its standard input."""
    call = Path(f"/proc/{pid}/syscall").read_text().split()
    return call[:2] == ["0", "0x0"]


def test_a_reader_that_goes_away_is_no_error(console: Console) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "orchestr8", "schema"],
        cwd=console.folder,
        env=console.environment(),
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_full_disk_is_a_sentence(console: Console) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "orchestr8", "schema"],
            cwd=console.folder,
            env=console.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("orchestr8: the output cannot be written: No space left")


@pytest.mark.parametrize("closed", [">&-", "<&- >&-"])
@pytest.mark.parametrize("words", ["schema", "status --output json", "--version"])
def test_output_that_is_closed_is_a_sentence(console: Console, words: str, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", "orchestr8", *words.split()],
        cwd=console.folder,
        env=console.environment(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("orchestr8: the output cannot be written: Bad file descriptor")


def test_other_streams_that_are_closed_lead_nowhere(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    for name, status in (("hello.yaml", 0), ("-", 2)):
        words = [sys.executable, "-m", "orchestr8", "validate", name]
        closed = ["sh", "-c", '"$@" <&- 2>&-', "sh"]
        done = subprocess.run(
            [*closed, *words], cwd=console.folder, env=console.environment(), check=False
        )
        assert done.returncode == status


_A_THREAD_THAT_ENDS_LATER = """
import sys, threading
from orchestr8.__main__ import main

def last() -> None:
    threading.main_thread().join()
    print("last", flush=True)

threading.Thread(target=last).start()
sys.argv[1:] = ["--version"]
main()
"""


def test_a_thread_that_works_on_is_waited_for(console: Console) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _A_THREAD_THAT_ENDS_LATER],
        cwd=console.folder,
        env=console.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert (first.split()[0], last) == ("orchestr8", "last")


def test_a_word_that_is_none_of_a_few_is_told_with_them(console: Console) -> None:
    answer = console.run("status", "--output", "xml")
    assert answer.status == 2
    assert "invalid value for '--output': 'xml' is not one of 'text', 'json'" in answer.errors
