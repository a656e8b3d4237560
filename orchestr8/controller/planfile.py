"""A plan as a file: what was asked, how it read, and what it rests on; and whether that stands.

It holds no secret's content. Contents of repository files are in it only where the store has them
not; specs are in it as keyed hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.controller.basis import Basis
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.request import Loaded, Request
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms
from orchestr8.errors import StoreError, UsageError
from orchestr8.manifest.model import Source
from orchestr8.planning.show import plan_text
from orchestr8.reading import PLAN_KIND

VERSION = 1
_SEAL = "seal"


class PlanFile(Struct, frozen=True):
    """A plan that was written down. `contents` have the files that the store had not.

    `installation` is empty where nothing was applied yet when the plan was made.
    """

    installation: str
    set_name: str
    pull: bool
    sources: tuple[Source, ...]
    digests: Mapping[str, str]
    contents: Mapping[str, bytes]
    basis: Basis
    printed: str
    at_ms: int
    actor: str

    def request(self, session: Session) -> Request:
        """What was planned, to be applied if what it rests on still stands.

        Raises UsageError where it was planned for another installation.
        """
        here = session.store.ledger.installation
        if self.installation not in ("", here):
            raise UsageError(
                f"the plan file was made for another installation ({self.installation}; this one "
                f"is {here})",
                "plan anew on this machine",
            )

        def read_file(source: str) -> bytes:
            if source in self.contents:
                return self.contents[source]
            return session.store.documents.blob(self.digests[source])

        return Request(
            self.sources, read_file, self.set_name, self.pull, takes_over=True, basis=self.basis
        )

    def text(self) -> str:
        """The document, with a seal by which a change by hand is seen."""
        document = {
            "schema": VERSION,
            "kind": PLAN_KIND,
            "installation": self.installation,
            "at_ms": self.at_ms,
            "actor": self.actor,
            "set": self.set_name,
            "pull": self.pull,
            "printed": self.printed.split("\n"),
            "sources": [one._asdict() for one in self.sources],
            "files": dict(self.digests),
            "contents": {
                name: base64.b64encode(content).decode() for name, content in self.contents.items()
            },
            "rests_on": self.basis.document(),
        }
        return json.dumps({**document, _SEAL: _seal(document)}, indent=1, sort_keys=True) + "\n"


def written_down(session: Session, loaded: Loaded, cycle: Cycle, *, stored: bool) -> PlanFile:
    """The plan file of what was planned just now; `stored` says that the store is a lasting one,
    so that its keyed hashes will mean something to it."""
    digest, held = session.store.documents.digest, session.store.documents.blob
    digests = {source: digest(content) for source, content in loaded.contents.items()}
    absent = {}
    for source, content in loaded.contents.items():
        try:
            held(digests[source])
        except StoreError:
            absent[source] = content
    request, basis = loaded.request, Basis.of(session, loaded, cycle)
    return PlanFile(
        installation=session.store.ledger.installation if stored else "",
        set_name=request.set_name,
        pull=request.pull,
        sources=request.sources,
        digests=digests,
        contents=absent,
        basis=basis if stored else replace(basis, wanted={}),
        printed=plan_text(cycle.plan),
        at_ms=now_ms(),
        actor=session.settings.actor,
    )


def read_plan_file(name: str, content: bytes) -> PlanFile:
    """Reads a plan file; raises UsageError for one that is damaged, changed, or too new."""
    try:
        document = json.loads(content)
        version = document["schema"]
        if version == VERSION and document.pop(_SEAL) == _seal(document):
            return _built(name, document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        version = None
    if isinstance(version, int) and version > VERSION:
        raise UsageError(
            f"the plan file {name} was written by a newer orchestr8", "plan anew with this one"
        )
    raise UsageError(
        f"the plan file {name} is damaged or was changed since it was written", "plan anew"
    )


def _built(name: str, document: dict[str, Any]) -> PlanFile:
    return PlanFile(
        installation=document["installation"],
        set_name=document["set"],
        pull=document["pull"],
        sources=tuple(Source(one["name"], one["text"]) for one in document["sources"]),
        digests=document["files"],
        contents={source: base64.b64decode(text) for source, text in document["contents"].items()},
        basis=Basis.from_document(document["rests_on"], name),
        printed="\n".join(document["printed"]),
        at_ms=document["at_ms"],
        actor=document["actor"],
    )


def _seal(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
