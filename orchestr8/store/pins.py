"""Pins: what an image reference meant, to each revision; with which STRICT a service was placed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import asdict

from orchestr8.contract.model import ImageFacts
from orchestr8.names import ServiceName
from orchestr8.store.database import Database


class Pins:
    """What must mean tomorrow what it means today."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def image(self, reference: str) -> ImageFacts | None:
        """What a reference was resolved to last, if it was."""
        rows = self._database.rows("SELECT facts FROM images WHERE reference=?", reference)
        return _facts(rows[0][0]) if rows else None

    def note_images(self, facts: Iterable[ImageFacts]) -> None:
        """Remembers what references mean, so that equal text gives an equal plan."""
        rows = [(one.reference, _text(one)) for one in facts]
        if rows:
            with self._database.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO images VALUES (?, ?)", rows)

    def of_revision(self, set_name: str, number: int) -> dict[str, ImageFacts]:
        """What each reference meant to a revision; empty for one of before there were pins."""
        rows = self._database.rows(
            "SELECT reference, facts FROM pins WHERE set_name=? AND number=?", set_name, number
        )
        return {str(reference): _facts(facts) for reference, facts in rows}

    def pin(self, set_name: str, number: int, facts: Mapping[str, ImageFacts]) -> None:
        """Writes what references mean to a revision."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)",
                [(set_name, number, name, _text(one)) for name, one in sorted(facts.items())],
            )

    def strict_versions(self) -> dict[ServiceName, int]:
        """The version of STRICT that each service was placed with."""
        return {
            ServiceName(str(owner), str(service)): int(str(version))
            for owner, service, version in self._database.rows(
                "SELECT owner, service, version FROM strict"
            )
        }

    def note_strict(self, versions: Mapping[ServiceName, int]) -> None:
        """Remembers versions of STRICT."""
        if versions:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO strict VALUES (?, ?, ?)",
                    [(name.owner, name.service, version) for name, version in versions.items()],
                )


def _text(facts: ImageFacts) -> str:
    return json.dumps(asdict(facts), sort_keys=True)


def _facts(text: object) -> ImageFacts:
    """JSON knows lists where facts have tuples."""
    document: dict[str, Any] = json.loads(str(text))
    document["env"] = tuple((name, value) for name, value in document["env"])
    document["labels"] = tuple((name, value) for name, value in document["labels"])
    for name in ("entrypoint", "cmd", "volumes", "ports"):
        document[name] = tuple(document[name])
    return ImageFacts(**document)
