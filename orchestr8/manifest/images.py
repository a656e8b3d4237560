"""The grammar of image references: registry, repository, tag and digest; lower case only."""

from __future__ import annotations

import re

from orchestr8.manifest.scalars import literal
from orchestr8.manifest.wording import shortened

_HOST = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_REGISTRY = re.compile(rf"(?P<host>{_HOST})(?::(?P<port>[0-9]+))?")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_SPELLED = re.compile(r"[A-Za-z0-9._:/-]+")
_NAME_MAX = 255


def image(text: str) -> str:
    """A reference; where neither tag nor digest is written the tag is `latest`, spelled out."""
    literal(text)
    if not text:
        raise ValueError("is empty; name an image, as in nginx:1.27")
    if "://" in text:
        raise ValueError("has a scheme in front; write registry/name:tag alone")
    reference, at, digest = text.partition("@")
    if at and not re.match(r"[a-z0-9]+:", digest):
        raise ValueError(
            "has a user or password, or no digest after the @; "
            "log in at the engine, and write name@sha256:…"
        )
    if at:
        _check_digest(digest)
    name, tag = _split_tag(reference)
    _check_name(name, tag)
    if tag is not None and not _TAG.fullmatch(tag):
        raise ValueError(
            f'"{shortened(tag)}" is not a tag; letters, digits, dots, underscores and hyphens, '
            "at most 128"
        )
    return text if at or tag is not None else f"{text}:latest"


def registry(text: str) -> str:
    """A registry, with a port or a path where meant: `registry.example/team`."""
    host, _, path = text.partition("/")
    match = _REGISTRY.fullmatch(host) if len(text) <= _NAME_MAX else None
    if not match or (path and not all(_PART.fullmatch(part) for part in path.split("/"))):
        raise ValueError(
            f'"{shortened(text)}" is not a registry; write it as in registry.example or '
            "registry.example:5000/team"
        )
    _check_port(match["port"])
    return text


def _split_tag(reference: str) -> tuple[str, str | None]:
    head, slash, last = reference.rpartition("/")
    last, colon, tag = last.partition(":")
    return head + slash + last, tag if colon else None


def _check_digest(digest: str) -> None:
    algorithm, _, number = digest.partition(":")
    if algorithm != "sha256":
        raise ValueError(f'"{shortened(algorithm)}" digests are not taken; use sha256')
    if number != number.lower():
        raise ValueError("has a digest in upper case; write it in lower case")
    if not re.fullmatch("[0-9a-f]*", number):
        raise ValueError("has a digest that is not hexadecimal; copy it from the registry")
    if len(number) != 64:
        raise ValueError(f"has a digest of {len(number)} characters; sha256 has 64: copy it whole")


def _check_name(name: str, tag: str | None) -> None:
    if name == "scratch":
        raise ValueError("scratch is no image that can run; name one with a program in it")
    if name == "sha256" or re.fullmatch("[0-9a-f]{64}", name):
        raise ValueError(
            "is the id of an image, which only this machine knows; write its name and tag"
        )
    if name != name.lower() and _SPELLED.fullmatch(name):
        raise ValueError(
            f'"{shortened(name)}" has upper case letters; write {shortened(name.lower())}'
        )
    if len(name) > _NAME_MAX:
        raise ValueError(f"has a name of more than {_NAME_MAX} characters; use a shorter one")
    first, slash, rest = name.partition("/")
    parts = name.split("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        match = _REGISTRY.fullmatch(first)
        if not match:
            raise ValueError(
                f'"{shortened(first)}" is not a registry; write it as in registry.example:5000'
            )
        _check_port(match["port"])
        parts = rest.split("/")
    for part in parts:
        if not _PART.fullmatch(part):
            raise ValueError(
                f'"{shortened(part or name)}" is not a part of an image\'s name; '
                "lower case letters and digits, with single . _ or - between them"
            )


def _check_port(text: str | None) -> None:
    if text is not None and (len(text) > 5 or not 0 < int(text) <= 65_535):
        raise ValueError(f"has a registry port {shortened(text)}; ports go from 1 to 65535")
