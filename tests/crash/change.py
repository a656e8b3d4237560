"""Two forms of one set. The way from either to the other provisions, rebalances, replaces and
releases boxes, and changes links, so that every point can be tried in both directions in turn."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.fleet import Fleet

SET = "crash"
FORMS = ("first", "second")

_TEXT = """\
orchestr8: 1
owner: me
services:
  keep:
    image: "hello:1"
    health: {{http: ":8080/", every: 200ms}}
    publish: {{127.0.0.1:{port}: 8080}}
    limits: {{memory: {memory}}}
    standby: 1
  data:
    image: "hello:1"
    health: {{http: ":8080/", every: 200ms}}
    volumes: {{/data: store}}
    files: {{/etc/note: ./note.txt}}
    secrets: [word]
    env: {{FORM: {form}}}
    connects: [keep:8080]
  {extra}:
    image: "hello:1"
    health: {{http: ":8080/", every: 200ms}}
    secrets: [word]
    connects: [keep:8080]
volumes: {{store: {{}}}}
secrets: {{word: {{file: word}}}}
"""


@dataclass(frozen=True)
class Change:
    """The two forms as files; `path` gives the one to apply."""

    folder: Path

    @classmethod
    def write(cls, fleet: Fleet, port: int = 0) -> Change:
        """Lays the manifests out beside their file, and the secret where it belongs; what they
        publish is at this port of the host, or at one that is free."""
        folder = fleet.base / "manifests"
        folder.mkdir()
        fleet.secret("me", "word", "of honour")
        port = port or free_port()
        for form, memory, extra in (("first", "64MiB", "gone"), ("second", "96MiB", "fresh")):
            own = folder / form
            own.mkdir()
            (own / "note.txt").write_text("the same in both\n")
            text = _TEXT.format(port=port, memory=memory, form=form, extra=extra)
            (own / "set.yaml").write_text(text)
        return cls(folder)

    def path(self, form: str) -> str:
        """What is typed after `apply`."""
        return str(self.folder / form / "set.yaml")


def free_port() -> int:
    """One of this host's that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
