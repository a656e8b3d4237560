"""From the paths that were typed to manifest texts, and to the files that lie beside them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest.model import Source
from orchestr8.manifest.text import decode
from orchestr8.reading import Found, is_plan_file, read, read_beside

DEFAULT_SET = "default"


class Texts:
    """What was found: the manifests, and YAML files of a folder that are none.

    `read_file` gives a file that a manifest mounts, by its path as the manifest's own name is
    seen; it raises OSError.
    """

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.passed_over: list[str] = []
        self.read_file: Callable[[str], bytes] = self._beside

    def _beside(self, path: str) -> bytes:
        return read_beside((one.name for one in self.sources), path)


def read_paths(paths: Sequence[str]) -> Texts:
    """Every manifest under these paths; raises ManifestError with every path that is wrong."""
    return texts_of(read(paths))


def texts_of(found: Found) -> Texts:
    """What was read as texts; raises ManifestError with every path and text that is wrong."""
    texts = Texts()
    texts.passed_over = found.passed_over
    problems = [Problem(Place(path), what, remedy) for path, what, remedy in found.problems]
    for name, content in found.texts:
        if is_plan_file(content):
            what, remedy = "this is a plan file, not a manifest", f"orchestr8 apply {typed([name])}"
            problems.append(Problem(Place(name), what, remedy))
            continue
        try:
            texts.sources.append(decode(name, content))
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(tuple(problems))
    return texts


def typed(paths: Sequence[str], set_name: str | None = None) -> str:
    """The paths and the set, if one was named, as one would type them again."""
    words = [shlex.quote(path) for path in paths]
    return " ".join([*words, *(["--set", set_name] if set_name else [])])


def set_if_named(set_name: str) -> str | None:
    """A set as one has to name it: the default set goes without."""
    return set_name if set_name != DEFAULT_SET else None
