"""What a person asks to be planned or applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from orchestr8.controller.cycle import Aim
from orchestr8.controller.files import contents_of
from orchestr8.controller.fleet import files_of, stopped, with_set
from orchestr8.controller.session import Session
from orchestr8.errors import UsageError
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Fleet, ManifestSet, Source
from orchestr8.store.documents import DEFAULT_SET


@dataclass(frozen=True)
class Request:
    """Texts, where their files are read, and the set that they are.

    `read_file` gives a repository file's content by its path as the manifest names it, relative to
    the manifests' folder; it raises OSError.
    """

    sources: tuple[Source, ...]
    read_file: Callable[[str], bytes]
    set_name: str = DEFAULT_SET
    pull: bool = False


@dataclass(frozen=True)
class Loaded:
    """A request in its checked form, with the content of every file that it mounts."""

    request: Request
    part: ManifestSet
    contents: dict[str, bytes] = field(default_factory=dict)


def load_request(session: Session, request: Request) -> Loaded:
    """The set and its files; raises ManifestError with everything that is wrong."""
    others = stopped(session.stored.fleet, frozenset())
    part = load(request.sources, without_set(others, request.set_name))
    return Loaded(request, part, contents_of(part, request.read_file))


def aim_of(session: Session, loaded: Loaded, *, fetch: bool) -> Aim:
    """The fleet with the request's set in its new form."""
    set_name, stored = loaded.request.set_name, session.stored
    digest = session.store.documents.digest
    digests = {source: digest(content) for source, content in loaded.contents.items()}
    fresh = files_of(loaded.part, digests)
    return Aim(
        fleet=stopped(with_set(stored.fleet, set_name, loaded.part), stored.down - {set_name}),
        applying=set_name,
        files={**stored.files, **fresh},
        fetch=fetch,
        pull=loaded.request.pull,
    )


def aim_in_force(session: Session) -> Aim:
    """The fleet as the store has it; no set changes, so nothing of it is refused."""
    return Aim(session.stored.standing(), "", session.stored.files)


def require_set(session: Session, set_name: str) -> None:
    """Raises UsageError for a set that the store does not know."""
    known = session.store.documents.sets()
    if set_name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise UsageError(f'there is no set "{set_name}"', f"the sets are: {listed}")


def without_set(fleet: Fleet, set_name: str) -> Fleet:
    """What a set is judged within; the default set gains only, so its own older part counts."""
    kept = {name: part for name, part in fleet.sets.items() if name != set_name}
    if set_name == DEFAULT_SET and DEFAULT_SET in fleet.sets:
        kept[DEFAULT_SET] = fleet.sets[DEFAULT_SET]
    return replace(fleet, sets=kept)
