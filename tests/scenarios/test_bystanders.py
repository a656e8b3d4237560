"""What belongs to others is never touched: compared before and after, by id and content."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator

import pytest

from tests.scenarios.fleet import Fleet, manifest

TEXT = (
    manifest(
        "  web: {image: 'hello:1', publish: {127.0.0.1:18099: 8080}, volumes: {/data: kept}}\n"
    )
    + "volumes: {kept: {}}\n"
)


@pytest.fixture
def bystanders(fleet: Fleet) -> Iterator[dict[str, object]]:
    """Container, network and volume of others, labelled much as ours are."""
    client, name = fleet.client, f"bystander-{secrets.token_hex(4)}"
    network = client.create_network(name, labels={"orchestr8.installation": "another"})
    volume = client.create_volume(name, labels={"orchestr8.owner": "me"})
    made = client.create_container(
        "probe:1", ["/usr/bin/probe", "wait"], name=name,
        labels={"orchestr8.installation": "another", "orchestr8.box": "me--web--1"},
    )  # fmt: skip
    client.start(made["Id"])
    yield {"container": made["Id"], "network": network["Id"], "volume": volume["Name"]}
    client.remove_container(made["Id"], force=True)
    client.remove_network(network["Id"])
    client.remove_volume(volume["Name"])


def what_others_have(fleet: Fleet) -> tuple[list[object], ...]:
    client, own = fleet.client, fleet.installation
    label = "orchestr8.installation"
    containers = [
        (one["Id"], client.inspect_container(one["Id"])["State"]["StartedAt"])
        for one in client.containers(all=True)
        if one["Labels"].get(label) != own
    ]
    networks = [n["Id"] for n in client.networks() if (n["Labels"] or {}).get(label) != own]
    volumes = [
        v["Name"]
        for v in client.volumes()["Volumes"] or []
        if (v["Labels"] or {}).get(label) != own
    ]
    images = [one["Id"] for one in client.images(all=True)]
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    others = [line for line in tables.stdout.splitlines() if not own or own not in line]
    return sorted(containers), sorted(networks), sorted(volumes), sorted(images), sorted(others)


def test_others_things_are_as_they_were(fleet: Fleet, bystanders: dict[str, object]) -> None:
    other_image = TEXT.replace("image: 'hello:1'", "image: 'probe:1', args: [/usr/bin/probe, wait]")
    before = what_others_have(fleet)
    assert str(bystanders["container"]) in str(before)
    for change in (
        lambda: fleet.apply_text(TEXT),
        lambda: fleet.apply_text(other_image),
        lambda: fleet.run("remove"),
    ):
        change()
        for had, have in zip(before, what_others_have(fleet), strict=True):
            assert set(had) <= set(have), set(had) - set(have)


def test_data_outlives_apply_down_and_remove(fleet: Fleet) -> None:
    fleet.apply_text(TEXT)
    fleet.run("exec", "web.me", "--", "true", exit_status=None)
    fleet.run("down")
    fleet.run("remove")
    label = {"label": f"orchestr8.installation={fleet.installation}"}
    assert [one["Name"] for one in fleet.client.volumes(filters=label)["Volumes"]] != []
