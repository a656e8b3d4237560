"""Requests that are made up from the API's own description are answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from docker.transport import UnixHTTPAdapter
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    status_code_conformance,
)

from orchestr8 import __version__
from orchestr8.__main__ import run
from orchestr8.server.openapi import description
from orchestr8.server.routes import ROUTES

BASE = "http://localhost"
CASES = 4
"""So many requests of each kind for each route."""
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, negative_data_rejection,
]  # fmt: skip
WEB = 'orchestr8: 1\nowner: web\nservices: {front: {image: "front:1", health: {tcp: 80}}}\n'
SCHEMA = schemathesis.openapi.from_dict(description(ROUTES, __version__))
COMMANDS = {route.path for route in ROUTES if route.verb}
OPERATIONS = {found.ok().path: found.ok() for found in SCHEMA.get_all_operations()}


@pytest.fixture
def caller(api: Path, folder: Path) -> Iterator[requests.Session]:
    """Somebody who asks a server with one service."""
    (folder / "web.yaml").write_text(WEB)
    assert run(["apply", "web.yaml"]) == 0
    with requests.Session() as session:
        session.mount(BASE, UnixHTTPAdapter(f"http+unix://{api}", timeout=60))
        yield session


def test_made_up_requests_are_answered_as_described(caller: requests.Session) -> None:
    for mode in GenerationMode:
        for operation in OPERATIONS.values():
            if mode is GenerationMode.NEGATIVE and operation.path not in COMMANDS:
                continue  # there is nothing that it forbids

            @settings(
                max_examples=CASES, database=None, deadline=None, derandomize=True,
                phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Case) -> None:
                case.call_and_validate(base_url=BASE, session=caller, checks=CHECKS, timeout=60)

            check()


def test_every_route_is_tried() -> None:
    assert set(OPERATIONS) == {route.path for route in ROUTES}
