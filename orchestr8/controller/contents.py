"""The content behind files and secrets: keyed hashes for specs, bytes for the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from orchestr8.errors import ManifestError, Problem, RejectedError
from orchestr8.host.sealed_secrets import OwnerKeys
from orchestr8.host.secret_files import read_secret
from orchestr8.manifest.model import Fleet, Secret

Digests = dict[tuple[str, ...], str]
FileDigests = Mapping[tuple[str, ...], str]
"""Keyed hashes of repository files by owner, service and source: services of one set may rest on
different revisions, and each has the content of its own. Those of sealed secrets have the keys of
`sealed_key`."""


def sealed_key(owner: str, name: str, service: str = "") -> tuple[str, ...]:
    """The key of a sealed secret: for all services, or for one that rests on an older revision."""
    return ("sealed", owner, service, name)


class HeldContents:
    """What the engine asks for while it makes boxes.

    Files come from the store by their hash, secrets from the owner's folder on the host or from a
    sealed file in the store. Secrets are read when they are needed and never kept.
    """

    def __init__(self, blob: Callable[[str], bytes], secrets_folder: Path) -> None:
        self._blob = blob
        self._secrets_folder = secrets_folder
        self._keys = OwnerKeys(secrets_folder)
        self._fresh: dict[str, bytes] = {}
        self._declared: dict[tuple[str, str], Secret] = {}
        self._sealed: dict[tuple[str, str, str], str] = {}
        self._made_up: frozenset[tuple[str, str]] = frozenset()

    def know(self, fleet: Fleet) -> None:
        """Learns where each secret lies."""
        self._declared |= fleet.secrets()

    def bring(self, contents: Mapping[str, bytes]) -> None:
        """Takes repository files by their hash that the store may not have yet."""
        self._fresh |= contents

    def make_up(self, secrets: Iterable[Secret]) -> None:
        """In a simulation: these sealed secrets are empty, whatever is in their files."""
        self._made_up |= {(secret.owner, secret.name) for secret in secrets}

    def file(self, digest: str) -> bytes:
        """A file's content by its keyed hash."""
        found = self._fresh.get(digest)
        return self._blob(digest) if found is None else found

    def secret(self, owner: str, name: str, digest: str = "") -> bytes:
        """A secret's content; raises RejectedError with the remedy where it cannot be read.

        `digest` is the keyed hash that a box's spec has of it; it tells which of the sealed files
        that are in force holds it.
        """
        sealed = self._sealed.get((owner, name, digest))
        if sealed is not None:
            return self._opened(owner, name, sealed)
        declared = self._declared.get((owner, name))
        return read_secret(self._secrets_folder, owner, declared.file if declared else name)

    def unsealed(self, owner: str, name: str, sealed: str, hashed: Callable[[bytes], str]) -> str:
        """The keyed hash of the value in a sealed file, which is known by its hash from now on.

        Raises RejectedError.
        """
        digest = hashed(self._opened(owner, name, sealed))
        self._sealed[owner, name, digest] = sealed
        return digest

    def _opened(self, owner: str, name: str, sealed: str) -> bytes:
        if (owner, name) in self._made_up:
            return b""
        try:
            return self._keys.open(owner, name, self.file(sealed))
        except RejectedError as error:
            declared = self._declared.get((owner, name))
            path = declared.sealed if declared else ""
            raise RejectedError(
                f"secrets.{name}: {path or 'its sealed file'} {error.what}", error.remedy
            ) from None


def digests_of(
    fleet: Fleet,
    known_files: FileDigests,
    contents: HeldContents,
    digest: Callable[[bytes], str],
    applying: str = "",
) -> Digests:
    """The keyed hash of every file and secret that the fleet's services use.

    Keys are ("file", owner, service, source) and ("secret", owner, name); a service that rests on
    an older revision has ("secret", owner, name, service) beside it. A secret that cannot be read
    is left out, so that new boxes wait for it; in the set that is applied it is a problem. Raises
    ManifestError with every one of those.
    """
    contents.know(fleet)
    declared = fleet.secrets()
    found: Digests = {("file", *key): value for key, value in known_files.items()}
    problems: list[Problem] = []
    for set_name, part in fleet.sets.items():
        for service in part.services:
            owner = service.name.owner
            for name in service.secrets if service.replicas else ():
                key: tuple[str, ...] = ("secret", owner, name)
                secret = declared.get((owner, name))
                sealed = known_files.get(sealed_key(owner, name, service.name.service), "")
                if sealed:
                    key = (*key, service.name.service)
                elif secret and secret.sealed:
                    sealed = known_files.get(sealed_key(owner, name), "")
                if key in found:
                    continue
                try:
                    if sealed:
                        found[key] = contents.unsealed(owner, name, sealed, digest)
                    elif not (secret and secret.sealed):
                        found[key] = digest(contents.secret(owner, name))
                except RejectedError as error:
                    if set_name == applying:
                        place = secret.place if secret else service.place("secrets")
                        problems.append(Problem(place, error.what, error.remedy))
    if problems:
        raise ManifestError(tuple(sorted(set(problems), key=lambda one: one.place)))
    return found
