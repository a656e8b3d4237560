"""The content behind files and secrets: keyed hashes for specs, bytes for the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from orchestr8.errors import ManifestError, Place, Problem, RejectedError
from orchestr8.host.secret_files import read_secret
from orchestr8.manifest.model import Fleet, Service

Digests = dict[tuple[str, ...], str]
FileDigests = Mapping[tuple[str, str, str], str]
"""Keyed hashes of repository files by owner, service and source: services of one set may rest on
different revisions, and each has the content of its own."""


class HeldContents:
    """What the engine asks for while it makes boxes.

    Files come from the store by their hash, secrets from the owner's folder on the host. Secrets
    are read when they are needed and never kept.
    """

    def __init__(self, blob: Callable[[str], bytes], secrets_folder: Path) -> None:
        self._blob = blob
        self._secrets_folder = secrets_folder
        self._secret_files: dict[tuple[str, str], str] = {}

    def know(self, fleet: Fleet) -> None:
        """Learns under which file name each secret lies."""
        self._secret_files |= {key: secret.file for key, secret in fleet.secrets().items()}

    def file(self, digest: str) -> bytes:
        """A file's content by its keyed hash."""
        return self._blob(digest)

    def secret(self, owner: str, name: str) -> bytes:
        """A secret's content; raises RejectedError with the remedy where it cannot be read."""
        file = self._secret_files.get((owner, name), name)
        return read_secret(self._secrets_folder, owner, file)


def digests_of(
    fleet: Fleet,
    known_files: FileDigests,
    contents: HeldContents,
    digest: Callable[[bytes], str],
    applying: str = "",
) -> Digests:
    """The keyed hash of every file and secret that the fleet's services use.

    Keys are ("file", owner, service, source) and ("secret", owner, name). A secret that cannot be
    read is left out, so that new boxes wait for it; in the set that is applied it is a problem.
    Raises ManifestError with every one of those.
    """
    contents.know(fleet)
    found: Digests = {("file", *key): value for key, value in known_files.items()}
    problems: list[Problem] = []
    for set_name, part in fleet.sets.items():
        for service in part.services:
            for secret in service.secrets if service.replicas else ():
                key = ("secret", service.name.owner, secret)
                try:
                    found.setdefault(key, digest(contents.secret(service.name.owner, secret)))
                except RejectedError as error:
                    if set_name == applying:
                        place = _place(fleet, service, secret)
                        problems.append(Problem(place, error.what, error.remedy))
    if problems:
        raise ManifestError(tuple(sorted(set(problems), key=lambda one: one.place)))
    return found


def _place(fleet: Fleet, service: Service, secret: str) -> Place:
    declared = fleet.secrets().get((service.name.owner, secret))
    return declared.place if declared else service.place("secrets")
