"""House rules as tests: what must be complete, what must stay small, what docs may claim.

Each rule takes a text and yields complaints, and is tried against a small bad sample too.
"""

import os
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def repository_files(*patterns: str) -> list[Path]:
    """The repository's files that match a pattern, sorted; what .gitignore names is left out.

    Walked, not asked of git: a machine that runs the tests need not have it.
    """
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]

    def is_ignored(name: str) -> bool:
        return name == ".git" or any(fnmatch(name, one) for one in ignored)

    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not is_ignored(name)]
        for name in names:
            path = Path(folder, name)
            place = str(path.relative_to(ROOT))
            if not is_ignored(name) and any(fnmatch(place, one) for one in patterns):
                found.append(path)
    return sorted(found)
