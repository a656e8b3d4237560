"""What an image says about itself, held against what the service says about its box.

An image is untrusted input: what it asks for beyond the manifest is overridden or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestr8.contract.model import ImageFacts
from orchestr8.errors import Problem
from orchestr8.isolation import features as feature
from orchestr8.isolation.capabilities import CAPABILITIES
from orchestr8.isolation.features import Features
from orchestr8.isolation.profile import Profile
from orchestr8.isolation.strict import VERSIONS
from orchestr8.manifest.model import Service

LABEL_PREFIX = "orchestr8."
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def image_problems(
    service: Service, facts: ImageFacts, profile: Profile, features: Features
) -> tuple[Problem, ...]:
    """Everything about this image that the manifest has to settle."""
    rules: tuple[Callable[[Service, ImageFacts, Profile, Features], Iterator[Problem]], ...] = (
        _architecture, _nothing_to_run, _volumes, _labels, _capability_without_effect,
        _capability_of_the_host_alone,
    )  # fmt: skip
    return tuple(found for rule in rules for found in rule(service, facts, profile, features))


def _architecture(
    service: Service, facts: ImageFacts, _: Profile, features: Features
) -> Iterator[Problem]:
    here = _ARCHITECTURES.get(features.architecture, features.architecture)
    if facts.architecture and here and facts.architecture != here:
        yield Problem(
            service.place("image"),
            f"image {service.image} is for {facts.architecture}, and this machine is {here}",
            f"build or choose an image for {here}",
        )


def _nothing_to_run(
    service: Service, facts: ImageFacts, _: Profile, __: Features
) -> Iterator[Problem]:
    if not (service.entrypoint or service.args or facts.entrypoint or facts.cmd):
        yield Problem(
            service.place("image"),
            f"image {service.image} says nothing about what to run",
            "say it:  entrypoint: [/path/of/program]",
        )


def _volumes(
    service: Service, facts: ImageFacts, profile: Profile, _: Features
) -> Iterator[Problem]:
    covered = {
        *(mount.target for mount in service.volumes),
        *(scratch.path for scratch in profile.scratch),
        *(scratch.path for scratch in VERSIONS[profile.strict].scratch),
        *(path.target for path in profile.host_paths),
    }
    for path in (declared.rstrip("/") for declared in facts.volumes):
        if path not in covered:
            yield Problem(
                service.place("image"),
                f"image {service.image} declares a volume at {path}, and the manifest has nothing "
                "there",
                f"keep its data:  volumes: {{{path}: NAME}}   or not:  scratch: {{{path}: 64MiB}}",
            )


def _labels(service: Service, facts: ImageFacts, _: Profile, __: Features) -> Iterator[Problem]:
    for key, _value in facts.labels:
        if key.startswith(LABEL_PREFIX):
            yield Problem(
                service.place("image"),
                f"image {service.image} carries the label {key}, which only orchestr8 may set",
                "build the image without it",
            )


def _capability_without_effect(
    service: Service, _: ImageFacts, profile: Profile, features: Features
) -> Iterator[Problem]:
    if profile.user != "root" and not features.has(feature.AMBIENT_CAPABILITIES):
        for path, name in _capabilities_asked(service):
            yield Problem(
                service.place(path),
                f"cap.add {name} has no effect here: {features.engine} gives capabilities to uid "
                "0 only",
                "take cap.add out, or add the relaxation user.root",
            )


def _capability_of_the_host_alone(
    service: Service, _: ImageFacts, __: Profile, features: Features
) -> Iterator[Problem]:
    for path, name in _capabilities_asked(service):
        inside = CAPABILITIES[name].in_user_namespace
        if inside is None and features.has(feature.NS_USER):
            yield Problem(
                service.place(path),
                f"cap.add {name} has no effect here: {features.engine} gives each box a user "
                "namespace of its own",
                "take cap.add out",
            )


def _capabilities_asked(service: Service) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(service.relax):
        if line.id == "cap.add":
            yield f"relax.{number}", str(dict(line.arguments)["name"])
