"""What a finding says of a line: the true reason, and the nearest thing that a manifest takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestr8.importing.compose import imported
from orchestr8.importing.model import Absent, Imported, Project
from orchestr8.importing.show import shown

FILES = {"app.ini": b"[app]\n"}
FOLDER = "data"


def carried(services: dict[str, Any], **parts: Any) -> Imported:
    """What comes of a Compose file of these services, beside a file and a folder."""
    files = {**FILES, "compose.yaml": json.dumps({"services": services, **parts}).encode()}

    def read(path: str) -> bytes | Absent:
        return Absent.FOLDER if path == FOLDER else files.get(path, Absent.MISSING)

    return imported(Project(("compose.yaml",), "home", read), "m.yaml")


def test_what_a_service_is_called_from_elsewhere_stays_in_its_own_settings() -> None:
    forge = {
        "image": "forge:1",
        "hostname": "forge.example.com",
        "container_name": "the_forge",
        "environment": {"URL": "https://forge.example.com", "PEERS": "http://the_forge:80"},
    }
    runner = {"image": "runner:1", "environment": {"URL": "https://forge.example.com"}}
    text = carried({"forge": forge, "runner": runner}).text
    own, _, others = text.partition("  runner:")
    assert "https://forge.example.com" in own
    assert "http://forge:80" in own
    assert "https://forge\n" in others.replace("}", "\n")


def test_a_reserved_word_is_kept_in_the_name_and_said_to_be_one() -> None:
    found = carried({"bridge": {"image": "bridge:1"}})
    assert "  bridge-app:\n" in found.text
    assert "is called bridge-app: bridge is a reserved word" in shown(found.findings)


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [("yes", False), ("True", False), ("1", False), ("", False), ("x", True)],
)
def test_a_switch_about_passwords_is_no_secret(value: str, *, is_secret: bool) -> None:
    found = carried({"db": {"image": "db:1", "environment": {"RANDOM_PASSWORD": value}}})
    assert ("looks like a secret" in shown(found.findings)) == is_secret


def test_the_nearest_thing_to_a_folder_is_a_path_that_a_manifest_takes() -> None:
    found = carried({"app": {"image": "app:1", "volumes": [f"./{FOLDER}/:/data/"]}})
    assert "volumes: {/data: NAME}" in shown(found.findings)


@pytest.mark.parametrize(
    ("mount", "told"),
    [
        ("kept:/data:z", "by itself"),
        ("./app.ini:/etc/app.ini:ro,Z", "by itself"),
        ("/srv/data:/data:Z", "label it at the host"),
        ("kept:/data", ""),
    ],
)
def test_labels_of_selinux_are_answered_for_each_kind_of_mount(mount: str, told: str) -> None:
    found = carried({"app": {"image": "app:1", "volumes": [mount]}}, volumes={"kept": {}})
    lines = [line for line in shown(found.findings).splitlines() if "label" in line]
    assert told in " ".join(lines)
    assert bool(lines) == bool(told)


def test_a_variable_that_no_manifest_takes_is_sent_where_programs_read_as_well() -> None:
    found = carried({"app": {"image": "app:1", "environment": {"cluster.name": "x"}}})
    assert "settings (`files`) or arguments (`args`)" in shown(found.findings)


def test_one_item_of_a_list_that_cannot_be_read_takes_no_other_along() -> None:
    ports = ["22:22", "abc", "80-82:90-91", [1], "::1:81:81", "53:53/TCP", "54:54/UDP"]
    web = {"image": "web:1", "ports": ports, "volumes": [":/lost", "kept:/kept"]}
    found = carried({"web": web}, volumes={"kept": {}})
    assert "127.0.0.1:22: 22" in found.text
    assert "127.0.0.1:53: 53" in found.text
    assert "volumes: {/kept: kept}" in found.text
    said = shown(found.findings)
    for each in (
        '"abc" is not ADDRESS:PUBLISHED:TARGET',
        '"80-82:90-91" has ranges of unequal length',
        "has an item that is neither text nor a mapping",
        "::1:81 is IPv6",
        "54:54/udp: ports are TCP",
        '":/lost" is not SOURCE:TARGET',
    ):
        assert each in said


def test_who_writes_to_a_volume_has_it_and_who_reads_it_still_only_reads() -> None:
    proxy = {"image": "proxy:1", "volumes": ["pages:/pages:ro"]}
    app = {"image": "app:1", "volumes": ["pages:/pages"]}
    found = carried({"proxy": proxy, "app": app}, volumes={"pages": {}})
    assert "pages: {share: {proxy: ro}}" in found.text
    assert "pages.app" not in found.text.partition("  app:")[2]
    assert "which may write to it" not in shown(found.findings)
