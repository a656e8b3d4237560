"""The repository files of a set: read once, each problem at the line that names it."""

from __future__ import annotations

import errno
from collections.abc import Callable

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest.model import ManifestSet

FILE_BYTES_MAX = 1 << 20
_REMEDIES = {
    errno.EFBIG: "make it smaller, or use a volume",
    errno.EREMOTE: "keep the file in git itself: git lfs untrack",
    errno.EACCES: "let whoever applies read the file",
}
"""Where the path is right and something else is wrong."""


def contents_of(part: ManifestSet, read_file: Callable[[str], bytes]) -> dict[str, bytes]:
    """The content of every file that the services mount and of every sealed secret; `read_file`
    raises OSError.

    Raises ManifestError with every file that cannot be read.
    """
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for source in part.files_needed():
        try:
            contents[source] = read_file(source)
            if len(contents[source]) > FILE_BYTES_MAX:
                raise OSError(errno.EFBIG, "it is larger than 1 MiB")
        except OSError as error:
            place = _place_of_file(part, source)
            remedy = _REMEDIES.get(error.errno or 0, "mend the path")
            what = f"file {source} cannot be read: {error.strerror}"
            problems.append(Problem(place, what, remedy))
    if problems:
        raise ManifestError(tuple(problems))
    return contents


def _place_of_file(part: ManifestSet, source: str) -> Place:
    for service in part.services:
        for file in service.files:
            if file.source == source:
                return service.place(f"files.{file.target}")
    sealed = (secret.place for secret in part.secrets if secret.sealed == source)
    return next(sealed, Place(source))
