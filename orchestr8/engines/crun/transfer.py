"""Moving images with skopeo: from registries, archives, layouts and a local Docker Engine.

Logins, mirrors and certificates are skopeo's business, and lie where people expect them:
REGISTRY_AUTH_FILE, containers' auth.json, ~/.docker/config.json, registries.conf, certs.d.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orchestr8.engines.crun import bounded
from orchestr8.engines.crun.bounded import Bounds
from orchestr8.engines.crun.image_failures import failure
from orchestr8.engines.image_facts import Identity, facts_of
from orchestr8.errors import RejectedError

REGISTRY = "docker://"
DAEMON = "docker-daemon:"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LOCAL = re.compile(r"(localhost|127(\.\d+){3})(:\d+)?$")
_CERTIFICATES = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))
_DEFAULT_REGISTRY = "docker.io"


class Arrived(Struct, frozen=True):
    """An image in an OCI layout: its digest where it came from, its id, its configuration."""

    layout: Path
    digest: str
    id: str
    config: dict[str, Any]


def at_registry(reference: str) -> str:
    """Where skopeo finds a reference; where it has a digest, the tag says nothing more."""
    name, at, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    tagless = f"{head}{slash}{last.partition(':')[0]}" if at else name
    return f"{REGISTRY}{tagless}{at}{digest}"


def bring(source: str, layout: Path, bounds: Bounds, doing: str) -> Arrived:
    """Copy an image into a layout, where parts of it may lie from a time before."""
    layout.mkdir(mode=0o700, parents=True, exist_ok=True)
    (layout / "index.json").unlink(missing_ok=True)  # or it names what came the time before
    registry = _registry(source)
    from_registry = source.startswith(REGISTRY)
    digest = _digest_at(source, doing) if from_registry else ""
    exact = f"{_nameless(source)}@{digest}" if from_registry else source
    command = [
        "skopeo", "copy", "--insecure-policy", "--quiet", *_plain(registry, "--src-tls-verify"),
        # Layers of gzip are left as they are; those of zstd umoci could not unpack.
        "--dest-compress-format", "gzip", *_daemon(source), exact, f"oci:{layout}:it",
    ]  # fmt: skip
    said = bounded.run(command, layout, bounds, doing)
    if said:
        raise failure(doing, said, registry)
    try:
        own_digest, image_id, config = _manifest(layout)
        facts_of(Identity("", image_id, own_digest), config.get("config") or {}, "")
    except (
        ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError
    ) as error:  # fmt: skip
        raise RejectedError(
            f"{doing}: what it says of itself cannot be read ({error})", "build it anew"
        ) from error
    return Arrived(layout, digest or own_digest, image_id, config)


def unpack(arrived: Arrived, root: Path, bounds: Bounds, doing: str) -> None:
    """All layers into one folder."""
    command = ["umoci", "raw", "unpack", "--image", f"{arrived.layout}:it", str(root)]
    said = bounded.run(command, root.parent, bounds, doing)
    if said:
        raise failure(doing, said, "")
    if not root.is_dir():  # as a layer's `.wh...` makes umoci do
        raise RejectedError(f"{doing}: the image deletes its own root folder", "build it anew")


def _digest_at(source: str, doing: str) -> str:
    """What a tag means now, of the list of all processors' variants where there is one.

    Asked first, so that what is copied is what is noted, whatever happens at the registry
    meanwhile; and so that it is the digest that every other tool shows.
    """
    registry = _registry(source)
    command = ["skopeo", "inspect", "--raw", *_plain(registry, "--tls-verify"), source]
    said, manifest = bounded.asked(command, doing)
    if said:
        raise failure(doing, said, registry)
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def _nameless(source: str) -> str:
    """A reference in a registry without its tag or digest."""
    name = source.removeprefix(REGISTRY).partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{REGISTRY}{head}{slash}{last.partition(':')[0]}"


def _registry(source: str) -> str:
    """The registry's name, or nothing for other sources."""
    if not source.startswith(REGISTRY):
        return ""
    first, slash, _ = source.removeprefix(REGISTRY).partition("/")
    named = slash and (first == "localhost" or "." in first or ":" in first)
    return first if named else _DEFAULT_REGISTRY


def _plain(registry: str, option: str) -> list[str]:
    """A registry on this machine may speak without TLS, as every engine lets it; not if somebody
    laid down its certificate."""
    known = any((folder / registry).is_dir() for folder in _CERTIFICATES)
    return [f"{option}=false"] if _LOCAL.match(registry) and not known else []


def _daemon(source: str) -> list[str]:
    host = os.environ.get("DOCKER_HOST", "") if source.startswith(DAEMON) else ""
    return ["--src-daemon-host", host] if host else []


def _manifest(layout: Path) -> tuple[str, str, dict[str, Any]]:
    """The manifest's digest, the configuration's, and the configuration, of an OCI layout.

    What is kept goes by the configuration, which names every layer; whoever unpacks compares each
    layer that the manifest has, and misses none that it does not have.
    """
    index = json.loads((layout / "index.json").read_text())
    digest = str(index["manifests"][0]["digest"])
    manifest = json.loads(_blob(layout, digest))
    image_id = str(manifest["config"]["digest"])
    # half a letter of UTF-16 is read by the other decoder, and could not be stored
    config = msgspec.json.decode(_blob(layout, image_id))
    has, named = len(manifest["layers"]), len(config["rootfs"]["diff_ids"])
    if has != named:
        raise ValueError(f"it has {has} layers, and its configuration names {named}")
    return digest, image_id, config


def _blob(layout: Path, digest: str) -> bytes:
    if not DIGEST.fullmatch(digest):
        raise RejectedError(f'the image names a part "{digest[:80]}"', "build it anew")
    file = layout / "blobs" / digest.replace(":", "/")
    if file.stat().st_size > bounded.DOCUMENT_BYTES_MAX:
        raise RejectedError(f"the image's part {digest} is too large for a text", "build it anew")
    content = file.read_bytes()
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
        raise RejectedError(f"the image's part {digest} is another one", "fetch it again")
    return content
