"""A machine with a state folder that can be lost, over the memory engine."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.adopt import Adopted, adopt
from orchestr8.controller.apply import apply_request, plan_request
from orchestr8.controller.progress import Phase
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.controller.status import status
from orchestr8.engines.select import simulated_machine
from orchestr8.manifest.model import Source
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Plan

SHOP = """\
orchestr8: 1
owner: shop
services:
  db: {image: "db:1", args: [run], health: {tcp: 5432}, volumes: {/data: data}}
  api:
    image: "api:1"
    args: [run]
    replicas: 2
    connects: [db:5432]
    health: {tcp: 8080}
    files: {/etc/api.toml: ./api.toml}
    secrets: [token]
    relax: [{user.fixed: "999:999", why: it insists}]
volumes: {data: {}}
secrets: {token: {file: token}}
"""
WEB = """\
orchestr8: 1
owner: web
services:
  front: {image: "front:1", args: [run], health: {tcp: 80}, publish: {127.0.0.1:18080: 80}}
"""
MORE = """\
orchestr8: 1
owner: web
services:
  other: {image: "other:1", args: [run], health: {tcp: 80}}
"""
DB, API, FRONT = ServiceName("shop", "db"), ServiceName("shop", "api"), ServiceName("web", "front")
_counter = itertools.count()


class Silent:
    """Nobody watches."""

    def phase(self, phase: Phase) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


class Host:
    """One machine with a state folder that can be lost."""

    def __init__(self, base: Path) -> None:
        self.base = base
        secrets = base / "secrets"
        (secrets / "shop").mkdir(parents=True, mode=0o700)
        (secrets / "shop" / "token").write_text("canary")
        (secrets / "shop" / "token").chmod(0o600)
        self.settings = Settings(base / "state", base / "run", secrets, "memory", "ann")

    def apply(self, text: str, set_name: str = "default") -> None:
        with session(self.settings) as own:
            applied = apply_request(own, request(text, set_name), Silent(), 60_000)
            assert not applied.exit, applied

    def plan(self, text: str, set_name: str = "default") -> Plan:
        with session(self.settings) as own:
            return plan_request(own, request(text, set_name)).cycle.plan

    def boxes(self) -> dict[str, ObservedBox]:
        with session(self.settings) as own:
            return {str(box.id): box for box in own.borders.boxes.observe().boxes}

    @property
    def installation(self) -> str:
        with session(self.settings) as own:
            return own.store.ledger.installation

    def elements(self) -> object:
        return simulated_machine(self.installation).elements.copy()

    def lose(self) -> None:
        shutil.rmtree(self.settings.state)

    def adopt(self, asked: str = "", *, yes: bool = False) -> Adopted:
        with self.looking() as beside:
            return adopt(self.settings, beside, asked, move_damaged=yes)

    @contextmanager
    def looking(self) -> Iterator[Session]:
        passing = self.base / f"passing-{next(_counter)}"
        with session(self.settings._replace(state=passing)) as beside:
            yield beside

    def status(self) -> dict[str, str]:
        with session(self.settings) as own:
            found = status(own)
        return {
            **{str(one.name): one.boxes[0].state for one in found.services if one.boxes},
            **{str(one.name): f"adopted from {one.set_name}" for one in found.adopted},
        }


def request(text: str, set_name: str) -> Request:
    return Request((Source("m.yaml", text),), lambda _: b"port = 1\n", set_name)
