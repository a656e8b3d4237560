"""Health and figures: on the socket to those whose they are, at an address to everybody."""

from __future__ import annotations

import http.client
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestr8.__main__ import run
from orchestr8.cli.serve import _address
from orchestr8.controller.authority import EVERYTHING, Authority
from orchestr8.controller.progress import Phase
from orchestr8.controller.settings import Settings
from orchestr8.engines.select import SIMULATED
from orchestr8.errors import UnavailableError, UsageError
from orchestr8.names import BoxId
from orchestr8.server.listening import monitored
from orchestr8.server.metrics import Metrics
from orchestr8.server.monitoring import Monitoring, Told
from tests.controller.looping import until
from tests.server.machine import request
from tests.server.test_follow import WEB

SHOP = WEB.replace("owner: web", "owner: shop")
WITH_FILE = WEB.replace('"front:1",', '"front:1", files: {/etc/front.toml: ./front.toml},')
Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """Every sample: its name, and the values of its labels."""
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def figures(api: Path) -> Samples:
    """What the platform reads."""
    reply = request(api, "GET", "/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return samples(reply.body.decode())


def crash(owner: str) -> None:
    """A box of an owner ends by itself."""
    (machine,) = (one for one in SIMULATED.values() if one.boxes)
    box = next(one for one in list(machine.boxes) if one.owner == owner)
    machine.crash(box, 1)
    until(lambda: BoxId(*box[:2], box.serial + 1) in machine.boxes)


def test_what_is_measured(api: Path, folder: Path) -> None:
    (folder / "front.toml").write_text("x = 1\n")
    for name, text in (("web", WITH_FILE), ("shop", SHOP)):
        (folder / f"{name}.yaml").write_text(text)
        assert run(["apply", f"{name}.yaml", "--set", name]) == 0
    crash("web")
    wanted: Samples = {
        ("orchestr8_boxes", "healthy", "web", "running"): 1.0,
        ("orchestr8_boxes_wanted", "shop"): 1.0,
        ("orchestr8_box_failures_total", "web"): 1.0,
        ("orchestr8_heals_total", "web"): 1.0,
        ("orchestr8_command_seconds_count", "0", "apply"): 2.0,
    }
    until(lambda: wanted.items() <= figures(api).items())
    until(lambda: figures(api)["orchestr8_turn_seconds_count",] >= 2)
    found = figures(api)
    assert ("orchestr8_heals_total", "shop") not in found
    # that the file had to be asked for first is no command that failed
    assert ("orchestr8_command_seconds_count", "1", "apply") not in found
    assert any(name[0] == "orchestr8_box_phase_seconds_count" for name in found)


def test_a_member_reads_what_is_theirs(folder: Path) -> None:
    metrics = Metrics(Settings.from_environment())
    metrics.command("apply", 0, 1.0)
    for owner in ("web", "shop"):
        metrics.phase(Phase(BoxId(owner, "front", 1), 0, "failed", 0.0, True))
    own = metrics.told(Authority(False, frozenset({"web"}))).decode()
    assert set(samples(own)) == {
        ("orchestr8_box_failures_total", "web"), ("orchestr8_box_failures_created", "web")
    }  # fmt: skip
    whole = metrics.told(EVERYTHING).decode()
    assert 'owner="shop"' in whole and "command" in whole


def test_it_is_well_and_ready_on_the_socket(api: Path) -> None:
    assert request(api, "GET", "/healthz").document == {"ok": True, "why": ""}
    until(lambda: request(api, "GET", "/readyz").status == 200)


class Ill:
    """A loop that is not well."""

    hangs = True
    obstacle = "no engine answers at /run/x.sock"


def test_what_is_not_well_says_why(api: Path) -> None:
    monitoring = Monitoring(Ill(), None)  # type: ignore[arg-type]
    member = Authority(False, frozenset({"web"}))
    assert monitoring.told("/healthz", member)[0] == 503
    status, _, body = monitoring.told("/readyz", EVERYTHING)
    assert status == 503 and b"no engine answers" in body
    assert b"/run/x.sock" not in monitoring.told("/readyz", member).body


def well(path: str, authority: Authority) -> Told:
    """All is well, for everybody."""
    assert authority == EVERYTHING
    return Told(200, "text/plain", path.encode())


def test_an_address_answers_monitors_and_nothing_else() -> None:
    with monitored(("127.0.0.1", 0), well, print) as (host, port):

        def asked(method: str, path: str) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(host, port, timeout=60)
            connection.request(method, path)
            with connection.getresponse() as answer:
                return answer.status, answer.read()

        for path in ("/metrics", "/healthz", "/readyz"):
            assert asked("GET", path) == (200, path.encode())
        for method, path in (
            ("GET", "/v1/me"), ("POST", "/v1/commands/status"), ("GET", "/"), ("POST", "/metrics"),
        ):  # fmt: skip
            assert asked(method, path)[0] in (404, 405)
        with (
            pytest.raises(UnavailableError, match="cannot be listened on"),
            monitored((host, port), well, print),
        ):
            pass


def test_an_address_that_is_none_is_told() -> None:
    for text in ("9464", "127.0.0.1", "127.0.0.1:x", ":9464", "127.0.0.1:70000"):
        with pytest.raises(UsageError, match=re.escape(text)):
            _address("--monitor", text)
