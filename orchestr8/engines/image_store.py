"""What an engine can do whose images lie in a store of ours; others keep theirs themselves."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from msgspec import Struct

from orchestr8.contract.model import ImageFacts


class HeldImage(Struct, frozen=True):
    """An image by a name that it has on the engine."""

    reference: str
    id: str
    size_bytes: int


@runtime_checkable
class ImageStore(Protocol):
    """Optional: images of an engine that keeps them in a store of ours."""

    def held(self) -> tuple[HeldImage, ...]:
        """Every name with its image, sorted by name."""

    def take_archive(self, place: str, name: str) -> tuple[ImageFacts, ...]:
        """Images from an archive of `docker save`, an OCI layout, or a local Docker Engine
        (`docker-daemon:NAME`), under their names there or under `name`."""

    def forget(self, reference: str) -> None:
        """Take a name away; the image itself goes with `collect`."""

    def collect(self, used: frozenset[str]) -> tuple[int, ...]:
        """Delete images without a name whose ids are not used; the bytes of each."""
