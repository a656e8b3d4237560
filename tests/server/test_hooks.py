"""Forges tell of a push: over the socket and over TLS, each in its way; whatever else comes sounds
alike."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from orchestr8.__main__ import run
from orchestr8.engines.select import SIMULATED
from orchestr8.server.hooks import BODY_BYTES_MOST, Hooks
from orchestr8.server.remote import remote
from tests.controller.looping import until
from tests.controller.road import manifest
from tests.server.machine import Served, exchange, request, served
from tests.server.test_remote import Far
from tests.sources.workshop import Workshop

SECRET = "It's a Secret to Everybody"
"""With the body below it is the example of GitHub's documentation, as is the digest."""
BODY = b"Hello, World!"
DIGEST = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
WAYS = {
    "GitHub": {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={DIGEST}"},
    "Gitea": {"X-Gitea-Event": "push", "X-Gitea-Signature": DIGEST},
    "Forgejo": {
        "X-Forgejo-Signature": DIGEST, "X-Gitea-Signature": DIGEST, "X-Gogs-Signature": DIGEST,
        "X-Hub-Signature-256": f"sha256={DIGEST}",
    },
    "GitLab": {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET},
}  # fmt: skip
WRONG = {
    "nothing": {},
    "the older digest of GitHub": {
        "X-Hub-Signature": "sha1=" + hmac.digest(SECRET.encode(), BODY, "sha1").hex()
    },
    "a digest of another secret": {
        "X-Hub-Signature-256": "sha256=" + hmac.digest(b"guess" * 4, BODY, "sha256").hex()
    },
    "a digest without its kind": {"X-Hub-Signature-256": DIGEST},
    "a digest of the body alone": {"X-Gitea-Signature": hashlib.sha256(BODY).hexdigest()},
    "half a digest": {"X-Gitea-Signature": DIGEST[:32]},
    "an empty token": {"X-Gitlab-Token": ""},
    "a part of the token": {"X-Gitlab-Token": SECRET[:-1]},
    "what is not ASCII": {"X-Gitlab-Token": "\u00fc" * 20},
}


@dataclass
class Asked:
    """Sources that are only counted."""

    webhooks: dict[str, str]
    woken: list[str] = field(default_factory=list)

    def webhook(self, name: str) -> str:
        """The file of a source's secret."""
        return self.webhooks.get(name, "")

    def wake(self, name: str) -> None:
        """It is asked."""
        self.woken.append(name)


def write_secret(folder: Path, name: str, text: str) -> None:
    """A secret of the platform."""
    path = folder / "secrets" / "platform" / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def post(
    source: str, headers: dict[str, str], body: bytes = BODY, length: int | None = None
) -> bytes:
    """What a forge sends; a length that is told may be another than the body's."""
    lines = [f"POST /v1/hooks/{source} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@pytest.fixture
def machine(folder: Path) -> Iterator[Served]:
    """A machine with a source that nobody asks by itself within a test, and one without webhook."""
    workshop = Workshop.begun(folder / "workshop")
    workshop.commit({"web.yaml": manifest("web", "front")})
    declared = f"git: {workshop.folder}, owner: web, every: 1d, verify: none"
    (folder / "platform.yaml").write_text(
        "orchestr8: 1\nplatform:\n  owners: {web: {}}\n  sources:\n"
        f"    web: {{{declared}, webhook: hook}}\n    mute: {{{declared}, path: mute}}\n"
    )
    write_secret(folder, "hook", f"{SECRET}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORCHESTR8_CACHE", str(folder / "cache"))
        with served() as made:
            thread = threading.Thread(target=made.polling.run)
            thread.start()
            with made.listening():
                assert run(["apply", "platform.yaml", "--set", "platform"]) == 0
                until(lambda: made.polling.webhook("web"))
                yield made
            made.polling.stop()
            thread.join(60)
            asked = ("source web", "source mute", thread.name)
            until(lambda: not any(one.name in asked for one in threading.enumerate()))


def images() -> list[str]:
    """The images of the boxes that run, as the manifest writes them."""
    found = [box for one in SIMULATED.values() for box in list(one.boxes.values())]
    return [one.box.spec.image for one in found if one.state.runs]


def test_a_push_that_a_forge_tells_of_runs_at_once(machine: Served, folder: Path) -> None:
    workshop = Workshop(folder / "workshop")
    socket = folder / "run" / "api.sock"
    until(lambda: images() == ["front:1"])
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    pem = folder / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    given: tuple[Any, ...] = ((pem, pem), machine.application, machine.answering.asker_of, print)
    with remote(("127.0.0.1", 0), *given) as address:
        far = Far(folder, address[1])
        assert far.context.verify_mode == ssl.CERT_REQUIRED
        for number, send in ((2, lambda sent: exchange(socket, sent)), (3, far.exchange)):
            commit = workshop.commit({"web.yaml": manifest("web", f"front front:{number}")})
            body = json.dumps({"ref": "refs/heads/main", "after": commit}).encode()
            digest = hmac.digest(SECRET.encode(), body, "sha256").hex()
            reply = send(post("web", {"X-Hub-Signature-256": f"sha256={digest}"}, body))
            assert reply.status == 202, reply.body
            wanted = [f"front:{number}"]
            until(lambda wanted=wanted: images() == wanted)


def test_each_forges_way_is_heard_and_all_else_sounds_alike(machine: Served, folder: Path) -> None:
    socket = folder / "run" / "api.sock"
    for name, headers in WAYS.items():
        assert exchange(socket, post("web", headers)).status == 202, name
    replies = {name: exchange(socket, post("web", one)) for name, one in WRONG.items()}
    good = WAYS["Forgejo"] | WAYS["GitLab"]
    replies["another body"] = exchange(socket, post("web", WAYS["Forgejo"], b"Hello, World?"))
    replies["no webhook"] = exchange(socket, post("mute", good))
    replies["no source"] = exchange(socket, post("nix", good))
    replies["no name"] = exchange(socket, post("", good))
    replies["more than a name"] = exchange(socket, post("web/x", good))
    replies["a large body"] = exchange(socket, post("web", good, b"", BODY_BYTES_MOST + 1))
    assert {(one.status, one.body) for one in replies.values()} == {
        (404, replies["nothing"].body)
    }, {name: one.status for name, one in replies.items()}
    assert request(socket, "GET", "/v1/hooks/web").status == 404


def test_a_secret_that_does_not_count_is_told_once(tmp_path: Path) -> None:
    sources, notes = Asked({"web": "hook"}), []  # type: ignore[var-annotated]
    hooks = Hooks(sources, tmp_path / "secrets", notes.append)

    def heard(secret: str) -> bool:
        sent = {"wsgi.input": io.BytesIO(BODY), "CONTENT_LENGTH": str(len(BODY))}
        return hooks.hear("web", sent | {"HTTP_X_GITLAB_TOKEN": secret})

    (tmp_path / "secrets").mkdir()
    assert not heard(SECRET) and not heard(SECRET)
    write_secret(tmp_path, "hook", "\n")
    assert not heard("")
    write_secret(tmp_path, "hook", "short")
    assert not heard("short")
    write_secret(tmp_path, "hook", SECRET)
    assert heard(SECRET) and sources.woken == ["web"]
    assert len(notes) == 2
    assert "the secret" in notes[0] and "is missing" in notes[0]
    assert "fewer than 16 bytes" in notes[1]
    assert SECRET not in "".join(notes)
