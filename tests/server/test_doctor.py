"""`doctor` for whoever is not root: who they are to this machine, and nothing that is root's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestr8.__main__ import run
from tests.house import ROOT

UID = 1
"""The account daemon, which every host has."""
TEAM = """\
orchestr8: 1
platform:
  mode: team
  owners: {pay: {members: [user:daemon]}, data: {members: [user:bin]}}
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def _said(folder: Path) -> tuple[int, str]:
    """What `doctor` says to that account, and its exit status. It may read what root may, since
    Python may lie where only root comes to."""
    become = [f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    done = subprocess.run(
        ["setpriv", *become, *reading, sys.executable, "-m", "orchestr8", "doctor"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ORCHESTR8_ENGINE": "docker"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_member_hears_who_they_are_and_that_boxes_run(api: Path, folder: Path) -> None:
    (folder / "team.yaml").write_text(TEAM)
    assert run(["apply", str(folder / "team.yaml")]) == 0
    status, said = _said(folder)
    server, rights, *others = said.splitlines()
    assert server.split(None, 2) == ["ok", "server", f"answers at {api}, and does what you type"]
    assert rights.startswith("ok") and rights.endswith(f"daemon (uid {UID}), a member of pay")
    assert "data" not in said
    assert not any(word in said for word in ("state folder", "secrets", "sudo"))
    blocked = [line for line in others if line.startswith("blocked")]
    assert status == bool(blocked)


def test_who_is_nobody_hears_who_says_otherwise(api: Path, folder: Path) -> None:
    status, said = _said(folder)
    assert status == 1
    assert f"uid {UID}: you are nobody to this machine" in said
    assert "mend it:  whoever runs this machine says who is" in said
    assert "you can have no boxes here" in said


def test_without_a_server_that_is_said_once(folder: Path) -> None:
    status, said = _said(folder)
    assert status == 1
    assert f"no server answers at {folder}/run/api.sock" in said
    assert "store" not in said and "state folder" not in said
    assert "you can have no boxes here" in said
