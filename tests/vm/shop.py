"""The shop of the examples, seen from outside: one way in, and the database at its far end."""

from __future__ import annotations

import json

from tests.vm.installation import Installation
from tests.vm.setting import HOME

FOLDER = "/root/shop"
IMAGES = ("postgres", "redis", "shop-api-1", "shop-front")
SERVICES = ["api", "cache", "db", "front"]
"""Those that keep running."""

_SECRETS = "/etc/orchestr8/secrets"


def place_manifests(shop: Installation) -> None:
    """The shop's, with patience: PostgreSQL's first start takes minutes in an emulator."""
    patient = "sed -i 's/, within: 60s//; s/health: {/health: {within: 15m, timeout: 30s, /'"
    shop.machine.check(f"cp -r {HOME}/examples/05-shop {FOLDER} && {patient} {FOLDER}/*.yaml")


def place_password(shop: Installation) -> None:
    """The database's password, for the owner of the database and the owner of the API."""
    for owner in ("data", "payments"):
        shop.machine.check(f"install -d -m 0700 {_SECRETS}/{owner}")
        shop.machine.check(f"umask 0077 && cat >{_SECRETS}/{owner}/db-password", text="a word\n")


def order(shop: Installation, token: str) -> bool:
    """Whether an order is taken by the front, which hands it to the API."""
    body = json.dumps({"token": token})
    answer = shop.machine.run(
        f"curl -sS --fail --max-time 60 -d '{body}' http://127.0.0.1:8080/orders"
    )
    print(answer.output)
    return answer.status == 0


def orders(shop: Installation) -> list[str]:
    """What has arrived in the database, by its own word."""
    asked = "psql -U shop shop -tA -c 'SELECT token FROM orders ORDER BY token'"
    return shop.typed(f"exec db.data -- {asked}").split()
