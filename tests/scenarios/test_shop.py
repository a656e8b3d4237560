"""The shop: an order arrives everywhere it should, and nothing arrives anywhere else."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator

import pytest

from tests.hosts import Engine
from tests.scenarios.fleet import ROOT, Fleet, fresh

PASSWORD_OWNERS = ("data", "payments")


@pytest.fixture(scope="module")
def shop(docker_engine: Engine) -> Iterator[Fleet]:
    """The shop, up."""
    for fleet in fresh(docker_engine):
        for owner in PASSWORD_OWNERS:
            fleet.secret(owner, "db-password", "canary-" + "x" * 20 + "\n")
        fleet.run("apply", "examples/05-shop", "--set", "shop")
        yield fleet


def order(token: str) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
    connection.request("POST", "/orders", json.dumps({"token": token}))
    return dict(json.load(connection.getresponse()))


def test_an_order_is_found_in_the_database_and_in_the_cache(shop: Fleet) -> None:
    token = f"order-{secrets.token_hex(6)}"
    assert order(token) == {"stored": token}
    query = f"SELECT token FROM orders WHERE token = '{token}'"
    assert token in shop.run("exec", "db.data", "--", "psql", "-U", "shop", "shop", "-tAc", query)
    asked = ("exec", "cache.data", "--", "redis-cli", "exists", f"order:{token}")
    assert shop.run(*asked).strip() == "1"


def test_the_secret_is_seen_nowhere(shop: Fleet) -> None:
    everything = json.dumps(shop.containers())
    for words in (("status",), ("prove",), ("why", "db.data"), ("logs", "db.data")):
        everything += shop.run(*words)
    everything += (shop.base / "state" / "orchestr8.db").read_bytes().decode("latin-1")
    assert "canary" not in everything


def test_every_service_names_its_owner(shop: Fleet) -> None:
    rows = shop.json("status")["services"]
    owners = {row["service"]: row["owner"] for row in rows}
    assert owners == {
        "api.payments": "payments",
        "cache.data": "data",
        "db.data": "data",
        "front.web": "web",
        "migrate.payments": "payments",
    }


def test_limits_change_in_place(shop: Fleet, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = shop.container("cache.data")
    folder = tmp_path_factory.mktemp("shop")
    more = ("memory: 96MiB, pids: 16", "memory: 112MiB, pids: 24")
    for path in (ROOT / "examples" / "05-shop").glob("*.yaml"):
        (folder / path.name).write_text(path.read_text().replace(*more))
    said = shop.run("plan", str(folder), "--set", "shop", "--exit-code", exit_status=10)
    assert "limits.memory" in said
    assert "in place" in said
    shop.run("apply", str(folder), "--set", "shop")
    after = shop.container("cache.data")
    assert after["Id"] == before["Id"]
    assert after["State"]["StartedAt"] == before["State"]["StartedAt"]
    assert shop.proved("cache.data") == 1
