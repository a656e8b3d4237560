"""If-Match and ETag: of two who change the same set at once one is told of the other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.server.machine import Reply, request
from tests.server.test_api import APPLY, PLAN, STATUS, sent

HISTORY, DOWN = "/v1/commands/history", "/v1/commands/down"


def shop(replicas: int = 1) -> dict[str, Any]:
    """A set of one service."""
    text = (
        "orchestr8: 1\nowner: shop\nservices:\n"
        f'  api: {{image: "api:1", replicas: {replicas}, health: {{tcp: 80, every: 100ms}}}}\n'
    )
    reading = {"paths": ["s.yaml"], "texts": [{"name": "s.yaml", "content": sent(text)}]}
    return {"arguments": ["s.yaml", "--set", "shop"], "reading": reading}


def test_a_revision_is_told_and_expected(api: Path) -> None:
    assert request(api, "POST", PLAN, shop()).headers["ETag"] == '"0"'
    assert request(api, "POST", APPLY, shop(), If_Match='"0"').exit == 0
    assert request(api, "POST", PLAN, shop(2)).headers["ETag"] == '"1"'
    refused = request(api, "POST", APPLY, shop(2), If_Match='"0"')
    assert (refused.status, refused.document["exit"]) == (412, 3)
    assert "set shop: it is at revision 1 (apply by " in refused.document["what"]
    one = {"arguments": ["--set", "shop"]}
    assert request(api, "POST", DOWN, one, If_Match='"3"').status == 412
    assert request(api, "POST", HISTORY, one).headers["ETag"] == '"1"'
    assert "ETag" not in request(api, "POST", HISTORY, {}).headers
    assert "ETag" not in request(api, "POST", STATUS, {}).headers


def test_typed_it_is_told_in_the_answer(api: Path) -> None:
    document = shop() | {"arguments": ["s.yaml", "--set", "shop", "--expect", "4"]}
    reply = request(api, "POST", APPLY, document)
    assert (reply.status, reply.exit) == (200, 3)
    assert "nothing of it is in force" in reply.text


def test_of_two_at_once_one_is_refused(api: Path) -> None:
    replies: list[Reply] = []

    def apply(replicas: int) -> None:
        replies.append(request(api, "POST", APPLY, shop(replicas), If_Match='"0"'))

    threads = [threading.Thread(target=apply, args=(replicas,)) for replicas in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.status for one in replies) == [200, 412]


def test_a_refused_change_takes_no_key(api: Path) -> None:
    for revision, status in (("5", 412), ("0", 200), ("0", 200), ("1", 409)):
        headers = {"If_Match": f'"{revision}"', "Idempotency_Key": "a"}
        assert request(api, "POST", APPLY, shop(), **headers).status == status


@pytest.mark.parametrize(
    ("place", "words", "expected", "what"),
    [
        (STATUS, [], '"1"', "status changes no set"),
        (PLAN, [], '"1"', "plan changes no set"),
        ("/v1/commands/restart", ["api.shop"], '"1"', "restart changes no set"),
        (DOWN, [], "*", "is no revision"),
        (DOWN, [], '"1", "2"', "is no revision"),
        (DOWN, [], 'W/"1"', "is no revision"),
        (DOWN, ["--expect", "1"], '"1"', "--expect"),
    ],
)
def test_what_cannot_be_expected_is_refused(
    api: Path, place: str, words: list[str], expected: str, what: str
) -> None:
    reply = request(api, "POST", place, {"arguments": words}, If_Match=expected)
    assert reply.status == 400
    assert what in reply.document["what"]
