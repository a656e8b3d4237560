"""Two Compose projects are imported, applied and proved; and data are taken along as docs say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.importing.cases import FOLDER
from tests.scenarios.fleet import Fleet, page

newer_docker = pytest.mark.parametrize("docker_engine", ["28"], indirect=True, ids=["docker28"])


def imported(fleet: Fleet, case: str) -> str:
    """The manifest that the import writes beside a copy of a case's files."""
    folder = fleet.base / case
    shutil.copytree(FOLDER / case, folder)
    manifest = str(folder / "imported.yaml")
    compose = str(folder / "compose.yaml")
    fleet.run("import", compose, "--owner", "home", "--out", manifest)
    fleet.run("validate", manifest)
    return manifest


@newer_docker
def test_imported_projects_run_and_are_proved(fleet: Fleet) -> None:
    site = imported(fleet, "demo-page")
    database = imported(fleet, "demo-database")
    fleet.secret("home", "db-password", "correct horse\n")

    fleet.run("apply", site, database, "--set", "home")
    assert fleet.proved() == len(fleet.containers(everything=False)) == 4
    assert b"Came from a Compose file" in page(8095)
    assert "PONG" in _in_box(fleet, "counter-store", "redis-cli -h counter-store ping")
    assert "nothing to do" in fleet.run("apply", site, database, "--set", "home")

    assert "tea" in _query(fleet, "SELECT name FROM orders")
    _query(fleet, "INSERT INTO orders VALUES ('milk')")

    fleet.run("down", "--set", "home")
    content, uid = _volume(fleet, "db-data")
    compose_volume = fleet.base / "compose_db_data"
    shutil.move(content, compose_volume)
    content.mkdir()
    for typed in (
        ["chown", "-R", "0:0", str(compose_volume)],
        ["cp", "-a", f"{compose_volume}/.", f"{content}/"],
        ["chown", "-R", f"{uid}:{uid}", str(content)],
    ):
        subprocess.run(typed, check=True)
    content.chmod(0o700)

    fleet.run("apply", site, database, "--set", "home")
    assert "milk" in _query(fleet, "SELECT name FROM orders")
    assert fleet.proved() == 4


def _in_box(fleet: Fleet, service: str, line: str) -> str:
    return fleet.run("exec", f"{service}.home", "--", "/bin/sh", "-c", line)


def _query(fleet: Fleet, sql: str) -> str:
    """By the bare name of the database, as the Compose file has it."""
    password = "$(cat /run/secrets/db-password)"
    line = f'PGPASSWORD="{password}" psql -tA shop -c "{sql}"'
    return _in_box(fleet, "shell", line)


def _volume(fleet: Fleet, name: str) -> tuple[Path, str]:
    """Where a volume lies, and the uid that it belongs to, as docs/import.md asks the engine."""
    labels = ["orchestr8.owner=home", f"orchestr8.volume={name}"]
    (found,) = fleet.client.volumes(filters={"label": labels})["Volumes"]
    return Path(found["Options"]["device"]), found["Labels"]["orchestr8.uid"]
