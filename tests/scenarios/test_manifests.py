"""The hardened manifests of `manifests/` run as they stand: a platform's part, and each team's own.

Their relaxations are counted, so that none slips in.
"""

from __future__ import annotations

import http.client
import json

from tests.scenarios.fleet import Fleet

TEAMS = {
    "data": ("manifests/postgres.yaml", "manifests/redis.yaml"),
    "payments": ("manifests/python-web.yaml",),
    "web": ("manifests/nginx.yaml",),
}
PAGE, APP = 8081, 8083


def test_the_hardened_manifests_run_strict_and_are_proved(fleet: Fleet) -> None:
    for owner in ("data", "payments"):
        fleet.secret(owner, "db-password", "a password\n")
    fleet.run("apply", "manifests/platform.yaml", "--set", "platform")
    for team, paths in TEAMS.items():
        fleet.run("apply", *paths, "--set", team)

    rows = fleet.json("status")["services"]
    states = {row["service"]: (row["state"], row["relaxations"]) for row in rows}
    services = ("app.payments", "cache.data", "db.data", "www.web")
    assert states == dict.fromkeys(services, ("healthy", 0))
    assert fleet.proved() == 4
    assert _get(PAGE, "/").status == 200
    fleet.run("exec", "app.payments", "--", "/usr/bin/python3", "/app/shop.py", "migrate")
    assert json.load(_post(APP, {"token": "a-token"})) == {"stored": "a-token"}


def _get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse()


def _post(port: int, document: dict[str, str]) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/orders", json.dumps(document))
    return connection.getresponse()
