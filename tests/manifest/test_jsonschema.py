"""The JSON Schema describes every key, agrees with `load`, and is a valid schema itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from orchestr8.errors import ManifestError
from orchestr8.manifest.jsonschema import json_schema
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Source
from orchestr8.manifest.schema import ServiceBlock
from tests.manifest import cases
from tests.manifest.json_values import json_value

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list):
        for item in schema:
            yield from properties(item, path)
    elif isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            yield f"{path}.{key}", value
        for key, value in schema.items():
            yield from properties(value, f"{path}.{key}" if key != "properties" else path)


def test_it_is_a_schema_of_its_dialect() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_key_of_ours_is_described() -> None:
    silent = [
        path
        for block, body in SCHEMA["$defs"].items()
        for path, field in properties(body, block)
        if not field.get("description") and ".overflow" not in path
    ]
    silent += [key for key, body in SCHEMA["properties"].items() if not body.get("description")]
    assert not silent


def test_it_knows_every_key_of_a_service() -> None:
    known = SCHEMA["$defs"]["ServiceBlock"]["properties"]
    assert list(known) == list(ServiceBlock.model_fields)
    assert list(known)[:2] == ["image", "run"]


def test_every_reference_leads_somewhere() -> None:
    text = str(SCHEMA)
    names = {part.partition("'")[0] for part in text.split("#/$defs/")[1:]}
    assert names <= SCHEMA["$defs"].keys()


def good_texts() -> Iterator[Any]:
    """Every text of the cases that `load` takes, with the values put in."""
    for path in cases.case_files():
        case, _ = cases.read(path)
        texts = case.get("files") or {cases.NAME: case.get("manifest", "")}
        for index, value in enumerate(case.get("values", [""])):
            filled = {name: text.replace("VALUE", str(value)) for name, text in texts.items()}
            try:
                load([Source(name, text) for name, text in filled.items()], None)
            except ManifestError:
                continue
            for name, text in filled.items():
                if "orchestr8" in text:
                    yield pytest.param(text, id=f"{path.stem}-{index}-{name}")


@pytest.mark.parametrize("text", list(good_texts()))
def test_it_takes_what_load_takes(text: str) -> None:
    VALIDATOR.validate(json_value(text))


@pytest.mark.parametrize(
    "line",
    [
        "memroy: 1",
        "limits: {memory: 128M}",
        "limits: {cpu: {maximum: 1}}",
        "args: serve",
        "publish: ['80:80']",
        "relax: [{cap.add: ALL}]",
        "relax: [{cap.ad: CHOWN}]",
        "relax: [{cap.add: CHOWN, user.root: {}}]",
        "replicas: many",
        "run: always",
        "health: {every: 2}",
        "connects: [db]",
    ],
)
def test_an_editor_sees_what_is_wrong(line: str) -> None:
    text = f"orchestr8: 1\nowner: me\nservices:\n  api:\n    image: api:1\n    {line}\n"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(json_value(text))
