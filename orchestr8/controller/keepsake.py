"""What an installation needs of its store if that is lost while its boxes run on.

The key of the hashes most of all: without it nobody can say whether a box has the file or secret
that a manifest names now. It lies where the boxes' secrets lie, and for as long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import asdict

from orchestr8.engines.protocol import Keepsake

_NAME = "store"
_KEY = re.compile(r"[0-9a-f]{64}")


class Kept(Struct, frozen=True):
    """The key in hexadecimal digits, the state folder, the ranges of boxes and of services, and
    whether the platform is a team's: then nobody is solo while its part is lost."""

    key: str
    home: str
    subnet: str
    services: str
    team: bool = False
    moved: Mapping[str, str] = field(default_factory=dict)
    """Services that are in another set than their boxes say, since they moved after they began."""


def write_kept(keepsake: Keepsake, kept: Kept) -> None:
    """Write it down; one that says the same is left alone."""
    content = json.dumps(asdict(kept)).encode()
    if keepsake.kept(_NAME) != content:
        keepsake.keep(_NAME, content)


def read_kept(keepsake: Keepsake) -> Kept | None:
    """What was written, or None where it is gone or cannot be read."""
    content = keepsake.kept(_NAME)
    try:
        found = Kept(**json.loads(content or b""))
    except (ValueError, TypeError):
        return None
    return found if _KEY.fullmatch(found.key) else None
