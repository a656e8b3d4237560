"""One task is read as it is: its threads, its descriptors, and its end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestr8.kernel import tasks
from orchestr8.proof.model import TaskReading

_READY = "print('ready', flush=True)\nimport sys; sys.stdin.read()\n"
_LIBC = "import ctypes, threading, time\nlibc = ctypes.CDLL(None)\n"
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="new namespaces need root")


@contextmanager
def child(code: str, descriptors: Sequence[int] = ()) -> Iterator[int]:
    """A Python child that has said that it is ready."""
    with subprocess.Popen(
        [sys.executable, "-I", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=descriptors,
    ) as process:
        try:
            assert process.stdout and process.stdout.readline() == "ready\n"
            yield process.pid
        finally:
            process.kill()


def read(pid: int) -> tuple[TaskReading, ...]:
    failures: dict[str, str] = {}
    found = tasks.read_task(pid, True, failures)
    assert failures == {}
    return found


def test_a_process_and_its_like_threads_are_one_task() -> None:
    code = f"{_LIBC}for _ in range(5): threading.Thread(target=time.sleep, args=(99,)).start()\n"
    with child(code + _READY) as pid:
        (found,) = read(pid)
    assert found.pid == pid
    assert found.status["Threads"] == "6"
    assert found.descriptors is not None and found.descriptors.keys() >= {0, 1, 2}
    assert found.foreign_sockets == ()
    assert found.program == os.path.realpath(sys.executable)
    assert found.limits["nofile"]


def test_a_thread_with_other_rights_is_a_task_of_its_own() -> None:
    code = (
        f"{_LIBC}set = threading.Event()\n"
        "def other():\n    libc.prctl(38, 1, 0, 0, 0)\n    set.set()\n    time.sleep(99)\n"
        "threading.Thread(target=other, daemon=True).start()\nset.wait()\n"
    )
    with child(code + _READY) as pid:
        leader, thread = read(pid)
    assert (leader.pid, leader.status["NoNewPrivs"]) == (pid, "0")
    assert (thread.thread_of, thread.status["NoNewPrivs"]) == (pid, "1")


def test_threads_that_outlive_the_first_one_are_seen() -> None:
    """A process whose first thread has ended looks like one that has ended."""
    code = (
        f"{_LIBC}def last():\n    time.sleep(0.2)\n    print('ready', flush=True)\n"
        "    time.sleep(99)\nthreading.Thread(target=last).start()\nlibc.pthread_exit(None)\n"
    )
    with child(code) as pid:
        (found,) = read(pid)
    assert found.thread_of == pid
    assert found.pid != pid
    assert found.status["CapEff"]


@NEEDS_ROOT
def test_a_socket_of_another_network_is_told_apart() -> None:
    with socket.socket() as unbound, socket.socketpair()[0] as pair:
        numbers = (unbound.fileno(), pair.fileno())
        code = (
            f"{_LIBC}assert libc.unshare(0x40000000) == 0\nimport socket; own = socket.socket()\n"
        )
        with child(code + _READY, numbers) as pid:
            (found,) = read(pid)
    assert found.foreign_sockets == tuple(sorted(numbers))


def test_only_names_of_loader_variables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere/secret")
    monkeypatch.setenv("PASSWORD", "secret")
    with child(_READY) as pid:
        (found,) = read(pid)
    assert found.loader_variables == ("LD_LIBRARY_PATH",)
    assert "secret" not in repr(found)


@pytest.mark.parametrize(("others", "looks"), [(0, 3000), (300, 300)], ids=["small", "large"])
def test_a_program_that_is_being_started_does_not_pass_for_one_without_variables(
    tmp_path: Path, others: int, looks: int
) -> None:
    """A script that starts itself for ever: in the middle of that its environment is empty, and a
    large one is cut off. On a busy machine it may never be read whole, which is told as that."""
    script = tmp_path / "again.sh"
    script.write_text('exec /bin/sh "$0"\n')
    environment = {f"A{number}": "x" * 2000 for number in range(others)}
    environment["LD_LIBRARY_PATH"] = "/nowhere"
    with subprocess.Popen(["/bin/sh", str(script)], env=environment) as process:
        folder = tasks.open_task(process.pid)
        try:
            found = set()
            for _ in range(looks):
                with suppress(ValueError):
                    found.add(tasks.loader_variables(folder))
        finally:
            os.close(folder)
            process.kill()
    assert found == {("LD_LIBRARY_PATH",)}


def test_a_task_that_is_not_there() -> None:
    assert tasks.read_task(2**22 + 1, True, {}) == ()


def test_many_readers_at_once_do_not_disturb_each_other() -> None:
    found: list[int] = []
    with child(_READY) as pid:
        readers = [threading.Thread(target=lambda: found.append(len(read(pid)))) for _ in range(8)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert found == [1] * 8
