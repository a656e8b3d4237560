"""Every attempt fails in a box, in the way that the wall before it makes it fail."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestr8.proof.model import Verdict
from tests.attacks.attempts import ALONE, ATTEMPTS, PRELUDE
from tests.attacks.conftest import Target
from tests.scenarios.fleet import eventually

_REPORT = """
try:
    exec(compile({code!r}, "attempt", "exec"))
except OSError as error:
    print("errno", error.errno, error, flush=True)
    sys.exit(3)
print("succeeded", flush=True)
"""


def script(code: str) -> str:
    return PRELUDE + _REPORT.format(code=code)


def names(numbers: Iterable[int]) -> list[str]:
    return [errno.errorcode[number] for number in numbers]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_fails(request: pytest.FixtureRequest, target: Target, name: str) -> None:
    attempt = ATTEMPTS[name]
    if attempt.row in ALONE:
        target = request.getfixturevalue("fresh_target")
    result = target.attempt(script(attempt.code))
    assert result.exit_status == 3, (attempt.row, result)
    number = int(result.stdout.split()[1])
    assert number in attempt.fails, (attempt.row, result, names(attempt.fails))


@pytest.mark.parametrize("ground", ["20", "28"], indirect=True)
@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if attempt.control])
def test_the_attempt_is_a_real_one(
    open_container: Callable[[str], tuple[int, str]], name: str
) -> None:
    status, output = open_container(script(ATTEMPTS[name].code))
    assert (status, output.strip()) == (0, "succeeded")


def test_a_box_under_attack_stays_proved(target: Target) -> None:
    for name in ("unshare user", "become root", "mount a tmpfs", "write to /proc/sysrq-trigger"):
        target.attempt(script(ATTEMPTS[name].code))
    findings = target.proof().findings
    assert [f for f in findings if f.verdict is not Verdict.HELD] == []


def test_a_command_has_the_walls_of_its_box(fresh_target: Target) -> None:
    """It is proved with it while it runs, down to whom the kernel ends first."""
    seen_from_outside = Path(f"/proc/{fresh_target.pid}/root/dev/shm/ready")
    waiting = (
        "import os, time\nopen('/dev/shm/ready', 'w').close()\n"
        "while not os.path.exists('/dev/shm/go'): time.sleep(0.05)"
    )
    with ThreadPoolExecutor(1) as pool:
        command = pool.submit(fresh_target.attempt, waiting)
        eventually(seen_from_outside.exists)
        findings = fresh_target.proof().findings
        fresh_target.attempt("open('/dev/shm/go', 'w').close()")
        assert command.result().exit_status == 0
    assert [f for f in findings if f.verdict is not Verdict.HELD] == []
    assert any("2 tasks" in finding.sentence for finding in findings)


def test_a_fork_bomb_ends_at_the_boxs_limit(fresh_target: Target) -> None:
    code = (
        "import time\nmade = 0\n"
        "while True:\n"
        "    try:\n        child = os.fork()\n"
        "    except OSError as error:\n        print('errno', error.errno, made); break\n"
        "    if not child:\n        time.sleep(20); os._exit(0)\n"
        "    made += 1\n"
        "os.kill(-1, signal.SIGKILL) if os.getpid() != 1 else None\n"
    )
    result = fresh_target.attempt("import os, signal\n" + code)
    words = result.stdout.split()
    assert int(words[1]) == errno.EAGAIN
    assert int(words[2]) < 64


@pytest.mark.parametrize("ground", ["crun"], indirect=True)
def test_a_box_without_a_task_left_harms_no_command_but_its_own(fresh_target: Target) -> None:
    code = (
        "import os, time\n"
        "while True:\n"
        "    try:\n        child = os.fork()\n"
        "    except OSError:\n        break\n"
        "    if not child:\n        os.setsid(); [os.close(n) for n in (0, 1, 2)]\n"
        "    if not child:\n        time.sleep(600)\n"
        "print('full')\n"
    )
    assert fresh_target.attempt(code).stdout == b"full\n"
    fork = "import os\nos._exit(7) if os.fork() == 0 else print('more')"
    for _ in range(3):
        result = fresh_target.attempt(fork)
        assert result.exit_status != 0 and result.stdout == b""


def test_eating_memory_ends_the_eater_inside(fresh_target: Target) -> None:
    result = fresh_target.attempt("x = [bytearray(1 << 20) for _ in range(512)]")
    assert result.exit_status == 137


def test_a_call_of_another_architecture_ends_its_caller(target: Target) -> None:
    """A 32-bit getpid by int 0x80, and by the x32 table: the filter ends the thread."""
    machine_code = {
        "int 0x80": b"\xb8\x14\x00\x00\x00\xcd\x80\xc3",
        "x32": b"\xb8\x27\x00\x00\x40\x0f\x05\xc3",
    }
    for name, code in machine_code.items():
        result = target.attempt(
            "import ctypes, mmap\n"
            "m = mmap.mmap(-1, 4096, prot=7)\n"
            f"m.write({code!r})\n"
            "address = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
            "print(ctypes.CFUNCTYPE(ctypes.c_long)(address)())\n"
        )
        assert result.exit_status == 128 + 31 or result.stdout.strip() in (b"-38", b"-1"), name
