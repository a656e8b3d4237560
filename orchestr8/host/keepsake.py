"""What an installation keeps in its run folder: closed, and as long-lived as its boxes."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from orchestr8.errors import RejectedError
from orchestr8.host import half_made
from orchestr8.host.mounts import RunFolder


class HostKeepsake(Struct, frozen=True):
    """Small files for root alone, in memory: a reboot takes them, as it ends the boxes."""

    run: RunFolder

    def keep(self, name: str, content: bytes) -> None:
        """Write one whole or not at all; one that says the same is left alone."""
        if self.kept(name) == content:
            return
        self.run.ensure()
        folder = self._folder
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            half_made.sweep(folder)
            with half_made.file(folder) as fresh:
                fresh.write_bytes(content)
                fresh.replace(folder / name)
        except OSError as error:
            raise RejectedError(
                f"cannot write {folder / name}: {error.strerror}", "run as root"
            ) from error

    def kept(self, name: str) -> bytes | None:
        """What was kept, or None."""
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    @property
    def _folder(self) -> Path:
        return self.run.path / "kept"
