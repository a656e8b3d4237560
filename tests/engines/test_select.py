"""Which engine is taken, and what is said where none can be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.engines import select
from orchestr8.engines.docker import endpoint
from orchestr8.engines.select import Choice
from orchestr8.errors import RejectedError, UnavailableError, UsageError
from tests.engines.answering import answering


@pytest.fixture
def docker() -> Iterator[Path]:
    """A socket that answers a ping as Docker does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "docker.sock"
        with answering(path, [b"HTTP/1.0 200 OK\r\n\r\nOK"]):
            yield path


def test_who_is_named_is_taken(docker: Path) -> None:
    environment = {"DOCKER_HOST": f"unix://{docker}"}
    assert select.choose("memory", environment) == Choice("memory", "")
    assert select.choose("docker", environment) == Choice("docker", f"unix://{docker}")
    assert select.choose("", {**environment, select.VARIABLE: "memory"}).engine == "memory"
    assert select.choose("docker", {select.VARIABLE: "memory"}).engine == "docker"


def test_docker_is_taken_where_it_answers(docker: Path) -> None:
    found = select.choose("", {"DOCKER_HOST": f"unix://{docker}"})
    assert found == Choice("docker", f"unix://{docker}")
    assert str(found) == f"docker at unix://{docker}"


def test_without_a_variable_it_is_dockers_own_socket() -> None:
    assert endpoint.endpoint({}) == "unix:///var/run/docker.sock"


def test_an_unknown_engine_is_a_wrong_command() -> None:
    with pytest.raises(UsageError, match='no engine "podman"') as refused:
        select.choose("podman", {})
    assert "docker, crun, memory" in refused.value.remedy


@pytest.mark.parametrize(
    "host", ["tcp://10.0.0.1:2375", "ssh://root@host", "http://host", "fd://", "host:2375"]
)
def test_a_remote_engine_is_refused(host: str) -> None:
    with pytest.raises(RejectedError, match="on another machine") as refused:
        select.choose("docker", {"DOCKER_HOST": host})
    assert "unset DOCKER_HOST" in refused.value.remedy


def test_no_engine_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no Docker Engine answers at unix://") as refused:
        select.choose("", {"DOCKER_HOST": f"unix://{tmp_path}/absent.sock"})
    assert "start it" in refused.value.remedy
    assert "--engine memory" in refused.value.remedy


def test_a_socket_that_nobody_serves_is_no_engine(tmp_path: Path) -> None:
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
        stale.bind(str(path))
    with pytest.raises(UnavailableError, match="no Docker Engine answers"):
        endpoint.require_answer(f"unix://{path}")


def test_what_speaks_another_language_is_no_engine(tmp_path: Path) -> None:
    path = tmp_path / "other.sock"
    with (
        answering(path, [b"SSH-2.0-OpenSSH\r\n"]),
        pytest.raises(UnavailableError, match="no working Docker Engine"),
    ):
        endpoint.require_answer(f"unix://{path}")


def test_an_engine_says_its_version_with_its_first_answer(tmp_path: Path) -> None:
    path, first = tmp_path / "docker.sock", b"HTTP/1.1 200 OK\r\n"
    told, silent = b"Api-Version: 1.44\r\nServer: x\r\n\r\nOK", b"Server: x\r\n\r\nOK"
    with answering(path, [first, told], [first, silent]):
        assert endpoint.require_answer(f"unix://{path}") == "1.44"
        assert endpoint.require_answer(f"unix://{path}") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_without_rights_is_told_so(docker: Path) -> None:
    docker.parent.chmod(0o755)
    docker.chmod(0o600)
    script = (
        "import os, sys; sys.path[:0] = sys.argv[2:]\n"
        "from orchestr8.engines.docker import endpoint\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: endpoint.require_answer('unix://' + sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error.what, '|', error.remedy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(docker), *filter(None, sys.path)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("RejectedError this user may not use the Docker Engine")
    assert "sudo" in done.stdout


def test_importing_the_choice_imports_no_engine() -> None:
    """Commands that need no engine must not wait for the docker library."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import orchestr8.engines.select\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('docker', 'requests')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *filter(None, sys.path)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
