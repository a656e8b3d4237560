#!/usr/bin/python3
"""Build the demo images from this machine's Debian or Ubuntu packages, without any registry.

Each folder here with a recipe.toml becomes an archive in the form of `docker save`. What is up to
date is left as it is. Needs root (byte code is made by the image's own Python), apt and dpkg-deb
with package lists (`apt-get update`), and nothing that a minimal system lacks. Without such lists
archives that lie there already, brought from elsewhere, are taken as they are.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import platform
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder import archive, debian, layers
from builder.archive import Blob
from builder.debian import Package
from builder.layers import Stage
from builder.load import EngineError, lacks, load
from builder.recipe import Image, Recipes, read_recipes

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "images"
DEFAULT_USER = "65532:65532"


@dataclass
class Shelf:
    """The cache folder: archives, layers, package files, and an index of what made them."""

    folder: Path
    index: dict[str, dict[str, Any]]

    @classmethod
    def open(cls, folder: Path) -> Shelf:
        (folder / "layers").mkdir(parents=True, exist_ok=True)
        try:
            return cls(folder, json.loads((folder / "index.json").read_text()))
        except (OSError, ValueError):
            return cls(folder, {})

    def pool(self, names: list[str]) -> dict[str, Package]:
        """What apt offers, asked again only when its lists have changed."""
        state = debian.state(names)
        entry = self.index.get("pool", {})
        if entry.get("state") != state:
            pool = debian.resolve(names)
            packages = [asdict(package) for package in pool.values()]
            self.index["pool"] = {"state": state, "packages": packages}
            self.save()
            return pool
        return {fields["name"]: Package.of(fields) for fields in entry["packages"]}

    def save(self) -> None:
        file = self.folder / "index.json"
        half_made = file.with_suffix(".half-made")
        half_made.write_text(json.dumps(self.index, indent=1, sort_keys=True))
        half_made.rename(file)

    def archive(self, image_name: str) -> Path:
        return self.folder / f"{image_name}.tar"

    def has(self, image_name: str, digest: str) -> bool:
        known = self.index.get(image_name, {}).get("digest")
        return known == digest and self.archive(image_name).exists()


def main() -> int:
    arguments = _arguments()
    try:
        recipes = read_recipes(HERE)
        names = arguments.images or sorted(recipes.images)
        unknown = sorted(set(names) - set(recipes.images))
        if unknown:
            print(f"no recipe {', '.join(unknown)}; there are: {', '.join(recipes.images)}")
            return 2
        arguments.cache.mkdir(parents=True, exist_ok=True)
        with (arguments.cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once would write the same files
            shelf = Shelf.open(arguments.cache)
            if not debian.has_lists() and all(shelf.archive(name).exists() for name in names):
                print(f"{len(names)} images taken as they are: there are no package lists here")
            else:
                build(recipes, names, shelf)
        if arguments.load:
            socket_path = arguments.load.removeprefix("unix://")
            _load_missing(socket_path, names, Shelf.open(arguments.cache))
    except (debian.AptError, EngineError, FileNotFoundError, PermissionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: `{' '.join(error.cmd)}` ended with {error.returncode}", file=sys.stderr)
        return 1
    return 0


def build(recipes: Recipes, names: list[str], shelf: Shelf) -> None:
    """Make the archives that are not up to date."""
    began = time.monotonic()
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")
    wanted = {
        package
        for name in recipes.images
        for layer in recipes.chain(recipes.images[name].layer)
        for package in layer.packages
        if not package.endswith("*")
    }
    pool = shelf.pool(sorted(wanted))
    made = 0
    for name in names:
        image = recipes.images[name]
        chain = layers.stages(recipes.chain(image.layer), pool, suite)
        digest = layers.digest_of_bytes(f"{chain[-1].digest} {image}".encode())
        if not shelf.has(name, digest):
            _build_image(image, chain, pool, shelf, digest)
            made += 1
    taken = time.monotonic() - began
    print(f"{made} images built, {len(names) - made} were up to date ({taken:.1f} s)")


def _build_image(
    image: Image, chain: list[Stage], pool: dict[str, Package], shelf: Shelf, digest: str
) -> None:
    blobs = [_blob(chain[: count + 1], shelf) for count in range(len(chain))]
    tags = _tags(image, pool)
    settings = {"User": DEFAULT_USER, **image.config}
    data, image_id = archive.configuration(blobs, settings, _architecture(image.foreign))
    file = shelf.archive(image.name)
    archive.write(file, tags, blobs, data, image_id)
    shelf.index[image.name] = {
        "digest": digest,
        "id": image_id,
        "tags": tags,
        "layers": [f"sha256:{blob.digest}" for blob in blobs],
    }
    shelf.save()
    print(f"  {image.name}: {file.stat().st_size / 2**20:.1f} MiB, {', '.join(tags)}")


def _blob(chain: list[Stage], shelf: Shelf) -> Blob:
    """The uppermost layer as a file; made once for all images that stand on it."""
    stage = chain[-1]
    key = f"layer {stage.layer.name}"
    entry = shelf.index.get(key, {})
    file = shelf.folder / "layers" / f"{stage.layer.name}.tar"
    if entry.get("digest") != stage.digest or not file.exists():
        data = layers.make(chain, shelf.folder / "packages").as_tar()
        file.write_bytes(data)
        entry = {"digest": stage.digest, "tar": layers.digest_of_bytes(data)}
        shelf.index[key] = entry
    return Blob(stage.layer.name, file, entry["tar"])


def _tags(image: Image, pool: dict[str, Package]) -> list[str]:
    """The tags with the version filled in, and each version as coarse as it may be named."""
    tags = []
    for tag in image.tags:
        if "{upstream}" not in tag or not image.version_of:
            tags.append(tag)
            continue
        name = next(n for n in sorted(pool) if re.fullmatch(image.version_of, n))
        parts = pool[name].upstream.split(".")[:2]
        tags += [tag.replace("{upstream}", ".".join(parts[:n])) for n in range(1, len(parts) + 1)]
    return tags


def _architecture(foreign: bool) -> str:
    own = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if foreign:
        return "arm64" if own == "amd64" else "amd64"
    return own


def _load_missing(socket_path: str, names: list[str], shelf: Shelf) -> None:
    loaded = []
    for name in names:
        entry = shelf.index[name]
        if any(lacks(socket_path, tag, entry["id"], entry["layers"]) for tag in entry["tags"]):
            load(socket_path, shelf.archive(name))
            loaded.append(name)
    print(f"loaded {', '.join(loaded)}" if loaded else "the engine has all of them")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="*", help="which ones; all, if none is named")
    parser.add_argument("--load", metavar="SOCKET", help="load them into the engine at this socket")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where archives are kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
