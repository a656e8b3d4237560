"""The images' store: each is unpacked once, by the digest of its configuration.

What arrives is a folder that appears whole or not at all; the same image is never unpacked twice.
A fetch that broke off goes on where it was: what came of an image waits below `partial`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.contract.model import ImageFacts
from orchestr8.engines.crun import archives, bounded, transfer
from orchestr8.engines.crun.archives import Offered
from orchestr8.engines.crun.bounded import Bounds
from orchestr8.engines.crun.transfer import DIGEST, REGISTRY, Arrived
from orchestr8.engines.image_facts import Identity, facts_of
from orchestr8.engines.image_store import HeldImage
from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host import half_made

_REFERENCE = re.compile(r"[A-Za-z0-9]+(?:(?:[._:/@-]|__|-+)[A-Za-z0-9_]+)*")
_FILE_NAME_MAX = 255
_FACTS = "facts.json"


class CrunImages(Struct, frozen=True):
    """The store below one folder; others may use it at the same time."""

    folder: Path
    bounds: Bounds = field(default_factory=Bounds)

    def resolve(self, reference: str) -> ImageFacts | None:
        """The facts of an image that is present, by its name or its id."""
        if not _REFERENCE.fullmatch(reference) or len(_file_name(reference)) > _FILE_NAME_MAX:
            raise RejectedError(
                f'"{reference}" is no name of an image', "write name:tag or name@sha256:digest"
            )
        image_id = reference if DIGEST.fullmatch(reference) else self._named(reference)
        kept = self._image(image_id) / _FACTS
        try:
            status = kept.stat()
            return _facts(reference, image_id, kept, status.st_ino, status.st_mtime_ns)
        except (OSError, ValueError):
            return None

    def fetch(self, reference: str) -> ImageFacts:
        """From its registry, unless it is present, or comes while we wait for our turn."""
        facts = self.resolve(reference)
        if facts:
            return facts
        _require_root(reference)
        with self._one_at_a_time(reference):
            return self.resolve(reference) or self._take(transfer.at_registry(reference), reference)

    def take(self, source: str, reference: str) -> ImageFacts:
        """An image from where skopeo can read it (`docker://…`, `docker-archive:…`, `oci:…`)."""
        self.resolve(reference)  # refuses what is no name
        _require_root(reference)
        with self._one_at_a_time(reference):
            return self._take(source, reference)

    def _take(self, source: str, reference: str) -> ImageFacts:
        doing = f"fetching the image {reference}"
        half_made.sweep(self.folder)
        with (
            _told(doing, self.folder),
            self._held(fcntl.LOCK_SH),
            half_made.inner_folder(self.folder) as fresh,
        ):
            partial = self._partial(reference)
            layout = partial if source.startswith(REGISTRY) else fresh / "layout"
            arrived = transfer.bring(source, layout, self.bounds, doing)
            with self._one_at_a_time(arrived.id):
                self._unpack(arrived, fresh, f"unpacking the image {reference}")
            self._name(reference, arrived.id)
            shutil.rmtree(partial, ignore_errors=True)
        facts = self.resolve(reference)
        if not facts:
            raise RejectedError(f"{doing}: it is not what it says it is", "fetch it again")
        return facts

    def held(self) -> tuple[HeldImage, ...]:
        """Every name with its image, sorted by name."""
        found = []
        for file in sorted(self._names.glob("[!.]*")) if self._names.is_dir() else ():
            image_id = file.read_text().strip()
            place = self._image(image_id)
            if (place / _FACTS).exists():
                found.append(HeldImage(unquote(file.name), image_id, _bytes(place)))
        return tuple(found)

    def take_archive(self, place: str, name: str) -> tuple[ImageFacts, ...]:
        """Images from an archive of `docker save`, an OCI layout or a local Docker Engine."""
        found = archives.offered(place)
        if name:
            if len(found) > 1:
                raise RejectedError(
                    f"{place} has {len(found)} images, which cannot all be called {name}",
                    "leave --name out, or make an archive of one",
                )
            return tuple(self.take(one.source, name) for one in found)
        if not any(one.names for one in found):
            raise RejectedError(f"{place} does not say the image's name", "add --name NAME")
        return tuple(facts for one in found if one.names for facts in self._taken(one))

    def _taken(self, one: Offered) -> Iterator[ImageFacts]:
        """An image by all its names in an archive; it is moved for the first of them alone."""
        facts = self.take(one.source, one.names[0])
        yield facts
        for name in one.names[1:]:
            self.resolve(name)  # refuses what is no name
            with self._one_at_a_time(name):
                self._name(name, facts.id)
            yield replace(facts, reference=name)

    def forget(self, reference: str) -> None:
        """Take a name away."""
        (self._names / _file_name(reference)).unlink(missing_ok=True)

    def collect(self, used: frozenset[str]) -> tuple[int, ...]:
        """Delete images without a name whose ids are not used; and what was cut off half-way.

        Raises UnavailableError while somebody takes an image: until it is whole it has no name.
        """
        if not self.folder.is_dir():
            return ()
        half_made.sweep(self.folder)
        try:
            with self._held(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return self._collect(used)
        except BlockingIOError as error:
            raise UnavailableError(
                "an image is being taken into the store", "try again once it is there"
            ) from error

    def _collect(self, used: frozenset[str]) -> tuple[int, ...]:
        kept = {one.id for one in self.held()} | used
        unpacked, partial = self.folder / "unpacked", self.folder / "partial"
        gone = [
            place
            for place in (sorted(unpacked.iterdir()) if unpacked.is_dir() else ())
            if f"sha256:{place.name}" not in kept
        ]
        gone += sorted(partial.iterdir()) if partial.is_dir() else ()
        freed = tuple(bounded.taken(place).size_bytes for place in gone)
        for place in gone:
            shutil.rmtree(place)
        return freed

    def root(self, image_id: str) -> Path:
        """Where an image's files lie."""
        root = self._image(image_id) / "root"
        if not root.is_dir():
            raise RejectedError(
                f"the image {image_id} is not on this machine", "apply again: it is fetched first"
            )
        return root

    def _unpack(self, arrived: Arrived, fresh: Path, doing: str) -> None:
        place = self._image(arrived.id)
        if (place / _FACTS).exists():
            return
        whole = fresh / "image"
        whole.mkdir(mode=0o700)
        transfer.unpack(arrived, whole / "root", self.bounds, doing)
        facts = {
            "digest": arrived.digest,
            "config": arrived.config,
            "bytes": bounded.taken(whole).size_bytes,
        }
        (whole / _FACTS).write_text(json.dumps(facts))
        place.parent.mkdir(mode=0o700, exist_ok=True)
        if place.exists():  # from a store of an earlier layout, or cut off
            shutil.rmtree(place)
        whole.rename(place)

    def _partial(self, reference: str) -> Path:
        """Where parts of an image from a registry lie until it is whole."""
        self._made("partial")
        return self.folder / "partial" / hashlib.sha256(reference.encode()).hexdigest()

    def _made(self, name: str) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _image(self, image_id: str) -> Path:
        return self.folder / "unpacked" / (image_id.removeprefix("sha256:") or "none")

    def _named(self, reference: str) -> str:
        try:
            return (self._names / _file_name(reference)).read_text().strip()
        except OSError:
            return ""

    def _name(self, reference: str, image_id: str) -> None:
        self._names.mkdir(mode=0o700, exist_ok=True)
        fresh = self._names / f".{secrets.token_hex(8)}"
        fresh.write_text(image_id)
        fresh.rename(self._names / _file_name(reference))

    @property
    def _names(self) -> Path:
        return self.folder / "names"

    @contextmanager
    def _one_at_a_time(self, name: str) -> Iterator[None]:
        """Whoever wants the same image at the same time waits, and then finds it."""
        with _told(f"fetching the image {name}", self.folder):
            file = self._made("locks") / _file_name(name)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _held(self, how: int) -> Iterator[None]:
        """The whole store is held: by all together who take images, or by one who deletes."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _require_root(reference: str) -> None:
    """Before anything is moved: what cannot be unpacked need not come."""
    if os.geteuid() != 0:
        raise RejectedError(
            f"the image {reference} cannot be unpacked: only root gives files their owners",
            "run as root",
        )


@contextmanager
def _told(doing: str, folder: Path) -> Iterator[None]:
    """What the disk answers, in our words."""
    try:
        yield
    except OSError as error:
        raise RejectedError(
            f"{doing}: {error.strerror or error}",
            f"look at the disk and the rights of {folder}; `orchestr8 image gc` makes room",
        ) from error


@lru_cache(maxsize=256)
def _facts(reference: str, image_id: str, kept: Path, inode: int, written_ns: int) -> ImageFacts:
    """What was written beside an image when it was unpacked; the numbers tell that file from any
    other of its name."""
    document = json.loads(kept.read_text())
    config = document["config"]
    identity = Identity(reference, image_id, document["digest"])
    return facts_of(identity, config.get("config") or {}, config.get("architecture") or "")


def _bytes(place: Path) -> int:
    """What an image takes on the disk, as it was counted when it came."""
    try:
        noted = json.loads((place / _FACTS).read_text()).get("bytes")
    except (OSError, ValueError):
        noted = None
    return noted if isinstance(noted, int) else bounded.taken(place).size_bytes


def _file_name(reference: str) -> str:
    """A name that is one part of a path whatever the reference says."""
    return quote(reference, safe="")
