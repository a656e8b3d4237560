"""What an image says of itself, in the configuration that OCI and Docker share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from orchestr8.contract.model import ImageFacts

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Identity(Struct, frozen=True):
    """Which image it is: the name that was asked for, its id, and its manifest's digest."""

    reference: str
    id: str
    digest: str


def facts_of(identity: Identity, config: Mapping[str, Any], machine: str) -> ImageFacts:
    """The facts of an image by its `config` part; `machine` is the processor's name."""
    return ImageFacts(
        reference=identity.reference,
        id=identity.id,
        digest=identity.digest,
        user=config.get("User") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        env=tuple(_variable(text) for text in config.get("Env") or ()),
        workdir=config.get("WorkingDir") or "",
        volumes=tuple(sorted(config.get("Volumes") or {})),
        ports=_ports(config.get("ExposedPorts") or {}),
        labels=tuple(sorted((config.get("Labels") or {}).items())),
        stop_signal=config.get("StopSignal") or "",
        architecture=architecture(machine),
    )


def architecture(word: str) -> str:
    """A machine's name in the words of images."""
    return _ARCHITECTURES.get(word, word)


def _variable(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _ports(exposed: Mapping[str, Any]) -> tuple[int, ...]:
    numbers = {text.partition("/")[0] for text in exposed}
    return tuple(sorted(int(number) for number in numbers if number.isdigit()))
