"""Calls are drawn from what a program is told, wherever it stands in that."""

from __future__ import annotations

import json

import pytest

from orchestr8.importing.compose import imported
from orchestr8.importing.model import Absent, Project
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Service, Source


def caller(told: str, cache: str = "") -> Service:
    """The service `app`, whose variable says this, beside a database `my_db` and a cache."""
    services = {
        "app": {"image": "app:1", "environment": {"TOLD": told}},
        "my_db": {"image": "postgres:16"},
        "cache": {"image": "redis:7", "command": cache},
    }
    content = json.dumps({"services": services}).encode()
    files = {"compose.yaml": content}
    project = Project(tuple(files), "home", lambda path: files.get(path, Absent.MISSING))
    part = load([Source("m.yaml", imported(project, "m.yaml").text)])
    (service,) = (one for one in part.services if one.name.service == "app")
    return service


@pytest.mark.parametrize(
    ("told", "rewritten", "connects"),
    [
        ("postgres://my_db/x", "postgres://my-db/x", ["my-db:5432"]),
        ("postgres://my_db:x@my_db:6000/x", "postgres://my_db:x@my-db:6000/x", ["my-db:6000"]),
        ("postgres://cache:x@my_db/cache", "postgres://cache:x@my-db/cache", ["my-db:5432"]),
        ("postgres://cache@my_db/cache", "postgres://cache@my-db/cache", ["my-db:5432"]),
        ("postgres://x:p@cache@my_db/x", "postgres://x:p@cache@my-db/x", ["my-db:5432"]),
        ("postgres://my_db:99@elsewhere/x", "postgres://my_db:99@elsewhere/x", []),
        ("redis://cache,redis://my_db:1000", "redis://cache,redis://my-db:1000",
         ["my-db:1000", "cache:6379"]),
        ("host=my_db user=cache", "host=my-db user=cache", ["my-db:5432"]),
        ("host=my_db port=6000 dbname=x", "host=my-db port=6000 dbname=x", ["my-db:6000"]),
        ("Server=my_db;Port=6000;User=cache", "Server=my-db;Port=6000;User=cache", ["my-db:6000"]),
        ("psql -h my_db -p 6000", "psql -h my-db -p 6000", ["my-db:6000"]),
        ("x:y@tcp(my_db:6000)/cache", "x:y@tcp(my-db:6000)/cache", ["my-db:6000"]),
        ("VIRTUAL_HOST=cache", "VIRTUAL_HOST=cache", []),
    ],
)  # fmt: skip
def test_a_call_is_drawn_from_the_host_and_from_nothing_beside_it(
    told: str, rewritten: str, connects: list[str]
) -> None:
    service = caller(told)
    assert dict(service.env)["TOLD"] == rewritten
    assert [f"{one.peer.service}:{one.port}" for one in service.connects] == connects


@pytest.mark.parametrize(
    ("command", "port"),
    [("--port 6380 --save x", 6380), ("x --port=6380", 6380), ("x --ports 1", 6379), ("", 6379)],
)
def test_who_names_no_port_calls_the_one_that_is_told_to_be_listened_on(
    command: str, port: int
) -> None:
    service = caller("redis cache: host=cache", command)
    assert [str(one.peer.service) for one in service.connects] == ["cache"]
    assert service.connects[0].port == port
