"""Who asks, what is theirs, and what of the fleet they see and change.

Members come from the revision in force, never from a text that is being judged. What is another
owner's is answered like what is not there: in the same words, found out by the same way.
"""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestr8.errors import Place, Problem, RefusedError
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import ManifestSet, Platform, Source
from orchestr8.names import PLATFORM
from orchestr8.store.documents import Revision

ROOT = 0
NOBODY = 65534
"""The account of what has none; never anybody's."""


class Asker(Struct, frozen=True):
    """An account of this host: its name for the journal, its number, and all its groups.

    Or whoever comes with a token: its name among members, and the one owner whose it is.
    """

    name: str
    uid: int
    gids: frozenset[int]
    token: str = ""
    scope: str = ""


class Authority(Struct, frozen=True):
    """What somebody may see and change: as the platform everything, else what these owners have."""

    platform: bool
    owners: frozenset[str] = frozenset()

    def may(self, owner: str) -> bool:
        """Whether this owner's things are theirs."""
        return self.platform or owner in self.owners

    def has_all_of(self, before: Authority) -> bool:
        """Whether everything that was theirs by another one is theirs."""
        return self.platform or (not before.platform and before.owners <= self.owners)

    @property
    def is_nobody(self) -> bool:
        """Whether nothing is theirs."""
        return not self.platform and not self.owners


EVERYTHING = Authority(platform=True)
NOTHING = Authority(platform=False)


def authority_of(asker: Asker, platform: Platform) -> Authority:
    """What is theirs by this platform part; root is the platform whatever it says."""
    if asker.uid == NOBODY:
        return NOTHING
    if asker.uid == ROOT:
        return EVERYTHING
    if asker.scope in ("", PLATFORM) and _is_member(asker, platform.members):
        return EVERYTHING
    owners = (
        owner.name
        for owner in platform.owners
        if asker.scope in ("", owner.name) and _is_member(asker, owner.members)
    )
    return Authority(platform=False, owners=frozenset(owners))


def _is_member(asker: Asker, members: Iterable[str]) -> bool:
    return any(_means(member, asker) for member in members)


def _means(member: str, asker: Asker) -> bool:
    """Whether a member's line names this account or token; keys name nobody who asks."""
    kind, _, name = member.partition(":")
    if asker.token:
        return (kind, name) == ("token", asker.token)
    try:
        if kind == "user":
            return pwd.getpwnam(name).pw_uid == asker.uid
        if kind == "group":
            return grp.getgrnam(name).gr_gid in asker.gids - {NOBODY}
    except (KeyError, ValueError):
        pass
    return False


def owners_of(part: ManifestSet) -> frozenset[str]:
    """Everybody who has something in a part."""
    named = {service.name.owner for service in part.services}
    named |= {volume.owner for volume in part.volumes}
    return frozenset(named | {secret.owner for secret in part.secrets})


def is_theirs(authority: Authority, part: ManifestSet) -> bool:
    """Whether everything in a part is theirs; the platform's own is the platform's alone."""
    if authority.platform:
        return True
    return part.platform is None and all(map(authority.may, owners_of(part)))


def is_their_revision(authority: Authority, revision: Revision) -> bool:
    """Whether everything that a revision says is theirs."""
    return authority.platform or is_theirs(authority, load_stored(revision.sources))


def require_theirs(authority: Authority, sources: Sequence[Source], before: ManifestSet) -> None:
    """Raises RefusedError where texts name what is not theirs, or would take the place of such.

    Only the form of the texts is looked at, so that nothing is learnt about what others have.
    `before` is what the texts take the place of as a whole. Raises ManifestError for texts that
    cannot be read.
    """
    if authority.platform:
        return
    problems = []
    for source in sources:
        part = load_stored([source])
        if part.platform:
            problems.append(
                Problem(
                    Place(source.name),
                    "only the platform changes the platform's part",
                    "ask whoever runs this machine to apply it",
                )
            )
        for owner, place in _first_places(part).items():
            if not authority.may(owner):
                problems.append(
                    Problem(place, f"you are not a member of the owner {owner}", _who_is(owner))
                )
    if not problems and not is_theirs(authority, before):
        problems.append(
            Problem(
                Place(sources[0].name if sources else ""),
                "a set of this name is not yours to replace",
                "write --set with another name",
            )
        )
    if problems:
        raise RefusedError(tuple(problems))


def require_platform(authority: Authority, what: str, instead: str) -> None:
    """Raises RefusedError where whoever asks is not the platform."""
    if not authority.platform:
        raise RefusedError((Problem(Place(what), "it is the platform's alone", instead),))


def _first_places(part: ManifestSet) -> dict[str, Place]:
    """Where each owner's first thing stands."""
    found: dict[str, Place] = {}
    places = [(service.name.owner, service.place("")) for service in part.services]
    places += [(volume.owner, volume.place) for volume in part.volumes]
    places += [(secret.owner, secret.place) for secret in part.secrets]
    for owner, place in sorted(places, key=lambda pair: pair[1]):
        found.setdefault(owner, place)
    return found


def _who_is(owner: str) -> str:
    return f"whoever runs this machine says who is, under platform.owners.{owner}.members"
