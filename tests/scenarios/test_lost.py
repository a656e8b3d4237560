"""A store that is lost while its boxes run: they are taken over as they are, on a real engine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scenarios.fleet import Fleet, manifest

TEXT = (
    manifest(
        "  db: {image: 'hello:1', health: {http: ':8080/'}, volumes: {/data: rows}}\n"
        "  web: {image: 'hello:1', health: {http: ':8080/'}, connects: [db:8080],\n"
        "    publish: {127.0.0.1:18097: 8080}, files: {/etc/web.toml: ./web.toml},\n"
        "    secrets: [token]}\n"
    )
    + "volumes: {rows: {}}\nsecrets: {token: {file: token}}\n"
)


def state_of(fleet: Fleet) -> dict[str, object]:
    """Everything that must be the same afterwards: each container and the table."""
    containers = {
        one["Name"]: (one["Id"], one["State"]["StartedAt"], one["State"]["Pid"])
        for one in fleet.containers()
    }
    table = ("nft", "list", "table", "inet", f"orchestr8_{fleet.installation}")
    listed = subprocess.run(table, check=True, capture_output=True, text=True).stdout
    return {"containers": containers, "table": listed}


@pytest.mark.parametrize("docker_engine", ["28"], indirect=True)
def test_the_boxes_of_a_lost_store_run_on(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(TEXT)
    (tmp_path / "web.toml").write_text("port = 8080\n")
    fleet.secret("me", "token", "canary")
    apply = ("apply", str(tmp_path / "m.yaml"), "--set", "site")
    fleet.run(*apply)
    before, installation = state_of(fleet), fleet.installation
    shutil.rmtree(fleet.base / "state")

    for words in (("status",), ("plan", *apply[1:]), apply):
        said = fleet.run(*words, exit_status=1)
        assert f"installation {installation}" in said
        assert "orchestr8 adopt" in said
    assert not (fleet.base / "state").exists()

    said = fleet.run("adopt", "--installation", installation)
    assert "adopted 2 boxes and 1 volume" in said
    assert "orchestr8 apply PATH --set site" in said
    assert state_of(fleet) == before
    assert "adopted, 1 running" in fleet.run("status")
    assert fleet.proved() == 2

    assert "Nothing to do" in fleet.run("plan", *apply[1:], "--exit-code")
    assert "nothing to do" in fleet.run(*apply)
    assert state_of(fleet) == before
    assert fleet.proved() == 2

    (fleet.base / "state" / "orchestr8.db").write_bytes(b"garbage" * 600)
    said = fleet.run("adopt", "--installation", installation, exit_status=2)
    assert "is damaged" in said
    said = fleet.run("adopt", "--installation", installation, "--yes")
    assert "the damaged store lies in" in said
    assert "nothing to do" in fleet.run(*apply)
    assert state_of(fleet) == before
