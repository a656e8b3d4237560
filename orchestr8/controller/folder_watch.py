"""Folders that are sources, watched: what is written there is heard of at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from orchestr8.errors import UnavailableError
from orchestr8.host.folder_events import Below
from orchestr8.manifest.model import DeclaredSource


class FolderWatch:
    """Watches the folders of declared sources. Each source is looked at on its interval as well, so
    that a folder which cannot be watched is only heard of later. From one thread."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        """`changed` hears the name of a source, on another thread."""
        self._changed = changed
        self._watched: dict[tuple[str, str], Below] = {}

    def keep(self, sources: Iterable[DeclaredSource]) -> None:
        """Watches the folders of these sources, and no others any more."""
        wanted = {(one.name, one.folder) for one in sources if one.folder}
        for gone in self._watched.keys() - wanted:
            self._watched.pop(gone).end()
        for name, folder in wanted - self._watched.keys():
            try:
                below = Below(Path(folder), partial(self._changed, name))
            except UnavailableError:
                continue
            self._watched[name, folder] = below

    def renew(self, source: DeclaredSource) -> None:
        """Sub-folders that are new are watched, too."""
        below = self._watched.get((source.name, source.folder))
        if below:
            below.renew()
