"""A member whose source does not answer waits for it alone: nobody else's change waits, too."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.__main__ import run
from tests.controller.looping import until
from tests.controller.road import manifest
from tests.server.machine import Reply, request, serving
from tests.sources.workshop import Workshop

ASKED = "/v1/commands/sync"


@contextmanager
def silent() -> Iterator[tuple[int, list[socket.socket]]]:
    """A port at which whoever comes hears nothing, and who came."""
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    came.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)
        for one in came:
            one.close()


def test_a_source_that_is_silent_keeps_nobody_elses_change_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTR8_CACHE", str(folder / "cache"))
    workshop = Workshop.begun(folder / "workshop")
    commit = workshop.commit({"web.yaml": manifest("web", "front")})
    with silent() as (port, came), serving() as api:
        (folder / "platform.yaml").write_text(
            "orchestr8: 1\nplatform:\n  owners: {web: {}, bi: {}}\n  sources:\n"
            f"    web: {{git: {workshop.folder}, owner: web, verify: none}}\n"
            f"    bi: {{git: 'https://127.0.0.1:{port}/bi', owner: bi, verify: none}}\n"
        )
        assert run(["apply", "platform.yaml", "--set", "platform"]) == 0
        replies: list[Reply] = []

        def ask() -> None:
            arguments = {"arguments": ["bi", "--timeout", "8s"]}
            replies.append(request(api, "POST", ASKED, arguments))

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: bool(came))
        other = request(api, "POST", ASKED, {"arguments": ["web"]})
        assert (other.exit, commit[:12] in other.text) == (0, True), other.text
        assert asking.is_alive() and not replies
        asking.join(60)
    (reply,) = replies
    assert reply.exit == 1
    assert "did not come to an end within 8 s" in reply.text
    assert "unreachable; nothing of it is in force." in reply.text
