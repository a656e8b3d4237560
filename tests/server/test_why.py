"""What a server does by itself nobody is told to type, by `why` and by others."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

from orchestr8.engines.memory.workload import Workload
from orchestr8.engines.select import SIMULATED
from tests.controller.looping import until
from tests.server.machine import Reply, request

TEXT = """\
orchestr8: 1
owner: web
services:
  front: {image: "front:%s", health: {tcp: 80, every: 100ms}}
"""


def applied(api: Path, version: int) -> Reply:
    """Somebody applies this version of the service."""
    text = base64.b64encode((TEXT % version).encode()).decode()
    reading = {"paths": ["web.yaml"], "texts": [{"name": "web.yaml", "content": text}]}
    sent = {"arguments": ["web.yaml"], "reading": reading, "files": {}}
    return request(api, "POST", "/v1/commands/apply", sent)


def why(api: Path) -> str:
    """What is said of it."""
    return request(api, "POST", "/v1/commands/why", {"arguments": ["front.web"]}).text


def test_a_replacement_that_the_server_is_at_is_nobodys_to_apply(api: Path) -> None:
    assert applied(api, 1).exit == 0
    assert "whose move: nobody's" in why(api)
    (machine,) = SIMULATED.values()
    machine.workloads["front:2"] = Workload(healthy_after_ms=4_000)
    applying = threading.Thread(target=applied, args=(api, 2))
    applying.start()
    until(lambda: len(machine.boxes) == 2)
    said = why(api)
    applying.join()
    assert "whose move: the server's\nwhat to do: wait; it is at it" in said, said


def test_what_waited_for_a_hold_is_done_by_the_server(api: Path) -> None:
    assert applied(api, 1).exit == 0
    place, held = "/v1/commands/hold", ["front.web", "--until", "1h", "--reason", "x"]
    assert request(api, "POST", place, {"arguments": held}).exit == 0
    ended = request(api, "POST", place, {"arguments": ["front.web", "--end"]})
    assert ended.text == "front.web is held no longer; the server does what has waited.\n"
