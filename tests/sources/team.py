"""A machine that follows a team's repository, and the team."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestr8.controller import sources as syncing
from orchestr8.controller.sources import Synced
from orchestr8.store.sources import SourceRecord
from tests.controller.road import TIMEOUT_MS, Road, manifest
from tests.sources.workshop import Key, Workshop

WEB = "web/web.yaml"


@dataclass
class Team:
    """A machine whose platform declares sources of one repository, and who works in it."""

    road: Road
    workshop: Workshop
    ann: Key
    bob: Key
    lines: dict[str, str] = field(default_factory=dict)
    address: str = ""
    """Where the sources say that the repository is; by its path where they say nothing else."""

    def declare(self, *, members: str = "", **sources: str) -> None:
        """Applies the platform's part."""
        self.road.apply({"platform.yaml": self.rules(members, **sources)}, "rules")

    def rules(self, members: str = "", **sources: str) -> str:
        """The platform's part, in which Ann belongs to web and Bob to data."""
        self.lines |= sources
        url = self.address or self.workshop.folder
        listed = "\n".join(
            f"    {name}: {{git: {url}, {rest}}}" for name, rest in self.lines.items()
        )
        return (
            "orchestr8: 1\nplatform:\n  mode: team\n  owners:\n"
            f'    web: {{members: ["{members or self.ann.member}"]}}\n'
            f'    data: {{members: ["{self.bob.member}"]}}\n  sources:\n{listed}\n'
        )

    def sync(self, name: str = "web") -> Synced:
        """`sync NAME`."""
        with self.road.open() as opened:
            (source,) = syncing.require_sources(opened, (name,))
            return syncing.sync(opened, source, self.road.watcher, TIMEOUT_MS)

    def push(self, *services: str, key: Key | None = None, owner: str = "web") -> str:
        """A commit with these services in the folder of web."""
        return self.workshop.commit({WEB: manifest(owner, *services)}, key or self.ann)

    def record(self, name: str = "web") -> SourceRecord:
        """What is remembered of a source."""
        with self.road.open() as opened:
            return opened.store.sources.record(name)


def told(synced: Synced) -> list[str]:
    """Where something is wrong, and what."""
    return [f"{one.place}: {one.what}" for one in synced.record.problems]
