"""A real ssh server on loopback: which host it is, who is let in; and nothing else changes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from orchestr8.controller.sources import Synced
from orchestr8.host.mount_calls import CLONE_NEWNS
from orchestr8.host.namespaces import Visit, opened
from orchestr8.sources.git import Clone, Remote
from tests.hosts.ssh_server import SshServer, ssh_server, why_not
from tests.sources.team import Team
from tests.sources.workshop import Workshop, fetched, ssh_key

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="accounts and mounts need root")
Result = TypeVar("Result")
SECRET = "deploy-key"


@pytest.fixture
def forge(ground: Path) -> Iterator[SshServer]:
    """A server that nobody knows yet and nobody is let in by."""
    with ssh_server(ground / "forge") as server:
        ssh_key(server.folder, "host")
        reason = why_not(server.folder)
        if reason:
            pytest.skip(f"sshd does not run here: {reason}")
        yield server


@contextmanager
def knowing(folder: Path, known_hosts: str) -> Iterator[Callable[[Callable[[], Result]], Result]]:
    """Does things where the machine knows these hosts and no others."""
    folder.mkdir(exist_ok=True)
    (folder / "ssh_known_hosts").write_text(known_hosts)
    words = ["sh", "-ec", 'mount --bind "$0" /etc/ssh; echo; exec cat', str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["unshare", "--mount", *words], **pipes) as holder:
        assert holder.stdin and holder.stdout
        holder.stdout.readline()
        namespace = opened(holder.pid, "mnt")
        assert namespace is not None
        try:
            yield lambda act: Visit(namespace, act, CLONE_NEWNS).result()
        finally:
            os.close(namespace)


def test_a_branch_and_a_tag_come_over_ssh(
    forge: SshServer, workshop: Workshop, clone: Clone, ground: Path
) -> None:
    key = ssh_key(ground, "deploy").path
    forge.admit(key)
    first = workshop.commit({"web.yaml": "a: 1\n"})
    workshop.git("tag", "v1")
    second = workshop.commit({"web.yaml": "a: 2\n"})
    address = f"{forge.address}{workshop.folder}/.git"
    secret = key.read_bytes()
    with knowing(ground / "ssh", forge.known_by(forge.folder / "host")) as there:
        assert there(lambda: fetched(clone, Remote(address, credentials=secret))) == second
        tagged = Remote(address, tags="v*", credentials=secret, whole=True)
        assert there(lambda: fetched(clone, tagged)) == first
    assert not (clone.child.home / "key").exists()


def test_a_wrong_host_or_a_wrong_key_changes_nothing_and_is_told(
    forge: SshServer, team: Team, ground: Path
) -> None:
    ann, eve = ssh_key(ground, "deploy").path, ssh_key(ground, "eve").path
    forge.admit(ann)
    team.address = f"{forge.address}{team.workshop.folder}/.git"
    team.declare(web=f"{team.lines['web']}, credentials: {SECRET}")
    secret = team.road.folder / "secrets" / "platform" / SECRET
    secret.parent.mkdir(parents=True)
    host, other = forge.folder / "host", ssh_key(ground, "other").path

    def synced(key: Path, known_hosts: str) -> Synced:
        secret.write_bytes(key.read_bytes())
        secret.chmod(0o600)
        with knowing(ground / "ssh", known_hosts) as there:
            return there(team.sync)

    good = team.push("front")
    assert synced(ann, forge.known_by(host)).record.state == "converged"
    newer = team.push("front front:2")
    for key, known_hosts, what, remedy in (
        (ann, forge.known_by(other), "Host key for .* has changed", "ask its administrator"),
        (ann, "", "No .* host key is known for", "write the host's key into"),
        (eve, forge.known_by(host), "Permission denied", "look at the source's `credentials`"),
    ):
        found = synced(key, known_hosts)
        (problem,) = found.record.problems
        assert re.search(f"cannot be fetched from: .*{what}", problem.what), problem
        assert problem.remedy.startswith(remedy)
        assert (found.record.state, found.record.good) == ("unreachable", good)
        assert team.road.boxes() == {"web--front--1": "a"}
        assert "PRIVATE KEY" not in str(found)
    again = synced(ann, forge.known_by(host))
    assert (again.record.state, again.record.good) == ("converged", newer)
    assert team.road.boxes() == {"web--front--2": "b"}
