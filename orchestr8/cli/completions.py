"""What a shell completes: names that the store knows. Never an error, never anything made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestr8.store.store import Store


def services(incomplete: str) -> list[str]:
    """Services that have boxes, as they are written."""
    return _known(
        incomplete, lambda store: {str(box.service_name) for box in store.ledger.records().boxes}
    )


def volumes(incomplete: str) -> list[str]:
    """Volumes that the manifests in force declare, as they are written."""

    def declared(store: Store) -> Iterable[str]:
        from orchestr8.controller.fleet import stored_fleet

        found = stored_fleet(store.documents, store.ledger.held_back()).fleet.volumes()
        return {f"{name}.{owner}" for owner, name in found}

    return _known(incomplete, declared)


def sets(incomplete: str) -> list[str]:
    """The sets that are applied."""
    return _known(incomplete, lambda store: store.documents.sets())


def sources(incomplete: str) -> list[str]:
    """The sources that the platform's part in force declares."""

    def declared(store: Store) -> Iterable[str]:
        from orchestr8.controller.fleet import stored_fleet

        fleet = stored_fleet(store.documents, store.ledger.held_back()).fleet
        return [one.name for one in fleet.platform.sources]

    return _known(incomplete, declared)


def _known(incomplete: str, names: Callable[[Store], Iterable[str]]) -> list[str]:
    """Completion runs at every press of a key, so whatever goes wrong means no suggestion."""
    try:
        from orchestr8.controller.settings import Settings
        from orchestr8.store.store import Store

        folder = Settings.from_environment().state
        if not (folder / "orchestr8.db").exists():
            return []
        store = Store(folder)
        try:
            return sorted(name for name in names(store) if name.startswith(incomplete))
        finally:
            store.close()
    except Exception:  # a shell that waits for words has no place for an error
        return []
