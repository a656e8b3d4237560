"""What belongs to others is never touched: compared before and after, by id and content."""

from __future__ import annotations

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
    client = fleet.client
    network = client.create_network("bystander", labels={"orchestr8.installation": "another"})
    volume = client.create_volume("me--kept--of-another", labels={"orchestr8.owner": "me"})
    made = client.create_container(
        "probe:1", ["wait"], name="bystander",
        labels={"orchestr8.installation": "another", "orchestr8.box": "me--web--1"},
    )  # fmt: skip
    client.start(made["Id"])
    yield {"container": made["Id"], "network": network["Id"], "volume": volume["Name"]}
    client.remove_container(made["Id"], force=True)
    client.remove_network(network["Id"])
    client.remove_volume(volume["Name"])


def what_others_have(fleet: Fleet) -> tuple[object, ...]:
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
    others = [line for line in tables.stdout.splitlines() if own not in line]
    return sorted(containers), sorted(networks), sorted(volumes), sorted(images), sorted(others)


def test_others_things_are_as_they_were(fleet: Fleet, bystanders: dict[str, object]) -> None:
    fleet.run("status")
    before = what_others_have(fleet)
    fleet.apply_text(TEXT)
    assert what_others_have(fleet) == before
    fleet.apply_text(TEXT.replace("image: 'hello:1'", "image: 'probe:1', args: [wait]"))
    assert what_others_have(fleet) == before
    fleet.run("remove")
    assert what_others_have(fleet) == before


def test_data_outlives_apply_down_and_remove(fleet: Fleet) -> None:
    fleet.apply_text(TEXT)
    fleet.run("exec", "web.me", "--", "true", exit_status=None)
    fleet.run("down")
    fleet.run("remove")
    label = {"label": f"orchestr8.installation={fleet.installation}"}
    assert [one["Name"] for one in fleet.client.volumes(filters=label)["Volumes"]] != []
