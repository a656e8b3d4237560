"""Each demo image runs, answers and ends politely as any user with nothing allowed."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tests.hosts import engine, load_images
from tests.images.strict import (
    UID,
    eventually,
    output_of,
    run_strict,
    stop_status,
    succeeds,
)

FOLDER = Path("/var/lib/orchestr8-test/images")
SUBNET = "10.211.77"


@pytest.fixture(scope="module", params=["20", "28"])
def client(request: pytest.FixtureRequest) -> Iterator[docker.DockerClient]:
    with engine(request.param) as started:
        load_images(started.socket)
        opened = docker.DockerClient(base_url=started.docker_host, version="auto")
        _remove_ours(opened)
        yield opened
        _remove_ours(opened)
        opened.close()


@pytest.fixture
def password(tmp_path: Path) -> Iterator[Path]:
    """A secret file and, beside it, an empty folder for data, both of the box's user."""
    folder = FOLDER / secrets.token_hex(4)
    (folder / "data").mkdir(parents=True)
    file = folder / "db-password"
    file.write_text(f"it's-{secrets.token_hex(8)}\n")
    file.chmod(0o400)
    for path in (file, folder / "data"):
        os.chown(path, UID, UID)
    (folder / "data").chmod(0o700)
    yield file
    shutil.rmtree(folder)


def _remove_ours(client: docker.DockerClient) -> None:
    for container in client.containers.list(all=True, filters={"label": "test=images"}):
        container.remove(force=True, v=True)
    for network in client.networks.list(filters={"label": "test=images"}):
        network.remove()


@pytest.mark.parametrize(
    ("image", "expected"),
    [("hello:1", "hello"), ("nginx:debian", "It works"), ("nginx:debian/healthz", "ok")],
)
def test_it_answers_http(client: docker.DockerClient, image: str, expected: str) -> None:
    image, _, page = image.partition("/")
    container = run_strict(client, image)
    url = f"http://127.0.0.1:8080/{page}"
    eventually(lambda: succeeds(container, "wget", "-qO-", url), container)
    assert expected in output_of(container, "wget", "-qO-", url)
    assert stop_status(container) == 0


def test_probe_waits_and_is_asked(client: docker.DockerClient) -> None:
    container = run_strict(client, "probe:1")
    assert output_of(container, "python3", "-c", "import ctypes, sqlite3, ssl; print(1)") == "1"
    container.exec_run(["/usr/bin/probe", "serve", "9000", "token"], detach=True)
    ask = ("/usr/bin/probe", "ask", "127.0.0.1", "9000")
    eventually(lambda: succeeds(container, *ask), container)
    assert output_of(container, *ask) == "token"
    assert stop_status(container) == 0


def test_redis_keeps_what_it_was_told(client: docker.DockerClient, password: Path) -> None:
    data = {password.parent / "data": "/data"}
    container = run_strict(client, "redis:debian", binds=data)
    eventually(lambda: succeeds(container, "redis-cli", "set", "a", "b"), container)
    assert stop_status(container) == 0
    again = run_strict(client, "redis:debian", binds=data)
    eventually(lambda: succeeds(again, "redis-cli", "ping"), again)
    assert output_of(again, "redis-cli", "get", "a") == "b"


def test_postgres_starts_stops_and_takes_a_new_password(
    client: docker.DockerClient, password: Path
) -> None:
    binds = {
        password: "/run/secrets/db-password",
        password.parent / "data": "/var/lib/postgresql/data",
    }
    query = ("psql", "-U", "shop", "shop", "-tAc")
    first = run_strict(client, "postgres:debian", binds=binds)
    eventually(lambda: succeeds(first, "pg_isready", "-q", "-U", "shop"), first)
    output_of(first, *query, "CREATE TABLE t AS SELECT 7 AS x")
    assert stop_status(first) == 0

    password.write_text("another")
    second = run_strict(client, "postgres:debian", binds=binds)
    eventually(lambda: succeeds(second, "pg_isready", "-q", "-U", "shop"), second)
    assert output_of(second, *query, "SELECT x FROM t") == "7"
    for word, accepted in (("another", True), ("wrong", False)):
        address = f"host=127.0.0.1 user=shop dbname=shop password={word}"
        assert succeeds(second, "psql", address, "-c", "SELECT 1") is accepted
    with_preload = "grep -l libnss_wrapper /proc/[0-9]*/maps"
    assert not succeeds(second, "sh", "-c", with_preload), "the server runs with a preload"
    assert stop_status(second) == 0


def test_the_shop_passes_an_order_on(client: docker.DockerClient, password: Path) -> None:
    network = client.networks.create(
        "images-shop",
        labels={"test": "images"},
        ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(f"{SUBNET}.0/24")]),
    )
    hosts = {"db.data": f"{SUBNET}.2", "cache.data": f"{SUBNET}.3", "api.payments": f"{SUBNET}.4"}
    secret = {password: "/run/secrets/db-password"}
    data = {password.parent / "data": "/var/lib/postgresql/data"}

    def start(image: str, command: list[str] | None = None, **more: Any) -> Container:
        return run_strict(
            client,
            image,
            command,
            network_mode=None,
            network=network.name,
            extra_hosts=hosts,
            **more,
        )

    start("postgres:debian", binds=secret | data)
    start("redis:debian", scratch={"/data": "16m"})
    migration = start("shop-api:1", ["migrate"], binds=secret)
    assert migration.wait(timeout=60)["StatusCode"] == 0, migration.logs().decode()
    api = start("shop-api:2", binds=secret)
    front = start("shop-front:1")
    eventually(lambda: succeeds(api, "wget", "-qO-", "http://127.0.0.1:8080/healthz"), api)
    url = "http://127.0.0.1:8080"
    token = secrets.token_hex(8)
    order = ("wget", "-qO-", "--post-data", f'{{"token": "{token}"}}', f"{url}/orders")
    assert token in output_of(front, *order)
    assert '"cached": "yes"' in output_of(front, "wget", "-qO-", f"{url}/orders/{token}")
    assert '"2"' in output_of(front, "wget", "-qO-", f"{url}/version")
    assert [stop_status(container) for container in (front, api)] == [0, 0]


@pytest.mark.parametrize(
    ("word", "status", "line"),
    [
        ("exit", 1, "fatal: the configuration is incomplete"),
        ("readonly", 1, '"/var/log/x/error.log" failed (30: Read-only file system)'),
        ("memory", 137, "reading everything into memory"),
        ("port", 1, "bind() to 0.0.0.0:80 failed (13: Permission denied)"),
        ("chown", 1, "Operation not permitted"),
        ("processes", 2, "can't fork"),
    ],
)
def test_a_fault_ends_as_it_says(
    client: docker.DockerClient, word: str, status: int, line: str
) -> None:
    container = run_strict(client, "faults:1", [word])
    assert container.wait(timeout=30)["StatusCode"] == status
    assert line in container.logs().decode()
    container.reload()
    assert container.attrs["State"]["OOMKilled"] is (word == "memory")


@pytest.mark.parametrize(("image", "reason"), [("nobinary:1", "no such file")])
def test_what_cannot_start_says_why(client: docker.DockerClient, image: str, reason: str) -> None:
    with pytest.raises(docker.errors.APIError, match=reason):
        run_strict(client, image)
