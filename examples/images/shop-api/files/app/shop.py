"""The shop's API: orders in PostgreSQL, the latest of them in Redis as well.

shop.py migrate   make the table and end
shop.py serve     answer on port 8080:
  POST /orders with {"token": "..."}   201, stored
  GET  /orders/TOKEN                   200, or 404
  GET  /healthz                        200 if the database and the cache answer, else 503
  GET  /version                        200
"""

import contextlib
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg2
import redis

DATABASE = {"host": "db.data", "port": 5432, "user": "shop", "dbname": "shop"}
PASSWORD_FILE = Path("/run/secrets/db-password")
VERSION = (Path(__file__).parent / "VERSION").read_text().strip()

ANSWER_SECONDS = 2
MIGRATE_SECONDS = 60
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")

cache = redis.Redis(
    host="cache.data",
    port=6379,
    decode_responses=True,
    socket_timeout=ANSWER_SECONDS,
    socket_connect_timeout=ANSWER_SECONDS,
)


@contextlib.contextmanager
def cursor() -> Iterator[Any]:
    """One transaction on a connection of its own, so that a database that went away and came
    back needs no care."""
    password = PASSWORD_FILE.read_text().strip()
    connection = psycopg2.connect(
        **DATABASE,
        password=password,
        connect_timeout=ANSWER_SECONDS,
        options=f"-c statement_timeout={ANSWER_SECONDS * 1000}",
    )
    try:
        with connection, connection.cursor() as opened:
            yield opened
    finally:
        connection.close()


def migrate() -> int:
    deadline = time.monotonic() + MIGRATE_SECONDS
    while True:
        try:
            with cursor() as opened:
                opened.execute(
                    "CREATE TABLE IF NOT EXISTS orders"
                    " (token text PRIMARY KEY, ordered timestamptz NOT NULL DEFAULT now())"
                )
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                print(f"no database after {MIGRATE_SECONDS} s: {error}", file=sys.stderr)
                return 1
            time.sleep(0.2)
        else:
            print("the table orders is there")
            return 0


def store(token: str) -> None:
    with cursor() as opened:
        opened.execute("INSERT INTO orders (token) VALUES (%s) ON CONFLICT DO NOTHING", (token,))
    cache.set(f"order:{token}", "stored", ex=3600)


def find(token: str) -> dict[str, str] | None:
    """Which of the two knows the order; the database decides."""
    with cursor() as opened:
        opened.execute("SELECT ordered FROM orders WHERE token = %s", (token,))
        row = opened.fetchone()
    if not row:
        return None
    cached = "yes" if cache.exists(f"order:{token}") else "no"
    return {"token": token, "ordered": row[0].isoformat(), "cached": cached}


class Shop(BaseHTTPRequestHandler):
    """One request; every failure of what stands behind is a 503 that says which."""

    server_version = f"shop/{VERSION}"
    timeout = 10

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._guarded(self._health)
        elif self.path == "/version":
            self._answer(200, {"version": VERSION})
        elif self.path.startswith("/orders/"):
            self._guarded(self._show)
        else:
            self._answer(404, {"error": "no such page"})

    def do_POST(self) -> None:
        if self.path == "/orders":
            self._guarded(self._order)
        else:
            self._answer(404, {"error": "no such page"})

    def _health(self) -> None:
        cache.ping()
        with cursor() as opened:
            opened.execute("SELECT 1")
        self._answer(200, {"status": "ok", "version": VERSION})

    def _order(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), 4096)
        try:
            token = json.loads(self.rfile.read(length))["token"]
        except (ValueError, KeyError, TypeError):
            token = ""
        if not isinstance(token, str) or not TOKEN.fullmatch(token):
            self._answer(400, {"error": 'send {"token": "1 to 64 letters, digits, _ or -"}'})
            return
        store(token)
        self._answer(201, {"stored": token})

    def _show(self) -> None:
        order = find(unquote(self.path.removeprefix("/orders/")))
        self._answer(200 if order else 404, order or {"error": "no such order"})

    def _guarded(self, answer: Any) -> None:
        try:
            answer()
        except (psycopg2.Error, redis.RedisError, OSError) as error:
            print(f"{self.path}: {error}", file=sys.stderr)
            place = "cache" if isinstance(error, redis.RedisError) else "database"
            self._answer(503, {"error": f"the {place} does not answer"})

    def _answer(self, status: int, document: dict[str, str]) -> None:
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *arguments: Any) -> None:
        if self.path != "/healthz":
            print(f"{self.command} {self.path} {arguments[1] if len(arguments) > 1 else ''}")


def serve() -> int:
    server = ThreadingHTTPServer(("0.0.0.0", 8080), Shop)
    server.daemon_threads = False  # what has begun is answered before the end

    def end(*_: Any) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"shop {VERSION} listens on 8080", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    match sys.argv[1:]:
        case ["migrate"]:
            sys.exit(migrate())
        case ["serve"]:
            sys.exit(serve())
        case _:
            print(__doc__, file=sys.stderr)
            sys.exit(2)
