"""Images on a Docker Engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestr8.contract.model import ImageFacts
from orchestr8.engines.docker import failures
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.image_facts import Identity, facts_of
from orchestr8.errors import RejectedError

_REFERENCE = re.compile(r"[A-Za-z0-9]+(?:(?:[._:/@-]|__|-+)[A-Za-z0-9_]+)*")
"""Enough that a name is one part of a path, and leads nowhere else."""


class DockerImages:
    """What is on the engine, and what it can fetch."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._by_id: dict[str, ImageFacts] = {}

    @patient
    def resolve(self, reference: str) -> ImageFacts | None:
        """The facts of an image that is present."""
        if not _REFERENCE.fullmatch(reference):
            raise RejectedError(
                f'"{reference}" is no name of an image', "write name:tag or name@sha256:digest"
            )
        found = self._client.find(f"/images/{reference}/json", f"looking for the image {reference}")
        return inspected_facts(reference, found) if found else None

    @patient
    def fetch(self, reference: str) -> ImageFacts:
        """From its registry, unless it is present."""
        facts = self.resolve(reference)
        if facts:
            return facts
        doing = f"fetching the image {reference}"
        for line in self._client.pull(reference, doing):
            if "error" in line:
                raise failures.answered(str(line["error"]), doing, None)
        facts = self.resolve(reference)
        if not facts:
            raise RejectedError(
                f"{doing}: the engine says that it has it now, and does not find it"
            )
        return facts

    def by_id(self, image_id: str) -> ImageFacts:
        """The facts of the image that a box starts; they never change, so they are kept."""
        if image_id not in self._by_id:
            facts = self.resolve(image_id)
            if not facts:
                raise RejectedError(
                    f"the image {image_id} is not on this engine",
                    "apply again: it is fetched first",
                )
            self._by_id[image_id] = facts
        return self._by_id[image_id]


def inspected_facts(reference: str, found: Mapping[str, Any]) -> ImageFacts:
    """An inspected image as facts."""
    identity = Identity(reference, found["Id"], _digest(reference, found.get("RepoDigests") or []))
    return facts_of(identity, found.get("Config") or {}, found.get("Architecture") or "")


def _digest(reference: str, digests: list[str]) -> str:
    """The manifest's digest: under the name that was asked for, else any."""
    name = reference.partition("@")[0]
    last = name.rpartition("/")[2]
    name = name[: len(name) - len(last)] + last.partition(":")[0]
    of_name = [text for text in digests if text.partition("@")[0].endswith(name)]
    return next(iter(of_name or digests), "").partition("@")[2]
