"""Recipes: what is in a layer, and which layers and settings make an image."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Layer:
    """Files that images share: Debian packages, a folder of our own files, links."""

    name: str
    on: str | None = None
    packages: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # packages that the others ask for and no box needs
    prune: tuple[str, ...] = ()  # patterns of paths that are left out
    folders: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)  # a target may be a pattern
    write: dict[str, str] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)  # octal
    files: Path | None = None
    applets: bool = False  # a link for each program that busybox has
    compile: bool = False  # byte code for the Python files, made by the image's own Python


@dataclass(frozen=True)
class Image:
    """One archive: a top layer and the settings that an engine reads."""

    name: str  # of the archive
    tags: tuple[str, ...]  # {upstream} stands for the version of the package `version_of`
    layer: str
    version_of: str | None = None
    foreign: bool = False  # says that it is for another processor
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipes:
    layers: dict[str, Layer]
    images: dict[str, Image]

    def chain(self, layer_name: str) -> list[Layer]:
        """The layer and all below it, lowest first."""
        found: list[Layer] = []
        name: str | None = layer_name
        while name:
            found.insert(0, self.layers[name])
            name = self.layers[name].on
        return found


def read_recipes(folder: Path) -> Recipes:
    """All recipes below the folder: shared layers in layers.toml, an image a folder."""
    layers = {
        name: _layer(name, table, None)
        for name, table in tomllib.loads((folder / "layers.toml").read_text()).items()
    }
    images = {}
    for file in sorted(folder.glob("*/recipe.toml")):
        for layer, image in _folder_images(file):
            layers[layer.name] = layer
            images[image.name] = image
    return Recipes(layers, images)


def _folder_images(file: Path) -> Iterator[tuple[Layer, Image]]:
    """A recipe makes one image, or one for each of its `versions`."""
    recipe = tomllib.loads(file.read_text())
    versions = recipe.pop("versions", None)
    for version in versions or [None]:
        name = file.parent.name + (f"-{version}" if version else "")
        filled = _fill(recipe, version or "")
        image = Image(
            name=name,
            tags=tuple(filled.pop("tags")),
            layer=name,
            version_of=filled.pop("version_of", None),
            foreign=filled.pop("foreign", False),
            config=filled.pop("config"),
        )
        folder = file.parent / "files"
        yield _layer(name, filled, folder if folder.is_dir() else None), image


def _layer(name: str, table: dict[str, Any], files: Path | None) -> Layer:
    fields: dict[str, Any] = {"name": name, "files": files}
    for key, value in table.items():
        fields[key] = tuple(value) if isinstance(value, list) else value
    return Layer(**fields)


def _fill(value: Any, version: str) -> Any:
    if isinstance(value, str):
        return value.replace("{version}", version)
    if isinstance(value, list):
        return [_fill(item, version) for item in value]
    if isinstance(value, dict):
        return {key: _fill(item, version) for key, item in value.items()}
    return value
