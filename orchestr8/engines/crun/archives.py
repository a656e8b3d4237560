"""What images a file, folder or other store has that is named on the command line.

An archive of `docker save`, an OCI layout as a folder or as an archive, or a local Docker Engine.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestr8.errors import RejectedError

_DOCUMENT_BYTES_MAX = 4 << 20
_DAEMON = "docker-daemon:"
_NAME = "org.opencontainers.image.ref.name"
_FULL_NAME = "io.containerd.image.name"
_INDEX = "index.json"


class Offered(Struct, frozen=True):
    """One image: where skopeo finds it, and the names that it has there."""

    source: str
    names: tuple[str, ...]


def offered(place: str) -> tuple[Offered, ...]:
    """The images there; raises RejectedError where there is nothing of the kind."""
    if place.startswith(_DAEMON):
        name = place.removeprefix(_DAEMON)
        tagged = name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
        return (Offered(f"{_DAEMON}{tagged}", (tagged,)),)
    path = Path(place)
    if ":" in str(path.absolute()):
        raise RejectedError(
            f"{place} has a colon in its path, where skopeo looks for a name", "move it elsewhere"
        )
    if path.is_dir():
        return _of_layout(path)
    return _of_archive(path)


def _of_layout(folder: Path) -> tuple[Offered, ...]:
    try:
        index = json.loads((folder / _INDEX).read_bytes()[:_DOCUMENT_BYTES_MAX])
        return _of_index(index, f"oci:{folder.absolute()}")
    except FileNotFoundError:
        raise RejectedError(
            f"{folder} is no OCI layout: it has no {_INDEX}", "name a folder that has one"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RejectedError(f"{folder} is no OCI layout: {error}", "make it anew") from error


def _of_archive(archive: Path) -> tuple[Offered, ...]:
    try:
        with tarfile.open(archive) as opened:
            names = opened.getnames()
            if "manifest.json" in names:
                images = _document(opened, "manifest.json")
                return tuple(_of_docker(archive, images))
            return _of_index(_document(opened, _INDEX), f"oci-archive:{archive.absolute()}")
    except FileNotFoundError:
        raise RejectedError(f"{archive} is not there", "name a file that is") from None
    except (
        OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError,
        tarfile.TarError, EOFError,
    ) as error:  # fmt: skip
        why = str(error).partition(":\n")[0]  # tarfile's list of what it tried follows
        raise RejectedError(
            f"{archive} is no archive of images: {why}", "make it with `docker save`"
        ) from error


def _of_docker(archive: Path, images: Any) -> Iterable[Offered]:
    for number, image in enumerate(images):
        names = tuple(map(str, image.get("RepoTags") or ()))
        one = f":{names[0]}" if names else f":@{number}"
        yield Offered(f"docker-archive:{archive.absolute()}{one}", names)


def _of_index(index: Any, where: str) -> tuple[Offered, ...]:
    """Of a layout with one image the name is skopeo's own business, whatever it says."""
    notes = [one.get("annotations") or {} for one in index["manifests"]]
    found = []
    for note in notes:
        said = str(note.get(_NAME) or "")
        full = str(note.get(_FULL_NAME) or (said if ":" in said else ""))
        source = f"{where}:{said}" if len(notes) > 1 else where
        found.append(Offered(source, (full,) if full else ()))
    return tuple(found)


def _document(opened: tarfile.TarFile, name: str) -> Any:
    member = opened.extractfile(name)
    if member is None:
        raise KeyError(f"{name} is no file")
    return json.loads(member.read(_DOCUMENT_BYTES_MAX))
