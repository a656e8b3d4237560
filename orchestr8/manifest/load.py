"""Manifest texts to one checked set, or all problems of all files at once."""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import lru_cache

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest.check import check
from orchestr8.manifest.files import FileRead, read_file
from orchestr8.manifest.model import Fleet, ManifestSet, Source
from orchestr8.manifest.text import SET_BYTES_MAX

PROBLEMS_MAX = 50
SERVICES_MAX = 5_000
STORED_KEPT = 32
"""So many sets of stored texts are read once; a loop comes back to them at every turn."""


def load(
    sources: Sequence[Source], outside: Fleet | None = None, seen: Set[str] | None = None
) -> ManifestSet:
    """Reads the manifests of one set.

    `outside` is the fleet without this set; None means that no fleet is at hand, and then names
    of owners that no file here belongs to are checked for their form alone (`unchecked_names`).
    `seen` are the owners of whom it may be told what they have; None means all.
    Raises ManifestError with every problem of every file, in the order of files and lines, at
    most 50 of them.
    """
    problems = _amount(sources)
    if problems:
        raise ManifestError(tuple(problems))
    files = _manifests([read_file(source) for source in sources])
    problems = [problem for file in files for problem in file.problems]
    problems += check(files, outside, seen) + _too_many(files)
    if problems:
        raise ManifestError(_ordered(problems, files, sources))
    return _joined(files)


def load_stored(sources: Sequence[Source]) -> ManifestSet:
    """Reads texts that were checked when they were applied, part of a set perhaps.

    Names that they use may be declared in other texts, so references are not judged again.
    Raises ManifestError for what cannot be read.
    """
    return _load_stored(tuple(sources))


@lru_cache(STORED_KEPT)
def _load_stored(sources: tuple[Source, ...]) -> ManifestSet:
    files = _manifests([read_file(source) for source in sources])
    problems = [problem for file in files for problem in file.problems]
    if problems:
        raise ManifestError(_ordered(problems, files, sources))
    return _joined(files)


def _manifests(files: Sequence[FileRead]) -> list[FileRead]:
    """Without the files that a service mounts: in a folder they lie beside the manifests."""
    mounted = {one.source for file in files for service in file.services for one in service.files}
    return [file for file in files if file.parsed.source.name not in mounted]


def _joined(files: Sequence[FileRead]) -> ManifestSet:
    services = [service for file in files for service in file.services]
    volumes = [volume for file in files for volume in file.volumes]
    secrets = [secret for file in files for secret in file.secrets]
    return ManifestSet(
        services=tuple(sorted(services, key=lambda service: service.name)),
        volumes=tuple(sorted(volumes, key=lambda volume: (volume.owner, volume.name))),
        secrets=tuple(sorted(secrets, key=lambda secret: (secret.owner, secret.name))),
        platform=next((file.platform for file in files if file.platform), None),
    )


def _amount(sources: Sequence[Source]) -> list[Problem]:
    if not sources:
        return [Problem(Place(""), "no manifest is given", "name a file, a folder or -")]
    names: set[str] = set()
    for source in sources:
        if source.name in names:
            return [Problem(Place(source.name), "the file is given twice", "name it once")]
        names.add(source.name)
    if sum(len(source.text) for source in sources) > SET_BYTES_MAX:
        last = Place(sources[-1].name)
        return [Problem(last, "the set has more than 16MiB of text", "split it into several sets")]
    return []


def _ordered(
    problems: list[Problem], files: Sequence[FileRead], sources: Sequence[Source]
) -> tuple[Problem, ...]:
    """By file and line; what stands under `defaults` is told once, not for every service."""
    order = {source.name: index for index, source in enumerate(sources)}
    problems = sorted(
        problems,
        key=lambda problem: (
            order.get(problem.place.file, -1),
            problem.place.line,
            problem.place.column,
        ),
    )
    shared = {place for file in files for place in file.default_places}
    told: set[object] = set()
    kept: list[Problem] = []
    for problem in problems:
        place = (problem.place.file, problem.place.line, problem.place.column)
        mark: object = place if place in shared else (place, problem.what)
        if mark not in told:
            told.add(mark)
            kept.append(problem)
    from orchestr8.manifest.problems import with_sources  # needed where something is wrong only

    return with_sources(kept[:PROBLEMS_MAX], sources) + _more(kept)


def _more(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    left = len(problems) - PROBLEMS_MAX
    if left <= 0:
        return ()
    last, remedy = Place(problems[-1].place.file), "mend the first ones and try again"
    what = "1 more problem is" if left == 1 else f"{left} more problems are"
    return (Problem(last, f"{what} not shown", remedy, stands_for=left),)


def _too_many(files: Sequence[FileRead]) -> list[Problem]:
    count = sum(len(file.services) for file in files)
    if count <= SERVICES_MAX:
        return []
    last = Place(files[-1].parsed.source.name)
    what = f"the set has {count} services; at most {SERVICES_MAX} go into one"
    return [Problem(last, what, "split it into several sets")]
