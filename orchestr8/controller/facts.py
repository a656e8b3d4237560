"""Image facts: a reference is resolved once, so that equal text gives an equal plan.

What it meant is pinned to the revision: a service keeps its image while its revision is in force,
whatever others that use the same tag ask for, and an older revision brings its images back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from orchestr8.contract.model import ImageFacts
from orchestr8.controller.clock import CLOCK, Clock, working
from orchestr8.engines.protocol import Images
from orchestr8.errors import ManifestError, Problem, RejectedError
from orchestr8.manifest.model import Fleet
from orchestr8.names import ServiceName

Pinned = Mapping[ServiceName, ImageFacts]


class Resolved(Struct, frozen=True):
    """Facts by service, those that were found out only now, and what the engine does not have."""

    facts: Pinned
    fresh: tuple[ImageFacts, ...] = ()
    absent: tuple[str, ...] = ()


def resolve_images(
    fleet: Fleet, pinned: Pinned, images: Images, *, fetch: bool, clock: Clock = CLOCK
) -> Resolved:
    """The facts of the image of every service in the fleet that shall have boxes.

    What is pinned counts; for the rest the engine is asked, once a reference. What it lacks is
    fetched if `fetch`, and listed as absent if not. Raises ManifestError with every image that
    cannot be had.
    """
    services = {name: one for name, one in fleet.services().items() if one.replicas}
    facts = {name: pinned[name] for name in services if name in pinned}
    unknown = sorted({one.image for name, one in services.items() if name not in facts})

    def look(reference: str) -> ImageFacts | RejectedError | None:
        try:
            found = images.resolve(reference)
            return images.fetch(reference) if found is None and fetch else found
        except RejectedError as error:
            return error

    with working(clock) as workers:
        answers = dict(zip(unknown, workers.map(look, unknown), strict=True))
    problems = [
        problem
        for reference, answer in answers.items()
        if isinstance(answer, RejectedError)
        for problem in _problems(fleet, reference, answer)
    ]
    if problems:
        raise ManifestError(tuple(problems))
    fresh = {r: answer for r, answer in answers.items() if isinstance(answer, ImageFacts)}
    for name, service in services.items():
        if name not in facts and service.image in fresh:
            facts[name] = fresh[service.image]
    absent = tuple(reference for reference, answer in answers.items() if answer is None)
    return Resolved(facts, tuple(fresh.values()), absent)


def _problems(fleet: Fleet, reference: str, error: RejectedError) -> Iterable[Problem]:
    for service in fleet.services().values():
        if service.image == reference:
            yield Problem(service.place("image"), error.what, error.remedy)
