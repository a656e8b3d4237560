"""Which engine is taken where none is named: the machine's own programs and sockets decide."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.cli.console import HELLO, Answer, Console

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root hides programs of the machine"),
    pytest.mark.skipif(not shutil.which("crun"), reason="crun is not installed"),
]

# In a mount namespace of its own: no socket of a Docker Engine, and some programs without a right.
_ALONE = """
mount -t tmpfs tmpfs /run
for name in $HIDDEN; do mount --bind /dev/null "$(command -v "$name")"; done
exec "$@"
"""


def typed(console: Console, *words: str, hidden: str = "", **more: str) -> Answer:
    """Types a command on a machine without a Docker Engine and without the hidden programs."""
    environment = console.environment(HIDDEN=hidden, **more)
    if "DOCKER_HOST" not in more:
        del environment["DOCKER_HOST"]
    alone = ["unshare", "--mount", "sh", "-ec", _ALONE, "sh"]
    done = subprocess.run(
        [*alone, sys.executable, "-m", "orchestr8", *words],
        cwd=console.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def test_crun_is_taken_where_no_docker_engine_answers(console: Console) -> None:
    answer = typed(console, "doctor", "--output", "json")
    assert answer.document["engine"] == "crun"
    engine = answer.document["checks"][0]
    assert engine == {
        "subject": "engine", "grade": "ok", "mend": "", "safe": False,
        "seen": "crun, since no Docker Engine answers here",
    }  # fmt: skip
    assert {"crun", "conmon", "skopeo", "umoci"} <= {
        check["subject"] for check in answer.document["checks"]
    }
    assert console.left_behind == []


def test_without_any_engine_both_remedies_are_named(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    answer = typed(console, "plan", "hello.yaml", hidden="crun conmon")
    assert answer.status == 1
    what, remedy = answer.errors.splitlines()
    assert what == (
        "orchestr8: no Docker Engine answers at unix:///var/run/docker.sock, "
        "and crun and conmon are not installed"
    )
    assert "apt install docker.io" in remedy
    assert "apt install crun conmon skopeo umoci" in remedy
    assert "--engine memory" in remedy

    doctor = typed(console, "doctor", hidden="conmon").output.splitlines()
    assert doctor[0].startswith("blocked  engine")
    assert doctor[0].endswith("and conmon is not installed")


def test_who_names_a_docker_engine_means_it(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    answer = typed(console, "plan", "hello.yaml", DOCKER_HOST="unix:///run/no.sock")
    assert answer.status == 1
    assert answer.errors.startswith("orchestr8: no Docker Engine answers at unix:///run/no.sock\n")
    assert "--engine crun" in answer.errors
    named = typed(console, "doctor", ORCHESTR8_ENGINE="docker").output
    assert named.startswith("blocked  engine")
    assert "crun" not in named.splitlines()[0]


def test_doctor_speaks_of_the_engine_that_the_store_has_chosen(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    state = str(console.folder / "kept")
    kept = {"ORCHESTR8_STATE": state}
    console.run("apply", "hello.yaml", ORCHESTR8_ENGINE="memory", **kept)
    assert typed(console, "doctor", "--output", "json", **kept).document["engine"] == "memory"

    other = typed(console, "doctor", "--engine", "crun", **kept).output.splitlines()
    assert "run on memory, not on crun" in other[0]
    assert any("it unpacks images" in line for line in other), "what was asked for is looked at"
