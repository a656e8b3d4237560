"""Image facts: a reference is resolved once, so that equal text gives an equal plan."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from orchestr8.contract.model import ImageFacts
from orchestr8.controller.settings import PARALLEL_CALLS
from orchestr8.engines.protocol import Images
from orchestr8.errors import ManifestError, Problem, RejectedError
from orchestr8.manifest.model import Fleet
from orchestr8.store.ledger import Ledger


@dataclass(frozen=True)
class Resolved:
    """Facts by reference, which of them are new to the store, and what is not on the engine yet."""

    facts: dict[str, ImageFacts]
    fresh: tuple[ImageFacts, ...] = ()
    absent: tuple[str, ...] = ()


def resolve_images(
    fleet: Fleet, ledger: Ledger, images: Images, *, fetch: bool, pull: bool
) -> Resolved:
    """The facts of every image in the fleet.

    What the store remembers counts, unless `pull` asks anew. What the engine lacks is fetched if
    `fetch`, and listed as absent if not. Raises ManifestError with every image that cannot be had.
    """
    references = sorted({one.image for one in fleet.services().values() if one.replicas})
    known = {} if pull else {r: facts for r in references if (facts := ledger.image(r))}
    unknown = [reference for reference in references if reference not in known]

    def look(reference: str) -> ImageFacts | RejectedError | None:
        try:
            found = None if pull else images.resolve(reference)
            return images.fetch(reference) if found is None and fetch else found
        except RejectedError as error:
            return error

    with ThreadPoolExecutor(PARALLEL_CALLS) as pool:
        answers = dict(zip(unknown, pool.map(look, unknown), strict=True))
    problems = [
        problem
        for reference, answer in answers.items()
        if isinstance(answer, RejectedError)
        for problem in _problems(fleet, reference, answer)
    ]
    if problems:
        raise ManifestError(tuple(problems))
    fresh = {r: answer for r, answer in answers.items() if isinstance(answer, ImageFacts)}
    absent = tuple(reference for reference, answer in answers.items() if answer is None)
    return Resolved(known | fresh, tuple(fresh.values()), absent)


def _problems(fleet: Fleet, reference: str, error: RejectedError) -> Iterable[Problem]:
    for service in fleet.services().values():
        if service.image == reference:
            yield Problem(service.place("image"), error.what, error.remedy)
