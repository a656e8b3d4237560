"""An apply of the shop in which nothing has changed, without a server and through one."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import compose
from benchmarks.ground import Ground, python
from benchmarks.installation import installation
from benchmarks.processes import held_kilobytes
from benchmarks.rows import Row, medians
from benchmarks.serving import serving
from benchmarks.startup import importing, modules_of, timed

TITLE = "An apply that changes nothing"
SHOP = "examples/05-shop"
ROUNDS = 15

_HARDENED = """\
    user: "65532:65532"
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    pids_limit: 128
    mem_limit: 192m
    memswap_limit: 192m
    cpus: 0.5
"""
_PEER = f"""\
services:
  db:
    image: postgres:debian
    tmpfs: ["/var/lib/postgresql/data:uid=65532,gid=65532,mode=0700", "/tmp"]
    secrets: [db-password]
    networks: {{default: {{aliases: [db.data]}}}}
{_HARDENED}
  cache:
    image: redis:debian
    tmpfs: ["/data:uid=65532,gid=65532"]
    networks: {{default: {{aliases: [cache.data]}}}}
{_HARDENED}
  api:
    image: shop-api:1
    tmpfs: [/tmp]
    secrets: [db-password]
    depends_on: [db, cache]
    networks: {{default: {{aliases: [api.payments]}}}}
{_HARDENED}
  front:
    image: shop-front:1
    tmpfs: [/tmp, /run]
    depends_on: [api]
    ports: ["127.0.0.1:18080:8080"]
{_HARDENED}
secrets:
  db-password: {{file: ./db-password}}
"""


def rows(ground: Ground) -> Iterator[Row]:
    """The whole command against the import of its packages, and against Compose's."""
    (ground.scratch / "db-password").write_text("of the benchmark\n")
    with installation(ground) as ours, compose.project(ground, "bench-shop", _PEER) as peer:
        for owner in ("data", "payments"):
            ours.secret(owner, "db-password", "of the benchmark\n")
        ours.type("apply", SHOP)
        modules = modules_of(["apply", SHOP], ours.environment)
        commands = {
            "import": importing(modules),
            "apply": ours.command("apply", SHOP),
        }
        if peer:
            peer.type("up", "-d")
            commands["compose"] = peer.command("up", "-d")
        found = medians(timed(commands, ours.environment, ROUNDS))
        with serving(ours) as server:
            commands = {name: one for name, one in commands.items() if name != "import"}
            commands["python"] = python("-c", "pass")
            served = medians(timed(commands, ours.environment, ROUNDS))
            held = held_kilobytes([server])
    yield Row(
        "apply of the shop, nothing to do",
        found["apply"],
        found["import"],
        "import of its packages",
        "ms",
        ROUNDS,
        most=1.6,
        note="without a server; health is asked of every box, one of them by a command in it",
    )
    yield Row(
        "apply of the shop, nothing to do, and Compose",
        found["apply"],
        found.get("compose"),
        f"`up -d` of {compose.version(ground)}",
        "ms",
        ROUNDS,
        note="Compose is one program that is compiled, asks no health, and runs no job again: "
        "its file leaves the shop's job out",
    )
    yield Row(
        "the same through the server, and Compose",
        served["apply"],
        served.get("compose"),
        f"`up -d` of {compose.version(ground)}",
        "ms",
        ROUNDS,
        most=1.0,
        note="the whole command, a fresh process each time; the loop asks health beside it",
    )
    yield Row(
        "the same through the server, and Python",
        served["apply"],
        served["python"],
        "python alone",
        "ms",
        ROUNDS,
    )
    yield Row(
        "memory of the server that keeps the shop",
        held / 1000,
        None,
        "",
        "MB",
        1,
        most=80,
        note="proportional (PSS), with its API open, after these applies",
    )
