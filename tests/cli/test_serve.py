"""`serve` as a process: its log, its signals, its supervisor, and what others hear meanwhile."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.descriptors import readable
from tests.cli.console import HELLO, Console

SECONDS_MOST = 60.0


@pytest.fixture
def shell(tmp_path: Path) -> Console:
    """A shell in a folder of its own."""
    return Console(tmp_path)


@contextmanager
def serving(shell: Console, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A server on the simulated engine for as long as a block lasts."""
    command = [sys.executable, "-m", "orchestr8", "serve", "--engine", "memory", *words]
    process = subprocess.Popen(
        command, cwd=shell.folder, env=shell.environment(**environment), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_with(process: subprocess.Popen[str], word: str) -> str:
    """The next line of the log that has a word in it."""
    assert process.stdout
    deadline = time.monotonic() + SECONDS_MOST
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        assert line, "the log ended"
        if word in line:
            return line
    raise AssertionError(f"no line with {word}")


def test_it_brings_back_what_was_applied_and_says_each_event_in_a_line(shell: Console) -> None:
    shell.write("hello.yaml", HELLO)
    assert shell.run("apply", "hello.yaml", "--engine", "memory").status == 0
    with serving(shell) as server:
        assert "everything is looked at" in line_with(server, "started")
        assert "hello.me" in line_with(server, "step")
        assert "0.hello.me" in line_with(server, "start ")
        assert resource.prlimit(server.pid, resource.RLIMIT_CORE)[0] == 0  # it has secrets in it
        applied = shell.run("apply", "hello.yaml")
        assert applied.status == 0 and "1 service is as declared" in applied.output, applied
        elsewhere = str(shell.folder / "elsewhere")
        refused = shell.run("down", ORCHESTR8_RUN=elsewhere)
        assert refused.status == 1
        assert f"a server is running here and makes all changes (pid {server.pid}" in refused.errors
        assert f"kill {server.pid}" in refused.errors
        assert shell.run("status", ORCHESTR8_RUN=elsewhere).status == 0
        server.send_signal(signal.SIGTERM)
        assert "boxes run on" in line_with(server, "stopped")
        assert server.wait(SECONDS_MOST) == 0
    assert shell.run("down").status == 0


def test_its_log_is_a_document_a_line_for_machines(shell: Console) -> None:
    shell.write("hello.yaml", HELLO)
    assert shell.run("apply", "hello.yaml", "--engine", "memory").status == 0
    with serving(shell, "--output", "json") as server:
        line = line_with(server, '"start"')
        server.send_signal(signal.SIGINT)
        assert server.wait(SECONDS_MOST) == 0
    event = json.loads(line)
    assert event["schema"] == 1 and event["kind"] == "event"
    assert event["subject"] == "0.hello.me" and event["box"].startswith("me--hello--")
    assert event["at"].endswith("Z") and event["milliseconds"] >= 0


def test_its_supervisor_hears_when_it_is_ready_lives_and_ends(shell: Console) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        path = str(shell.folder / "notify")
        supervisor.bind(path)
        supervisor.settimeout(SECONDS_MOST)
        asked = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "300000"}
        with serving(shell, **asked) as server:
            assert supervisor.recv(100) == b"READY=1"
            assert supervisor.recv(100) == b"WATCHDOG=1"
            server.send_signal(signal.SIGHUP)
            assert supervisor.recv(100) == b"WATCHDOG=1"
            server.send_signal(signal.SIGTERM)
            while (heard := supervisor.recv(100)) == b"WATCHDOG=1":
                pass
            assert heard == b"STOPPING=1"
            assert server.wait(SECONDS_MOST) == 0


def test_a_server_that_was_killed_leaves_no_word_of_itself(shell: Console) -> None:
    shell.write("hello.yaml", HELLO)
    with serving(shell) as server:
        line_with(server, "started")
        server.kill()
        server.wait(SECONDS_MOST)
    assert shell.run("apply", "hello.yaml", "--engine", "memory").status == 0
    with serving(shell) as first:
        line_with(first, "started")
        with serving(shell) as second:
            assert f"pid {first.pid}" in line_with(second, "a server is running here")
            assert second.wait(SECONDS_MOST) == 1


def test_it_has_as_many_descriptors_as_the_host_gives(shell: Console) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    shell.write("hello.yaml", HELLO)
    assert shell.run("apply", "hello.yaml", "--engine", "memory").status == 0
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with serving(shell) as server:
            line_with(server, "started")
            limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert limits == (min(hard, 65_536), hard)


def test_nobody_need_read_its_log(shell: Console) -> None:
    shell.write("hello.yaml", HELLO)
    assert shell.run("apply", "hello.yaml", "--engine", "memory").status == 0
    reading, writing = os.pipe()
    os.close(reading)
    notify = shell.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(notify))
        command = [sys.executable, "-m", "orchestr8", "serve", "--engine", "memory"]
        server = subprocess.Popen(
            command, cwd=shell.folder, env=shell.environment(NOTIFY_SOCKET=str(notify)),
            stdout=writing, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(writing)
        assert readable([supervisor.fileno()], SECONDS_MOST)
        server.terminate()
        _, errors = server.communicate(timeout=SECONDS_MOST)
    assert server.returncode == 0, errors
