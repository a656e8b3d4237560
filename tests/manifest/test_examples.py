"""Every manifest that this repository ships is read, checked, and taken by the JSON Schema."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from orchestr8.manifest.jsonschema import DIALECT, json_schema
from orchestr8.manifest.load import load
from orchestr8.manifest.model import ManifestSet, Source
from tests.manifest.json_values import json_value

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("[0-9]*") if path.is_dir())
MANIFESTS = sorted((ROOT / "manifests").glob("*.yaml"))
TEXTS = sorted(
    [
        *(path for folder in EXAMPLES for path in folder.glob("*.yaml")),
        *MANIFESTS,
        *Path(__file__).parent.glob("reference-*.yaml"),
    ]
)


def load_all(path: Path) -> ManifestSet:
    """A manifest, or every one directly in a folder, as one set without a fleet around it."""
    texts = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return load([Source(str(text), text.read_text("utf-8")) for text in texts], None)


def test_there_are_some() -> None:
    assert len(EXAMPLES) >= 5
    assert MANIFESTS


@pytest.mark.parametrize("path", [*EXAMPLES, *MANIFESTS], ids=lambda path: path.name)
def test_it_is_read_without_a_problem(path: Path) -> None:
    found = load_all(path)
    assert found.services or found.platform


def test_all_manifests_are_one_set() -> None:
    assert load_all(ROOT / "manifests").services


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_json_schema_takes_it(path: Path) -> None:
    schema = json_schema()
    assert schema["$schema"] == DIALECT
    jsonschema.validate(json_value(path.read_text("utf-8")), schema)
